"""When the store cannot be written, the caller gets a typed error and nothing was written."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import Record, Snapshot, StateCorrupt, StateUnavailable

from tests.adapters.sqlite.journals import (
    BECOME_NOBODY,
    batch,
    open_to_others,
    write_journal,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def _opened(path: Path) -> int:
    with closing(SqliteState(path)) as state:
        return state.version()


def _looked_at(path: Path) -> int:
    return SqliteCare(path).look(lambda view: view.facts.version)


@pytest.mark.parametrize("read", [_opened, _looked_at])
def test_a_journal_that_another_process_makes_meanwhile_is_not_taken_for_a_damaged_one(
    read: Callable[[Path], int], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between the look for the file and the look for its log."""
    exists, rivals = Path.exists, list[SqliteState]()

    def look(self: Path) -> bool:
        found = exists(self)
        if not rivals:
            monkeypatch.undo()
            rivals.append(SqliteState(path))
            rivals[0].append(batch("a", "b"), expected_version=0, durable=True)
        return found

    monkeypatch.setattr(Path, "exists", look)
    assert read(path) == 2
    rivals[0].close()


@pytest.fixture
def rival(path: Path) -> Iterator[sqlite3.Connection]:
    write_journal(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_a_store_that_stays_locked_is_unavailable_after_a_bounded_wait(
    path: Path, rival: sqlite3.Connection
) -> None:
    with closing(SqliteState(path, busy_ms_max=100)) as state:
        rival.execute("BEGIN IMMEDIATE")
        start = time.perf_counter()
        with pytest.raises(StateUnavailable, match="another process keeps it locked"):
            state.append(batch("x"), expected_version=40, durable=True)
        assert 0.05 < time.perf_counter() - start < 5.0
        assert state.version() == 40
        rival.execute("ROLLBACK")
        assert state.append(batch("x"), expected_version=40, durable=True) == 41


def test_a_store_that_is_locked_at_the_start_is_unavailable(
    path: Path, rival: sqlite3.Connection
) -> None:
    rival.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnavailable, match="locked"):
        SqliteState(path, busy_ms_max=50)


def test_an_append_waits_for_a_short_lock(path: Path, rival: sqlite3.Connection) -> None:
    with closing(SqliteState(path, busy_ms_max=30_000)) as state:
        rival.execute("BEGIN IMMEDIATE")
        done: list[int] = []
        thread = threading.Thread(
            target=lambda: done.append(state.append(batch("x"), expected_version=40, durable=False))
        )
        thread.start()
        thread.join(0.1)
        assert done == []
        rival.execute("COMMIT")
        thread.join(30)
        assert done == [41]


def test_a_reader_in_another_process_never_stops_a_writer(
    path: Path, rival: sqlite3.Connection
) -> None:
    with closing(SqliteState(path, busy_ms_max=100)) as state:
        rival.execute("BEGIN")
        rival.execute("SELECT count(*) FROM journal").fetchone()
        assert state.append(batch("x"), expected_version=40, durable=True) == 41


# The file size limit makes the kernel refuse to let the log grow, as a full disk does.
_FULL_DISK = """
import resource, sys
from pathlib import Path
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import Record, StateUnavailable

path = Path(sys.argv[1])
state = SqliteState(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
records = [Record(kind="case.v1", body="x" * 1_000, time_ms=0)] * 20
version = 0
try:
    while version < 10_000:
        version = state.append(records, expected_version=version, durable=version % 40 == 0)
except StateUnavailable as error:
    assert state.version() == version, (state.version(), version)
    assert len(list(state.read())) == version
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert state.append(records, expected_version=version, durable=True) == version + 20
    state.close()
    print(version, error)
"""


