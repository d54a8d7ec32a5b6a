"""An outage of the streams: reducing after the grace time, and back only after a reading."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import ReadActivity
from tidegate.domain.core.inputs import ActivityRead, StateRequest, TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import Role
from tidegate.domain.reports import StreamReport, StreamState
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import LADDER, config, limit, only, opened, orders_of, placed, scripted

T0 = 1_700_000_000_000
GRACE_MS = 15_000
NEEDED = attrs.evolve(config(), streams_needed=True)


def told(state: State, word: StreamState, at: int, settings: CoreConfig = NEEDED) -> Step:
    return step(state, StreamReport(state=word, time_ms=T0 + at), settings, T0 + at)


def down(state: State, at: int = 0) -> State:
    return told(state, StreamState.DOWN, at).state


def up(state: State, at: int) -> Step:
    return told(state, StreamState.UP, at)


def woken(state: State, at: int, settings: CoreConfig = NEEDED) -> Step:
    return step(state, TimePassed(), settings, T0 + at)


def read(state: State, question: ReadActivity, at: int, settings: CoreConfig = NEEDED) -> Step:
    """Answer a question about the activity with what the books hold: nothing."""
    answer = ActivityRead(
        positions=(),
        orders=(),
        unreadable_count=question.unreadable_count,
        stream_changes=question.stream_changes,
    )
    return step(state, answer, settings, T0 + at)


def flat() -> State:
    return make_bench(config=NEEDED).runner.state


def lost() -> State:
    """Return a desk that is reducing since its streams are down."""
    return woken(down(flat()), GRACE_MS + 1).state


def the_question(made: Step) -> ReadActivity:
    """Return the question for the activity; those for the records stand beside it."""
    (question,) = (effect for effect in made.effects if isinstance(effect, ReadActivity))
    return question


def test_after_the_grace_time_the_desk_reduces_and_the_journal_says_why() -> None:
    state = down(flat())
    assert deadline_ms(state, NEEDED, T0) == T0 + GRACE_MS + 1
    assert woken(state, GRACE_MS).events == ()
    made = woken(state, GRACE_MS + 1)
    cause = "the streams are down, for longer than 15000 ms"
    event = ev.StreamsLost(cause=cause, since_ms=T0, time_ms=T0 + GRACE_MS + 1)
    assert made.events == (event,)
    assert made.state.books.streams_lost == event
    assert made.state.books.effective_state is TradingState.REDUCING
    assert made.state.books.trading_state is TradingState.ACTIVE
    assert deadline_ms(made.state, NEEDED, T0 + GRACE_MS + 1) is None
    assert woken(made.state, GRACE_MS * 3).events == ()


def test_streams_that_nobody_needs_stop_nothing() -> None:
    idle = config()
    state = told(make_bench(config=idle).runner.state, StreamState.DOWN, 0, idle).state
    assert deadline_ms(state, idle, T0) is None
    assert woken(state, GRACE_MS * 9, idle).events == ()


def test_an_outage_that_begins_in_the_future_is_believed_at_once() -> None:
    """Its length cannot be told: a lead up to the permitted one is waited for, more is not."""
    lead_ms = NEEDED.limits.clock_lead_ms_max
    report = StreamReport(state=StreamState.DOWN, time_ms=T0 + lead_ms)
    near = step(flat(), report, NEEDED, T0).state
    assert deadline_ms(near, NEEDED, T0) == T0 + lead_ms + GRACE_MS + 1
    far = step(flat(), attrs.evolve(report, time_ms=T0 + lead_ms + 1), NEEDED, T0).state
    assert deadline_ms(far, NEEDED, T0) == T0
    (event,) = woken(far, 0).events
    assert isinstance(event, ev.StreamsLost)


def test_up_again_is_not_enough_and_a_reading_after_it_is() -> None:
    back = up(lost(), 20_000)
    assert back.events == ()
    assert back.state.books.effective_state is TradingState.REDUCING
    done = read(back.state, the_question(back), 20_050)
    assert done.events == (ev.StreamsRegained(time_ms=T0 + 20_050),)
    assert done.state.books.effective_state is TradingState.ACTIVE
    assert done.state.view.stream_down_since_ms is None
    assert deadline_ms(done.state, NEEDED, T0 + 20_050) is None


def test_a_reading_that_was_asked_for_before_or_during_the_outage_says_nothing() -> None:
    early = ReadActivity(since_ms=T0)
    state = lost()
    assert read(state, early, 19_000).events == ()
    during = the_question(up(state, 20_000))
    flapped = down(up(state, 20_000).state, 20_010)
    assert read(flapped, during, 20_020).events == ()
    again = up(flapped, 20_030)
    assert read(again.state, during, 20_040).events == ()
    assert read(again.state, the_question(again), 20_050).events != ()


def test_a_stream_that_flaps_does_not_begin_its_grace_time_anew() -> None:
    state = down(flat())
    for at in range(2_000, GRACE_MS, 4_000):
        state = down(up(state, at).state, at + 1_000)
    assert state.view.stream_down_since_ms == T0
    (event,) = (e for e in woken(state, GRACE_MS + 1).events if isinstance(e, ev.StreamsLost))
    assert event.since_ms == T0


def test_up_and_never_read_is_an_outage_too_and_the_reading_is_asked_for_again() -> None:
    back = up(down(flat(), 0), 1_000)
    assert deadline_ms(back.state, NEEDED, T0 + 1_000) == T0 + 1_000 + 2_000
    again = woken(back.state, 3_000)
    assert the_question(again) == the_question(back)
    late = woken(again.state, GRACE_MS + 1)
    assert [event for event in late.events if isinstance(event, ev.StreamsLost)] == [
        ev.StreamsLost(
            cause=(
                "the streams are up again, and the account could not be read, for longer than "
                "15000 ms"
            ),
            since_ms=T0,
            time_ms=T0 + GRACE_MS + 1,
        )
    ]
    assert deadline_ms(late.state, NEEDED, T0 + GRACE_MS + 1) == T0 + GRACE_MS + 1 + 2_000


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_an_operators_state_is_never_loosened_by_streams_that_come_back(
    state: TradingState,
) -> None:
    wish = StateRequest(state=state, cause="news")
    held_back = step(lost(), wish, NEEDED, T0 + GRACE_MS + 2).state
    assert held_back.books.effective_state is state
    back = up(held_back, 20_000)
    done = read(back.state, the_question(back), 20_050).state
    assert done.books.streams_lost is None
    assert done.books.effective_state is state


def test_an_operator_cannot_talk_the_outage_away() -> None:
    wish = StateRequest(state=TradingState.ACTIVE, cause="go on")
    state = step(lost(), wish, NEEDED, T0 + GRACE_MS + 2).state
    assert state.books.effective_state is TradingState.REDUCING


def test_resting_entries_leave_the_venue_and_what_protects_stays() -> None:
    bench = scripted()
    first = placed(bench, "s1", entry=limit("64900"), ladder=LADDER)
    placed(bench, "s2", entry=limit("64800"), ladder=LADDER)
    bench.venue.script.fill(first)
    bench.runner.drain()
    (entry,) = orders_of(bench, Role.ENTRY)
    lost_ones = woken(down(bench.runner.state), GRACE_MS + 1).events
    cancels = [event for event in lost_ones if isinstance(event, ev.CancelIntended)]
    assert [cancel.client_id for cancel in cancels] == [entry.request.client_id]


def test_a_restart_is_still_reducing_until_it_has_read() -> None:
    """The books alone are kept; the view begins anew."""
    anew = State(books=lost().books)
    assert anew.books.effective_state is TradingState.REDUCING
    assert deadline_ms(anew, NEEDED, T0) is None
    back = up(anew, 30_000)
    assert read(back.state, the_question(back), 30_010).events == (
        ev.StreamsRegained(time_ms=T0 + 30_010),
    )


def test_a_restart_without_streams_reads_and_goes_on() -> None:
    without = config()
    anew = State(books=lost().books)
    made = woken(anew, 30_000, without)
    assert read(made.state, the_question(made), 30_010, without).events == (
        ev.StreamsRegained(time_ms=T0 + 30_010),
    )


def test_before_the_account_is_opened_nothing_can_have_been_missed() -> None:
    unopened = State()
    state = down(unopened)
    assert state.view.stream_down_since_ms == T0
    back = up(state, 5)
    assert back.effects == ()
    assert back.state.view.stream_down_since_ms is None


# A whole desk


def blind() -> Bench:
    bench = opened(make_bench(config=NEEDED))
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.pass_time(GRACE_MS + 1)
    return bench


def test_a_desk_refuses_by_both_rules_closes_all_the_same_and_trades_again_afterwards() -> None:
    bench = blind()
    outcome = bench.desk.execute(signal("s2"))
    assert isinstance(outcome, Refused)
    assert {Rule.TRADING_STATE, Rule.STREAM_HEALTHY} <= {b.rule for b in outcome.breaches}
    bench.desk.close_position(BTC)
    bench.pass_time(2_001)
    assert bench.runner.state.books.position(BTC).is_flat
    bench.venue.script.reconnect()
    bench.runner.drain()
    assert len(only(bench, ev.StreamsRegained)) == 1
    assert isinstance(bench.desk.execute(signal("s3")), Placed)


def test_a_reading_that_fails_keeps_the_desk_reducing_until_one_succeeds() -> None:
    bench = blind()
    bench.venue.script.fail_queries(2)
    bench.venue.script.reconnect()
    bench.runner.drain()
    assert bench.desk.status().trading_state is TradingState.REDUCING
    assert isinstance(bench.desk.execute(signal("s2")), Refused)
    for _ in range(5):
        bench.pass_time(2_001)
    assert bench.desk.status().trading_state is TradingState.ACTIVE
    assert len(only(bench, ev.StreamsLost)) == len(only(bench, ev.StreamsRegained)) == 1


def test_before_the_opening_an_outage_is_as_old_as_its_first_report() -> None:
    first = down(State(), 10)
    assert down(first, 500).view.stream_down_since_ms == T0 + 10
    assert up(down(first, 500), 900).state.view.stream_down_since_ms is None


def test_only_streams_that_come_up_are_up_from_then_on() -> None:
    state = up(flat(), 100).state
    assert state.view.stream_up_ms == T0 + 100
    assert down(state, 500).view.stream_up_ms == T0 + 100
    assert up(down(state, 500), 900).state.view.stream_up_ms == T0 + 900
