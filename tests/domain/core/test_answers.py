"""What the desk makes of each answer to a request: neither assumed, nor repeated, nor lost."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import Cancel, FindOrder, Place, ReadPosition, SetStop
from tidegate.domain.core.inputs import (
    CancelAnswered,
    CloseRequest,
    Input,
    OrderNotFound,
    PlaceAccepted,
    PlaceRefused,
    PlaceUnknown,
    SpecsLoaded,
    StopAnswered,
)
from tidegate.domain.core.state import Order, State
from tidegate.domain.core.step import Step, step
from tidegate.domain.instrument import FeeRates
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Side, Symbol, VenueOrderId
from tidegate.domain.position import Position
from tidegate.domain.reports import (
    CancelReason,
    Execution,
    OrderReport,
    PositionReport,
    RejectReason,
)
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC
from tests.domain.samples import BTCUSDT

from .scenes import config, limit, opened, our_orders, placed, scripted

T0 = 1_700_000_000_000
QUIET = config(poll_down_ms=None)
VENUE = VenueOrderId("v-5")
STRANGER = ClientId("not-in-the-books")


def resting(**changes: Any) -> State:
    """Return a state with one limit entry, its request under way unless told otherwise."""
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = bench.runner.state
    given = {"status": Status.INTENDED, "venue_id": None, **changes}
    order = attrs.evolve(state.books.orders[name], **given)
    return attrs.evolve(
        state,
        books=attrs.evolve(state.books, orders={name: order}),
        view=attrs.evolve(state.view, in_flight=frozenset({name})),
    )


def arrived(state: State) -> State:
    """Return the state with no request under way."""
    return attrs.evolve(state, view=attrs.evolve(state.view, in_flight=frozenset()))


def the_order(state: State) -> Order:
    (order,) = state.books.orders.values()
    return order


def name_of(state: State) -> ClientId:
    return the_order(state).request.client_id


def given(state: State, item: Input, at: int = 0) -> Step:
    return step(state, item, QUIET, T0 + at)


def question(state: State) -> FindOrder:
    return FindOrder(symbol=BTC, client_id=name_of(state))


def refusal(name: ClientId, reason: RejectReason = RejectReason.OTHER) -> PlaceRefused:
    return PlaceRefused(client_id=name, reason=reason, code=10001, message="not today")


# Accepted


def test_an_acceptance_gives_the_venues_id_once() -> None:
    state = resting()
    answer = PlaceAccepted(client_id=name_of(state), venue_id=VENUE)
    made = given(state, answer)
    assert made.events == (ev.OrderAcknowledged(client_id=name_of(state), venue_id=VENUE),)
    assert made.state.view.in_flight == frozenset()
    again = given(made.state, answer)
    assert (again.events, again.effects) == ((), ())


def test_an_acceptance_after_the_orders_own_record_says_nothing_new() -> None:
    state = resting(status=Status.NEW, venue_id=VenueOrderId("v-4"))
    made = given(state, PlaceAccepted(client_id=name_of(state), venue_id=VENUE))
    assert made.events == ()
    assert the_order(made.state).venue_id == "v-4"


# Refused


def test_a_refusal_is_recorded_with_the_venues_own_code_and_words() -> None:
    state = resting()
    made = given(state, refusal(name_of(state)), 9)
    assert made.events == (
        ev.OrderRefused(
            client_id=name_of(state),
            reason=RejectReason.OTHER,
            code=10001,
            message="not today",
            time_ms=T0 + 9,
        ),
    )
    assert made.state.view.in_flight == frozenset()
    assert dict(made.state.books.orders) == {}


def test_a_refusal_as_a_duplicate_means_that_the_venue_has_it_and_is_asked() -> None:
    state = resting()
    made = given(state, refusal(name_of(state), RejectReason.DUPLICATE_CLIENT_ID), 9)
    assert (made.events, made.effects) == ((), (question(state),))
    assert made.state.books == state.books
    assert made.state.view.asked_ms == {**state.view.asked_ms, name_of(state): T0 + 9}


def test_a_refused_rung_is_followed_by_the_other_levels() -> None:
    """The rung waits; a stop that was lost meanwhile is still looked after."""
    state = opened().runner.state
    name, rung = next(iter(state.books.orders.items()))
    trade = attrs.evolve(state.books.trades[BTC], stop_confirmed=None, verify_by_ms=T0 + 5_000)
    books = attrs.evolve(
        state.books,
        orders={**state.books.orders, name: attrs.evolve(rung, status=Status.INTENDED)},
        trades={BTC: trade},
    )
    bare = attrs.evolve(state, books=books, view=attrs.evolve(state.view, asked_ms={}))
    assert given(bare, refusal(name)).effects == (ReadPosition(symbol=BTC),)
    unknown = attrs.evolve(
        bare,
        books=attrs.evolve(
            books, orders={name: attrs.evolve(rung, status=Status.UNKNOWN, intended_ms=T0)}
        ),
    )
    lost = given(unknown, OrderNotFound(client_id=name, asked_ms=T0 + 9), 9)
    assert ev.OrderLapsed(client_id=name, time_ms=T0 + 9) in lost.events
    assert ReadPosition(symbol=BTC) in lost.effects


# Unknown


def test_an_order_without_an_answer_is_unknown_since_its_send_and_asked_for() -> None:
    state = resting()
    answer = PlaceUnknown(client_id=name_of(state), sent_ms=T0 + 3, cause="read timed out")
    made = given(state, answer, 9)
    assert made.events == (
        ev.OrderUnknown(client_id=name_of(state), sent_ms=T0 + 3, cause="read timed out"),
    )
    assert made.effects == (question(state),)
    assert made.state.view.in_flight == frozenset()
    order = the_order(made.state)
    assert (order.status, order.unknown_since_ms) == (Status.UNKNOWN, T0 + 3)


@pytest.mark.parametrize("status", [Status.FILLED, Status.CANCELLED])
def test_an_answer_about_an_order_that_is_over_changes_nothing(status: Status) -> None:
    state = resting(status=status)
    name = name_of(state)
    answers: tuple[Input, ...] = (
        refusal(name),
        PlaceUnknown(client_id=name, sent_ms=T0, cause="?"),
        OrderNotFound(client_id=name, asked_ms=T0 + 99_000),
        CancelAnswered(symbol=BTC, client_id=name, venue_id=None, refusal="too late"),
    )
    for answer in answers:
        made = given(arrived(state), answer, 99_000)
        assert (made.events, made.effects) == ((), ())


def test_an_answer_about_an_order_that_is_not_known_changes_nothing() -> None:
    state = resting()
    answers: tuple[Input, ...] = (
        PlaceAccepted(client_id=STRANGER, venue_id=VENUE),
        refusal(STRANGER),
        PlaceUnknown(client_id=STRANGER, sent_ms=T0, cause="?"),
        OrderNotFound(client_id=STRANGER, asked_ms=T0 + 99_000),
        CancelAnswered(symbol=BTC, client_id=STRANGER, venue_id=None, refusal="no"),
        CancelAnswered(symbol=BTC, client_id=None, venue_id=VENUE, refusal="no"),
    )
    for answer in answers:
        assert given(state, answer, 99_000) == Step(events=(), state=state, effects=())


# Not found


def test_not_found_is_believed_from_the_moment_it_is_final() -> None:
    settings = attrs.evolve(QUIET, not_found_final_ms=5_000)
    state = arrived(resting(status=Status.UNKNOWN, unknown_since_ms=T0 + 100, intended_ms=T0))
    name = name_of(state)
    early = OrderNotFound(client_id=name, asked_ms=T0 + 5_099)
    assert step(state, early, settings, T0 + 9_000).events == ()
    final = OrderNotFound(client_id=name, asked_ms=T0 + 5_100)
    made = step(state, final, settings, T0 + 9_000)
    assert made.events == (ev.OrderLapsed(client_id=name, time_ms=T0 + 9_000),)


def test_where_the_send_was_not_recorded_the_intent_counts() -> None:
    settings = attrs.evolve(QUIET, not_found_final_ms=5_000)
    state = arrived(resting(intended_ms=T0 + 200))
    name = name_of(state)
    for asked, count in ((5_199, 0), (5_200, 1)):
        answer = OrderNotFound(client_id=name, asked_ms=T0 + asked)
        assert len(step(state, answer, settings, T0 + 9_000).events) == count


def test_not_found_says_nothing_while_the_request_is_under_way() -> None:
    state = resting(intended_ms=T0)
    answer = OrderNotFound(client_id=name_of(state), asked_ms=T0 + 99_000)
    assert given(state, answer, 99_000).events == ()


def test_an_order_lost_in_no_time_is_sent_again_and_otherwise_lapses() -> None:
    state = arrived(resting(intended_ms=T0))
    name = name_of(state)
    again = given(state, OrderNotFound(client_id=name, asked_ms=T0))
    (effect,) = again.effects
    assert isinstance(effect, Place)
    assert effect.order.order == the_order(state).request
    assert (again.events, again.state.view.in_flight) == ((), frozenset({name}))
    later = given(state, OrderNotFound(client_id=name, asked_ms=T0 + 1), 1)
    assert later.events == (ev.OrderLapsed(client_id=name, time_ms=T0 + 1),)
    slow = attrs.evolve(QUIET, not_found_final_ms=5)
    odd = step(state, OrderNotFound(client_id=name, asked_ms=T0 + 5), slow, T0)
    assert odd.events == (ev.OrderLapsed(client_id=name, time_ms=T0),)


# Cancels and stops


def cancel_refused(state: State) -> CancelAnswered:
    return CancelAnswered(
        symbol=BTC, client_id=name_of(state), venue_id=VENUE, refusal="order not exists"
    )


def test_a_cancel_that_was_taken_waits_for_the_orders_record() -> None:
    state = resting(status=Status.NEW)
    taken = attrs.evolve(cancel_refused(state), refusal=None)
    assert given(state, taken) == Step(events=(), state=state, effects=())


def test_a_refused_cancel_is_recorded_and_the_order_looked_at() -> None:
    state = resting(status=Status.NEW, cancel_intended=True)
    made = given(state, cancel_refused(state), 4)
    assert made.events == (
        ev.CancelRefused(
            symbol=BTC, client_id=name_of(state), venue_id=VENUE, message="order not exists"
        ),
    )
    assert made.effects == (question(state),)


def test_a_cancel_of_what_still_waits_for_its_leverage_ends_it_here() -> None:
    state = resting(is_released=False)
    name = name_of(state)
    made = given(state, cancel_refused(state), 4)
    assert made.events == (ev.OrderLapsed(client_id=name, time_ms=T0 + 4),)
    assert (made.effects, made.state.view.in_flight) == ((), frozenset())


@pytest.mark.parametrize("status", [Status.LAPSED, Status.REJECTED])
def test_a_refused_cancel_of_an_order_given_up_is_recorded_and_not_asked_about(
    status: Status,
) -> None:
    state = resting(status=status, is_released=False)
    made = given(state, cancel_refused(state), 4)
    assert [type(event) for event in made.events] == [ev.CancelRefused]
    assert made.effects == ()


def test_a_refused_stop_is_recorded_with_the_venues_words_and_a_taken_one_is_not() -> None:
    state = opened().runner.state
    answer = StopAnswered(symbol=BTC, price=Price.of("64500"), refusal="too near")
    assert given(state, answer).events == (
        ev.StopMoveRefused(symbol=BTC, price=Price.of("64500"), message="too near"),
    )
    assert given(state, attrs.evolve(answer, refusal=None)).events == ()


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


def test_a_leverage_seen_at_the_venue_is_believed_where_another_was_known() -> None:
    state = opened(ladder=()).runner.state
    changed = position(state, leverage=Rate.of(7))
    assert given(state, changed).events == (ev.LeverageSet(symbol=BTC, leverage=Rate.of(7)),)
    assert given(state, position(state, leverage=Rate.of(3))).events == ()
    unknown = attrs.evolve(state, books=attrs.evolve(state.books, leverage={}))
    assert given(unknown, changed).events == ()


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
    assert made.events == (
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
