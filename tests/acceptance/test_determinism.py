"""Same data, same seed, same everything: to the last byte of the journal."""

from functools import cache
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.paper.config import PaperConfig, PathRule
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.domain.core.state import Books
from tidegate.domain.money import Rate
from tidegate.domain.performance import Summary
from tidegate.ports.exchange import TimeRange
from tidegate.ports.session import SessionReport

from .recorder import Log, RecordedVenue
from .sessions import (
    Parts,
    Plan,
    hours,
    journal_rows,
    make_session,
    parts_in_files,
    parts_in_memory,
    silent,
)

_PLAN = Plan(feed=hours(0, 400), config=PaperConfig(latency_ms=250))
_PLANS = (
    _PLAN,
    attrs.evolve(_PLAN, config=PaperConfig()),
    attrs.evolve(
        _PLAN,
        config=PaperConfig(latency_ms=90_000, participation=Rate.of("0.002"), path=PathRule.SEEDED),
    ),
)
_IDS = ("late", "at once", "thin, seeded path")
_SELDOM = [pytest.param(number, marks=pytest.mark.sweep) for number in (0, 1)]
_EACH = pytest.mark.parametrize("number", [*_SELDOM, 2], ids=_IDS)
_EVER = TimeRange(start_ms=0, end_ms=10**15)

_Rows = list[tuple[int, str, str, int]]


def _run(plan: Plan, parts: Parts) -> tuple[SessionReport, _Rows]:
    session, _ = make_session(plan, parts)
    report = session.run(silent)
    return report, journal_rows(parts.state_port)


@attrs.frozen
class _Undisturbed:
    """What a run in memory came to."""

    report: SessionReport
    rows: _Rows
    execution_ids: frozenset[str]


def _run_in_memory(plan: Plan) -> _Undisturbed:
    parts = parts_in_memory(plan)
    report, rows = _run(plan, parts)
    executions = parts.venue.executions(None, _EVER).rows
    return _Undisturbed(report, rows, frozenset(one.execution_id for one in executions))


@cache
def _undisturbed(number: int) -> _Undisturbed:
    """Return the first run of a plan; every test compares another one with it."""
    return _run_in_memory(_PLANS[number])


def _money(summary: Summary, books: Books) -> tuple[object, ...]:
    """Return what holds no id: the summary, the ledger and the tally."""
    return summary, books.ledger, books.tally


@_EACH
def test_two_runs_with_one_seed_are_one_run(number: int) -> None:
    first, again = _undisturbed(number), _run_in_memory(_PLANS[number])
    assert first.report.summary.trades >= 5
    assert first.rows == again.rows
    assert first == again


@_EACH
def test_a_journal_in_files_is_the_one_in_memory(number: int, tmp_path: Path) -> None:
    in_memory, plan = _undisturbed(number), _PLANS[number]
    in_files, file_rows = _run(plan, parts_in_files(plan, tmp_path))
    assert file_rows == in_memory.rows
    assert in_files == in_memory.report


@pytest.mark.parametrize("number", [0, _SELDOM[1]], ids=_IDS[:2])
def test_another_seed_changes_ids_and_nothing_of_the_books(number: int) -> None:
    """Where no coin is thrown over a bar's path, the seed makes ids and nothing else."""
    first, other = _undisturbed(number), _run_in_memory(attrs.evolve(_PLANS[number], seed=1))
    ours, theirs = first.report, other.report
    assert _money(ours.summary, ours.books) == _money(theirs.summary, theirs.books)
    assert [row[1] for row in first.rows] == [row[1] for row in other.rows]
    assert not set(ours.books.finished) & set(theirs.books.finished)
    assert first.execution_ids
    assert first.execution_ids.isdisjoint(other.execution_ids)


def test_the_seed_throws_the_coin_over_a_bars_path() -> None:
    first, other = _undisturbed(2), _run_in_memory(attrs.evolve(_PLANS[2], seed=1))
    assert first.report.books.ledger != other.report.books.ledger


def test_watching_a_run_does_not_change_it() -> None:
    plain = _undisturbed(0)
    log, parts = Log(), parts_in_memory(_PLAN)
    watched = Parts(venue=RecordedVenue(parts.venue, log), state_port=parts.state_port)
    assert isinstance(parts.venue, PaperVenue)
    session, _ = make_session(_PLAN, watched, log)
    assert session.run(silent) == plain.report
    assert journal_rows(parts.state_port) == plain.rows


def _run_and_stop(plan: Plan, folder: Path, items: int | None) -> tuple[SessionReport, _Rows]:
    """Run on the stores in ``folder``, until ``items`` were processed or to the end."""
    parts, seen = parts_in_files(plan, folder), 0
    session, _ = make_session(plan, parts)

    def note(done: int, total: int) -> None:
        nonlocal seen
        silent(done, total)
        seen += 1
        if seen == items:
            session.stop()

    report = session.run(note)
    rows = journal_rows(parts.state_port)
    session.close()
    return report, rows


@_EACH
def test_stopping_and_going_on_is_the_uninterrupted_run(number: int, tmp_path: Path) -> None:
    """Stopped three times in an orderly way; each time a snapshot is kept and read again."""
    plan, undisturbed = _PLANS[number], _undisturbed(number)
    plain, plain_rows = undisturbed.report, undisturbed.rows
    parts = [_run_and_stop(plan, tmp_path, items)[0] for items in (130, 120, 110)]
    report, rows = _run_and_stop(plan, tmp_path, None)
    assert [part.items_done for part in parts] == [130, 120, 110]
    assert report.is_complete
    assert report.items_done == len(plan.feed) - 360
    assert _money(report.summary, report.books) == _money(plain.summary, plain.books)
    assert list(report.books.finished) == list(plain.books.finished)
    kinds = ("filled", "trade_closed", "entry_intended", "funding_booked", "signal_refused")
    assert [row[1:] for row in rows if row[1].startswith(kinds)] == [
        row[1:] for row in plain_rows if row[1].startswith(kinds)
    ]
