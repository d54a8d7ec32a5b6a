"""Pairs of legs for parts of a position: sizes, siblings, limits, and the position's end."""

from pathlib import Path

import pytest
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import OrderKind, ProtectiveLeg, Side
from tidegate.domain.reports import CancelReason, OrderReport, Origin, RejectReason
from tidegate.ports.exchange import Accepted, Done, PositionStop, Rejected
from tidegate.ports.venue import PartialLegs, PartialStop

from .bench import ALWAYS, SYMBOL, Bench, plain

BUY, SELL = Side.BUY, Side.SELL


def holding(qty: str = "3", side: Side = BUY) -> Bench:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(side, qty))
    return bench


def part(
    qty: str,
    *,
    stop: str | None = None,
    target: str | None = None,
    stop_limit: str | None = None,
    target_limit: str | None = None,
) -> PartialStop:
    return PartialStop(
        symbol=SYMBOL,
        qty=Qty.of(qty),
        stop_loss=None if stop is None else ProtectiveLeg(price=Price.of(stop)),
        take_profit=None if target is None else ProtectiveLeg(price=Price.of(target)),
        stop_loss_limit=None if stop_limit is None else Price.of(stop_limit),
        take_profit_limit=None if target_limit is None else Price.of(target_limit),
    )


def add(bench: Bench, stop: PartialStop) -> None:
    outcome = bench.venue.add_partial_stop(stop)
    assert outcome == Done(time_ms=bench.venue.now_ms())


def refused(bench: Bench, stop: PartialStop) -> Rejected:
    before = bench.venue.open_orders()
    outcome = bench.venue.add_partial_stop(stop)
    assert isinstance(outcome, Rejected), outcome
    assert bench.venue.open_orders() == before
    return outcome


def waiting(bench: Bench) -> list[tuple[str, str, str]]:
    """Return every waiting leg as origin, quantity and trigger."""
    return [
        (o.origin.value, plain(o.qty), plain(o.trigger.price))
        for o in bench.venue.open_orders()
        if o.trigger is not None
    ]


def ended(bench: Bench) -> list[OrderReport]:
    history = bench.venue.order_history(SYMBOL, ALWAYS).rows
    return [o for o in history if o.client_id is None and o.cancel_reason is not None]


def test_each_call_adds_a_pair_of_its_own_size() -> None:
    bench = holding()
    add(bench, part("1", stop="19000", target="21000"))
    add(bench, part("2", stop="18000"))
    assert waiting(bench) == [
        ("stop_loss", "1", "19000"),
        ("take_profit", "1", "21000"),
        ("stop_loss", "2", "18000"),
    ]
    shown = [bench.venue.wire_order(o.venue_id) for o in bench.venue.open_orders()]
    assert all(order is not None and order.is_partial_leg for order in shown)
    assert bench.position().stop_loss is None, "the position itself has none"


def test_a_leg_that_fires_closes_its_part_and_takes_its_sibling_along() -> None:
    bench = holding()
    add(bench, part("2", stop="18000", target="22000"))
    add(bench, part("1", stop="19000", target="21000"))
    bench.price("19000")
    assert bench.fills()[1:] == [("sell", "1", "19000")]
    assert [(o.origin, o.cancel_reason) for o in ended(bench)] == [
        (Origin.TAKE_PROFIT, CancelReason.SIBLING_TRIGGERED)
    ]
    assert waiting(bench) == [("stop_loss", "2", "18000"), ("take_profit", "2", "22000")]


def test_they_stand_beside_the_legs_of_the_whole_position() -> None:
    bench = holding()
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("18500")))
    add(bench, part("1", target="21000"))
    assert bench.position().stop_loss == Price.of("18500")
    assert bench.position().take_profit is None
    bench.price("21000")
    assert waiting(bench) == [("stop_loss", "2", "18500")], "it is no sibling, and has new size"


