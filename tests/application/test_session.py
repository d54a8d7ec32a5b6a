"""A paper session refuses data that it cannot go on with, and resumes where it was left."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import attrs
import pytest
from tidegate.adapters.feeds.stored import StoredFeed
from tidegate.domain.core.events import EntryIntended, Event, FindingRaised, FindingSettled
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, OrderRequest, Purpose, Role, Side
from tidegate.domain.reports import Bar
from tidegate.domain.signal import RiskFraction, Signal
from tidegate.ports.exchange import Accepted
from tidegate.ports.feed import Feed, FeedItem, MarkPoint
from tidegate.ports.session import ExitAtOnce, SessionError, SessionReport
from tidegate.ports.strategy import Exit, StrategyPort, StrategyView
from tidegate.ports.venue import WireVenuePort

from tests.acceptance.sessions import (
    DEMO,
    QUICK,
    Opener,
    Parts,
    Plan,
    hours,
    journal_rows,
    make_session,
    parts_in_files,
    parts_in_memory,
    silent,
)


@attrs.frozen
class Watched(StrategyPort):
    """Notes the start of the last bar of every decision that another strategy is asked for."""

    inner: StrategyPort
    asked: list[int] = attrs.field(factory=list)

    @property
    def window(self) -> int:
        return self.inner.window

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        self.asked.append(bars[-1].start_ms)
        return self.inner.decide(bars, view)


def _opener() -> Watched:
    """Open at the first bar, with a stop far away, and hold."""
    return Watched(Opener(sizing=RiskFraction(Rate.of("0.01")), stop=Rate.of("0.2")))


def _plan(items: int = 10, strategy: StrategyPort | None = None) -> Plan:
    return Plan(feed=hours(0, items), strategy=strategy or _opener())


def _run(plan: Plan, parts: Parts, *, until: int | None = None) -> SessionReport:
    """Run to the end of the data, or stop after the item number ``until``."""
    session, _ = make_session(plan, parts)

    def note(done: int, total: int) -> None:
        silent(done, total)
        if done == until:
            session.stop()

    return session.run(note)


def _bars(feed: Feed) -> list[Bar]:
    return [item for item in feed.items() if isinstance(item, Bar)]


def _results(report: SessionReport) -> tuple[object, ...]:
    books = report.books
    return report.summary, books.ledger, books.tally, tuple(books.positions.items())


def test_empty_data_is_refused_before_anything_is_written() -> None:
    plan = attrs.evolve(_plan(), feed=StoredFeed([]))
    parts = parts_in_memory(plan)
    with pytest.raises(SessionError, match="at least one bar is needed"):
        _run(plan, parts)
    assert journal_rows(parts.state_port) == []


def test_a_store_that_is_beyond_the_data_is_refused_and_both_counts_are_named() -> None:
    plan = _plan()
    parts = parts_in_memory(plan)
    total = len(plan.feed)
    assert _run(plan, parts).is_complete
    before = journal_rows(parts.state_port)
    shorter = attrs.evolve(plan, feed=hours(0, 3))
    with pytest.raises(
        SessionError, match=rf"at item {total} of its data, this data has 3"
    ) as told:
        _run(shorter, parts)
    assert "use new state files" in str(told.value), "it says what would be accepted"
    assert journal_rows(parts.state_port) == before


def test_a_session_that_was_stopped_before_it_ran_takes_one_item_to_know_the_time() -> None:
    plan = _plan()
    session, _ = make_session(plan, parts_in_memory(plan))
    session.stop()
    report = session.run(silent)
    assert (report.items_done, report.cursor, report.is_complete) == (1, 1, False)
    assert not report.was_resumed


@attrs.frozen
class Failing(StrategyPort):
    """Raises, or returns, on the third bar what it is given."""

    what: object
    window: int = 3

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        assert (len(bars), view.symbol) == (self.window, DEMO)
        if isinstance(self.what, BaseException):
            raise self.what
        return cast("Signal", self.what)


def _failed(what: object, error: type[BaseException]) -> tuple[str, list[str], Parts]:
    plan = _plan(strategy=Failing(what))
    parts = parts_in_memory(plan)
    with pytest.raises(error) as told:
        _run(plan, parts)
    return str(told.value), [kind for _, kind, *_ in journal_rows(parts.state_port)], parts


@pytest.mark.parametrize("fault", [RuntimeError("no idea"), SystemExit(3), StopIteration()])
def test_a_strategy_that_raises_ends_the_session_in_order_and_is_named(
    fault: BaseException,
) -> None:
    text, kinds, parts = _failed(fault, SessionError)
    assert f"the strategy failed: {type(fault).__name__}: {fault} (test_session.py, line " in text
    assert "; strategy Failing, BTCUSDT-DEMO bar of 2017-07-01 " in text
    assert kinds[-1].startswith("session_stopped")
    snapshot = parts.state_port.load_snapshot()
    assert snapshot is not None
    assert snapshot.version == len(kinds)


@pytest.mark.parametrize("wish", [5, [None], True, "buy"])
def test_a_strategy_that_returns_no_wish_ends_the_session_with_words(wish: object) -> None:
    text, kinds, _ = _failed(wish, SessionError)
    assert f"it returned {wish!r}; accepted: a Signal, an Exit or None; strategy Failing" in text
    assert kinds[-1].startswith("session_stopped")


class Shrinking(StrategyPort):
    """Tells a window twice, and none after that."""

    def __init__(self) -> None:
        self._told = [3, 3]

    @property
    def window(self) -> int:
        return self._told.pop()

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        del bars, view
        return None


def test_a_window_that_fails_later_ends_the_session_in_order() -> None:
    plan = _plan(strategy=Shrinking())
    parts = parts_in_memory(plan)
    with pytest.raises(SessionError, match=r"IndexError.*; the window of strategy Shrinking"):
        _run(plan, parts)
    assert next(reversed(journal_rows(parts.state_port)))[1].startswith("session_stopped")


def test_an_exit_that_a_second_signal_asks_for_is_no_fault_of_the_strategy() -> None:
    _failed(ExitAtOnce(130), ExitAtOnce)


def test_a_bar_on_which_the_strategy_failed_is_decided_on_at_the_resume() -> None:
    plan = _plan(strategy=Failing(RuntimeError("no idea")))
    parts = parts_in_memory(plan)
    with pytest.raises(SessionError, match="no idea"):
        _run(plan, parts)
    mended = _opener()
    report = _run(attrs.evolve(plan, strategy=mended), parts)
    assert report.is_complete
    assert mended.asked[0] == _bars(plan.feed)[2].start_ms


def test_a_finished_session_that_is_run_again_does_nothing_more() -> None:
    plan = _plan()
    parts = parts_in_memory(plan)
    first = _run(plan, parts)
    again = _run(plan, parts)
    assert (again.items_done, again.is_complete, again.was_resumed) == (0, True, True)
    assert _results(again) == _results(first)


def test_a_bar_that_was_decided_on_is_not_decided_on_again_at_a_resume(tmp_path: Path) -> None:
    plan = _plan()
    parts = parts_in_files(plan, tmp_path)
    _run(plan, parts, until=1)
    intents = [kind for _, kind, *_ in journal_rows(parts.state_port) if "entry_intended" in kind]
    assert len(intents) == 1, "the opener decided on the first bar"
    _close(parts)
    watched = _opener()
    parts = parts_in_files(plan, tmp_path)
    report = _run(attrs.evolve(plan, strategy=watched), parts)
    first, *later = [bar.start_ms for bar in _bars(plan.feed)]
    assert first not in watched.asked
    assert watched.asked == later
    assert _results(report) == _results(_run(plan, parts_in_memory(plan)))


def _close(parts: Parts) -> None:
    parts.venue.close()
    parts.state_port.close()


@pytest.mark.parametrize("is_whole", [False, True], ids=["inside a bar", "at its end"])
def test_a_process_that_died_on_a_bar_decides_on_it_once_and_at_its_end(
    tmp_path: Path, is_whole: bool
) -> None:
    """The venue committed one piece or all of them; nobody saw it or decided on it."""
    plan = _plan()
    parts = parts_in_files(plan, tmp_path)
    _run(plan, parts, until=4)
    item = next(iter(plan.feed.items(start=4)))
    pieces = parts.venue.offer(item, index=4)
    next(pieces)
    if is_whole:
        assert len(list(pieces)) == 3
    assert (parts.venue.cursor(), parts.venue.pieces_done()) == ((5, 0) if is_whole else (4, 1))
    _close(parts)
    watched = _opener()
    parts = parts_in_files(plan, tmp_path)
    report = _run(attrs.evolve(plan, strategy=watched), parts)
    assert report.was_resumed
    assert watched.asked == [bar.start_ms for bar in _bars(plan.feed)[4:]]
    assert _results(report) == _results(_run(plan, parts_in_memory(plan)))


def _with_marks(bars: list[Bar], each: int, *, after_ms: int = 0) -> StoredFeed:
    """Follow every bar with ``each`` marks, so that a window of bars is many more items."""
    items: list[FeedItem] = []
    for bar in bars:
        items.append(bar)
        mark = MarkPoint(symbol=bar.symbol, time_ms=bar.end_ms + after_ms, mark=bar.close)
        items += [mark] * each
    return StoredFeed(items)


def test_a_window_is_filled_from_as_far_back_as_its_bars_are(tmp_path: Path) -> None:
    """Twice the window of items holds a third of its bars here, and four times two thirds."""
    feed = _with_marks(_bars(hours(0, 200)), each=5)
    stop_at = 6 * 60
    plan = Plan(feed=feed, strategy=QUICK)
    plain = _run(plan, parts_in_memory(plan))
    assert plain.summary.trades >= 1
    parts = parts_in_files(plan, tmp_path)
    assert not _run(plan, parts, until=stop_at).is_complete
    _close(parts)
    watched = Watched(QUICK)
    report = _run(attrs.evolve(plan, strategy=watched), parts_in_files(plan, tmp_path))
    after = [bar.start_ms for bar in _bars(feed)[60:]]
    assert watched.asked[-len(after) :] == after, "the window was full from the first bar on"
    assert _results(report) == _results(plain)


def test_a_bar_with_later_items_behind_it_is_not_decided_on_again(tmp_path: Path) -> None:
    """Its decision was made before them, also where it was to do nothing."""
    feed = _with_marks(_bars(hours(0, 10)), each=2, after_ms=60_000)
    plan = Plan(feed=feed, strategy=_opener())
    parts = parts_in_files(plan, tmp_path)
    _run(plan, parts, until=3 * 4)
    _close(parts)
    watched = _opener()
    report = _run(attrs.evolve(plan, strategy=watched), parts_in_files(plan, tmp_path))
    assert watched.asked == [bar.start_ms for bar in _bars(feed)[4:]]
    assert _results(report) == _results(_run(plan, parts_in_memory(plan)))


def _by_hand() -> OrderRequest:
    """Return an order that the owner of the account leaves in the book, far below 2450."""
    return OrderRequest(
        client_id=ClientId("by-hand"),
        symbol=DEMO,
        side=Side.BUY,
        qty=Qty.of("0.01"),
        kind=OrderKind.LIMIT,
        purpose=Purpose(Role.ENTRY),
        price=Price.of("2300"),
    )


def test_what_a_restart_found_is_looked_at_after_each_item_until_it_is_gone() -> None:
    plan = _plan(strategy=QUICK)
    parts = parts_in_memory(plan)
    _run(plan, parts, until=3)
    assert isinstance(parts.venue, WireVenuePort)
    assert isinstance(parts.venue.submit(_by_hand()), Accepted)
    session, engine = make_session(plan, parts)
    heard: list[Event] = []
    session.listen(lambda event, _: heard.append(event))
    findings_after: dict[int, int] = {}

    def note(done: int, total: int) -> None:
        findings_after[done] = len(engine.state.books.findings)
        if done == 6:
            parts.venue.cancel(DEMO, ClientId("by-hand"))

    report = session.run(note)
    raised = [event for event in heard if isinstance(event, FindingRaised)]
    settled = [event for event in heard if isinstance(event, FindingSettled)]
    assert [event.symbol for event in raised] == [DEMO], "raised once, however often it was seen"
    assert [event.finding_id for event in settled] == [raised[0].finding_id]
    assert findings_after[6] == 1
    assert findings_after[7] == 0
    assert not report.books.findings
    assert not any(isinstance(event, EntryIntended) for event in heard)
