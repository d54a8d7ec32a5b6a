"""``tidegate state``: verify, backup, restore and compact, on what sessions left."""

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.cli.exits import Exit
from tidegate.adapters.sqlite import SqliteState
from tidegate.application.codec import encode
from tidegate.domain.core.events import SessionStarted, SessionStopped
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.ports.state import Snapshot

from .running import start, tidegate

# The demonstration's second position, opened 2017-07-07 13:00, is open after 150 bars.
BARS = "150"
LATER = "300"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("left")
    done = tidegate("demo", "--bars", BARS, "--state", "s", home=home)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(left: Path, tmp_path: Path) -> Path:
    shutil.copytree(left / "s", tmp_path / "s")
    return tmp_path


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def _state(home: Path, *arguments: str, **env: str) -> "tuple[int, str, str]":
    done = tidegate("state", *arguments, "--state", "s", home=home, env=env)
    return done.returncode, done.stdout, done.stderr


def _document(home: Path, *arguments: str) -> dict[str, Any]:
    code, out, trouble = _state(home, *arguments, "--json")
    assert trouble == ""
    found: dict[str, Any] = json.loads(out)
    return {**found, "code": code}


def _edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_sound_journal_verifies_and_keeps_every_byte(home: Path) -> None:
    before = _contents(home / "s")
    code, out, _ = _state(home, "verify")
    assert code == Exit.OK
    assert "VERIFIED" in out
    found = _document(home, "verify")
    assert found["is_verified"]
    assert found["venue"] == "paper"
    assert found["folded_from"] == 0
    assert found["is_stopped"]
    assert found["snapshot_version"] == found["facts"]["version"] == sum(found["kinds"].values())
    assert found["kinds"]["trade_closed.v1"] == 1
    assert _contents(home / "s") == before


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A session that is killed at the end of this module's tests of running ones."""
    home = tmp_path_factory.mktemp("running")
    process = start("demo", "--bars", "12000", "--state", "s", home=home, env={})
    until = time.monotonic() + 60
    while not _has_entries(home / "s" / "journal.sqlite") and time.monotonic() < until:
        time.sleep(0.05)
    yield home, process
    process.kill()
    process.communicate()