def test_a_full_disk_is_unavailable_and_nothing_of_the_append_is_written(path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    version, _, message = result.stdout.partition(" ")
    assert int(version) > 0
    assert "nothing was written" in message
    with closing(SqliteState(path)) as state:
        assert state.version() == int(version) + 20


_READ_ONLY = f"""
import sys
from pathlib import Path
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import StateUnavailable
{BECOME_NOBODY}
try:
    SqliteState(Path(sys.argv[1]))
except StateUnavailable as error:
    print(error)
"""


@pytest.mark.parametrize(("folder_mode", "said"), [(0o555, "read-only"), (0o000, "cannot be read")])
def test_a_store_that_must_not_be_written_or_seen_is_unavailable_at_the_start(
    folder_mode: int, said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    path = folder / "journal.sqlite"
    write_journal(path)
    before = path.read_bytes()
    path.chmod(0o444)
    folder.chmod(folder_mode)
    with open_to_others(folder.parent):
        result = subprocess.run(
            [sys.executable, "-c", _READ_ONLY, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    folder.chmod(0o700)
    assert result.returncode == 0, result.stderr
    assert said in result.stdout
    assert path.read_bytes() == before


def _move(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize("lose", [Path.unlink, _move, _replace], ids=["delete", "move", "replace"])
def test_a_file_that_lost_its_name_takes_no_more_records(
    path: Path, lose: Callable[[Path], None]
) -> None:
    write_journal(path)
    with closing(SqliteState(path)) as state:
        lose(path)
        with pytest.raises(StateUnavailable, match="nothing was written"):
            state.append(batch("x"), expected_version=40, durable=True)
        with pytest.raises(StateUnavailable, match="nothing was written"):
            state.save_snapshot(Snapshot(version=40, body=""))


@pytest.mark.parametrize(
    "record",
    [
        Record(kind="bad.v1", body="\ud800", time_ms=0),
        Record(kind="\ud800", body="", time_ms=0),
        Record(kind="bad.v1", body="", time_ms=-1),
        Record(kind="bad.v1", body="", time_ms=2**63),
    ],
    ids=["body", "kind", "time before 1970", "time beyond 64 bit"],
)
def test_a_record_that_the_file_cannot_hold_is_refused_with_its_append(
    path: Path, record: Record
) -> None:
    with closing(SqliteState(path)) as state:
        with pytest.raises(ValueError, match=r"UTF-8 cannot store|give 0 to 9223372036854775807"):
            state.append([*batch("good"), record], expected_version=0, durable=True)
        assert state.version() == 0
        assert list(state.read()) == []


def test_a_snapshot_that_the_file_cannot_hold_is_refused(path: Path) -> None:
    with closing(SqliteState(path)) as state:
        with pytest.raises(ValueError, match="the snapshot holds what UTF-8 cannot store"):
            state.save_snapshot(Snapshot(version=0, body="\ud800"))
        assert state.load_snapshot() is None


def test_reading_after_a_negative_version_is_refused(path: Path) -> None:
    with (
        closing(SqliteState(path)) as state,
        pytest.raises(ValueError, match="after_version is -1; versions count from 1"),
    ):
        state.read(after_version=-1)


def test_a_read_that_the_store_is_closed_under_is_unavailable(path: Path) -> None:
    write_journal(path, size=600)
    state = SqliteState(path)
    reading = state.read()
    next(reading)
    state.close()
    with pytest.raises(StateUnavailable, match="closed"):
        list(reading)


def test_only_the_newest_snapshot_takes_space(path: Path) -> None:
    write_journal(path)
    with closing(SqliteState(path)) as state:
        for version in range(21, 41):
            state.save_snapshot(Snapshot(version=version, body="x" * 100_000))
        assert state.load_snapshot() == Snapshot(version=40, body="x" * 100_000)
    assert path.stat().st_size < 500_000


def test_a_snapshot_of_a_replaced_chain_is_refused(path: Path) -> None:
    write_journal(path)
    with closing(SqliteState(path)) as state:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE journal SET digest = x'00' WHERE version = 20")
        with pytest.raises(StateCorrupt, match="snapshot is damaged"):
            state.load_snapshot()
