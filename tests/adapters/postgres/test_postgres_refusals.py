"""Tables that are damaged, foreign or newer are refused, and every row stays where it lies."""

from collections.abc import Sequence
from contextlib import closing
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tidegate.adapters.postgres import PostgresState, Target, has_journal, schema
from tidegate.ports.state import (
    NewerFormat,
    Record,
    Snapshot,
    StateCorrupt,
    StateUnavailable,
    StoredRecord,
)

from tests.adapters.postgres.journals import (
    batch,
    change,
    content,
    keyed_dsn,
    target_of,
    write_journal,
)
from tests.adapters.postgres.server import KEYED_PASSWORD, KEYED_ROLE, Server

_DAMAGE = {
    "a changed body": ("UPDATE tidegate.record SET body = 'x' WHERE version = 7", "version 7 is"),
    "a changed kind": ("UPDATE tidegate.record SET kind = 'x' WHERE version = 7", "version 7 is"),
    "a changed time": ("UPDATE tidegate.record SET time_ms = 9 WHERE version = 7", "version 7 is"),
    "a changed digest": (
        "UPDATE tidegate.record SET digest = 'x' WHERE version = 7",
        "version 7 is damaged",
    ),
    "a row that is gone": (
        "DELETE FROM tidegate.record WHERE version = 7",
        "version 7 is missing",
    ),
    "the last row gone": (
        "DELETE FROM tidegate.record WHERE version = 40",
        "version 40 is missing",
    ),
    "rows that changed places": (
        (
            "UPDATE tidegate.record SET version = version + 1000 WHERE version IN (7, 8);"
            "UPDATE tidegate.record SET version = 1015 - version WHERE version > 1000"
        ),
        "version 7 is damaged",
    ),
    "a row beyond the head": (
        "UPDATE tidegate.journal SET version = 39",
        "version 40 is beyond the head, 39",
    ),
    "a changed head": (
        "UPDATE tidegate.journal SET digest = 'x'",
        "version 40 is damaged, or the head is",
    ),
    "a changed snapshot": ("UPDATE tidegate.snapshot SET body = 'x'", "newest snapshot is damaged"),
    "a snapshot elsewhere": (
        "UPDATE tidegate.snapshot SET version = 19",
        "newest snapshot is damaged",
    ),
    "a table that is gone": ("ALTER TABLE tidegate.record RENAME TO records", "not a sound"),
    "no version": ("DELETE FROM tidegate.format", "version of its tables is missing"),
}


@pytest.mark.parametrize(("damage", "said"), _DAMAGE.values(), ids=_DAMAGE)
def test_a_damaged_journal_is_refused_and_stays_as_it_is(dsn: str, damage: str, said: str) -> None:
    write_journal(dsn)
    change(dsn, damage)
    is_whole = "RENAME" not in damage
    before = content(dsn) if is_whole else None
    with pytest.raises(StateCorrupt, match=said):
        PostgresState(target_of(dsn))
    assert before == (content(dsn) if is_whole else None)


def test_rows_of_another_journal_do_not_fit(dsn: str) -> None:
    write_journal(dsn, journal="first")
    write_journal(dsn, journal="second")
    change(
        dsn,
        "UPDATE tidegate.record SET journal_id = 99 WHERE journal_id = 1;"
        "UPDATE tidegate.record SET journal_id = 1 WHERE journal_id = 2",
    )
    with pytest.raises(StateCorrupt, match=r"'first'.*version 1 is damaged"):
        PostgresState(target_of(dsn, journal="first"))