def _has_entries(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 100_000


def test_a_session_that_runs_is_verified_and_copied_but_not_compacted_or_replaced(
    running: Any,
) -> None:
    home, process = running
    code, _, trouble = _state(home, "backup", "copy.sqlite")
    assert code == Exit.OK, trouble
    found = _document(home, "verify")
    assert found["code"] == Exit.OK
    assert not found["is_stopped"]
    code, _, trouble = _state(home, "compact")
    assert code == Exit.STATE
    assert "nothing was changed" in trouble or "locked" in trouble
    code, _, trouble = _state(home, "restore", "copy.sqlite", "--move-aside")
    assert code == Exit.STATE
    assert "a desk has it open" in trouble
    assert process.poll() is None, "the session was disturbed, or ended before it was looked at"
    process.kill()
    process.communicate()
    code, _, trouble = _state(home, "compact")
    assert code == Exit.STATE
    assert "did not end in an orderly way; nothing was changed. Start it once more" in trouble
    assert _document(home, "verify")["is_verified"]
    copied = tidegate("state", "verify", "--state", "copy.sqlite", "--json", home=home)
    copy = json.loads(copied.stdout)
    assert copy["is_verified"]
    assert 0 < copy["facts"]["version"] <= found["facts"]["version"]


def test_a_copy_is_judged_where_it_lies_whatever_became_of_the_journal(home: Path) -> None:
    assert _state(home, "backup", "copy.sqlite")[0] == Exit.OK
    _edit(home / "s" / "journal.sqlite", "UPDATE journal SET body = 'x' WHERE version = 7")
    found = _document(home, "verify", "copy.sqlite")
    assert (found["code"], found["is_verified"]) == (Exit.OK, True)
    assert found["facts"]["place"] == "copy.sqlite"
    _edit(home / "copy.sqlite", "UPDATE journal SET body = 'x' WHERE version = 9")
    code, _, trouble = _state(home, "verify", "copy.sqlite")
    assert code == Exit.STATE
    assert "copy.sqlite: journal version 9 is damaged" in trouble


def _spoil_snapshot(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Keep a snapshot with a right digest whose books are not what the journal folds to."""
    with closing(SqliteState(path)) as state:
        saved = state.load_snapshot()
        assert saved is not None
        body = json.loads(saved.body)
        change(body)
        state.save_snapshot(Snapshot(version=saved.version, body=json.dumps(body)))


def _other_fees(body: dict[str, Any]) -> None:
    body["books"]["ledger"]["fees"] = "0"


def _forgotten_execution(body: dict[str, Any]) -> None:
    body["books"]["executions"]["young"][0] = "another"


@pytest.mark.parametrize(
    ("change", "part"),
    [(_other_fees, "ledger"), (_forgotten_execution, "executions")],
    ids=["ledger", "executions"],
)
def test_a_snapshot_that_the_journal_does_not_fold_to_is_found_and_never_carried_on(
    home: Path, change: Callable[[dict[str, Any]], None], part: str
) -> None:
    journal = home / "s" / "journal.sqlite"
    _spoil_snapshot(journal, change)
    before = _contents(home / "s")
    code, out, _ = _state(home, "verify")
    assert code == Exit.UNVERIFIED
    assert f"DIFFERS in {part}" in out
    assert "Where day_offset_minutes was changed since, set it back" in " ".join(out.split())
    assert "restore a copy that verifies: tidegate state restore FILE" in " ".join(out.split())
    assert _document(home, "verify")["differences"] == [part]
    for arguments in (("compact",), ("backup", "copy.sqlite")):
        code, _, trouble = _state(home, *arguments)
        assert code == Exit.STATE
        assert f"not what the journal folds to, in: {part}; nothing was changed" in trouble
    assert _contents(home / "s") == before
    assert not (home / "copy.sqlite").exists()


def test_a_smaller_memory_of_old_executions_is_no_difference(home: Path) -> None:
    def forget(body: dict[str, Any]) -> None:
        body["books"]["executions"]["young"].pop()

    _spoil_snapshot(home / "s" / "journal.sqlite", forget)
    assert _document(home, "verify")["is_verified"]


def test_a_record_that_this_release_does_not_know_is_named_by_its_version(home: Path) -> None:
    journal = home / "s" / "journal.sqlite"
    with closing(SqliteState(journal)) as state:
        event = encode(SessionStopped(reason="x"), time_ms=1)
        version = state.append(
            [type(event)(kind="unheard_of.v1", body=event.body, time_ms=1)],
            expected_version=state.version(),
            durable=True,
        )
    code, _, trouble = _state(home, "verify")
    assert code == Exit.STATE
    assert f"journal version {version}: journal record of kind 'unheard_of.v1'" in trouble


def _cut(data: bytes, at: int) -> bytes:
    return data[: at % len(data)]


def _flip(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def _damages() -> list[Any]:
    rng = random.Random(20_261_127)  # noqa: S311
    cuts = [0, 99, 4_096, *(rng.randrange(200_000) for _ in range(2))]
    flips = [17, 63, 68, *(rng.randrange(4_096, 200_000) for _ in range(2))]
    return [
        *(pytest.param(_cut, at, id=f"cut at {at}") for at in cuts),
        *(pytest.param(_flip, at, id=f"flip at {at}") for at in flips),
    ]


@pytest.mark.parametrize(("damage", "at"), _damages())
def test_damage_is_refused_with_what_to_do_and_every_byte_stays(
    home: Path, damage: Callable[[bytes, int], bytes], at: int
) -> None:
    journal = home / "s" / "journal.sqlite"
    shutil.copy(journal, home / "s" / "copy.sqlite")
    journal.write_bytes(damage(journal.read_bytes(), at))
    before = _contents(home / "s")
    code, out, trouble = _state(home, "verify")
    if code == Exit.OK:  # a byte that nothing depends on
        assert damage is _flip
        assert "VERIFIED" in out
        return
    assert code == Exit.STATE
    assert _contents(home / "s") == before
    if "newer" in trouble or "update tidegate" in trouble:
        assert at == 63, "the last byte of the format"
        return
    assert "Nothing was written. Start no desk on it" in trouble
    assert "is copy.sqlite, version" in trouble


def test_a_damaged_journal_is_moved_aside_for_a_copy_when_asked(home: Path) -> None:
    assert _state(home, "backup", "copy.sqlite")[0] == Exit.OK
    journal = home / "s" / "journal.sqlite"
    journal.write_bytes(_flip(journal.read_bytes(), 20_000))
    before = _contents(home / "s")
    assert _state(home, "restore", "copy.sqlite")[0] == Exit.STATE
    assert _contents(home / "s") == before
    code, _, trouble = _state(home, "restore", "copy.sqlite", "--move-aside")
    assert code == Exit.OK, trouble
    (moved,) = (home / "s").glob("journal-replaced-*.sqlite")
    assert moved.read_bytes() == before[journal.name]
    assert _state(home, "verify")[0] == Exit.OK


@pytest.mark.parametrize("command", [("verify",), ("backup", "x.sqlite"), ("compact",)])
def test_a_newer_format_and_a_foreign_file_are_refused(home: Path, command: tuple[str]) -> None:
    journal = home / "s" / "journal.sqlite"
    _edit(journal, "PRAGMA user_version = 99")
    before = _contents(home / "s")
    code, _, trouble = _state(home, *command)
    assert code == Exit.STATE
    assert "written in format 99" in trouble
    assert "update tidegate" in trouble
    assert _contents(home / "s") == before
    shutil.copy(home / "s" / "venue.sqlite", journal)
    before = _contents(home / "s")
    code, _, trouble = _state(home, *command)
    assert code == Exit.STATE
    assert "not a journal" in trouble
    assert _contents(home / "s") == before
    assert not (home / "x.sqlite").exists()


def test_a_copy_is_put_back_and_the_session_goes_on_from_what_the_venue_knows(home: Path) -> None:
    assert _state(home, "backup", "copy.sqlite")[0] == Exit.OK
    assert tidegate("demo", "--bars", LATER, "--state", "s", home=home).returncode == 0
    code, out, trouble = _state(home, "restore", "copy.sqlite", "--move-aside")
    assert code == Exit.OK, trouble
    assert "entries of that one" in out
    assert "asked from the venue at the next start" in out.replace("\n", " ")
    assert tidegate("reconcile", "--state", "s", home=home).returncode in {Exit.OK, Exit.FINDINGS}
    assert _document(home, "verify")["is_verified"]


def _begun(path: Path, *, venue: VenueKind, account: str | None) -> None:
    started = SessionStarted(mode=TradingMode.DEMO, venue=venue, account=account)
    with closing(SqliteState(path)) as state:
        records = [encode(one, time_ms=1) for one in (started, SessionStopped(reason="x"))]
        state.append(records, expected_version=0, durable=True)


def test_a_copy_of_another_venue_or_account_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    _begun(copy, venue=VenueKind.BYBIT_DEMO, account="1001")
    code, _, trouble = _state(tmp_path, "restore", "copy.sqlite")
    assert code == Exit.STATE
    assert "belongs to the venue 'bybit demo', and the mode is 'paper'" in trouble
    demo = {"TIDEGATE_MODE": "demo"}
    code, _, trouble = _state(tmp_path, "restore", "copy.sqlite", "--account", "2002", **demo)
    assert code == Exit.STATE
    assert "account 1001, the account that was named is 2002" in trouble
    code, _, trouble = _state(tmp_path, "restore", "copy.sqlite", "--account", "1001", **demo)
    assert code == Exit.OK, trouble
    other = tmp_path / "other.sqlite"
    _begun(other, venue=VenueKind.BYBIT_DEMO, account="2002")
    before = _contents(tmp_path / "s")
    code, _, trouble = _state(tmp_path, "restore", "other.sqlite", "--move-aside", **demo)
    assert code == Exit.STATE
    assert "account 2002, the account of the journal in its place is 1001" in trouble
    assert _contents(tmp_path / "s") == before


def test_a_compacted_session_goes_on_as_an_undisturbed_one(home: Path) -> None:
    whole = tidegate("demo", "--bars", LATER, "--state", "whole", "--json", home=home)
    size = (home / "s" / "journal.sqlite").stat().st_size
    code, out, trouble = _state(home, "compact")
    assert code == Exit.OK, trouble
    assert "1 to " in out
    assert (home / "s" / "journal.sqlite").stat().st_size < size
    assert "ACTIVE" in tidegate("status", "--state", "s", home=home).stdout
    on = tidegate("demo", "--bars", LATER, "--state", "s", "--json", home=home)
    assert on.returncode == 0, on.stderr
    wanted, found = json.loads(whole.stdout), json.loads(on.stdout)
    assert found["summary"]["trades"] == wanted["summary"]["trades"] > 1
    assert found["summary"] == wanted["summary"]
    assert found["positions"] == wanted["positions"]
    assert _state(home, "compact")[0] == Exit.OK
    report = _document(home, "verify")
    assert report["is_verified"]
    assert len(report["facts"]["archives"]) == 2
    assert sum(report["kinds"].values()) == report["facts"]["version"]


def test_the_journal_command_reads_archives_when_asked(home: Path) -> None:
    wanted = tidegate("journal", "--state", "s", "--limit", "0", "--json", home=home).stdout
    assert _state(home, "compact")[0] == Exit.OK
    bare = tidegate("journal", "--state", "s", home=home)
    assert (bare.returncode, bare.stdout) == (0, "")
    assert "--archive" in bare.stderr
    found = tidegate("journal", "--state", "s", "--limit", "0", "--archive", "--json", home=home)
    assert found.stdout == wanted
    refused = tidegate("journal", "--state", "s", "--after", "3", home=home)
    assert refused.returncode == Exit.BAD_INPUT
    assert "were moved to archives" in refused.stderr
    after = tidegate("journal", "--state", "s", "--after", "3", "--archive", home=home)
    assert after.stdout.split()[0] == "4"


def test_a_missing_or_damaged_archive_is_told_apart_from_a_damaged_journal(home: Path) -> None:
    assert _state(home, "compact")[0] == Exit.OK
    (archive,) = (home / "s").glob("journal-archive-*.sqlite")
    whole = archive.read_bytes()
    archive.unlink()
    code, out, _ = _state(home, "verify")
    assert code == Exit.UNVERIFIED
    assert "INCOMPLETE" in out
    assert "MISSING" in out
    assert tidegate("status", "--state", "s", home=home).returncode == 0
    gone = tidegate("journal", "--state", "s", "--archive", home=home)
    assert gone.returncode == Exit.STATE
    assert archive.name in gone.stderr
    archive.write_bytes(whole[:-4_096])
    code, _, trouble = _state(home, "verify")
    assert code == Exit.STATE
    assert "put a copy of it in its place" in trouble
    assert "Start no desk" not in trouble


def test_a_snapshot_of_another_release_is_passed_over_for_the_archives(home: Path) -> None:
    before = tidegate("status", "--state", "s", "--json", home=home).stdout
    assert _state(home, "compact")[0] == Exit.OK

    def older(body: dict[str, Any]) -> None:
        body["format"] = 3

    _spoil_snapshot(home / "s" / "journal.sqlite", older)
    assert tidegate("status", "--state", "s", "--json", home=home).stdout == before
    assert _document(home, "verify")["snapshot_version"] is None
    (archive,) = (home / "s").glob("journal-archive-*.sqlite")
    archive.rename(home / archive.name)
    for command in (("status",), ("state", "verify")):
        done = tidegate(*command, "--state", "s", home=home)
        assert done.returncode == Exit.STATE
        assert f"{archive.name}: the journal's versions 1 to " in done.stderr


@pytest.mark.parametrize("command", [("verify",), ("backup", "x.sqlite"), ("compact",)])
def test_where_there_is_no_journal_nothing_is_made(tmp_path: Path, command: tuple[str]) -> None:
    code, _, trouble = _state(tmp_path, *command)
    assert code == Exit.STATE
    assert "no journal there" in trouble
    assert list(tmp_path.iterdir()) == []
