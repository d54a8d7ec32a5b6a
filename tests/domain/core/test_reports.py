"""What the desk makes of reports and executions, in whatever order they race."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import Cancel, SetStop
from tidegate.domain.core.inputs import (
    CloseRequest,
    SpecsLoaded,
    TimePassed,
)
from tidegate.domain.core.state import State
from tidegate.domain.instrument import FeeRates
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.position import Position
from tidegate.domain.reports import (
    CancelReason,
    Execution,
    OrderReport,
    PositionReport,
)
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC
from tests.domain.samples import BTCUSDT

from .scenes import limit, opened, our_orders, placed, scripted
from .test_answers import T0, VENUE, given, name_of, resting, the_order

# Reports


def report(**changes: Any) -> tuple[State, OrderReport]:
    """Return a state with one resting entry and the venue's record of it, changed."""
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (found,) = our_orders(bench)
    return bench.runner.state, attrs.evolve(found, **changes)


def test_a_report_moves_the_order_and_says_what_the_venue_counts() -> None:
    state, found = report(
        status=Status.CANCELLED,
        qty_filled=Qty.of("0.004"),
        cancel_reason=CancelReason.BY_VENUE,
        venue_id=VENUE,
    )
    assert given(state, found, 6).events == (
        ev.OrderUpdated(
            client_id=name_of(state),
            venue_id=VENUE,
            status=Status.CANCELLED,
            qty_filled=Qty.of("0.004"),
            cancel_reason=CancelReason.BY_VENUE,
            time_ms=T0 + 6,
        ),
    )


def in_status(state: State, status: Status, **changes: Any) -> State:
    order = attrs.evolve(the_order(state), status=status, **changes)
    name = order.request.client_id
    books = attrs.evolve(state.books, orders={name: order})
    if order.is_settled:
        books = attrs.evolve(state.books, orders={}, finished={name: order})
    return attrs.evolve(state, books=books)


@pytest.mark.parametrize("status", [Status.LAPSED, Status.REJECTED])
def test_an_order_given_up_that_is_live_after_all_is_noted_and_cancelled_once(
    status: Status,
) -> None:
    state, found = report(status=Status.NEW)
    name, venue_id = name_of(state), the_order(state).venue_id
    given_up = in_status(state, status)
    made = given(given_up, found, 6)
    assert made.events == (
        ev.UpdateIgnored(client_id=name, present=status, reported=Status.NEW, time_ms=T0 + 6),
        ev.CancelIntended(symbol=BTC, client_id=name, venue_id=venue_id),
    )
    assert made.effects == (Cancel(symbol=BTC, client_id=name, venue_id=venue_id),)
    assert given(made.state, found, 7).events == ()


@pytest.mark.parametrize(
    ("present", "reported", "is_kept"),
    [
        (Status.PARTIALLY_FILLED, Status.NEW, False),
        (Status.NEW, Status.UNTRIGGERED, False),
        (Status.TRIGGERED, Status.UNTRIGGERED, False),
        (Status.NEW, Status.TRIGGERED, False),
        (Status.FILLED, Status.NEW, False),
        (Status.CANCELLED, Status.FILLED, True),
        (Status.FILLED, Status.CANCELLED, True),
        (Status.LAPSED, Status.CANCELLED, True),
    ],
)
def test_only_an_update_that_is_no_mere_echo_is_kept(
    present: Status, reported: Status, is_kept: bool
) -> None:
    state, found = report(status=reported)
    name = name_of(state)
    made = given(in_status(state, present), found, 6)
    kept = ev.UpdateIgnored(client_id=name, present=present, reported=reported, time_ms=T0 + 6)
    assert made.events == ((kept,) if is_kept else ())


def position(state: State, **changes: Any) -> PositionReport:
    return attrs.evolve(state.view.positions[BTC], **changes)


def test_a_report_of_the_same_sequence_is_taken_and_an_older_one_is_not() -> None:
    state = opened(ladder=()).runner.state
    known = state.view.positions[BTC]
    same = position(state, unrealised=known.unrealised, take_profit=Price.of("70000"))
    assert given(state, same).state.view.positions[BTC] == same
    older = attrs.evolve(same, sequence=known.sequence - 1)
    assert given(state, older).state.view.positions[BTC] == known


