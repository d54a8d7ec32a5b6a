"""Compaction: every record stays readable, versions go on, and a kill at any step loses nothing."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.adapters.sqlite.schema import FORMAT
from tidegate.ports.state import (
    ArchiveUnreadable,
    Record,
    Snapshot,
    StateCorrupt,
    StateError,
)
from tidegate.ports.state_care import Compacted, StoreView

from tests.adapters.sqlite.journals import batch, contents, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def _fold(view: StoreView) -> Snapshot:
    """Fold as a desk does: from the snapshot and the rest, to the text that they make."""
    saved = view.load_snapshot()
    known = [] if saved is None or not saved.body.startswith("|") else [saved]
    text = "".join(one.body for one in known)
    after = max((one.version for one in known), default=0)
    for stored in view.read(after_version=after):
        text += f"|{stored.record.body}"
    return Snapshot(version=view.facts.version, body=text)


def _compact(path: Path) -> Compacted:
    return SqliteCare(path).compact(_fold)


def _found(path: Path) -> tuple[list[Record], Snapshot | None]:
    with closing(SqliteState(path)) as state:
        stored = list(state.read())
        assert [one.version for one in stored] == list(range(1, len(stored) + 1))
        return [one.record for one in stored], state.load_snapshot()


def _append(path: Path, *bodies: str) -> list[Record]:
    records = batch(*bodies)
    with closing(SqliteState(path)) as state:
        state.append(records, expected_version=state.version(), durable=True)
    return records


def _text(records: list[Record]) -> str:
    return "".join(f"|{record.body}" for record in records)


def test_every_record_stays_readable_and_the_snapshot_is_what_they_fold_to(path: Path) -> None:
    records = write_journal(path)
    done = _compact(path)
    (archive,) = done.archives
    assert (archive.first, archive.last, done.version) == (1, 40, 40)
    assert Path(archive.place).name == "journal-archive-1-40.sqlite"
    assert sorted(contents(path.parent)) == ["journal-archive-1-40.sqlite", "journal.sqlite"]
    assert _found(path) == (records, Snapshot(version=40, body=_text(records)))


def test_the_file_comes_back_to_the_size_of_its_snapshot(path: Path) -> None:
    with closing(SqliteState(path)) as state:
        records = batch(*(f"{number}" * 300 for number in range(2_000)))
        state.append(records, expected_version=0, durable=True)
    body = "x" * 50_000
    done = SqliteCare(path).compact(lambda _: Snapshot(version=2_000, body=body))
    assert done.bytes_before > 2_000_000
    assert done.bytes_after == path.stat().st_size < len(body) + 40_000


def _make_format_1(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE archive")
        connection.execute("PRAGMA user_version = 1")


def _format_in_header(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64])


def test_a_file_of_format_1_is_used_as_it_is_and_becomes_format_2_by_compaction(path: Path) -> None:
    records = write_journal(path)
    _make_format_1(path)
    records += _append(path, "x")
    assert _format_in_header(path) == 1, "an older release still reads it"
    _compact(path)
    assert _format_in_header(path) == FORMAT == 2, "an older release refuses it"
    assert _found(path) == (records, Snapshot(version=41, body=_text(records)))


def test_an_archive_that_is_gone_is_named_and_the_rest_still_works(path: Path) -> None:
    write_journal(path)
    _compact(path)
    late = _append(path, "x", "y")
    (path.parent / "journal-archive-1-40.sqlite").rename(path.parent / "elsewhere")
    with closing(SqliteState(path)) as state:
        with pytest.raises(ArchiveUnreadable, match=r"journal-archive-1-40\.sqlite: .* 1 to 40 "):
            state.read(after_version=39)
        assert [stored.record for stored in state.read(after_version=40)] == late
        assert state.load_snapshot() is not None
        state.append(batch("z"), expected_version=42, durable=True)


def test_no_flipped_byte_of_an_archive_shows_a_wrong_record(path: Path) -> None:
    records = write_journal(path)
    _compact(path)
    archive = path.parent / "journal-archive-1-40.sqlite"
    whole = archive.read_bytes()
    rng = random.Random(7)  # noqa: S311
    refused = 0
    for _ in range(120):
        damaged = bytearray(whole)
        damaged[rng.choice((rng.randrange(108), rng.randrange(len(whole))))] ^= rng.randrange(
            1, 256
        )
        archive.write_bytes(damaged)
        try:
            assert _found(path)[0] == records
        except StateError:
            refused += 1
            assert archive.read_bytes() == bytes(damaged)
    assert refused > 20


def test_an_archive_of_another_journal_is_refused(path: Path) -> None:
    write_journal(path)
    _compact(path)
    other = path.parent / "other" / path.name
    other.parent.mkdir()
    _append(other, *(f"other {number}" for number in range(40)))
    _compact(other)
    name = "journal-archive-1-40.sqlite"
    shutil.copy(other.parent / name, path.parent / name)
    with (
        closing(SqliteState(path)) as state,
        pytest.raises(ArchiveUnreadable, match="another jour"),
    ):
        list(state.read())


def test_an_archive_is_no_journal_for_a_desk(path: Path) -> None:
    write_journal(path)
    _compact(path)
    archive = path.parent / "journal-archive-1-40.sqlite"
    before = archive.read_bytes()
    with pytest.raises(StateCorrupt, match="not a journal"):
        SqliteState(archive)
    assert archive.read_bytes() == before


def test_an_archive_of_another_future_is_neither_used_nor_replaced(path: Path) -> None:
    # A compaction, then an older copy put back, which goes another way to the same version.
    write_journal(path)
    shutil.copy(path, path.with_name("copy"))
    _append(path, "one way")
    _compact(path)
    abandoned = (path.parent / "journal-archive-1-41.sqlite").read_bytes()
    shutil.copy(path.with_name("copy"), path)
    _append(path, "another way")
    (archive,) = _compact(path).archives
    assert Path(archive.place).name == "journal-archive-1-41-2.sqlite"
    assert (path.parent / "journal-archive-1-41.sqlite").read_bytes() == abandoned
    assert _found(path)[0][-1].body == "another way"


_KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from tests.adapters.sqlite.test_sqlite_compaction import compact_and_die_at

source, folder, each = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
line = lives = 0
while True:
    line += each
    lives += 1
    life = folder / str(line)
    life.mkdir()
    for file in source.iterdir():
        shutil.copy(file, life)
    child = os.fork()
    if child == 0:
        compact_and_die_at(life / "journal.sqlite", line)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
print(lives)
"""
_STEPS = ("care.py", "compacting.py", "archives.py", "sole.py")
_ROWS_FEW = 6
_EACH_STEP = 3
"""At one of how many steps there is a kill, unless all are asked for."""


