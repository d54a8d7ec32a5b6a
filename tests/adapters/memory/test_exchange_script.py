"""What the script can make the venue do, and what it refuses to."""

from collections.abc import Callable

import pytest
from tidegate.adapters.memory.options import (
    FillMode,
    MemoryOptions,
    ScriptError,
)
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Distance
from tidegate.domain.orders import ClientId, Side, TimeInForce, Trigger, TriggerDirection
from tidegate.domain.reports import (
    CancelReason,
    Origin,
    RejectReason,
)
from tidegate.ports.exchange import (
    Accepted,
    Done,
    PositionStop,
    Rejected,
)

from .scenes import SYMBOL, Scene, price, qty


def scripted() -> Scene:
    return Scene(MemoryOptions(fill_mode=FillMode.SCRIPTED))


def rising(at: str) -> Trigger:
    return Trigger(price=price(at), direction=TriggerDirection.RISES_TO)


# Scripted fills


def test_in_scripted_mode_nothing_fills_by_itself() -> None:
    scene = scripted()
    market, limit = scene.buy("0.2"), scene.buy("0.1", "59000")
    scene.script.move(SYMBOL, last=price("50000"))
    assert scene.held() == ZERO_QTY
    assert {scene.found(order).status for order in (market, limit)} == {Status.NEW}


def test_a_scripted_fill_has_the_given_size_and_price() -> None:
    scene = scripted()
    order = scene.buy("0.2")
    scene.script.fill(order, qty("0.05"), price("60010"))
    assert scene.found(order).status is Status.PARTIALLY_FILLED
    scene.script.fill(order, price=price("60020"))
    assert scene.found(order).status is Status.FILLED
    fills = scene.venue.executions(SYMBOL, scene.always()).rows
    assert [(row.qty, row.price) for row in fills] == [
        (qty("0.05"), price("60010")),
        (qty("0.15"), price("60020")),
    ]


def test_a_resting_order_filled_at_its_limit_is_a_maker() -> None:
    scene = scripted()
    maker, taker = scene.buy("0.1", "59000"), scene.buy("0.1", "60500")
    scene.script.fill(maker)
    scene.script.fill(taker)
    first, second = scene.venue.executions(SYMBOL, scene.always()).rows
    assert (first.is_maker, second.is_maker) == (True, False)


def test_what_no_venue_could_fill_is_a_script_error() -> None:
    scene = scripted()
    finished = scene.buy()
    scene.script.fill(finished)
    waiting = scene.place(scene.order(Side.BUY, trigger=rising("61000")))
    reducing = scene.place(scene.order(Side.SELL, "0.1", "61000", reduce_only=True))
    for order, amount in ((finished, "0.1"), (waiting, "0.1"), (reducing, "0.2")):
        before = scene.held()
        with pytest.raises(ScriptError):
            scene.script.fill(order, qty(amount))
        assert scene.held() == before
    with pytest.raises(ScriptError, match="knows no order"):
        scene.script.fill(ClientId("never-sent"))


def test_a_stop_fires_on_command() -> None:
    scene = scripted()
    scene.script.fill(scene.place(scene.order(Side.BUY, stop="59000", target="62000")))
    scene.script.trigger_stop(SYMBOL, price("58950"))
    assert scene.held() == ZERO_QTY
    last = scene.venue.executions(SYMBOL, scene.always()).rows[-1]
    assert (last.origin, last.price) == (Origin.STOP_LOSS, price("58950"))
    assert scene.venue.open_orders(SYMBOL) == ()
    with pytest.raises(ScriptError, match="no stop_loss"):
        scene.script.trigger_stop(SYMBOL, price("58950"))


def test_a_target_fires_on_command() -> None:
    scene = scripted()
    scene.script.fill(scene.place(scene.order(Side.BUY, stop="59000", target="62000")))
    scene.script.trigger_take_profit(SYMBOL, price("62000"))
    assert scene.held() == ZERO_QTY
    ended = scene.venue.order_history(SYMBOL, scene.always()).rows
    stop = next(row for row in ended if row.origin is Origin.STOP_LOSS)
    assert (stop.status, stop.cancel_reason) == (
        Status.DEACTIVATED,
        CancelReason.SIBLING_TRIGGERED,
    )


def test_a_conditional_order_fires_on_command_and_then_waits_for_its_fill() -> None:
    scene = scripted()
    order = scene.place(scene.order(Side.BUY, trigger=rising("61000")))
    scene.script.trigger(order)
    assert scene.found(order).status is Status.NEW
    scene.script.fill(order, price=price("61005"))
    assert scene.held() == qty("0.1")


def test_the_venue_cancels_on_command() -> None:
    scene = scripted()
    order = scene.buy()
    scene.script.expire(order, CancelReason.NOT_FULLY_FILLED)
    report = scene.found(order)
    assert (report.status, report.cancel_reason) == (
        Status.CANCELLED,
        CancelReason.NOT_FULLY_FILLED,
    )


