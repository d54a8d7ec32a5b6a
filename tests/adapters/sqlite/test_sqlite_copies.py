"""Copies of a journal: made while it is written, checked, and put back without losing anything."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import NewerFormat, Record, StateCorrupt, StateUnavailable
from tidegate.ports.state_care import CareRefused, StoreView

from tests.adapters.sqlite.journals import (
    BECOME_NOBODY,
    batch,
    contents,
    open_to_others,
    write_journal,
)

_STAMP = "20261127T101500Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "journal.sqlite"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite"


def _version(view: StoreView) -> int:
    return sum(1 for _ in view.read())


def _backup(path: Path, to: Path) -> int:
    return SqliteCare(path).backup(str(to), _version)


def _restore(path: Path, copy: Path, *, moves_aside: bool = False) -> str | None:
    def check(view: StoreView) -> None:
        assert _version(view) == view.facts.version

    care = SqliteCare(path)
    return care.restore(str(copy), check, moves_aside=moves_aside, stamp=_STAMP).moved_to


def _records(path: Path) -> list[Record]:
    with closing(SqliteState(path)) as state:
        return [stored.record for stored in state.read()]


def test_a_copy_has_what_only_the_log_holds(path: Path, copy: Path) -> None:
    with closing(SqliteState(path)) as state:
        state.append(batch("a", "b"), expected_version=0, durable=True)
        assert _backup(path, copy) == 2
    assert _records(copy) == batch("a", "b")


_FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.adapters.sqlite.test_sqlite_copies import _backup
from tidegate.ports.state import StateUnavailable

resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, resource.RLIM_INFINITY))
try:
    _backup(Path(sys.argv[1]), Path(sys.argv[2]))
except StateUnavailable as error:
    print(error)
"""


def test_a_full_disk_leaves_no_copy_and_the_journal_as_it_is(path: Path, copy: Path) -> None:
    write_journal(path)
    before = contents(path.parent)
    done = _run(_FULL_DISK, path, copy)
    assert done.returncode == 0, done.stderr
    assert "disk" in done.stdout
    assert contents(path.parent) == before
    assert sorted(copy.parent.iterdir()) == [path.parent]


