"""A leverage that somebody changed while nobody watched is set again before an entry leaves."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.application.clocks import SeededKeys
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Rate
from tidegate.domain.protection import ManualChanges
from tidegate.domain.reports import StreamReport, StreamState
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import config, limit

ASKED = Rate.of(3)
BY_HAND = Rate.of(20)


def held(*, manual: ManualChanges = ManualChanges.SAFER) -> Bench:
    """Return a desk that holds a position at the asked leverage."""
    limits = attrs.evolve(config().limits, leverage_max=BY_HAND)
    settings = attrs.evolve(config(), manual_changes=manual, limits=limits, streams_needed=True)
    bench = make_bench(config=settings)
    bench.desk.execute(signal("a"))
    assert bench.runner.state.books.leverage[BTC] == ASKED
    return bench


def traded(*, manual: ManualChanges = ManualChanges.SAFER) -> Bench:
    """Return a desk that is flat after a trade at the asked leverage."""
    bench = held(manual=manual)
    bench.desk.close_position(BTC)
    bench.runner.drain()
    assert bench.runner.state.books.position(BTC).is_flat
    assert bench.runner.state.books.leverage[BTC] == ASKED
    return bench


def changed_unseen(bench: Bench) -> None:
    """Set another leverage in the app while no message arrives."""
    bench.venue.connect(lambda _: None)
    bench.venue.set_leverage(BTC, BY_HAND)


def restarted(bench: Bench) -> Bench:
    """Let a new process take over, and open its session."""
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, bench.venue)
    bench.venue.connect(runner.sink)
    wallet = bench.venue.account().wallet
    runner.submit(StartRequest(mode=old.config.mode, venue=old.config.venue, wallet=wallet))
    load_view(runner, frozenset({BTC}))
    recover(runner, frozenset({BTC}))
    desk = Desk(runner=runner, state_port=bench.state_port, keys=SeededKeys(9))
    return attrs.evolve(bench, runner=runner, desk=desk)


def streams(bench: Bench, state: StreamState) -> None:
    now_ms = bench.venue.now_ms()
    bench.runner.submit(StreamReport(state=state, time_ms=now_ms))
    bench.runner.drain()


def enters_as_judged(bench: Bench) -> None:
    """Enter again: the leverage is set first, and the position has the one that was judged."""
    bench.move("65000")
    start = len(bench.events())
    outcome = bench.desk.execute(signal("b"))
    assert isinstance(outcome, Placed)
    assert outcome.ticket.leverage == ASKED
    kinds = bench.kinds()[start:]
    assert kinds.index("leverage_set") < kinds.index("entry_released")
    assert bench.venue.position(BTC).leverage == ASKED
    assert bench.runner.state.books.leverage[BTC] == ASKED


@pytest.mark.parametrize("manual", list(ManualChanges))
def test_a_leverage_changed_while_the_desk_was_down_is_set_again(manual: ManualChanges) -> None:
    bench = traded(manual=manual)
    changed_unseen(bench)
    enters_as_judged(restarted(bench))


def test_a_leverage_that_was_not_changed_is_set_again_after_a_start_too() -> None:
    """Nobody knows that it was not: the venue says that it is so already."""
    enters_as_judged(restarted(traded()))


def test_a_leverage_changed_during_a_long_outage_is_set_again() -> None:
    bench = traded()
    streams(bench, StreamState.DOWN)
    changed_unseen(bench)
    bench.pass_time(20_000)
    assert bench.runner.state.books.effective_state is TradingState.REDUCING
    assert BTC not in bench.runner.state.books.leverage
    bench.venue.connect(bench.runner.sink)
    streams(bench, StreamState.UP)
    enters_as_judged(bench)


def ended_unseen(bench: Bench) -> None:
    """Close the position in the app, and set another leverage, while no message arrives."""
    bench.venue.connect(lambda _: None)
    bench.venue.script.close_by_hand(BTC)
    bench.venue.set_leverage(BTC, BY_HAND)


def test_that_of_a_position_which_ended_while_the_desk_was_down_is_set_again() -> None:
    bench = held()
    ended_unseen(bench)
    after = restarted(bench)
    assert after.runner.state.books.position(BTC).is_flat
    enters_as_judged(after)


@pytest.mark.parametrize(("before", "unseen"), [(traded, changed_unseen), (held, ended_unseen)])
def test_a_leverage_changed_during_a_short_outage_is_read(
    before: Callable[[], Bench], unseen: Callable[[Bench], None]
) -> None:
    bench = before()
    streams(bench, StreamState.DOWN)
    unseen(bench)
    bench.venue.connect(bench.runner.sink)
    streams(bench, StreamState.UP)
    assert bench.runner.state.books.leverage[BTC] == BY_HAND
    bench.pass_time(3_000)
    enters_as_judged(bench)


def test_an_entry_that_the_venue_has_was_sent_whatever_is_known_of_the_leverage() -> None:
    """A journal of before may say nothing of the leverage between a start and an entry."""
    bench = traded()
    start = len(bench.events())
    bench.desk.execute(signal("b", entry=limit("64900")))
    events, settings = bench.events(), bench.runner.engine.config
    begun = ev.SessionStarted(mode=settings.mode, venue=settings.venue, account=None)
    books = Books()
    for event in (*events[:start], begun, *events[start:]):
        books = evolve(books, event, settings.day)
    assert BTC not in books.leverage
    (entry,) = books.open_orders(BTC)
    assert entry.is_open
    assert entry.is_released
