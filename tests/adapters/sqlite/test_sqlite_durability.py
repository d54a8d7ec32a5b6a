"""What survives a kill, what is forced to the disk, and what two processes do to one journal."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.ports.state import Snapshot, StoredRecord

from tests.adapters.sqlite.journals import batch

_TRACED = ("PRAGMA synchronous", "COMMIT")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every commit, and every change of mode with the mode that SQLite then reports."""
    seen: list[str] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def traced(*args: str, **kwargs: bool) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)

        def note(statement: str) -> None:
            if statement.startswith(_TRACED):
                seen.append(statement)

        connection.set_trace_callback(note)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return seen


def test_a_durable_append_commits_in_full_mode_and_any_other_in_normal(
    tmp_path: Path, statements: list[str]
) -> None:
    with closing(SqliteState(tmp_path / "journal.sqlite")) as state:
        statements.clear()
        for version, durable in enumerate([False, True, True, False, False]):
            state.append(batch("x"), expected_version=version, durable=durable)
        state.append([], expected_version=5, durable=True)
        state.save_snapshot(Snapshot(version=5, body=""))
    full, normal = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"
    assert statements == [
        *["COMMIT", full, "COMMIT", "COMMIT", normal, "COMMIT", "COMMIT"],
        *[full, "COMMIT", normal, "COMMIT"],
    ]


def test_a_durable_append_of_nothing_still_commits_a_change(tmp_path: Path) -> None:
    # SQLite forces nothing to the disk for a commit that changes no page.
    path = tmp_path / "journal.sqlite"
    with closing(SqliteState(path)) as state:
        state.append(batch("x"), expected_version=0, durable=False)
        before = path.with_name("journal.sqlite-wal").stat().st_size
        state.append([], expected_version=1, durable=True)
        assert path.with_name("journal.sqlite-wal").stat().st_size > before


def test_the_mode_really_changes_between_transactions() -> None:
    # SQLite ignores the change inside a transaction, and reports 1 for NORMAL and 2 for FULL.
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for mode, number in (("NORMAL", 1), ("FULL", 2), ("NORMAL", 1)):
            connection.execute(f"PRAGMA synchronous = {mode}")
            assert connection.execute("PRAGMA synchronous").fetchone() == (number,)


_WRITER = """
import itertools, sys
from pathlib import Path
from tidegate.adapters.sqlite import SqliteState
from tidegate.ports.state import Record

state = SqliteState(Path(sys.argv[1]), busy_ms_max=60_000)
print("ready", flush=True)
version = state.version()
for turn in itertools.count():
    size = turn % 4 + 1
    records = [
        Record(kind="case.v1", body=f"{version} of {size}", time_ms=place) for place in range(size)
    ]
    version = state.append(records, expected_version=version, durable=turn % 3 == 0)
    sys.stdout.write(f"{version}\\n")
    sys.stdout.flush()
"""


def test_a_killed_process_loses_nothing_acknowledged_and_leaves_no_half_append(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    rng = random.Random(20_240_607)  # noqa: S311  (delays, not secrets)
    stored: list[StoredRecord] = []
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.08))
        writer.kill()
        output, _ = writer.communicate(timeout=30)
        assert writer.returncode == -signal.SIGKILL
        acknowledged = [int(line) for line in output.split("\n")[:-1]]
        with closing(SqliteState(path)) as state:
            stored = list(state.read())
            assert state.version() == len(stored)
        assert len(stored) >= max(acknowledged, default=0)
        _require_whole_appends([found.record.body for found in stored])
    assert len(stored) > 0


def _require_whole_appends(bodies: list[str]) -> None:
    place = 0
    while place < len(bodies):
        size = int(bodies[place].rpartition(" ")[2])
        assert bodies[place : place + size] == [f"{place} of {size}"] * size
        place += size


_RIVAL = """
import sys
from pathlib import Path
from tidegate.adapters.sqlite import SqliteState
from tidegate.ports.state import Record, VersionConflict

state = SqliteState(Path(sys.argv[1]), busy_ms_max=60_000)
version, number = 0, 0
while number < 150:
    record = Record(kind="case.v1", body=f"{sys.argv[2]} {number}", time_ms=0)
    try:
        version = state.append([record], expected_version=version, durable=False)
    except VersionConflict as lost:
        version = lost.actual
    else:
        number += 1
state.close()
"""


def test_processes_that_create_and_write_one_journal_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    names = ("first", "second", "third")
    rivals = [subprocess.Popen([sys.executable, "-c", _RIVAL, str(path), name]) for name in names]
    assert [rival.wait(timeout=120) for rival in rivals] == [0, 0, 0]
    with closing(SqliteState(path)) as state:
        bodies = [found.record.body for found in state.read()]
    for name in names:
        own = [body for body in bodies if body.startswith(name)]
        assert own == [f"{name} {number}" for number in range(150)]
    assert len(bodies) == 450
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