def test_a_fill_can_outrun_a_cancel() -> None:
    """The cancel is acknowledged, but the order was filled before it got there."""
    scene = Scene()
    order = scene.buy("0.1", "59000")
    scene.script.outrun_cancel(order, price("59000"))
    assert isinstance(scene.venue.cancel(SYMBOL, order), Accepted)
    assert scene.found(order).status is Status.FILLED
    assert scene.held() == qty("0.1")


# Prices


def test_an_entry_and_its_stop_can_fall_into_one_move() -> None:
    """The move passes the limit 59,000 and its stop 58,500: filled, then stopped out at 58,000."""
    scene = Scene()
    scene.place(scene.order(Side.BUY, "0.1", "59000", stop="58500"))
    scene.script.move(SYMBOL, last=price("58000"))
    assert scene.held() == ZERO_QTY
    fills = scene.venue.executions(SYMBOL, scene.always()).rows
    assert [row.price for row in fills] == [price("59000"), price("58000")]


def test_each_order_finds_the_scripted_size_once_per_move() -> None:
    scene = Scene()
    order = scene.buy("0.5", "59000")
    for expected in ("0.2", "0.4", "0.5"):
        scene.script.move(SYMBOL, last=price("58000"), ask_size=qty("0.2"))
        assert scene.found(order).qty_filled == qty(expected)


def test_a_price_that_is_not_given_stays() -> None:
    scene = Scene()
    scene.script.move(SYMBOL, mark=price("59900"))
    scene.script.move(SYMBOL, ask=price("60001"))
    ticker = scene.venue.ticker(SYMBOL)
    assert (ticker.last, ticker.mark) == (price("60000"), price("59900"))
    assert (ticker.bid, ticker.ask) == (price("60000"), price("60001"))
    with pytest.raises(ScriptError, match="above ask"):
        scene.script.move(SYMBOL, bid=price("60002"))


def test_a_trailing_stop_waits_for_its_activation() -> None:
    """Active from 61,000 on with a distance of 500: the stop is 61,000 - 500, then follows."""
    scene = Scene()
    scene.buy()
    stop = PositionStop(
        symbol=SYMBOL, trailing_distance=Distance.of("500"), trailing_activation=price("61000")
    )
    assert isinstance(scene.venue.set_position_stop(stop), Done)
    scene.script.move(SYMBOL, last=price("59000"))
    assert scene.venue.open_orders(SYMBOL) == ()
    for last, at in (("61000", "60500"), ("61800", "61300"), ("61400", "61300")):
        scene.script.move(SYMBOL, last=price(last))
        (leg,) = scene.venue.open_orders(SYMBOL)
        assert leg.trigger is not None
        assert leg.trigger.price == price(at)
    scene.script.move(SYMBOL, last=price("61300"))
    assert scene.held() == ZERO_QTY
    assert scene.venue.position(SYMBOL).trailing_distance is None


def test_a_moved_stop_is_not_moved_back_by_a_later_fill_of_its_entry() -> None:
    scene = scripted()
    entry = scene.place(scene.order(Side.BUY, "0.2", stop="59000"))
    scene.script.fill(entry, qty("0.1"))
    scene.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=price("59500")))
    scene.script.fill(entry)
    assert scene.venue.position(SYMBOL).stop_loss == price("59500")
    (leg,) = scene.venue.open_orders(SYMBOL)
    assert leg.qty == qty("0.2")


def test_a_fill_after_the_position_closed_is_protected_again() -> None:
    """The rest of an entry that fills after a close must not stand without its stop."""
    scene = scripted()
    entry = scene.place(scene.order(Side.BUY, "0.2", stop="59000"))
    scene.script.fill(entry, qty("0.1"))
    scene.script.close_by_hand(SYMBOL)
    assert scene.venue.position(SYMBOL).stop_loss is None
    scene.script.fill(entry)
    assert scene.venue.position(SYMBOL).stop_loss == price("59000")


def test_resting_reductions_shrink_with_the_position() -> None:
    scene = Scene()
    scene.buy("0.3")
    target = scene.place(scene.order(Side.SELL, "0.3", "62000", reduce_only=True))
    scene.place(scene.order(Side.SELL, "0.1", reduce_only=True))
    assert scene.found(target).qty == qty("0.2")
    scene.script.close_by_hand(SYMBOL)
    report = scene.found(target)
    assert (report.status, report.cancel_reason) == (Status.CANCELLED, CancelReason.REDUCE_ONLY)


def test_a_conditional_reduction_with_nothing_left_opens_nothing() -> None:
    scene = Scene()
    order = scene.place(scene.order(Side.SELL, reduce_only=True, trigger=rising("61000")))
    scene.script.move(SYMBOL, last=price("61500"))
    assert scene.found(order).cancel_reason is CancelReason.REDUCE_ONLY
    assert scene.held() == ZERO_QTY


