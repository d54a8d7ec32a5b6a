"""A store that cannot be trusted is refused with a typed error, and keeps every byte."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.schema import GENESIS
from tidegate.ports.state import (
    NewerFormat,
    Snapshot,
    StateCorrupt,
    StateError,
    StateUnavailable,
    StoredRecord,
)

from tests.adapters.sqlite.journals import batch, contents, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def _execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"some text\n" * 1_000, b"SQLite format 3\0" + bytes(40), bytes(8_192)],
    ids=["empty", "one byte", "text", "half a header", "zeros"],
)
def test_a_file_that_is_no_journal_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(StateCorrupt, match="left untouched"):
        SqliteState(path)
    assert contents(path.parent) == {path.name: data}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_of_another_application_is_refused(path: Path, mode: str) -> None:
    _execute(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE journal (version)")
    before = contents(path.parent)
    with pytest.raises(StateCorrupt, match="application id 0x0, a journal has 0x54474a4c"):
        SqliteState(path)
    assert contents(path.parent) == before


def test_a_newer_format_is_refused(path: Path) -> None:
    write_journal(path)
    _execute(path, "PRAGMA user_version = 7")
    before = contents(path.parent)
    with pytest.raises(NewerFormat, match="written in format 7, this release reads format 2"):
        SqliteState(path)
    assert contents(path.parent) == before


def test_a_newer_format_is_refused_while_only_the_log_knows_of_it(path: Path) -> None:
    write_journal(path)
    late = path.parent / "late"
    late.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as newer:
        newer.execute("PRAGMA user_version = 3")
        for file in path.parent.glob("journal.sqlite*"):
            shutil.copy(file, late)
    (late / "journal.sqlite-shm").unlink()
    before = contents(late)
    assert len(before["journal.sqlite-wal"]) > 0
    with pytest.raises(NewerFormat):
        SqliteState(late / path.name)
    assert contents(late) == before


_DAMAGES = {
    "changed body": ("UPDATE journal SET body = 'other' WHERE version = 7", "version 7 is damaged"),
    "changed kind": ("UPDATE journal SET kind = 'x.v1' WHERE version = 7", "version 7 is damaged"),
    "changed time": ("UPDATE journal SET time_ms = 5 WHERE version = 7", "version 7 is damaged"),
    "other type": ("UPDATE journal SET body = x'00' || 7.5 WHERE version = 7", "version 7 is dam"),
    "no text": ("UPDATE journal SET time_ms = 'soon' WHERE version = 7", "version 7 is damaged"),
    "missing row": ("DELETE FROM journal WHERE version = 7", "version 7 is missing"),
    "missing first": ("DELETE FROM journal WHERE version = 1", "version 1 is missing"),
    "missing last": ("DELETE FROM journal WHERE version = 40", "version 40 is missing"),
    "missing tail": ("DELETE FROM journal WHERE version > 30", "version 31 is missing"),
    "added row": (
        "INSERT INTO journal SELECT 41, kind, body, time_ms, digest FROM journal WHERE version = 1",
        "version 41 is damaged",
    ),
    "swapped rows": (
        "UPDATE journal SET body = 'body ' || (14 - version) WHERE version IN (7, 8)",
        "version 7 is damaged",
    ),
    "no table of archives": ("DROP TABLE archive", "no such table: archive"),
    "foreign archive": (
        "INSERT INTO archive VALUES (1, 6, x'00', x'01', 'other.sqlite')",
        "table of archives is damaged",
    ),
    "archive elsewhere": (
        f"INSERT INTO archive VALUES (1, 6, x'{GENESIS.hex()}', x'01', '../o.sqlite')",  # noqa: S608
        "table of archives is damaged",
    ),
    "no rows": ("DELETE FROM journal", "version 1 is missing"),
    "no head": ("DELETE FROM head", "head of the journal is missing"),
    "old head": ("UPDATE head SET version = 39", "version 40 is beyond the head, 39"),
    "other head": ("UPDATE head SET digest = x'00112233'", "version 40 is damaged"),
    "no table": ("DROP TABLE journal", "no such table: journal"),
    "snapshot text": ("UPDATE snapshot SET body = 'other'", "snapshot is damaged"),
    "snapshot place": ("UPDATE snapshot SET version = 19", "snapshot is damaged"),
    "snapshot ahead": ("UPDATE snapshot SET version = 99", "version 99 is missing"),
}


@pytest.mark.parametrize(("statement", "message"), _DAMAGES.values(), ids=list(_DAMAGES))
def test_damage_is_refused_at_the_start(path: Path, statement: str, message: str) -> None:
    write_journal(path)
    _execute(path, statement)
    before = contents(path.parent)
    with pytest.raises(StateCorrupt, match=message):
        SqliteState(path)
    assert contents(path.parent) == before


def test_a_row_of_another_journal_is_refused_though_its_own_digest_is_right(path: Path) -> None:
    write_journal(path)
    other = path.with_name("other.sqlite")
    with closing(SqliteState(other)) as state:
        records = batch("another beginning", *(f"body {number}" for number in range(1, 40)))
        state.append(records, expected_version=0, durable=True)
    _execute(
        path,
        f"ATTACH '{other}' AS other",
        "UPDATE journal SET digest = (SELECT digest FROM other.journal AS twin"
        " WHERE twin.version = journal.version) WHERE version >= 7",
        "UPDATE head SET digest = (SELECT digest FROM other.head)",
    )
    with pytest.raises(StateCorrupt, match="version 7 is damaged"):
        SqliteState(path)


def test_damage_between_the_rows_is_refused(path: Path) -> None:
    write_journal(path)
    damaged = bytearray(path.read_bytes())
    damaged[36:40] = (3).to_bytes(4)  # free pages that are not there (fileformat2.html, 1.3)
    path.write_bytes(damaged)
    with pytest.raises(StateCorrupt, match="damaged"):
        SqliteState(path)
    assert contents(path.parent) == {path.name: bytes(damaged)}


def test_a_store_that_another_process_changes_during_the_look_is_not_called_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = batch(*("x" * 900 for _ in range(300)))
    with closing(SqliteState(path)) as state:
        state.append(records, expected_version=0, durable=True)
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def write_meanwhile(statement: str) -> None:
        if statement.startswith("PRAGMA quick_check"):
            monkeypatch.setattr(sqlite3, "connect", connect)
            with closing(SqliteState(path)) as rival:
                rival.append(records, expected_version=300, durable=True)

    def watched(*args: str, **kwargs: bool) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(write_meanwhile)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    with closing(SqliteState(path)) as state:
        assert [stored.record for stored in state.read()] == [*records, *records]


@pytest.mark.parametrize("name", [name for name in _DAMAGES if not name.startswith("snapshot")])
def test_damage_is_noticed_while_the_store_is_open(path: Path, name: str) -> None:
    statement, _ = _DAMAGES[name]
    write_journal(path)
    with closing(SqliteState(path)) as state:
        _execute(path, statement)
        if name == "added row":  # the records up to the head are all sound
            assert len(list(state.read())) == 40
        else:
            with pytest.raises(StateCorrupt):
                list(state.read())


def test_damage_in_the_log_never_shows_a_wrong_record(path: Path) -> None:
    records = write_journal(path)
    crashed = path.parent / "crashed"
    with closing(SqliteState(path)) as state:
        for number in range(30):
            state.append(batch(f"late {number}"), expected_version=40 + number, durable=False)
        shutil.copytree(path.parent, crashed, ignore=shutil.ignore_patterns("*-shm", "crashed"))
    log = crashed / f"{path.name}-wal"
    whole = log.read_bytes()
    late = [batch(f"late {number}")[0] for number in range(30)]
    for place in range(0, len(whole), 4_001):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        log.write_bytes(damaged)
        life = path.parent / f"life {place}"
        shutil.copytree(crashed, life)
        with closing(SqliteState(life / path.name)) as state:
            left = [stored.record for stored in state.read()]
        assert left == [*records, *late][: len(left)]
        assert len(left) >= 40


def test_a_log_without_its_file_is_refused(path: Path) -> None:
    log = path.with_name("journal.sqlite-wal")
    log.write_bytes(b"the end of a journal whose beginning is gone")
    before = contents(path.parent)
    with pytest.raises(StateCorrupt, match=r"missing, while its log journal\.sqlite-wal is there"):
        SqliteState(path)
    assert contents(path.parent) == before


@pytest.mark.parametrize(
    "name", ["absent/journal.sqlite", "."], ids=["no such folder", "is a folder"]
)
def test_a_place_that_cannot_hold_a_journal_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StateUnavailable):
        SqliteState(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def _found(path: Path) -> tuple[list[StoredRecord], Snapshot | None]:
    with closing(SqliteState(path)) as state:
        return list(state.read()), state.load_snapshot()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    write_journal(path)
    return path


def _flips(size: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    # Half of the draws fall into the headers, where a flip means the most.
    place = st.one_of(st.integers(0, 107), st.integers(0, size - 1))
    return st.lists(st.tuples(place, st.integers(1, 255)), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_flipped_byte_ever_shows_a_wrong_record(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = sound.read_bytes()
    damaged = bytearray(whole)
    for place, mask in data.draw(_flips(len(whole))):
        damaged[place] ^= mask
    path = tmp_path_factory.mktemp("damaged") / "journal.sqlite"
    path.write_bytes(damaged)
    try:
        found = _found(path)
    except StateError:
        assert contents(path.parent)[path.name] == bytes(damaged)
    else:
        assert found == _found(sound)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_truncated_file_is_refused(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = sound.read_bytes()
    short = whole[: data.draw(st.integers(0, len(whole) - 1))]
    path = tmp_path_factory.mktemp("short") / "journal.sqlite"
    path.write_bytes(short)
    with pytest.raises(StateCorrupt):
        SqliteState(path)
    assert contents(path.parent) == {path.name: short}
