"""A cancel of every order, inventory by inventory: what is cancelled, how often, and what stays."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import (
    CancelRequest,
    CloseRequest,
    Input,
    Inventory,
    MassCancelRequest,
    PanicRequest,
)
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    Role,
    Side,
    Trigger,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.domain.reports import OrderReport, PositionReport
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, Bench

from .scenes import LADDER, config, limit, opened, our_orders, placed, scripted

T0 = 1_700_000_000_000
SETTINGS = config(poll_down_ms=None)
EVERYONES = MassCancelRequest(key="m", symbol=BTC, with_stops=False)


def give(state: State, item: Input, at: int = 0) -> Step:
    return step(state, item, SETTINGS, T0 + at)


def listed(*orders: OrderReport, held: PositionReport | None = None) -> Inventory:
    return Inventory(positions=() if held is None else (held,), orders=orders)


def foreign(**changes: Any) -> OrderReport:
    """Return somebody else's resting order."""
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    return attrs.evolve(report, client_id=None, venue_id=VenueOrderId("theirs"), **changes)


def cancels(made: Step) -> list[ev.CancelIntended]:
    return [event for event in made.events if isinstance(event, ev.CancelIntended)]


def started(bench: Bench) -> State:
    return give(bench.runner.state, EVERYONES).state


def test_a_foreign_order_is_cancelled_by_both_of_its_ids_and_once_in_a_while() -> None:
    order = attrs.evolve(foreign(), client_id=ClientId("theirs-1"))
    first = give(started(scripted()), listed(order))
    wanted = ev.CancelIntended(
        symbol=BTC, client_id=ClientId("theirs-1"), venue_id=VenueOrderId("theirs")
    )
    assert cancels(first) == [wanted]
    soon = give(first.state, listed(order), 999)
    assert cancels(soon) == []
    assert cancels(give(soon.state, listed(order), 1_000)) == [wanted]


def test_an_order_of_ours_whose_cancel_is_out_is_not_cancelled_again() -> None:
    bench = scripted()
    placed(bench, entry=limit("64900"))
    begun = give(bench.runner.state, EVERYONES)
    assert len(cancels(begun)) == 1
    again = give(begun.state, listed(*our_orders(bench)), 5_000)
    assert cancels(again) == []
    assert again.state.books.mass_cancel is not None


def short() -> PositionReport:
    report = opened(ladder=()).venue.position(BTC)
    return attrs.evolve(report, qty=Qty.of("-0.010"), stop_loss=None, sequence=10_000)


@pytest.mark.parametrize(
    ("side", "direction", "stays"),
    [
        (Side.BUY, TriggerDirection.RISES_TO, True),
        (Side.BUY, TriggerDirection.FALLS_TO, False),
        (Side.SELL, TriggerDirection.RISES_TO, False),
    ],
    ids=["stop", "target", "other-side"],
)
def test_a_stop_of_somebody_elses_short_stays(
    side: Side, direction: TriggerDirection, stays: bool
) -> None:
    order = foreign(
        side=side,
        kind=OrderKind.MARKET,
        price=None,
        trigger=Trigger(price=Price.of("66000"), direction=direction),
        reduce_only=True,
    )
    made = give(started(scripted()), listed(order, held=short()))
    assert [event.venue_id for event in cancels(made)] == ([] if stays else ["theirs"])
    assert (made.state.books.mass_cancel is None) is stays


def test_the_close_of_a_position_is_neither_cancelled_nor_waited_for() -> None:
    bench = scripted()
    name = placed(bench)
    bench.venue.script.fill(name)
    bench.runner.drain()
    close = CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key="close01234567890")
    state = give(bench.runner.state, close).state
    (order,) = [o for o in state.books.orders.values() if o.role is Role.CLOSE]
    report = foreign(
        side=Side.SELL, kind=OrderKind.MARKET, price=None, reduce_only=True, qty=Qty.of("0.010")
    )
    report = attrs.evolve(report, client_id=order.request.client_id)
    made = give(give(state, EVERYONES).state, listed(report))
    assert cancels(made) == []
    (ended,) = [event for event in made.events if isinstance(event, ev.MassCancelEnded)]
    assert ended.remaining == ()


def test_where_there_is_no_ladder_no_rung_is_given_up() -> None:
    state = opened(ladder=()).runner.state
    every = CancelRequest(key="c", client_id=None, symbol=None)
    for request in (EVERYONES, every):
        assert not [e for e in give(state, request).events if isinstance(e, ev.RungsDropped)]


def test_a_rung_that_is_left_of_a_trade_that_ended_is_cancelled_and_none_is_given_up() -> None:
    state = opened(ladder=LADDER).runner.state
    left = attrs.evolve(state, books=attrs.evolve(state.books, trades={}))
    name = next(iter(left.books.orders))
    made = give(left, CancelRequest(key="c", client_id=name, symbol=None))
    assert [event.client_id for event in cancels(made)] == [name]
    assert not [event for event in made.events if isinstance(event, ev.RungsDropped)]


def test_a_refusal_while_panic_runs_names_the_symbol() -> None:
    state = give(opened().runner.state, PanicRequest(cause="drill", key="panic01234567890")).state
    (refused,) = give(state, EVERYONES).events
    assert isinstance(refused, ev.RequestRefused)
    assert refused.symbol == BTC