def test_damage_that_comes_while_the_store_is_open_is_found_when_it_is_read(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        change(dsn, "UPDATE tidegate.record SET body = 'x' WHERE version = 30")
        reading = state.read(after_version=28)
        assert next(reading).version == 29
        with pytest.raises(StateCorrupt, match="version 30 is damaged"):
            next(reading)
        change(dsn, "DELETE FROM tidegate.journal")
        with pytest.raises(StateCorrupt, match="head of the journal is missing"):
            state.append(batch("x"), expected_version=40, durable=True)


def test_a_schema_of_another_program_is_refused_untouched(dsn: str) -> None:
    change(dsn, "CREATE SCHEMA tidegate; CREATE TABLE tidegate.journal (theirs int)")
    with pytest.raises(StateCorrupt, match="a schema tidegate that is not of this program"):
        PostgresState(target_of(dsn))
    with pytest.raises(StateCorrupt, match="not of this program"):
        has_journal(target_of(dsn))
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT * FROM tidegate.journal").fetchall() == []


def test_tables_that_a_newer_release_changes_meanwhile_take_no_more_records(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        change(dsn, "UPDATE tidegate.format SET version = version + 1")
        before = content(dsn)
        with pytest.raises(NewerFormat, match=f"format {schema.FORMAT + 1}, this release reads"):
            state.append(batch("x"), expected_version=40, durable=True)
        with pytest.raises(NewerFormat):
            state.save_snapshot(Snapshot(version=40, body="x"))
        assert content(dsn) == before


def test_journals_in_one_database_know_nothing_of_each_other(dsn: str) -> None:
    first = write_journal(dsn, journal="first", size=6)
    with closing(PostgresState(target_of(dsn, journal="second"))) as state:
        assert state.version() == 0
        assert state.load_snapshot() is None
        state.append(batch("mine"), expected_version=0, durable=True)
        state.save_snapshot(Snapshot(version=1, body="mine"))
    with closing(PostgresState(target_of(dsn, journal="first"))) as state:
        assert [found.record for found in state.read()] == first
        assert state.load_snapshot() == Snapshot(version=3, body="snapshot text")


def _let_come(monkeypatch: pytest.MonkeyPatch, more: Sequence[LiteralString]) -> None:
    """Let the release have further migrations."""
    steps = (*schema.MIGRATIONS, *more)
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "FORMAT", len(steps))


def test_older_tables_are_led_forward_with_everything_in_them(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema.FORMAT
    more: tuple[LiteralString, ...] = (
        "ALTER TABLE tidegate.record ADD COLUMN note text",
        "UPDATE tidegate.record SET note = 'migrated'",
    )
    write_journal(dsn)
    _let_come(monkeypatch, more)
    with closing(PostgresState(target_of(dsn))) as state:
        assert len(list(state.read())) == state.version() == 40
        assert state.append(batch("x"), expected_version=40, durable=True) == 41
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT version FROM tidegate.format").fetchall() == [
            (before + 2,)
        ]
        notes = connection.execute("SELECT DISTINCT note FROM tidegate.record WHERE version < 41")
        assert notes.fetchall() == [("migrated",)]


def test_a_migration_that_fails_leaves_the_tables_as_they_were(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: tuple[LiteralString, ...] = (
        "ALTER TABLE tidegate.record ADD COLUMN note text",
        "SELECT * FROM tidegate.nowhere",
    )
    write_journal(dsn)
    before = content(dsn)
    _let_come(monkeypatch, more)
    with pytest.raises(StateCorrupt, match="nowhere"):
        PostgresState(target_of(dsn))
    assert content(dsn) == before


def test_a_question_makes_no_tables_and_no_journal(dsn: str) -> None:
    assert not has_journal(target_of(dsn))
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT to_regnamespace('tidegate') IS NULL").fetchone()
    assert row == (True,)
    write_journal(dsn, journal="first")
    assert has_journal(target_of(dsn, journal="first"))
    assert not has_journal(target_of(dsn, journal="second"))


def test_a_role_without_rights_is_told_so_and_changes_nothing(server: Server, dsn: str) -> None:
    write_journal(dsn)
    before = content(dsn)
    keyed = keyed_dsn(server, dsn)
    with pytest.raises(StateUnavailable, match="access is denied"):
        PostgresState(target_of(keyed))
    change(dsn, "GRANT USAGE ON SCHEMA tidegate TO keyed")
    change(dsn, "GRANT SELECT ON ALL TABLES IN SCHEMA tidegate TO keyed")
    with pytest.raises(StateUnavailable, match="access is denied"):
        PostgresState(target_of(keyed))
    assert content(dsn) == before


def test_a_server_that_takes_no_writes_is_unavailable_at_the_start(dsn: str) -> None:
    write_journal(dsn)
    before = content(dsn)
    read_only = f"{dsn} options='-c default_transaction_read_only=on'"
    with pytest.raises(StateUnavailable, match="takes no writes"):
        PostgresState(target_of(read_only))
    assert content(dsn) == before


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("host=/nowhere dbname=tidegate", "cannot be reached"),
        ("{server} dbname=absent", "cannot be reached"),
    ],
    ids=["no server", "no database"],
)
def test_a_place_that_is_not_there_is_unavailable(server: Server, target: str, said: str) -> None:
    dsn = target.format(server=server.dsn("x").replace("dbname=x ", ""))
    with pytest.raises(StateUnavailable, match=said):
        PostgresState(target_of(dsn))


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 64, "naïve", "a'b"])
def test_a_name_that_a_journal_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"the journal's name is .*accepted: 1 to 63 letters"):
        Target("dbname=x", name)


def test_a_password_shows_nowhere(server: Server, dsn: str) -> None:
    keyed = keyed_dsn(server, dsn)
    wrong = keyed.replace(KEYED_PASSWORD, "wrong-horse-battery")
    target = target_of(wrong)
    with pytest.raises(StateUnavailable) as refused:
        PostgresState(target)
    shown = f"{target!r} {target.place} {_everything(refused.value)}"
    assert "password authentication failed" in shown
    assert "horse" not in shown
    with pytest.raises(ValueError, match="cannot be read") as unreadable:
        target_of("host=x password=correct-horse-battery nonsense")
    assert "horse" not in _everything(unreadable.value)
    database = conninfo_to_dict(dsn)["dbname"]
    server.execute(f"GRANT CREATE ON DATABASE {database} TO {KEYED_ROLE}".encode())
    with closing(PostgresState(target_of(keyed))) as state:
        assert state.append(batch("x"), expected_version=0, durable=True) == 1
        assert "horse" not in repr(vars(state))


def _everything(error: BaseException) -> str:
    """Return the texts of an error and of all that led to it."""
    texts, found = [], error
    while True:
        texts.append(f"{found!r} {found}")
        cause = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        if cause is None:
            return " ".join(texts)
        found = cause


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
def test_a_record_that_the_store_cannot_hold_is_refused_with_its_append(
    dsn: str, record: Record
) -> None:
    with closing(PostgresState(target_of(dsn))) as state:
        with pytest.raises(ValueError, match=r"UTF-8 cannot store|give 0 to 9223372036854775807"):
            state.append([*batch("good"), record], expected_version=0, durable=True)
        with pytest.raises(ValueError, match="the snapshot holds what UTF-8 cannot store"):
            state.save_snapshot(Snapshot(version=0, body="\ud800"))
        assert (state.version(), state.load_snapshot()) == (0, None)
        good = batch("good")
        assert state.append(good, expected_version=0, durable=True) == 1
        assert list(state.read()) == [StoredRecord(version=1, record=good[0])]


def test_reading_after_a_negative_version_is_refused(dsn: str) -> None:
    with (
        closing(PostgresState(target_of(dsn))) as state,
        pytest.raises(ValueError, match="after_version is -1; versions count from 1"),
    ):
        state.read(after_version=-1)
