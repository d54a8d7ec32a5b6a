"""What a wire may do with orders beyond the exchange port: time, legs, self-match, records."""

from pathlib import Path

import attrs
import pytest
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Side, TriggerBy, VenueOrderId
from tidegate.domain.reports import CancelReason, Origin, RejectReason
from tidegate.ports.exchange import Accepted, PositionStop, Rejected
from tidegate.ports.venue import PartialLegs, SelfMatch

from .bench import PLAIN, SYMBOL, Bench, plain

BUY, SELL = Side.BUY, Side.SELL
SLOW = attrs.evolve(PLAIN, latency_ms=100)
NOTHING = ProtectiveLeg(price=Price.of("0"))


def leg(price: str, by: TriggerBy = TriggerBy.LAST) -> ProtectiveLeg:
    return ProtectiveLeg(price=Price.of(price), by=by)


def priced(price: str = "20000", bench: Bench | None = None) -> Bench:
    bench = Bench() if bench is None else bench
    bench.price(price)
    return bench


# Time


def test_time_alone_lets_a_request_that_is_due_have_its_effect() -> None:
    bench = priced(bench=Bench(config=SLOW))
    order, now_ms = bench.order(BUY, "1"), bench.venue.now_ms()
    assert bench.send(order).status is Status.ACKNOWLEDGED
    bench.venue.advance_to(now_ms + 99)
    assert bench.status(order) is Status.ACKNOWLEDGED
    bench.venue.advance_to(now_ms + 250)
    assert bench.status(order) is Status.FILLED
    assert [e.time_ms for e in bench.executions()] == [now_ms + 100]
    assert bench.venue.now_ms() == now_ms + 250


def test_requests_have_their_effects_in_the_order_of_their_times() -> None:
    bench = priced(bench=Bench(config=SLOW))
    order, now_ms = bench.order(BUY, "1", at="19000"), bench.venue.now_ms()
    bench.send(order)
    bench.venue.advance_to(now_ms + 50)
    bench.venue.cancel(SYMBOL, order.client_id)
    bench.messages.clear()
    bench.venue.advance_to(now_ms + 1_000)
    assert bench.status(order) is Status.CANCELLED
    assert bench.record(order).updated_ms == now_ms + 150


def test_each_request_has_its_effect_at_its_own_time() -> None:
    bench = priced(bench=Bench(config=SLOW))
    first_ms, orders = bench.venue.now_ms(), []
    for number in range(8):
        bench.venue.advance_to(first_ms + number)
        orders.append(bench.order(BUY, "1", at="19000"))
        bench.send(orders[-1])
    bench.venue.advance_to(first_ms + 1_000)
    effects = [bench.record(order).updated_ms for order in orders]
    assert effects == [first_ms + 100 + number for number in range(8)]


def test_time_never_goes_back_and_prices_keep_theirs() -> None:
    bench = priced()
    seen_ms = bench.venue.now_ms()
    bench.venue.advance_to(seen_ms + 500)
    bench.venue.advance_to(seen_ms + 400)
    bench.venue.advance_to(seen_ms - 1)
    assert bench.venue.now_ms() == seen_ms + 500
    assert bench.venue.ticker(SYMBOL).time_ms == seen_ms
    item = attrs.evolve(bench.trade("20001"), time_ms=seen_ms + 100)
    bench.feed(item)
    assert bench.venue.now_ms() == seen_ms + 500


def test_time_that_passed_is_kept(tmp_path: Path) -> None:
    bench = priced(bench=Bench(path=tmp_path / "paper.db"))
    later_ms = bench.venue.now_ms() + 5_000
    bench.venue.advance_to(later_ms)
    bench.reopen()
    assert bench.venue.now_ms() == later_ms
    bench.venue.close()


# Legs inside an order