def compact_and_die_at(path: Path, line: int) -> None:
    """Compact, and die before the line of that ordinal of what does the work."""
    passed = 0

    def in_step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal passed
        if event == "line":
            passed += 1
            if passed == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return in_step

    def enter(frame: FrameType, event: str, _: object) -> Any:
        file = Path(frame.f_code.co_filename)
        return in_step if file.parent.name == "sqlite" and file.name in _STEPS else None

    sys.settrace(enter)
    _compact(path)
    sys.settrace(None)


def test_a_kill_at_any_step_loses_no_record_and_the_next_run_finishes(
    tmp_path: Path, *, whole: bool
) -> None:
    each = 1 if whole else _EACH_STEP
    source, folder = tmp_path / "source", tmp_path / "lives"
    source.mkdir()
    folder.mkdir()
    path = source / "journal.sqlite"
    records = write_journal(path, size=_ROWS_FEW)
    _compact(path)
    records += _append(path, "x", "y")
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(source), str(folder), str(each)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    lives = sorted(folder.iterdir(), key=lambda life: int(life.name))
    assert len(lives) == int(done.stdout) > 100 // each
    left: set[tuple[int, bool]] = set()
    for life in lives:
        path = life / "journal.sqlite"
        with closing(SqliteState(path)) as state:
            assert [stored.record for stored in state.read()] == records
            left.add((state.base(), (life / "journal-archive-7-8.sqlite").exists()))
        _compact(path)
        assert _found(path) == (records, Snapshot(version=8, body=_text(records)))
        assert sorted(contents(life)) == [
            "journal-archive-1-6.sqlite",
            "journal-archive-7-8.sqlite",
            "journal.sqlite",
        ]
    assert left == {(6, False), (6, True), (8, True)}, "died before, between and after the steps"


_FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.adapters.sqlite.test_sqlite_compaction import _compact
from tidegate.ports.state import StateUnavailable

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    _compact(Path(sys.argv[1]))
except StateUnavailable as error:
    print(error)
"""


@pytest.mark.parametrize("bytes_max", [1_000, 60_000, 150_000, 300_000])
def test_a_full_disk_during_a_compaction_loses_no_record(path: Path, bytes_max: int) -> None:
    with closing(SqliteState(path)) as state:
        records = batch(*(f"{number} " * 60 for number in range(1_000)))
        state.append(records, expected_version=0, durable=True)
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path), str(bytes_max)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    assert "disk" in done.stdout
    assert _found(path)[0] == records
    _compact(path)
    assert _found(path) == (records, Snapshot(version=1_000, body=_text(records)))
