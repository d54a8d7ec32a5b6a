"""Protection of positions: attached and set later, resized, ended, trailing, and bar paths.

Rules of Bybit V5 position/trading-stop, full mode.
"""

import attrs
import pytest
from tidegate.adapters.paper import PaperConfig, PathRule
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Distance, Money, Price, Qty
from tidegate.domain.orders import OrderKind, Side, TriggerBy, TriggerDirection
from tidegate.domain.reports import CancelReason, OrderReport, Origin, PositionReport
from tidegate.ports.exchange import Done, PositionStop, Rejected

from tests.adapters.paper.bench import PLAIN, SYMBOL, Bench

BUY, SELL = Side.BUY, Side.SELL


def long_with(stop: str | None, target: str | None, config: PaperConfig = PLAIN) -> Bench:
    bench = Bench(config=config)
    bench.price("20000")
    bench.send(bench.order(BUY, "1", stop=stop, target=target, client_id="entry"))
    return bench


def test_an_attached_stop_becomes_the_positions_with_the_first_fill() -> None:
    bench = Bench()
    bench.price("20000", volume="1")
    entry = bench.order(BUY, "3", at="20000", stop="19000", client_id="entry")
    bench.send(entry)
    leg = bench.legs()[Origin.STOP_LOSS]
    assert leg.status is Status.UNTRIGGERED
    assert (leg.side, leg.kind, leg.qty) == (SELL, OrderKind.MARKET, Qty.of("1"))
    assert leg.reduce_only
    assert leg.parent_client_id == "entry"
    assert leg.trigger is not None
    assert leg.trigger.direction is TriggerDirection.FALLS_TO
    assert bench.position().stop_loss == Price.of("19000")
    bench.price("20000", volume="2")
    assert bench.legs()[Origin.STOP_LOSS].qty == Qty.of("3")
    assert bench.legs()[Origin.STOP_LOSS].venue_id == leg.venue_id


def test_an_unfilled_entry_protects_nothing_yet() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="19500", stop="19000"))
    assert bench.legs() == {}


def test_a_stop_fills_at_market_and_takes_the_target_away() -> None:
    bench = long_with("19000", "21000")
    target = bench.legs()[Origin.TAKE_PROFIT]
    bench.messages.clear()
    bench.price("18900")
    assert bench.fills()[1:] == [("sell", "1", "18900")]
    assert bench.executions()[1].origin is Origin.STOP_LOSS
    assert bench.executions()[1].client_id is None
    assert bench.position().qty == Qty.of("0")
    assert bench.venue.open_orders() == ()
    (ended,) = [
        m for m in bench.messages if isinstance(m, OrderReport) and m.venue_id == target.venue_id
    ]
    assert (ended.status, ended.cancel_reason) == (
        Status.DEACTIVATED,
        CancelReason.SIBLING_TRIGGERED,
    )


def test_protection_shrinks_with_the_position_and_ends_with_it() -> None:
    bench = long_with("19000", "21000")
    bench.send(bench.order(SELL, "0.4", reduce_only=True))
    assert {leg.qty for leg in bench.legs().values()} == {Qty.of("0.6")}
    bench.messages.clear()
    bench.send(bench.order(SELL, "0.6", reduce_only=True))
    assert bench.legs() == {}
    ended = [m for m in bench.messages if isinstance(m, OrderReport) and m.client_id is None]
    assert {m.cancel_reason for m in ended} == {CancelReason.POSITION_CLOSED}
    assert {m.status for m in ended} == {Status.DEACTIVATED}


def test_a_reversal_ends_the_old_protection_and_begins_the_new_orders() -> None:
    bench = long_with("19000", None)
    old = bench.legs()[Origin.STOP_LOSS].venue_id
    bench.send(bench.order(SELL, "3", stop="20500"))
    leg = bench.legs()[Origin.STOP_LOSS]
    assert leg.venue_id != old
    assert (leg.side, leg.qty) == (BUY, Qty.of("2"))
    assert bench.position().stop_loss == Price.of("20500")


def test_a_second_entrys_stop_replaces_the_first_ones_and_keeps_its_order() -> None:
    bench = long_with("19000", None)
    before = bench.legs()[Origin.STOP_LOSS]
    bench.send(bench.order(BUY, "1", stop="19500"))
    after = bench.legs()[Origin.STOP_LOSS]
    assert (after.venue_id, after.qty) == (before.venue_id, Qty.of("2"))
    assert bench.position().stop_loss == Price.of("19500")