def test_the_legs_of_a_resting_order_are_what_the_last_amendment_says() -> None:
    bench = priced()
    order = bench.order(BUY, "1", at="19000", stop="18000")
    bench.send(order)
    changed = bench.venue.amend(
        SYMBOL, order.client_id, stop_loss=leg("18500"), take_profit=leg("21000", TriggerBy.MARK)
    )
    assert isinstance(changed, Accepted)
    assert bench.record(order).stop_loss == leg("18500")
    assert bench.record(order).take_profit == leg("21000", TriggerBy.MARK)
    bench.price("19000")
    triggers = [order.trigger for order in bench.legs().values()]
    assert [plain(t.price) for t in triggers if t is not None] == ["18500", "21000"]


def test_a_leg_at_zero_clears() -> None:
    bench = priced()
    order = bench.order(BUY, "1", at="19000", stop="18000", target="21000")
    bench.send(order)
    bench.venue.amend(SYMBOL, order.client_id, stop_loss=NOTHING)
    assert bench.record(order).stop_loss is None
    assert bench.record(order).take_profit == leg("21000")
    bench.price("19000")
    assert list(bench.legs()) == [Origin.TAKE_PROFIT]


@pytest.mark.parametrize("stop", [None, "18000"])
def test_legs_that_are_so_already_are_not_modified(stop: str | None) -> None:
    bench = priced()
    order = bench.order(BUY, "1", at="19000", stop=stop)
    bench.send(order)
    same = NOTHING if stop is None else leg(stop)
    refused = bench.venue.amend(SYMBOL, order.client_id, stop_loss=same)
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.NOT_MODIFIED


def test_a_leg_on_the_wrong_side_of_the_price_as_it_would_be_is_refused() -> None:
    bench = priced()
    order = bench.order(BUY, "1", at="19000", stop="18000")
    bench.send(order)
    for stop, target in ((leg("19000"), None), (None, leg("19000"))):
        refused = bench.venue.amend(SYMBOL, order.client_id, stop_loss=stop, take_profit=target)
        assert isinstance(refused, Rejected)
        assert refused.reason is RejectReason.STOP_ON_WRONG_SIDE
    both = bench.venue.amend(
        SYMBOL, order.client_id, price=Price.of("19500"), stop_loss=leg("19400")
    )
    assert isinstance(both, Accepted)
    alone = bench.venue.amend(SYMBOL, order.client_id, price=Price.of("19300"))
    assert isinstance(alone, Rejected)
    assert alone.reason is RejectReason.STOP_ON_WRONG_SIDE


def test_legs_are_fixed_once_the_order_has_filled_at_all() -> None:
    bench = priced()
    order = bench.order(BUY, "2", at="19000", stop="18000")
    bench.send(order)
    bench.price("19000", volume="1")
    refused = bench.venue.amend(SYMBOL, order.client_id, stop_loss=leg("18500"))
    assert isinstance(refused, Rejected)
    assert "1.000 is filled" in refused.message or "1 is filled" in refused.message


def test_a_fill_on_the_way_wins_over_a_change_of_legs() -> None:
    bench = priced(bench=Bench(config=SLOW))
    order = bench.order(BUY, "2", at="19000", stop="18000")
    bench.send(order)
    bench.venue.advance_to(bench.venue.now_ms() + 100)
    bench.venue.amend(SYMBOL, order.client_id, stop_loss=leg("18500"))
    bench.feed(attrs.evolve(bench.trade("19000", "1"), time_ms=bench.venue.now_ms() + 50))
    bench.venue.advance_to(bench.venue.now_ms() + 100)
    assert bench.position().stop_loss == Price.of("18000")
    assert bench.record(order).stop_loss == leg("18000")


# Self-match prevention


def inside_the_spread() -> Bench:
    bench = Bench()
    bench.feed(bench.quote("19990", "20010"))
    return bench


