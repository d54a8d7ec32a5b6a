"""The same commands with the journal in a PostgreSQL database."""

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tidegate.adapters.cli.exits import Exit

from tests.adapters.postgres.journals import keyed_dsn
from tests.adapters.postgres.server import KEYED_PASSWORD, KEYED_ROLE, shared_server

from .running import start, tidegate

BARS = 150


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    source = files("tidegate.adapters.feeds") / "data" / "coinbase-btcusd-1h-2017-2019.csv.gz"
    with source.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as text:
        path.write_text("".join(islice(text, BARS + 1)), encoding="utf-8")
    return path


@pytest.fixture
def dsn() -> Iterator[str]:
    server = shared_server()
    found = server.database()
    yield found
    server.give_back(found)


def _env(dsn: str) -> dict[str, str]:
    return {"TIDEGATE_STATE__BACKEND": "postgres", "TIDEGATE_STATE__DSN": dsn}


def _paper(bars: Path, state: str) -> tuple[str, ...]:
    return ("paper", "--data", str(bars), "--symbol", "BTCUSDT-DEMO", "--state", state, "--json")


def _result(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    del found["state_folder"]
    return found


def test_a_session_on_a_database_is_the_same_to_the_last_digit(
    bars: Path, dsn: str, tmp_path: Path
) -> None:
    in_file = tidegate(*_paper(bars, "file"), home=tmp_path)
    in_database = tidegate(*_paper(bars, "db"), home=tmp_path, env=_env(dsn))
    assert in_database.returncode == 0, in_database.stderr
    assert _result(in_database.stdout) == _result(in_file.stdout)
    assert [path.name for path in (tmp_path / "db").iterdir()] == ["venue.sqlite"]
    for command, reads in ((("status",), _status), (("journal", "--limit", "0"), str)):
        at_file = tidegate(*command, "--json", "--state", "file", home=tmp_path)
        at_database = tidegate(*command, "--json", "--state", "db", home=tmp_path, env=_env(dsn))
        assert at_database.returncode == 0, at_database.stderr
        assert reads(at_database.stdout) == reads(at_file.stdout)


def _status(text: str) -> str:
    """Return a status without the name of its desk, which says where the journal is."""
    found = json.loads(text)
    assert found.pop("desk")["mode"] == "paper"
    return json.dumps(found)


@pytest.mark.sweep
def test_a_panic_closes_all_and_stays_in_the_database(bars: Path, dsn: str, tmp_path: Path) -> None:
    env = _env(dsn)
    assert tidegate(*_paper(bars, "s"), home=tmp_path, env=env).returncode == 0
    panic = tidegate("panic", "--state", "s", "--cause", "drill", home=tmp_path, env=env)
    assert panic.returncode == Exit.OK, panic.stderr
    status = tidegate("status", "--state", "s", "--json", home=tmp_path, env=env)
    found = json.loads(status.stdout)
    assert found["panic_cause"] == "drill"
    assert found["positions"] == []
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM tidegate.record WHERE kind = 'panic_started.v1'"
        ).fetchone()
    assert row == (1,)


def test_a_question_about_a_journal_that_is_not_there_makes_none(dsn: str, tmp_path: Path) -> None:
    done = tidegate("status", home=tmp_path, env=_env(dsn))
    assert done.returncode == Exit.STATE
    assert "journal 'paper' in database" in done.stderr
    assert "no journal there" in done.stderr
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT to_regnamespace('tidegate') IS NULL").fetchone()
    assert row == (True,)


def test_the_password_comes_from_the_environment_and_shows_nowhere(
    dsn: str, tmp_path: Path
) -> None:
    keyed_dsn(shared_server(), dsn)
    of_role = dsn.replace("user=postgres", f"user={KEYED_ROLE}")
    for password, said in ((KEYED_PASSWORD, "no journal there"), ("wrong-horse", "authentication")):
        env = {**_env(of_role), "PGPASSWORD": password}
        done = tidegate("status", home=tmp_path, env=env)
        assert done.returncode == Exit.STATE
        assert said in done.stderr
        assert "horse" not in done.stdout + done.stderr
    env = _env(f"{of_role} password={KEYED_PASSWORD}")
    done = tidegate("status", home=tmp_path, env=env)
    assert done.returncode == Exit.BAD_INPUT
    assert "holds a password (not shown)" in done.stderr
    assert "horse" not in done.stdout + done.stderr


def test_a_killed_session_goes_on_from_the_database(bars: Path, dsn: str, tmp_path: Path) -> None:
    whole = tidegate(*_paper(bars, "whole"), home=tmp_path)
    command, env = _paper(bars, "s"), _env(dsn)
    killed = start(*command, home=tmp_path, env=env)
    while not _has_records(dsn, 20) and killed.poll() is None:
        pass
    killed.kill()
    killed.communicate(timeout=30)
    done = tidegate(*command, home=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    again, undisturbed = _result(done.stdout), _result(whole.stdout)
    assert again["was_resumed"] is True
    assert again["wallet"] == undisturbed["wallet"]
    assert again["summary"] == undisturbed["summary"]


def _has_records(dsn: str, count: int) -> bool:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT to_regclass('tidegate.record') IS NOT NULL").fetchone()
        if row != (True,):
            return False
        row = connection.execute("SELECT count(*) >= %s FROM tidegate.record", (count,)).fetchone()
    return row == (True,)