def test_a_reduction_beyond_the_position_is_trimmed() -> None:
    """At its place, and again when it is amended."""
    scene = Scene()
    scene.buy("0.3")
    target = scene.place(scene.order(Side.SELL, "0.5", "62000", reduce_only=True))
    assert scene.found(target).qty == qty("0.3")
    scene.venue.amend(SYMBOL, target, qty=qty("0.4"))
    assert scene.found(target).qty == qty("0.3")
    scene.script.move(SYMBOL, last=price("62500"))
    assert scene.held() == ZERO_QTY


def test_a_conditional_order_without_margin_ends_when_it_fires() -> None:
    """Nothing is locked while it waits; 5 at 60,000 and leverage 10 needs more than 30,000."""
    scene = Scene()
    order = scene.place(scene.order(Side.BUY, "5", trigger=rising("61000")))
    scene.script.move(SYMBOL, last=price("61000"))
    assert scene.found(order).cancel_reason is CancelReason.INSUFFICIENT_MARGIN
    assert scene.held() == ZERO_QTY


def test_only_so_many_conditional_orders_fit() -> None:
    scene = Scene(MemoryOptions(conditional_orders_max=2))
    for _ in range(2):
        scene.place(scene.order(Side.BUY, trigger=rising("61000")))
    refused = scene.send(scene.order(Side.BUY, trigger=rising("61000")))
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.code) == (RejectReason.TOO_MANY_ORDERS, 110009)


# Others' doings


def test_a_foreign_order_is_seen_but_not_ours() -> None:
    scene = Scene()
    venue_id = scene.script.foreign_order(
        SYMBOL, side=Side.SELL, qty=qty("0.1"), price=price("61000")
    )
    (order,) = scene.venue.open_orders(SYMBOL)
    assert (order.venue_id, order.client_id) == (venue_id, None)
    assert isinstance(scene.venue.cancel(SYMBOL, venue_id), Accepted)


def test_a_foreign_order_can_open_a_position() -> None:
    scene = Scene()
    scene.script.foreign_order(SYMBOL, side=Side.SELL, qty=qty("0.1"))
    assert scene.held() == qty("-0.1")
    with pytest.raises(ScriptError, match="refuses"):
        scene.script.foreign_order(SYMBOL, side=Side.SELL, qty=qty("0.00001"))


def test_a_close_by_hand_takes_the_protection_with_it() -> None:
    scene = Scene()
    scene.place(scene.order(Side.BUY, stop="59000"))
    scene.script.close_by_hand(SYMBOL)
    assert (scene.held(), scene.venue.open_orders(SYMBOL)) == (ZERO_QTY, ())
    assert scene.venue.executions(SYMBOL, scene.always()).rows[-1].client_id is None
    for act in (scene.script.close_by_hand, scene.script.liquidate):
        with pytest.raises(ScriptError, match="flat"):
            act(SYMBOL)


# Amendments


Act = Callable[[Scene, ClientId], object]
AMENDMENTS: dict[str, Act] = {
    "nothing": lambda scene, order: scene.venue.amend(SYMBOL, order),
    "the same": lambda scene, order: scene.venue.amend(SYMBOL, order, price=price("59000")),
    "a trigger": lambda scene, order: scene.venue.amend(
        SYMBOL, order, trigger_price=price("58000")
    ),
    "below the fill": lambda scene, order: scene.venue.amend(SYMBOL, order, qty=qty("0.1")),
    "beyond the margin": lambda scene, order: scene.venue.amend(SYMBOL, order, qty=qty("100")),
}


@pytest.mark.parametrize("name", sorted(AMENDMENTS))
def test_a_change_that_makes_no_sense_is_refused(name: str) -> None:
    scene = scripted()
    order = scene.buy("0.2", "59000")
    scene.script.fill(order, qty("0.1"))
    before = scene.found(order)
    assert isinstance(AMENDMENTS[name](scene, order), Rejected)
    assert scene.found(order) == before


def test_an_amended_price_that_crosses_trades_at_once() -> None:
    scene = Scene()
    order = scene.buy("0.1", "59000")
    scene.venue.amend(SYMBOL, order, price=price("60500"))
    assert scene.found(order).status is Status.FILLED


def test_a_post_only_order_amended_into_the_market_is_cancelled() -> None:
    scene = Scene()
    order = scene.place(scene.order(Side.BUY, "0.1", "59000", time_in_force=TimeInForce.POST_ONLY))
    scene.venue.amend(SYMBOL, order, price=price("60500"))
    assert scene.found(order).cancel_reason is CancelReason.POST_ONLY_WOULD_TAKE
    assert scene.held() == ZERO_QTY