def test_a_later_fill_of_the_same_entry_does_not_undo_a_moved_stop() -> None:
    bench = Bench()
    bench.price("20000", volume="1")
    bench.send(bench.order(BUY, "3", at="20000", stop="19000"))
    moved = PositionStop(symbol=SYMBOL, stop_loss=Price.of("19800"))
    assert bench.venue.set_position_stop(moved) == Done(time_ms=bench.venue.now_ms())
    bench.price("20000", volume="1")
    assert bench.position().stop_loss == Price.of("19800")
    assert bench.legs()[Origin.STOP_LOSS].qty == Qty.of("2")


def test_protection_can_be_set_moved_and_cleared() -> None:
    bench = long_with(None, None)
    both = PositionStop(symbol=SYMBOL, stop_loss=Price.of("19000"), take_profit=Price.of("21000"))
    assert bench.venue.set_position_stop(both) == Done(time_ms=bench.venue.now_ms())
    again = bench.venue.set_position_stop(both)
    assert again == Done(time_ms=bench.venue.now_ms(), was_already=True)
    moved = PositionStop(symbol=SYMBOL, stop_loss=Price.of("19500"))
    bench.venue.set_position_stop(moved)
    assert bench.position().stop_loss == Price.of("19500")
    assert bench.position().take_profit == Price.of("21000")
    cleared = PositionStop(symbol=SYMBOL, take_profit=Price.of("0"))
    bench.venue.set_position_stop(cleared)
    assert set(bench.legs()) == {Origin.STOP_LOSS}


def test_protection_of_nothing_is_refused() -> None:
    bench = Bench()
    bench.price("20000")
    answer = bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("1000")))
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.message) == (10001, "can not set tp/sl/ts for zero position")


def test_a_request_that_gives_nothing_is_not_modified() -> None:
    bench = long_with(None, None)
    answer = bench.venue.set_position_stop(PositionStop(symbol=SYMBOL))
    assert isinstance(answer, Rejected)
    assert answer.code == 34040


@pytest.mark.parametrize(
    "stop",
    [
        PositionStop(symbol=SYMBOL, stop_loss=Price.of("20000")),
        PositionStop(symbol=SYMBOL, take_profit=Price.of("19999")),
        PositionStop(symbol=SYMBOL, stop_loss=Price.of("19000"), take_profit=Price.of("19000")),
        PositionStop(
            symbol=SYMBOL,
            trailing_distance=Distance.of("100"),
            trailing_activation=Price.of("19000"),
        ),
    ],
)
def test_protection_on_the_wrong_side_of_the_price_changes_nothing(stop: PositionStop) -> None:
    bench = long_with("19100", None)
    bench.messages.clear()
    before = bench.position()
    answer = bench.venue.set_position_stop(stop)
    assert isinstance(answer, Rejected)
    assert answer.code == 10001
    assert "should be" in answer.message
    assert bench.position() == before
    assert bench.messages == []


def test_a_stop_by_mark_is_fired_by_the_mark() -> None:
    bench = long_with(None, None)
    bench.feed(bench.mark("20000"))
    bench.venue.set_position_stop(
        PositionStop(symbol=SYMBOL, stop_loss=Price.of("19000"), stop_loss_by=TriggerBy.MARK)
    )
    bench.feed(attrs.evolve(bench.trade("18900"), time_ms=bench.venue.now_ms()))
    assert bench.position().qty == Qty.of("1")
    bench.feed(bench.mark("19000"))
    assert bench.position().qty == Qty.of("0")


def test_cancelling_the_leg_takes_the_protection_away() -> None:
    bench = long_with("19000", None)
    bench.venue.cancel(SYMBOL, bench.legs()[Origin.STOP_LOSS].venue_id)
    assert bench.position().stop_loss is None
    assert any(isinstance(m, PositionReport) and m.stop_loss is None for m in bench.messages[-2:])
    bench.price("18900")
    assert bench.position().qty == Qty.of("1")


