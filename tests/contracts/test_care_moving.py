"""A journal moves between a file and a database: a copy of the one becomes one of the other."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tidegate.adapters.postgres import Copies
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import ArchiveUnreadable, Snapshot, StateCorrupt, StateUnavailable
from tidegate.ports.state_care import CareRefused, ReadsCopies, StoreView

from tests.contracts.care_benches import (
    CareBench,
    PostgresCareBench,
    SqliteCareBench,
    batch,
    fold,
)


class Move:
    """A journal of one kind, and the place for one of the other."""

    def __init__(self, source: CareBench, target: CareBench, reader: ReadsCopies) -> None:
        self.source = source
        self.target = target
        self.reader = reader

    @property
    def converted(self) -> Path:
        return self.target.copy

    def copied(self) -> Path:
        self.source.care.backup(str(self.source.copy), lambda view: view.facts)
        return self.source.copy

    def convert(self, place: Path) -> None:
        def work(view: StoreView) -> None:
            self.target.care.convert(view, str(self.converted))

        self.reader.look(work, place=str(place))

    def restore(self) -> None:
        place = str(self.converted)
        self.target.care.restore(place, _whole, moves_aside=False, stamp="20261127T101500Z")


def _whole(view: StoreView) -> None:
    assert sum(1 for _ in view.read()) == view.facts.version


@pytest.fixture(params=["to a database", "to a file"])
def move(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Move]:
    with closing(SqliteCareBench()) as file, closing(PostgresCareBench()) as database:
        if request.param == "to a database":
            yield Move(file, database, SqliteCare(tmp_path / "none.sqlite"))
        else:
            yield Move(database, file, Copies())


def test_a_journal_becomes_one_of_the_other_kind_and_a_desk_goes_on(move: Move) -> None:
    records = move.source.write(2_500)
    move.convert(move.copied())
    facts = move.target.care.look(lambda view: view.facts, place=str(move.converted))
    assert (facts.base, facts.version, facts.archives) == (0, 2_500, ())
    move.restore()
    assert move.target.found() == (records, Snapshot(version=1_250, body="snapshot text"))
    records += move.target.append("on")
    assert move.target.found()[0] == records
    assert move.source.found()[0] == records[:-1]


def test_an_empty_journal_moves_too(move: Move) -> None:
    move.source.open().close()
    move.convert(move.copied())
    move.restore()
    assert move.target.found() == ([], None)


def test_what_was_archived_comes_along(move: Move) -> None:
    records = move.source.write()
    move.source.care.compact(fold)
    saved = move.source.found()[1]
    records += move.source.append("after")
    copy = move.copied()
    if isinstance(move.source, SqliteCareBench):  # its archives lie beside it
        for archive in move.source.path.parent.glob("journal-archive-*"):
            archive.rename(copy.with_name(archive.name))
    move.convert(copy)
    move.restore()
    assert move.target.found() == (records, saved)


def test_without_an_archive_nothing_is_made(move: Move) -> None:
    move.source.write()
    move.source.care.compact(fold)
    move.source.lose_archives()
    copy = move.copied()
    with pytest.raises(ArchiveUnreadable, match="versions 1 to 40"):
        move.convert(copy)
    assert list(move.target.copies.iterdir()) == []


def test_a_copy_that_is_damaged_is_not_converted(move: Move) -> None:
    move.source.write()
    copy = move.copied()
    copy.write_bytes(copy.read_bytes().replace(b"body 7", b"body 8"))
    with pytest.raises(StateCorrupt, match="journal version 8 is damaged"):
        move.convert(copy)
    assert list(move.target.copies.iterdir()) == []


def test_what_is_there_is_not_replaced(move: Move) -> None:
    move.source.write()
    copy = move.copied()
    move.converted.write_bytes(b"a letter")
    with pytest.raises(CareRefused, match="something is there"):
        move.convert(copy)
    assert move.converted.read_bytes() == b"a letter"
    assert list(move.target.copies.iterdir()) == [move.converted]


def test_a_folder_that_is_not_there_is_named(move: Move) -> None:
    move.source.write()
    copy = move.copied()
    move.target.copies.rmdir()
    with pytest.raises(StateUnavailable, match="a copy cannot be written there"):
        move.convert(copy)


def test_a_running_desk_is_not_disturbed_by_a_copy_of_its_journal_that_moves(move: Move) -> None:
    move.source.write()
    with closing(move.source.open()) as state:
        copy = move.copied()
        move.convert(copy)
        state.append(batch("later"), expected_version=40, durable=True)
    move.restore()
    assert len(move.target.found()[0]) == 40
