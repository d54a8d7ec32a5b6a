"""When the desk wants to be woken: exactly when something is due, never in a loop, never late."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import Cancel, FindOrder, ReadActivity, ReadPosition, SetStop
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.state import LiveTrade, Order, State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Role, Trigger, TriggerDirection
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, make_bench, signal

from .scenes import config, limit, opened, placed, scripted

T0 = 1_700_000_000_000
QUIET = config(poll_down_ms=None)


def resting(**changes: Any) -> State:
    """Return a state with one resting limit entry that was sent at T0."""
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = bench.runner.state
    order = attrs.evolve(state.books.orders[name], **changes)
    return attrs.evolve(state, books=attrs.evolve(state.books, orders={name: order}))


def market(**changes: Any) -> State:
    """Return a state with one market entry at the venue that was sent at T0 and does not fill."""
    bench = scripted()
    name = placed(bench)
    state = bench.runner.state
    order = attrs.evolve(state.books.orders[name], **changes)
    return attrs.evolve(state, books=attrs.evolve(state.books, orders={name: order}))


def the_order(state: State) -> Order:
    (order,) = state.books.orders.values()
    return order


def held(**changes: Any) -> State:
    """Return a state with a protected long position of 0.010 and no rung, opened at T0."""
    state = opened(ladder=()).runner.state
    trade = attrs.evolve(state.books.trades[BTC], **changes)
    return attrs.evolve(state, books=attrs.evolve(state.books, trades={BTC: trade}))


def live(state: State) -> LiveTrade:
    return state.books.trades[BTC]


def viewed(state: State, **changes: Any) -> State:
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))


def due(state: State, at: int = 0, settings: CoreConfig = QUIET) -> int | None:
    """Return when the desk is woken, counted from T0, asked at ``at``."""
    when = deadline_ms(state, settings, T0 + at)
    return None if when is None else when - T0


def woken(state: State, at: int, settings: CoreConfig = QUIET) -> Step:
    return step(state, TimePassed(), settings, T0 + at)


# Orders in doubt


def test_an_order_that_rests_is_in_no_doubt() -> None:
    assert due(resting()) is None
    assert woken(resting(), 60_000).effects == ()


@pytest.mark.parametrize("status", [Status.INTENDED, Status.UNKNOWN])
def test_an_order_whose_arrival_is_not_known_is_asked_for_every_second(status: Status) -> None:
    state = resting(status=status)
    question = FindOrder(symbol=BTC, client_id=the_order(state).request.client_id)
    assert due(state) == 1_000
    assert woken(state, 999).effects == ()
    asked = woken(state, 1_000)
    assert (asked.events, asked.effects) == ((), (question,))
    assert due(asked.state, 1_000) == 2_000
    assert woken(asked.state, 1_999).effects == ()
    assert woken(asked.state, 2_000).effects == (question,)


def test_an_order_whose_request_is_under_way_is_not_asked_for() -> None:
    state = resting(status=Status.INTENDED)
    name = the_order(state).request.client_id
    assert due(viewed(state, in_flight=frozenset({name}))) is None
    assert woken(viewed(state, in_flight=frozenset({name})), 60_000).effects == ()


def test_an_order_that_ended_with_executions_missing_is_asked_for() -> None:
    state = resting(status=Status.CANCELLED, qty_reported=Qty.of("0.004"))
    assert due(state) == 1_000
    assert len(woken(state, 1_000).effects) == 1


def test_a_market_order_does_not_rest_and_one_with_a_trigger_does() -> None:
    assert due(market()) == 1_000
    waiting = market()
    order = the_order(waiting)
    trigger = Trigger(price=Price.of("66000"), direction=TriggerDirection.RISES_TO)
    request = attrs.evolve(order.request, trigger=trigger)
    assert due(market(request=request, status=Status.UNTRIGGERED)) is None
    # Once it was triggered it fills at once, as any market order does.
    assert due(market(request=request, status=Status.NEW)) == 1_000


def test_a_cancel_under_way_makes_a_resting_order_doubtful() -> None:
    assert due(resting(cancel_intended=True, cancel_wanted=True)) == 1_000


def test_a_cancel_that_failed_is_repeated_every_second_and_no_faster() -> None:
    state = resting(cancel_wanted=True)
    order = the_order(state)
    name = order.request.client_id
    tried = viewed(state, asked_ms={f"cancel {name}": T0 + 100})
    cancel = Cancel(symbol=BTC, client_id=name, venue_id=order.venue_id)
    assert order.venue_id is not None
    assert due(tried) == 1_100
    assert woken(tried, 1_099).effects == ()
    again = woken(tried, 1_100)
    assert again.effects == (cancel,)
    assert again.events == (ev.CancelIntended(symbol=BTC, client_id=name, venue_id=order.venue_id),)
    failed = attrs.evolve(
        again.state,
        books=attrs.evolve(again.state.books, orders=state.books.orders),
    )
    assert due(failed, 1_100) == 2_100
    assert due(state, 7) == 7


def test_a_pace_of_nothing_is_a_millisecond_and_never_a_loop() -> None:
    restless = attrs.evolve(QUIET, ask_again_ms=0)
    assert due(resting(status=Status.UNKNOWN), 0, restless) == 1
    tried = resting(cancel_wanted=True)
    name = the_order(tried).request.client_id
    subject = viewed(tried, asked_ms={f"cancel {name}": T0 + 100})
    assert due(subject, 100, restless) == 101


def test_the_earliest_of_all_that_waits_is_when_the_desk_is_woken() -> None:
    bench = scripted()
    placed(bench, "s1", entry=limit("64900"))
    placed(bench, "s2", entry=limit("64800"))
    state = bench.runner.state
    first, second = state.books.orders.values()
    orders = {
        first.request.client_id: attrs.evolve(first, status=Status.UNKNOWN, intended_ms=T0 + 50),
        second.request.client_id: attrs.evolve(second, status=Status.UNKNOWN, intended_ms=T0 + 20),
    }
    both = attrs.evolve(state, books=attrs.evolve(state.books, orders=orders))
    assert due(both) == 1_020


# Stops and closes


def test_a_protected_position_waits_for_nothing() -> None:
    assert due(held()) is None
    assert woken(held(), 60_000).events == ()


def test_a_stop_that_is_not_shown_is_read_back_then_set_and_at_last_means_closing() -> None:
    """Read at once, set a second later, and closed when the five seconds are over."""
    bare = held(stop_confirmed=None, verify_by_ms=T0 + 5_000)
    view = bare.view.positions[BTC]
    bare = viewed(bare, positions={BTC: attrs.evolve(view, stop_loss=None)}, asked_ms={})
    assert due(bare, 3) == 3
    read = woken(bare, 3)
    assert read.effects == (ReadPosition(symbol=BTC),)
    assert due(read.state, 3) == 1_003
    assert woken(read.state, 1_002).effects == ()
    tried = woken(read.state, 1_003)
    assert tried.events == (ev.StopMoveIntended(symbol=BTC, price=Price.of("64000")),)
    assert tried.effects == (SetStop(symbol=BTC, price=Price.of("64000")),)
    late = attrs.evolve(
        tried.state,
        view=attrs.evolve(
            tried.state.view, asked_ms=dict.fromkeys(tried.state.view.asked_ms, T0 + 4900)
        ),
    )
    assert due(late, 4_900) == 5_000
    assert woken(late, 4_999).events == ()
    closed = woken(late, 5_000)
    assert closed.events[:2] == (
        ev.StopMissing(symbol=BTC, wanted=Price.of("64000"), time_ms=T0 + 5_000),
        ev.CloseStarted(
            symbol=BTC, reason=CloseReason.UNPROTECTED, key=live(bare).key, time_ms=T0 + 5_000
        ),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"closing": CloseReason.SIGNAL},
        {"verify_by_ms": None},
        {"stop_wanted": None},
        {"stop_confirmed": Price.of("64001")},
    ],
    ids=str,
)
def test_no_stop_is_missing_where_none_is_awaited_or_a_tighter_one_was_shown(
    changes: dict[str, Any],
) -> None:
    state = held(**{"stop_confirmed": None, "verify_by_ms": T0 + 5, **changes})
    kinds = {type(event) for event in woken(state, 60_000).events}
    assert ev.StopMissing not in kinds


def test_without_a_wanted_stop_nothing_is_waited_for() -> None:
    assert due(held(stop_wanted=None, stop_confirmed=None)) is None
    assert due(held(stop_wanted=None)) is None


def test_a_stop_that_is_wanted_by_no_time_is_a_broken_book() -> None:
    with pytest.raises(AssertionError, match="BTCUSDT wants a stop by no time"):
        due(held(stop_confirmed=None, verify_by_ms=None))


def test_a_close_is_due_at_once_and_after_a_refusal_a_second_later() -> None:
    assert due(held(closing=CloseReason.SIGNAL), 9) == 9
    assert due(held(closing=CloseReason.SIGNAL, refused_ms=T0 + 300), 301) == 1_300
    refused = held(closing=CloseReason.SIGNAL, refused_ms=T0 + 300)
    assert woken(refused, 1_299).events == ()
    (sent,) = woken(refused, 1_300).events
    assert isinstance(sent, ev.OrderIntended)
    assert sent.order.purpose.role is Role.CLOSE


def test_a_close_that_is_under_way_or_has_nothing_left_is_not_due() -> None:
    closing = held(closing=CloseReason.SIGNAL)
    flat = attrs.evolve(closing, books=attrs.evolve(closing.books, positions={}))
    assert due(flat) is None
    assert woken(flat, 60_000).events == ()
    panicking = attrs.evolve(
        closing,
        books=attrs.evolve(
            closing.books,
            is_panic_running=True,
            panic=ev.PanicStarted(cause="x", key="k", time_ms=T0),
        ),
    )
    assert due(viewed(panicking, inventory_asked_ms=T0 + 500)) == 1_500
    assert due(viewed(panicking, inventory_asked_ms=None), 8) == 8


# Rungs


def waiting_rung(refusals: int, **changes: Any) -> State:
    """Return a protected position whose one rung is not at the venue."""
    rung = ev.PlannedRung(number=1, price=Price.of("66000"), qty=Qty.of("0.010"))
    given: dict[str, Any] = {"rungs": (rung,), "refusals": refusals, "refused_ms": T0 + 100}
    return held(**{**given, **changes})


@pytest.mark.parametrize(
    ("refusals", "wait_ms"),
    [(1, 1_000), (2, 2_000), (3, 4_000), (6, 32_000), (7, 64_000), (8, 64_000), (100, 64_000)],
)
def test_a_refused_rung_waits_twice_as_long_each_time_up_to_a_bound(
    refusals: int, wait_ms: int
) -> None:
    state = waiting_rung(refusals)
    assert due(state) == 100 + wait_ms
    assert woken(state, 99 + wait_ms).events == ()
    (sent,) = woken(state, 100 + wait_ms).events
    assert isinstance(sent, ev.OrderIntended)
    assert sent.order.purpose.rung == 1


def test_a_rung_that_was_never_refused_or_has_reduced_since_is_due_at_once() -> None:
    assert due(waiting_rung(0), 6) == 6
    assert due(waiting_rung(3, refused_ms=None), 6) == 6


def test_a_rung_wait_of_nothing_is_a_millisecond() -> None:
    restless = attrs.evolve(QUIET, close_retry_ms=0)
    assert due(waiting_rung(1), 0, restless) == 101
    assert due(waiting_rung(2), 0, restless) == 102


def test_a_rung_that_closed_its_part_or_is_at_the_venue_is_not_missing() -> None:
    assert due(waiting_rung(0, rung_closed={1: Qty.of("0.010")})) is None
    assert due(waiting_rung(0, rung_closed={1: Qty.of("0.009")}), 6) == 6
    assert due(waiting_rung(0, rung_closed={2: Qty.of("0.010")}), 6) == 6
    assert due(opened().runner.state) is None


def test_no_rung_is_due_while_the_position_closes_or_panic_runs_or_the_desk_is_halted() -> None:
    for refusals in (0, 3):
        closing = waiting_rung(refusals, closing=CloseReason.SIGNAL, refused_ms=T0 + 300)
        assert due(closing) == 1_300
    state = waiting_rung(3)
    halted = attrs.evolve(
        state,
        books=attrs.evolve(state.books, panic=ev.PanicStarted(cause="x", key="k", time_ms=T0)),
    )
    assert due(halted) is None
    assert woken(halted, 600_000).events == ()


# Reading the activity


def test_the_activity_is_read_at_the_pace_of_the_streams() -> None:
    polling = attrs.evolve(config(), poll_up_ms=60_000)
    state = viewed(held(), polled_ms=T0 + 10)
    down = viewed(state, stream_down_since_ms=T0)
    assert due(state, 0, polling) == 60_010
    assert due(down, 0, polling) == 2_010
    assert woken(down, 2_009, polling).effects == ()
    read = woken(down, 2_010, polling)
    (question,) = read.effects
    assert question == ReadActivity(since_ms=T0, stream_changes=1)
    assert read.state.view.polled_ms == T0 + 2_010
    assert due(viewed(down, polled_ms=None), 4, polling) == 4
    hasty = attrs.evolve(polling, poll_down_ms=0)
    assert due(down, 0, hasty) == 11


def test_the_activity_is_read_only_where_something_is_at_stake() -> None:
    polling = attrs.evolve(config(), poll_up_ms=60_000)
    flat = make_bench(config=polling).runner.state
    assert due(flat, 0, polling) is None
    assert due(viewed(resting(), polled_ms=T0), 0, polling) == 60_000
    unopened = attrs.evolve(held(), books=attrs.evolve(held().books, ledger=None, trades={}))
    assert due(unopened, 0, polling) is None


def test_an_entry_of_unknown_outcome_wakes_the_desk_until_it_is_certain() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000, poll_down_ms=None))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    for second in range(1, 6):
        assert due(bench.runner.state, 0, bench.runner.engine.config) == 1_000 * second
        bench.pass_time(1_000)
    assert due(bench.runner.state, 5_000, bench.runner.engine.config) is None