def test_setting_the_legs_of_the_whole_position_leaves_those_of_its_parts_alone() -> None:
    bench = holding()
    add(bench, part("1", stop="19000"))
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("18500")))
    assert waiting(bench) == [("stop_loss", "1", "19000"), ("stop_loss", "3", "18500")]
    assert bench.position().stop_loss == Price.of("18500")
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("0")))
    assert waiting(bench) == [("stop_loss", "1", "19000")]


def test_a_short_is_mirrored() -> None:
    bench = holding(side=SELL)
    add(bench, part("1", stop="21000", target="19000"))
    bench.price("19000")
    assert bench.fills()[1:] == [("buy", "1", "19000")]


def test_no_leg_is_larger_than_the_position_and_none_outlives_it() -> None:
    bench = holding()
    add(bench, part("2", stop="19000", target="21000"))
    add(bench, part("1", stop="18000"))
    bench.send(bench.order(SELL, "1.5", reduce_only=True))
    assert [qty for _, qty, _ in waiting(bench)] == ["1.5", "1.5", "1"]
    bench.send(bench.order(BUY, "5"))
    assert [qty for _, qty, _ in waiting(bench)] == ["1.5", "1.5", "1"], "they never grow again"
    bench.send(bench.order(SELL, "6.5", reduce_only=True))
    assert waiting(bench) == []
    assert {o.cancel_reason for o in ended(bench)} == {CancelReason.POSITION_CLOSED}
    assert {o.status for o in ended(bench)} == {Status.DEACTIVATED}


def test_a_limit_leg_rests_once_it_fired_and_fills_at_its_price_as_maker() -> None:
    bench = holding()
    add(bench, part("1", stop="19000", target="21000", target_limit="21010"))
    assert [o.kind for o in bench.venue.open_orders()] == [OrderKind.MARKET, OrderKind.LIMIT]
    bench.price("21000")
    (resting,) = bench.venue.open_orders()
    assert (resting.status, resting.price) == (Status.NEW, Price.of("21010"))
    bench.price("21020")
    last = bench.executions()[-1]
    assert (plain(last.price), last.is_maker, last.origin) == ("21010", True, Origin.TAKE_PROFIT)


def test_cancelling_one_of_a_pair_ends_both() -> None:
    bench = holding()
    add(bench, part("1", stop="19000", target="21000"))
    add(bench, part("1", stop="18000"))
    target = next(o for o in bench.venue.open_orders() if o.origin is Origin.TAKE_PROFIT)
    assert isinstance(bench.venue.cancel(SYMBOL, target.venue_id), Accepted)
    assert waiting(bench) == [("stop_loss", "1", "18000")]
    assert [o.cancel_reason for o in ended(bench)] == [CancelReason.BY_USER] * 2


def test_at_most_twenty_of_a_kind_may_wait() -> None:
    bench = holding()
    for _ in range(20):
        add(bench, part("0.1", stop="19000"))
    add(bench, part("0.1", target="21000"))
    outcome = refused(bench, part("0.1", stop="19000"))
    assert (outcome.code, outcome.reason) == (110061, RejectReason.TOO_MANY_ORDERS)
    assert "at most 20" in outcome.message


@pytest.mark.parametrize(
    ("stop", "reason", "text"),
    [
        (part("3.001", stop="19000"), RejectReason.QTY_OUT_OF_RANGE, "0.001 to the position's 3"),
        (part("0.0005", stop="19000"), RejectReason.OFF_GRID, "not a multiple of 0.001"),
        (part("1", stop="20000"), RejectReason.STOP_ON_WRONG_SIDE, "should be lower than"),
        (part("1", target="20000"), RejectReason.STOP_ON_WRONG_SIDE, "should be higher than"),
        (part("1", stop="19000.05"), RejectReason.OFF_GRID, "stop loss 19000.05"),
        (
            part("1", target="21000", target_limit="21000.05"),
            RejectReason.OFF_GRID,
            "take profit limit 21000.05",
        ),
    ],
)
def test_what_the_venue_would_refuse_is_refused(
    stop: PartialStop, reason: RejectReason, text: str
) -> None:
    outcome = refused(holding(), stop)
    assert (outcome.code, outcome.reason) == (10001, reason)
    assert text in outcome.message