def test_a_stop_that_is_gone_does_not_come_back_with_a_late_answer_of_the_same_sequence() -> None:
    """Taking a stop away may move no sequence: of two reports of one, the later counts."""
    bench = opened(ladder=())
    shown = bench.venue.position(BTC)
    gone = attrs.evolve(shown, stop_loss=None, time_ms=shown.time_ms + 50)
    lost = given(bench.runner.state, gone, 50)
    assert [type(event) for event in lost.events] == [
        ev.StopChangedByHand,
        ev.FindingRaised,
        ev.StopLost,
    ]
    late = given(lost.state, shown, 100)
    assert (late.events, late.state.view.positions[BTC]) == ((), gone)
    moved = attrs.evolve(shown, sequence=shown.sequence + 1)
    assert given(lost.state, moved, 100).state.view.positions[BTC] == moved


def test_a_leverage_seen_at_the_venue_is_believed_where_another_was_known() -> None:
    state = opened(ladder=()).runner.state
    changed = position(state, leverage=Rate.of(7))
    known = ev.LeverageSet(symbol=BTC, leverage=Rate.of(7))
    assert given(state, changed).events[0] == known
    assert given(state, position(state, leverage=Rate.of(3))).events == ()
    unknown = attrs.evolve(state, books=attrs.evolve(state.books, leverage={}))
    assert known not in given(unknown, changed).events


def fired(**changes: Any) -> State:
    """Return a position of which a fired stop left 0.004 over."""
    state = opened(ladder=()).runner.state
    fields = {
        "last_close": CloseReason.STOP,
        "stop_confirmed": None,
        "verify_by_ms": T0 + 5_000,
        **changes,
    }
    trade = attrs.evolve(state.books.trades[BTC], **fields)
    return attrs.evolve(state, books=attrs.evolve(state.books, trades={BTC: trade}))


def is_closed_by(state: State, **changes: Any) -> bool:
    fields = {"stop_loss": None, "mark": Price.of("63990"), "qty": Qty.of("0.004"), **changes}
    made = given(state, position(state, **fields), 9)
    started = ev.CloseStarted(
        symbol=BTC, reason=CloseReason.STOP, key=state.books.trades[BTC].key, time_ms=T0 + 9
    )
    return started in made.events


def test_what_a_fired_stop_left_over_is_closed_where_no_stop_can_be_set_any_more() -> None:
    assert is_closed_by(fired())
    assert is_closed_by(fired(), mark=Price.of("64000"))
    assert not is_closed_by(fired(), mark=Price.of("64000.1"))
    assert not is_closed_by(fired(), stop_loss=Price.of("63000"))
    assert not is_closed_by(fired(), qty=Qty.of(0))
    for other in (
        {"last_close": CloseReason.TARGET},
        {"last_close": None},
        {"verify_by_ms": None},
        {"stop_wanted": None},
        {"closing": CloseReason.OPERATOR},
    ):
        assert not is_closed_by(fired(**other))


def test_a_specification_and_its_fees_replace_what_was_known_of_the_symbol_alone() -> None:
    state = opened().runner.state
    eth = attrs.evolve(BTCUSDT, symbol=Symbol("ETHUSDT"))
    fees = FeeRates(taker=Rate.of("0.001"), maker=Rate.of("0.002"))
    made = given(state, SpecsLoaded(instrument=eth, fees=fees))
    view = made.state.view
    assert dict(view.instruments) == {BTC: BTCUSDT, eth.symbol: eth}
    assert dict(view.fees) == {BTC: state.view.fees[BTC], eth.symbol: fees}
    assert (made.events, made.effects, made.state.books) == ((), (), state.books)


def test_a_stop_that_another_report_shows_is_set_again_when_its_time_has_come() -> None:
    state = opened(ladder=()).runner.state
    moved = position(state, stop_loss=Price.of("63000"))
    made = given(state, moved, 2_000)
    seen, raised = made.events[:2]
    assert isinstance(seen, ev.StopChangedByHand)
    assert seen.decision is ev.HandDecision.REVERTED
    assert isinstance(raised, ev.FindingRaised)
    assert made.events[2:] == (
        ev.StopLost(
            symbol=BTC,
            shown=Price.of("63000"),
            verify_by_ms=T0 + 7_000,
            time_ms=T0 + 2_000,
        ),
        ev.StopMoveIntended(symbol=BTC, price=Price.of("64000")),
    )
    assert made.effects == (SetStop(symbol=BTC, price=Price.of("64000")),)
    back = given(made.state, position(state, stop_loss=Price.of("64000")), 2_001)
    assert back.events == (
        ev.StopConfirmed(symbol=BTC, price=Price.of("64000"), time_ms=T0 + 2_001),
        ev.FindingSettled(finding_id=raised.finding_id, time_ms=T0 + 2_001),
    )
    assert given(back.state, position(state, stop_loss=Price.of("64000")), 2_002).events == ()