def _run(text: str, *arguments: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", text, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )


def test_a_copy_is_put_where_nothing_is(path: Path, copy: Path) -> None:
    records = write_journal(path)
    _backup(path, copy)
    path.unlink()
    before = copy.read_bytes()
    assert _restore(path, copy) is None
    assert _records(path) == records
    assert copy.read_bytes() == before
    assert sorted(contents(path.parent)) == [path.name]


def test_a_journal_that_is_there_is_moved_only_when_asked_and_never_deleted(
    path: Path, copy: Path
) -> None:
    records = write_journal(path)
    _backup(path, copy)
    with closing(SqliteState(path)) as state:
        state.append(batch("late"), expected_version=40, durable=True)
    before = contents(path.parent)
    with pytest.raises(CareRefused, match="a journal is there; nothing was changed"):
        _restore(path, copy)
    assert contents(path.parent) == before
    moved = path.with_name(f"journal-replaced-{_STAMP}.sqlite")
    assert _restore(path, copy, moves_aside=True) == str(moved)
    assert moved.read_bytes() == before[path.name]
    assert _records(path) == records
    with pytest.raises(CareRefused, match=moved.name):  # in the same second
        _restore(path, copy, moves_aside=True)
    assert _records(path) == records


def test_what_a_killed_desk_left_in_its_log_moves_along(path: Path, copy: Path) -> None:
    write_journal(path)
    _backup(path, copy)
    _kill_with_a_log(path)
    _restore(path, copy, moves_aside=True)
    moved = path.with_name(f"journal-replaced-{_STAMP}.sqlite")
    assert _records(moved)[-1].body == "late"
    assert _records(path)[-1].body == "body 39"


def test_a_restore_that_was_killed_between_file_and_log_is_finished(path: Path, copy: Path) -> None:
    write_journal(path)
    _backup(path, copy)
    _kill_with_a_log(path)
    halved = path.with_name("journal-replaced-20261127T101400Z.sqlite")
    path.rename(halved)
    with pytest.raises(StateCorrupt, match="missing, while its log"):
        SqliteState(path)
    assert _restore(path, copy, moves_aside=True) == str(halved)
    assert _records(halved)[-1].body == "late"
    assert _records(path)[-1].body == "body 39"


def _kill_with_a_log(path: Path) -> None:
    """Leave what a desk leaves that was killed after it appended."""
    life = path.parent.with_name("life")
    life.mkdir()
    with closing(SqliteState(path)) as state:
        state.append(batch("late"), expected_version=40, durable=True)
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(path.with_name(name), life)
    for name in (path.name, f"{path.name}-wal"):
        (life / name).replace(path.with_name(name))
    life.rmdir()


@contextmanager
def _desk(path: Path) -> Iterator["subprocess.Popen[str]"]:
    text = (
        "import sys; from pathlib import Path; from tidegate.adapters.sqlite import SqliteState\n"
        "state = SqliteState(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


@pytest.mark.parametrize("is_damaged", [False, True], ids=["sound", "damaged"])
def test_a_journal_that_a_desk_has_open_is_not_moved(
    path: Path, copy: Path, is_damaged: bool
) -> None:
    write_journal(path)
    _backup(path, copy)
    with _desk(path) as desk:
        if is_damaged:
            path.write_bytes(b"not a database" * 100)
        before = path.read_bytes()
        with pytest.raises(CareRefused, match="a desk has it open"):
            _restore(path, copy, moves_aside=True)
        assert path.read_bytes() == before
        desk.send_signal(signal.SIGKILL)
        desk.wait(30)
        assert _restore(path, copy, moves_aside=True) is not None
    assert len(_records(path)) == 40


def test_a_desk_of_this_process_keeps_its_locks(path: Path, copy: Path) -> None:
    write_journal(path)
    _backup(path, copy)
    with closing(SqliteState(path)):
        for _ in range(2):  # a check in this process would have dropped them with the first
            with pytest.raises(CareRefused, match="a desk has it open"):
                _restore(path, copy, moves_aside=True)


def test_the_journal_itself_is_no_copy_of_it(path: Path) -> None:
    write_journal(path)
    before = contents(path.parent)
    with pytest.raises(CareRefused, match="this is the journal itself"):
        _restore(path, path, moves_aside=True)
    assert contents(path.parent) == before


@pytest.mark.parametrize("size", [0, 1, 99, 4_096, 9_000, -1])
def test_a_copy_that_is_cut_off_is_refused_before_anything_moves(
    path: Path, copy: Path, size: int
) -> None:
    write_journal(path)
    _backup(path, copy)
    copy.write_bytes(copy.read_bytes()[:size])
    before = contents(path.parent)
    with pytest.raises(StateCorrupt):
        _restore(path, copy, moves_aside=True)
    assert contents(path.parent) == before


def test_a_copy_of_a_newer_release_or_of_nothing_is_refused(path: Path, copy: Path) -> None:
    write_journal(path)
    _backup(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = contents(path.parent)
    with pytest.raises(NewerFormat):
        _restore(path, copy, moves_aside=True)
    copy.unlink()
    with pytest.raises(StateUnavailable, match="no journal there"):
        _restore(path, copy, moves_aside=True)
    assert contents(path.parent) == before


_NO_ACCESS = f"""
import sys
from pathlib import Path
from tests.adapters.sqlite.test_sqlite_copies import _backup
from tidegate.ports.state import StateUnavailable
{BECOME_NOBODY}
try:
    _backup(Path(sys.argv[1]), Path(sys.argv[2]))
except StateUnavailable as error:
    print(error)
"""


def test_a_folder_that_must_not_be_written_takes_no_copy(path: Path, copy: Path) -> None:
    write_journal(path)
    copy.parent.chmod(0o555)
    with open_to_others(path.parent):
        done = _run(_NO_ACCESS, path, copy)
    copy.parent.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert "a copy cannot be written there" in done.stdout
    assert sorted(copy.parent.iterdir()) == [path.parent]