def test_nothing_is_protected_without_a_position() -> None:
    bench = Bench()
    bench.price("20000")
    outcome = refused(bench, part("1", stop="19000"))
    assert outcome.reason is RejectReason.NO_POSITION


def test_an_entrys_own_pair_has_the_size_that_it_filled() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "2", at="19900", stop="19000", target="21000")
    legs = PartialLegs(take_profit_limit=Price.of("21000"))
    assert isinstance(bench.venue.submit(order, legs=legs), Accepted)
    bench.price("19900", volume="0.5")
    assert [qty for _, qty, _ in waiting(bench)] == ["0.5", "0.5"]
    bench.price("19900", volume="100")
    assert waiting(bench) == [("stop_loss", "2", "19000"), ("take_profit", "2", "21000")]
    children = [o for o in bench.venue.open_orders() if o.client_id is None]
    assert {o.parent_client_id for o in children} == {order.client_id}
    assert [o.kind for o in children] == [OrderKind.MARKET, OrderKind.LIMIT]


def test_an_order_that_reverses_protects_what_it_opened() -> None:
    bench = holding("1")
    order = bench.order(SELL, "3", stop="21000")
    bench.venue.submit(order, legs=PartialLegs())
    assert waiting(bench) == [("stop_loss", "2", "21000")]


def test_a_later_fill_after_its_pair_has_fired_is_protected_too() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "2", at="19900", stop="19800")
    bench.venue.submit(order, legs=PartialLegs())
    bench.price("19900", volume="0.5")
    bench.price("19800", volume="0.5")
    assert bench.position().qty == Qty.of("0"), "the stop came first"
    bench.price("19850")
    assert bench.position().qty == Qty.of("1.5")
    assert waiting(bench) == [("stop_loss", "1.5", "19800")]


def test_an_entrys_own_pair_leaves_what_was_held_before_alone() -> None:
    bench = holding("3")
    order = bench.order(BUY, "2", at="19900", stop="19000")
    bench.venue.submit(order, legs=PartialLegs())
    bench.price("19900", volume="0.5")
    assert waiting(bench) == [("stop_loss", "0.5", "19000")]
    bench.price("19900", volume="100")
    assert waiting(bench) == [("stop_loss", "2", "19000")]


def test_a_leg_that_already_rests_as_a_limit_does_not_grow() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "2", at="19900", target="20000")
    bench.venue.submit(order, legs=PartialLegs(take_profit_limit=Price.of("20500")))
    bench.price("19900", volume="0.5")
    bench.price("20000")
    bench.price("19900", volume="100")
    assert waiting(bench) == [("take_profit", "0.5", "20000"), ("take_profit", "1.5", "20000")]
    statuses = [o.status for o in bench.venue.open_orders()]
    assert statuses == [Status.NEW, Status.UNTRIGGERED]


def test_pairs_are_kept_over_a_restart(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.price("20000")
    bench.send(bench.order(BUY, "3"))
    add(bench, part("1", stop="19000", target="21000"))
    bench.reopen()
    add(bench, part("1", stop="18000", target="22000"))
    bench.price("21000")
    assert waiting(bench) == [("stop_loss", "1", "18000"), ("take_profit", "1", "22000")]
    bench.venue.close()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"qty": "0", "stop": "1"}, "must be above zero"),
        ({"qty": "1"}, "a stop or a target is needed"),
        ({"qty": "1", "target": "1", "stop_limit": "1"}, "limit 1 without a stop"),
        ({"qty": "1", "stop": "1", "target_limit": "1"}, "limit 1 without a target"),
    ],
)
def test_a_pair_that_means_nothing_cannot_be_made(arguments: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        part(**arguments)