# Races


def close(key: str = "close01234567890") -> CloseRequest:
    return CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key=key)


def test_a_rung_whose_executions_have_all_come_needs_no_cancel() -> None:
    state = opened().runner.state
    first, second = state.books.orders.values()
    name = first.request.client_id
    whole = attrs.evolve(first, qty_filled=first.request.qty)
    raced = attrs.evolve(
        state, books=attrs.evolve(state.books, orders={**state.books.orders, name: whole})
    )
    cancels = [e for e in given(raced, close()).events if isinstance(e, ev.CancelIntended)]
    assert [event.client_id for event in cancels] == [second.request.client_id]


def test_a_foreign_position_is_closed_under_the_requests_own_key() -> None:
    state = opened(ladder=()).runner.state
    foreign = attrs.evolve(state, books=attrs.evolve(state.books, trades={}))
    (sent,) = given(foreign, close()).events
    assert isinstance(sent, ev.OrderIntended)
    assert (sent.trade_key, sent.order.client_id) == (
        "close01234567890",
        "tgclose01234567890-c-0",
    )
    entering = resting(status=Status.NEW)
    (cancel,) = given(entering, close()).events
    assert isinstance(cancel, ev.CancelIntended)
    assert cancel.client_id == name_of(entering)


def test_what_a_late_fill_opens_after_panic_is_closed_under_the_panics_key() -> None:
    state = opened(ladder=()).runner.state
    panic = ev.PanicStarted(cause="drill", key="panic01234567890", time_ms=T0)
    order = next(iter(state.books.finished.values()))
    late = Execution(
        execution_id="late",
        symbol=BTC,
        venue_id=VENUE,
        client_id=order.request.client_id,
        side=order.request.side,
        qty=Qty.of("0.001"),
        price=Price.of("65000"),
        fee=Money.of(0),
        is_maker=False,
        time_ms=T0,
    )
    over = attrs.evolve(state, books=attrs.evolve(state.books, panic=panic))
    started = [e for e in given(over, late).events if isinstance(e, ev.CloseStarted)]
    assert started == [
        ev.CloseStarted(symbol=BTC, reason=CloseReason.PANIC, key=panic.key, time_ms=T0)
    ]
    assert not [e for e in given(state, late).events if isinstance(e, ev.CloseStarted)]


def sold(qty: str) -> Execution:
    return Execution(
        execution_id="sold",
        symbol=BTC,
        venue_id=VENUE,
        client_id=None,
        side=Side.SELL,
        qty=Qty.of(qty),
        price=Price.of("65000"),
        fee=Money.of(0),
        is_maker=False,
        time_ms=T0,
    )


@pytest.mark.parametrize(
    ("ours", "all_held", "qty", "is_over"),
    [
        ("0.010", "0.020", "0.010", True),
        ("0.010", "0.020", "0.009", False),
        ("0.016", "0.010", "0.010", True),
        ("0.016", "0.010", "0.012", True),
        ("0.016", "0.010", "0.009", False),
    ],
)
def test_a_trade_is_over_when_its_share_is_sold_or_nothing_of_its_side_is_left(
    ours: str, all_held: str, qty: str, is_over: bool
) -> None:
    state = opened(ladder=()).runner.state
    trade = attrs.evolve(state.books.trades[BTC], qty_opened=Qty.of(ours))
    held = Position(qty=Qty.of(all_held), cost=Price.of("65000") * Qty.of(all_held))
    books = attrs.evolve(state.books, trades={BTC: trade}, positions={BTC: held})
    made = given(attrs.evolve(state, books=books), sold(qty))
    assert bool([e for e in made.events if isinstance(e, ev.TradeClosed)]) is is_over


def test_a_position_shown_bare_is_unprotected_though_another_stop_was_on_its_way() -> None:
    state = opened(ladder=()).runner.state
    held = state.books.trades[BTC]
    earlier = Price.of("63900")
    moving = attrs.evolve(held, stop_confirmed=earlier, stop_in_flight=held.stop_wanted)
    books = attrs.evolve(state.books, trades={BTC: moving})
    bared = given(attrs.evolve(state, books=books), position(state, stop_loss=None), 2_000)
    (lost,) = (event for event in bared.events if isinstance(event, ev.StopLost))
    assert (lost.shown, lost.verify_by_ms) == (None, T0 + 7_000)
    assert not bared.state.books.trades[BTC].is_protected
    late = given(bared.state, TimePassed(), 7_000)
    assert [type(event) for event in late.events][:2] == [ev.StopMissing, ev.CloseStarted]