def test_a_stop_that_finds_no_volume_leaves_the_rest_unprotected() -> None:
    # A full-mode stop is one market order: what the market does not take is cancelled.
    bench = long_with("19000", None)
    bench.price("18900", volume="0.4")
    assert bench.position().qty == Qty.of("0.6")
    assert bench.legs() == {}


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    bench = long_with(None, None)
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, trailing_distance=Distance.of("500")))
    assert bench.position().trailing_distance == Distance.of("500")
    bench.price("20400")
    bench.price("20000")  # best 20400: the stop is at 19900
    assert bench.position().qty == Qty.of("1")
    bench.price("19900")
    assert bench.fills()[1:] == [("sell", "1", "19900")]
    assert bench.executions()[1].origin is Origin.TRAILING_STOP


def test_a_trailing_stop_waits_for_its_activation_price() -> None:
    bench = long_with(None, None)
    bench.venue.set_position_stop(
        PositionStop(
            symbol=SYMBOL,
            trailing_distance=Distance.of("100"),
            trailing_activation=Price.of("20500"),
        )
    )
    bench.price("19800")
    assert bench.position().qty == Qty.of("1")
    bench.price("20600")  # active: the stop is at 20500
    bench.price("20500.1")
    assert bench.position().qty == Qty.of("1")
    bench.price("20450")
    assert bench.fills()[1:] == [("sell", "1", "20450")]


def test_a_trailing_stop_of_a_short_mirrors_that_of_a_long() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(SELL, "1"))
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, trailing_distance=Distance.of("500")))
    # Down to 19000 and up again: the stop at 19500 fires on the way.
    bench.feed(bench.bar("20000", "20000", "19000", "19600"))
    assert bench.fills()[1:] == [("buy", "1", "19500")]


def test_within_a_bar_the_stop_comes_before_the_target() -> None:
    bench = long_with("19500", "20500")
    bench.feed(bench.bar("20000", "20600", "19400", "20000"))
    assert bench.fills()[1:] == [("sell", "1", "19500")]


@pytest.mark.parametrize(
    ("rule", "fill"),
    [
        (PathRule.PESSIMISTIC, "19500"),
        (PathRule.LOW_FIRST, "19500"),
        (PathRule.HIGH_FIRST, "20500"),
    ],
)
def test_the_path_rule_decides_which_extreme_comes_first(rule: PathRule, fill: str) -> None:
    bench = long_with("19500", "20500", attrs.evolve(PLAIN, path=rule))
    bench.feed(bench.bar("20000", "20600", "19400", "20000"))
    assert bench.fills()[1:] == [("sell", "1", fill)]


def test_a_waiting_buy_sees_the_high_before_the_low_that_fills_it() -> None:
    # Were the low first, the entry would ride up to its target within the same bar.
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="19500", target="20500"))
    bench.feed(bench.bar("20000", "20600", "19400", "19900"))
    assert bench.fills() == [("buy", "1", "19500")]
    assert bench.position().qty == Qty.of("1")


def test_an_entry_and_its_stop_can_both_fill_on_one_way_down() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="19500", stop="19200"))
    bench.feed(bench.bar("20000", "20100", "19000", "19100"))
    assert bench.fills() == [("buy", "1", "19500"), ("sell", "1", "19200")]


def test_a_gap_through_the_stop_fills_at_the_open_and_costs_more_than_planned() -> None:
    bench = long_with("19500", None)
    bench.feed(bench.bar("19000", "19100", "18900", "19050"))
    assert bench.fills()[1:] == [("sell", "1", "19000")]
    # 100000 - 1000 - 0.00055 x (20000 + 19000) = 98978.55
    assert bench.account().equity == Money.of("98978.55")


def test_resting_reduce_only_orders_follow_the_position_down_and_end_with_it() -> None:
    bench = long_with("19000", None)
    rungs = [
        bench.order(SELL, qty, at=price, reduce_only=True)
        for qty, price in (("0.3", "20100"), ("0.3", "20200"), ("0.8", "20300"))
    ]
    for rung in rungs:
        bench.send(rung)
    bench.price("20200")
    assert bench.position().qty == Qty.of("0.4")
    assert bench.record(rungs[2]).qty == Qty.of("0.4")
    assert bench.legs()[Origin.STOP_LOSS].qty == Qty.of("0.4")
    bench.price("18900")
    done = bench.record(rungs[2])
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.REDUCE_ONLY)
    assert bench.venue.open_orders() == ()
