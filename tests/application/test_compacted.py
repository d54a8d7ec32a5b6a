"""A desk on a compacted journal: the same books, the same trades, and a verification that bites."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.application.clocks import SystemClock
from tidegate.application.codec import BOOKS_FORMAT, decode_books, encode_books
from tidegate.application.commands import Commands
from tidegate.application.engine import fold
from tidegate.application.settings import Settings
from tidegate.application.state_care import care_of
from tidegate.application.verifying import differing, examine
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.events import TradeClosed
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingState, VenueKind
from tidegate.domain.performance import Tally
from tidegate.domain.recent import Recent
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.trade import ClosedTrade
from tidegate.ports.commands import DemoRequest, Where
from tidegate.ports.desk import JournalEntry
from tidegate.ports.state import ArchiveUnreadable, Snapshot, StateCorrupt

BARS = 400


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("left")
    opened = Commands(env={}).demo(DemoRequest(bars=BARS, state=str(folder)))
    opened.session.run(lambda *_: None)
    opened.session.close()
    return (folder / "journal.sqlite").read_bytes()


@pytest.fixture
def path(left: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(left)
    return path


def _config() -> CoreConfig:
    return Settings().core_config(VenueKind.PAPER)


def _compact(path: Path) -> None:
    care_of(Settings(state_path=path), SystemClock()).compact()


def _books(path: Path) -> Books:
    with closing(SqliteState(path)) as state:
        return fold(state, _config())[0]


def _entries(path: Path) -> Iterator[JournalEntry]:
    where = Where(state=str(path))
    return Commands(env={}).journal(where, after_version=None, has_archives=True)


def _trades(path: Path) -> list[ClosedTrade]:
    return [entry.event.trade for entry in _entries(path) if isinstance(entry.event, TradeClosed)]


def test_books_and_trades_are_the_same_after_a_compaction(path: Path) -> None:
    books, trades = _books(path), _trades(path)
    assert len(trades) > 2
    _compact(path)
    assert differing(_books(path), books) == ()
    assert _trades(path) == trades


def test_a_start_needs_no_archive_and_a_report_names_the_one_it_needs(path: Path) -> None:
    books = _books(path)
    _compact(path)
    (archive,) = path.parent.glob("journal-archive-*.sqlite")
    archive.unlink()
    assert differing(_books(path), books) == ()
    with pytest.raises(ArchiveUnreadable, match=archive.name):
        list(_entries(path))


def test_a_verification_recomputes_the_books_and_compares_each_part(path: Path) -> None:
    report, books = SqliteCare(path).look(lambda view: examine(view, _config()))
    assert report.is_verified
    assert differing(books, _books(path)) == ()
    spoilt = attrs.evolve(books, sends_today=books.sends_today + 1)
    with closing(SqliteState(path)) as state:
        state.save_snapshot(Snapshot(version=state.version(), body=encode_books(spoilt)))
    report, _ = SqliteCare(path).look(lambda view: examine(view, _config()))
    assert report.differences == ("sends_today",)
    assert not report.is_verified


def test_a_snapshot_in_the_middle_is_compared_where_it_was_taken(path: Path) -> None:
    with closing(SqliteState(path)) as state:
        saved = state.load_snapshot()
        assert saved is not None
        books = decode_books(saved.body)
        assert books is not None
    early = path.with_name("early.sqlite")
    with closing(SqliteState(path)) as state, closing(SqliteState(early)) as copy:
        records = [stored.record for stored in state.read()]
        copy.append(records[:200], expected_version=0, durable=True)
        middle, version = fold(copy, _config())
        copy.save_snapshot(Snapshot(version=version, body=encode_books(middle)))
        copy.append(records[200:], expected_version=200, durable=True)
    report, resumed = SqliteCare(early).look(lambda view: examine(view, _config()))
    assert (report.snapshot_version, report.differences) == (200, ())
    assert differing(resumed, books) == ()


def _recent(*ids: str) -> Books:
    return Books(executions=Recent(9, frozenset(ids)))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Books(), Books(trading_state=TradingState.HALTED), ("trading_state",)),
        (Books(), Books(tag="abcd", account="1"), ("account", "tag")),
        (_recent("a", "b"), _recent("b"), ()),
        (_recent("a"), _recent("b"), ("executions",)),
    ],
)
def test_parts_that_differ_are_named_and_a_shorter_memory_is_none(
    one: Books, other: Books, expected: tuple[str, ...]
) -> None:
    assert differing(one, other) == expected
    assert differing(other, one) == expected


def test_a_snapshot_whose_refusals_were_written_in_another_order_verifies() -> None:
    counts = {Rule.EXPOSURE: 2, Rule.PANIC: 1, Rule.DAY_LOSS: 2}
    turned = dict(reversed(counts.items()))
    one, other = (Books(tally=Tally(refusals=found)) for found in (counts, turned))
    assert encode_books(one) != encode_books(other)
    assert differing(one, other) == ()
    fewer = Books(tally=Tally(refusals={**counts, Rule.PANIC: 2}))
    assert differing(one, fewer) == ("tally",)


@pytest.mark.parametrize("books", ['"x"', "[]", "5", "null"])
def test_books_that_are_no_object_are_refused(books: str) -> None:
    with pytest.raises(StateCorrupt, match="the snapshot"):
        decode_books(f'{{"format": {BOOKS_FORMAT}, "books": {books}}}')