@pytest.mark.parametrize(
    ("flag", "maker", "taker", "fills"),
    [
        (SelfMatch.NONE, Status.NEW, Status.FILLED, [("sell", "1", "19990")]),
        (SelfMatch.CANCEL_MAKER, Status.CANCELLED, Status.FILLED, [("sell", "1", "19990")]),
        (SelfMatch.CANCEL_TAKER, Status.NEW, Status.CANCELLED, []),
        (SelfMatch.CANCEL_BOTH, Status.CANCELLED, Status.CANCELLED, []),
    ],
)
def test_the_incoming_orders_flag_says_who_ends(
    flag: SelfMatch, maker: Status, taker: Status, fills: list[tuple[str, str, str]]
) -> None:
    bench = inside_the_spread()
    resting, incoming = bench.order(BUY, "1", at="20000"), bench.order(SELL, "1", at="19980")
    bench.send(resting)
    assert isinstance(bench.venue.submit(incoming, self_match=flag), Accepted)
    assert bench.status(resting) is maker
    assert bench.status(incoming) is taker
    assert bench.fills() == fills
    for order in (resting, incoming):
        if bench.status(order) is Status.CANCELLED:
            assert bench.record(order).cancel_reason is CancelReason.SELF_MATCH


def test_an_order_that_the_incoming_one_does_not_reach_stays() -> None:
    bench = inside_the_spread()
    below, behind = bench.order(BUY, "1", at="19980"), bench.order(BUY, "1", at="20000")
    bench.send(below)
    incoming = bench.order(SELL, "1", at="20005")
    bench.venue.submit(incoming, self_match=SelfMatch.CANCEL_BOTH)
    assert bench.status(incoming) is Status.NEW
    bench.venue.submit(bench.order(SELL, "1"), self_match=SelfMatch.CANCEL_BOTH)
    assert bench.status(below) is Status.NEW, "the market is better, and has enough"
    bench.venue.submit(behind, self_match=SelfMatch.CANCEL_BOTH)
    assert bench.status(behind) is Status.NEW, "a sell at 20005 is above a buy at 20000"


# Records


def test_a_wire_sees_what_an_order_came_with_also_after_its_end() -> None:
    bench = priced()
    order = bench.order(BUY, "1", slippage_max="0.01")
    record = bench.send(order)
    bench.price("20100")
    shown = bench.venue.wire_order(record.venue_id)
    assert shown is not None
    assert shown.report == bench.record(order)
    assert shown.slippage_max == Rate.of("0.01")
    assert shown.last_price_on_created == Price.of("20000")
    assert shown.fee == Money.of("11")
    assert shown.legs is None
    assert not shown.close_on_trigger
    assert bench.venue.wire_order(VenueOrderId("none")) is None


def test_a_wire_sees_a_legs_kind_and_a_trailing_distance() -> None:
    bench = priced()
    bench.send(bench.order(BUY, "1"))
    distance = Price.of("20000") - Price.of("19900")
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, trailing_distance=distance))
    shown = bench.venue.wire_order(bench.legs()[Origin.TRAILING_STOP].venue_id)
    assert shown is not None
    assert shown.trailing_distance == distance
    assert shown.trailing_activation is None
    assert shown.close_on_trigger
    assert not shown.is_partial_leg
    assert shown.fee == ZERO_MONEY


def test_a_limit_of_a_leg_that_the_order_lacks_is_refused() -> None:
    bench = priced()
    order = bench.order(BUY, "1", stop="19000")
    legs = PartialLegs(take_profit_limit=Price.of("21000"))
    refused = bench.venue.submit(order, legs=legs)
    assert isinstance(refused, Rejected)
    assert "take profit limit 21000 without a take profit" in refused.message
    off_grid = bench.venue.submit(order, legs=PartialLegs(stop_loss_limit=Price.of("18999.95")))
    assert isinstance(off_grid, Rejected)
    assert off_grid.reason is RejectReason.OFF_GRID
    assert bench.send(order).qty == Qty.of("1")
