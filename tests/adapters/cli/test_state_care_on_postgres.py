"""``tidegate state`` on a journal in a database: verify, backup, restore and compact."""

import gzip
import json
import signal
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from tidegate.adapters.cli.exits import Exit

from tests.adapters.postgres.server import shared_server

from .running import start, tidegate

FEW, MANY = 80, 160


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bars")
    source = files("tidegate.adapters.feeds") / "data" / "coinbase-btcusd-1h-2017-2019.csv.gz"
    with source.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as text:
        lines = list(islice(text, 12_000))
    for count in (FEW, MANY, 10_000):
        (folder / f"{count}.csv").write_text("".join(lines[: count + 1]), encoding="utf-8")
    return folder


@attrs.frozen
class Desk:
    """A desk on a database of its own, in a folder of its own."""

    home: Path
    dsn: str
    data: Path

    @property
    def env(self) -> dict[str, str]:
        return {"TIDEGATE_STATE__BACKEND": "postgres", "TIDEGATE_STATE__DSN": self.dsn}

    def paper(self, bars: int) -> tuple[str, ...]:
        file = str(self.data / f"{bars}.csv")
        return ("paper", "--data", file, "--symbol", "BTCUSDT-DEMO", "--state", "s", "--json")

    def trade(self, bars: int) -> dict[str, Any]:
        done = tidegate(*self.paper(bars), home=self.home, env=self.env)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def state(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        done = tidegate(
            "state", *arguments, "--state", "s", home=self.home, env={**self.env, **env}
        )
        return done.returncode, done.stdout, done.stderr

    def verified(self, **env: str) -> dict[str, Any]:
        code, out, trouble = self.state("verify", "--json", **env)
        assert trouble == ""
        found: dict[str, Any] = json.loads(out)
        return {**found, "code": code}

    def change(self, statement: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    def count(self, table: str) -> int:
        with psycopg.connect(self.dsn) as connection:
            query = f"SELECT to_regclass('tidegate.{table}') IS NOT NULL"
            if connection.execute(query.encode()).fetchone() != (True,):
                return 0
            query = f"SELECT count(*) FROM tidegate.{table}"  # noqa: S608
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(tmp_path: Path, data: Path) -> Iterator[Desk]:
    server = shared_server()
    dsn = server.database()
    yield Desk(tmp_path, dsn, data)
    server.give_back(dsn)


def _until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_journal_is_verified_copied_compacted_and_traded_on(desk: Desk) -> None:
    whole = attrs.evolve(desk, home=desk.home / "whole")
    whole.home.mkdir()
    other = shared_server().database()
    wanted = attrs.evolve(whole, dsn=other).trade(MANY)
    shared_server().give_back(other)
    desk.trade(FEW)
    code, out, trouble = desk.state("verify")
    assert (code, trouble) == (Exit.OK, "")
    assert "VERIFIED" in out
    before = desk.verified()
    assert before["facts"]["base"] == 0
    code, out, trouble = desk.state("backup", "early.journal")
    assert code == Exit.OK, trouble
    assert "Archives are not in it" not in out
    copy = json.loads(desk.state("verify", "early.journal", "--json")[1])
    assert copy["is_verified"]
    assert copy["facts"]["place"] == "early.journal"
    early = desk.home / "early.journal"
    early.write_bytes(early.read_bytes().replace(b"session_started", b"session_stopped", 1))
    code, _, trouble = desk.state("verify", "early.journal")
    assert code == Exit.STATE
    assert "early.journal: journal version 1 is damaged" in trouble
    code, out, trouble = desk.state("compact")
    assert code == Exit.OK, trouble
    assert "the table tidegate.archived" in out
    compacted = desk.verified()
    assert compacted["is_verified"]
    assert compacted["folded_from"] == 0
    assert compacted["kinds"] == before["kinds"]
    assert (compacted["facts"]["base"], desk.count("record")) == (before["facts"]["version"], 0)
    found = desk.trade(MANY)
    assert found["was_resumed"] is True
    assert found["summary"] == wanted["summary"]
    assert found["wallet"] == wanted["wallet"]
    code, out, trouble = desk.state("backup", "late.journal")
    assert code == Exit.OK, trouble
    assert "Archives are not in it" not in out, "they are"
    assert desk.verified()["is_verified"]


@pytest.mark.sweep
def test_a_desk_moves_from_a_file_to_a_database_and_trades_on(desk: Desk) -> None:
    in_file = attrs.evolve(desk, home=desk.home / "before")
    in_file.home.mkdir()
    plain = tidegate(*in_file.paper(FEW), home=in_file.home)
    assert plain.returncode == 0, plain.stderr
    done = tidegate("state", "backup", "monday.sqlite", "--state", "s", home=in_file.home)
    assert done.returncode == 0, done.stderr
    code, out, trouble = in_file.state("restore", "monday.sqlite")
    assert (code, trouble) == (Exit.OK, ""), trouble
    assert "database" in out
    assert in_file.verified()["is_verified"]
    found = in_file.trade(MANY)
    assert found["was_resumed"] is True
    whole = attrs.evolve(desk, home=desk.home / "whole")
    whole.home.mkdir()
    done = tidegate(*whole.paper(MANY), home=whole.home)
    wanted = json.loads(done.stdout)
    assert (found["summary"], found["wallet"]) == (wanted["summary"], wanted["wallet"])


def test_the_journal_command_reads_archives_when_asked(desk: Desk) -> None:
    desk.trade(FEW)
    arguments = ("journal", "--limit", "0", "--json", "--state", "s")
    wanted = tidegate(*arguments, home=desk.home, env=desk.env).stdout
    assert desk.state("compact")[0] == Exit.OK
    bare = tidegate(*arguments, home=desk.home, env=desk.env)
    assert (bare.returncode, bare.stdout) == (0, "")
    assert "--archive" in bare.stderr
    found = tidegate(*arguments, "--archive", home=desk.home, env=desk.env)
    assert found.stdout == wanted
    desk.change("DELETE FROM tidegate.archived")
    code, out, _ = desk.state("verify")
    assert code == Exit.UNVERIFIED
    assert "INCOMPLETE" in out
    assert "MISSING" in out
    status = tidegate("status", "--state", "s", home=desk.home, env=desk.env)
    assert status.returncode == 0, status.stderr


@pytest.mark.sweep
def test_a_session_that_runs_is_verified_and_copied_but_not_compacted_or_replaced(
    desk: Desk,
) -> None:
    process = start(*desk.paper(10_000), home=desk.home, env=desk.env)
    try:
        _until(lambda: desk.count("record") > 40)
        code, _, trouble = desk.state("backup", "copy.journal")
        assert code == Exit.OK, trouble
        found = desk.verified()
        assert found["code"] == Exit.OK
        assert not found["is_stopped"]
        for arguments in (("compact",), ("restore", "copy.journal", "--move-aside")):
            code, _, trouble = desk.state(*arguments)
            assert code == Exit.STATE
            assert "a desk has it open; nothing was changed" in trouble
        assert process.poll() is None, "the session was disturbed, or ended too early"
    finally:
        process.kill()
        process.communicate()
    _until(lambda: "did not end in an orderly way" in desk.state("compact")[2])
    assert desk.verified()["is_verified"]
    code, _, trouble = desk.state("restore", "copy.journal", "--move-aside")
    assert code == Exit.OK, trouble
    assert desk.verified()["is_verified"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE tidegate.record SET body = body || 'x' WHERE version = 7", "7 is damaged"),
        pytest.param(
            "UPDATE tidegate.record SET digest = '\\x00' WHERE version = 7",
            "7 is damaged",
            marks=pytest.mark.sweep,
        ),
        pytest.param(
            "DELETE FROM tidegate.record WHERE version = 7", "7 is missing", marks=pytest.mark.sweep
        ),
    ],
    ids=["body", "digest", "row"],
)
def test_damage_is_refused_with_what_to_do_and_a_copy_put_back(
    desk: Desk, damage: str, said: str
) -> None:
    desk.trade(FEW)
    assert desk.state("backup", "s/monday.journal")[0] == Exit.OK
    desk.change(damage)
    code, _, trouble = desk.state("verify")
    assert code == Exit.STATE
    assert f"journal version {said}" in trouble
    assert "Nothing was written. Start no desk on it" in trouble
    assert "is monday.journal, version" in trouble
    for arguments in (("backup", "x.journal"), ("compact",)):
        assert desk.state(*arguments)[0] == Exit.STATE
    assert not (desk.home / "x.journal").exists()
    code, _, trouble = desk.state("restore", "s/monday.journal")
    assert code == Exit.STATE
    assert "a journal is there; nothing was changed" in trouble
    code, out, trouble = desk.state("restore", "s/monday.journal", "--move-aside")
    assert code == Exit.OK, trouble
    assert "paper-replaced-" in out
    assert desk.verified()["is_verified"]
    assert desk.count("journal") == 2, "the damaged one is kept"
    done = tidegate("reconcile", "--state", "s", home=desk.home, env=desk.env)
    assert done.returncode in {Exit.OK, Exit.FINDINGS}, done.stderr


def test_a_copy_that_is_cut_flipped_newer_or_of_another_is_refused(desk: Desk) -> None:
    desk.trade(FEW)
    assert desk.state("backup", "copy.journal")[0] == Exit.OK
    copy = desk.home / "copy.journal"
    whole = copy.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for data, said in (
        (whole[:middle], "cut off in line"),
        (flipped, "is damaged"),
        (whole.replace(b'"format":1', b'"format":9', 1), "a copy of format 9"),
        (b"SQLite format 3\0" * 99, "no copy of a journal"),
    ):
        copy.write_bytes(data)
        code, _, trouble = desk.state("restore", "copy.journal", "--move-aside")
        assert (code, said in trouble) == (Exit.STATE, True), trouble
    copy.write_bytes(whole)
    code, _, trouble = desk.state("restore", "copy.journal", "--account", "7", "--move-aside")
    assert code == Exit.STATE
    assert "account" in trouble
    code, _, trouble = desk.state("restore", "copy.journal", TIDEGATE_MODE="demo")
    assert code == Exit.STATE
    assert "belongs to the venue 'paper'" in trouble
    assert desk.count("journal") == 1
    assert desk.verified()["is_verified"]


def test_a_compaction_that_is_killed_leaves_everything(desk: Desk) -> None:
    desk.trade(FEW)
    before = desk.verified()
    with psycopg.connect(desk.dsn) as rival:
        rival.execute("LOCK TABLE tidegate.archived IN ACCESS EXCLUSIVE MODE")
        process = start("state", "compact", "--state", "s", home=desk.home, env=desk.env)
        _until(lambda: _waits(desk) or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    _until(lambda: desk.state("compact")[0] == Exit.OK)
    after = desk.verified()
    assert after["is_verified"]
    assert after["facts"]["version"] == before["facts"]["version"]
    assert after["kinds"] == before["kinds"]


def _waits(desk: Desk) -> bool:
    with psycopg.connect(desk.dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        ).fetchone()
    return row != (0,)


@pytest.mark.parametrize("command", [("verify",), ("backup", "x.journal"), ("compact",)])
def test_where_there_is_no_journal_nothing_is_made(desk: Desk, command: tuple[str]) -> None:
    code, _, trouble = desk.state(*command)
    assert code == Exit.STATE
    assert "no journal there" in trouble
    assert "state.journal" in trouble
    assert list(desk.home.iterdir()) == []
    assert desk.count("format") == 0
