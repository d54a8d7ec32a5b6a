"""What the desk makes of each answer to a request: neither assumed, nor repeated, nor lost."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import FindOrder, Place, ReadPosition
from tidegate.domain.core.inputs import (
    CancelAnswered,
    Input,
    OrderNotFound,
    PlaceAccepted,
    PlaceRefused,
    PlaceUnknown,
    StopAnswered,
)
from tidegate.domain.core.state import Order, State
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price
from tidegate.domain.orders import ClientId, VenueOrderId
from tidegate.domain.reports import (
    RejectReason,
)

from tests.application.bench import BTC

from .scenes import config, limit, opened, placed, scripted

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


def test_where_the_history_lags_not_found_is_believed_the_second_time_a_lag_later() -> None:
    """An order that has just ended may be in neither list; it was at the venue all the same."""
    settings = attrs.evolve(QUIET, not_found_final_ms=5_000, history_lag_ms=300)
    state = arrived(resting(intended_ms=T0))
    name = name_of(state)
    for asked, count in ((4_999, 0), (5_000, 0), (5_299, 0), (5_300, 1)):
        answer = OrderNotFound(client_id=name, asked_ms=T0 + asked)
        made = step(state, answer, settings, T0 + 9_000)
        lapsed = (ev.OrderLapsed(client_id=name, time_ms=T0 + 9_000),)
        assert made.events == lapsed[:count], asked
        state = made.state


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


@pytest.mark.parametrize("refusal", [None, "no answer: the connection broke"])
def test_after_each_answer_about_a_stop_the_position_is_read(refusal: str | None) -> None:
    state = opened().runner.state
    answer = StopAnswered(symbol=BTC, price=Price.of("64500"), refusal=refusal)
    assert given(state, answer).effects == (ReadPosition(symbol=BTC),)
    assert given(State(), answer).effects == (), "nothing is held whose stop could be looked at"
