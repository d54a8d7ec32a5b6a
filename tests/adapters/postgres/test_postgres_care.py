"""Care of a journal in a database: who may be disturbed, and what is moved where."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tidegate.adapters.postgres import (
    Membership,
    PostgresState,
    SharedPostgresState,
)
from tidegate.ports.state import (
    Snapshot,
    StateCorrupt,
    StateUnavailable,
    VersionConflict,
)
from tidegate.ports.state_care import CareRefused

from tests.adapters.postgres.caring import (
    CUT_ALL,
    STAMP,
    care_of,
    fold,
    found_in,
    records_of,
    restore,
)
from tests.adapters.postgres.journals import (
    batch,
    change,
    content,
    target_of,
    write_journal,
)
from tests.adapters.postgres.server import Server
from tests.application.threaded_bench import until

_DAMAGE = {
    "a body": ("UPDATE tidegate.record SET body = 'x' WHERE version = 7", "version 7 is damaged"),
    "a digest": ("UPDATE tidegate.record SET digest = 'x' WHERE version = 7", "version 7 is dama"),
    "no row": ("DELETE FROM tidegate.record WHERE version = 7", "version 7 is missing"),
    "a head": ("UPDATE tidegate.journal SET digest = 'x'", "version 40 is damaged, or the head"),
    "an old head": ("UPDATE tidegate.journal SET version = 39", "version 40 is beyond the head"),
    "a snapshot": ("UPDATE tidegate.snapshot SET body = 'x'", "newest snapshot is damaged"),
    "a span": (
        "INSERT INTO tidegate.archive VALUES (1, 1, 40, 'x', 'y')",
        "table of archives is damaged at version 1",
    ),
    "another name": ("UPDATE tidegate.journal SET origin = 'other'", "version 1 is damaged"),
}


@pytest.mark.parametrize(("damage", "said"), _DAMAGE.values(), ids=_DAMAGE)
def test_what_is_damaged_is_named_copied_by_nobody_and_kept(
    dsn: str, copy: Path, damage: str, said: str
) -> None:
    write_journal(dsn)
    change(dsn, damage)
    before = content(dsn)
    acts: list[Callable[[], object]] = [
        lambda: care_of(dsn).look(records_of),
        lambda: care_of(dsn).backup(str(copy), records_of),
        lambda: care_of(dsn).compact(fold),
    ]
    for act in acts:
        with pytest.raises(StateCorrupt, match=said):
            act()
    assert content(dsn) == before
    assert not copy.exists()


# Who is disturbed


def _shared(dsn: str, lease_ms: int = 60_000) -> SharedPostgresState:
    return SharedPostgresState(target_of(dsn), Membership(name="breakout", lease_ms=lease_ms))


def _cut_off(state: SharedPostgresState) -> None:
    """Let a writer end as one whose machine is gone: it gives nothing back."""
    state._closed.set()
    state._renewing.join(10)
    state._link.close()


def test_under_a_lease_that_lives_nothing_is_compacted_or_moved(dsn: str, copy: Path) -> None:
    write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    _cut_off(_shared(dsn))
    before = content(dsn)
    acts: list[Callable[[], object]] = [
        lambda: care_of(dsn).compact(fold),
        lambda: restore(dsn, copy),
    ]
    for act in acts:
        with pytest.raises(CareRefused, match=r"'breakout' on .* holds its lease, for \d+ ms more"):
            act()
    assert content(dsn) == before


def test_after_a_writer_that_ended_without_a_word_a_journal_is_moved_but_not_compacted(
    dsn: str, copy: Path
) -> None:
    records = write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    _cut_off(_shared(dsn, lease_ms=50))
    time.sleep(0.1)
    before = content(dsn)
    with pytest.raises(CareRefused, match="ended without giving its lease back"):
        care_of(dsn).compact(fold)
    assert content(dsn) == before
    restore(dsn, copy)
    assert found_in(dsn) == records


def test_a_writer_that_closed_leaves_nothing_that_keeps_a_compaction_away(dsn: str) -> None:
    records = write_journal(dsn)
    _shared(dsn).close()
    assert care_of(dsn).compact(fold).version == 40
    with closing(_shared(dsn)) as state:
        assert state.append(batch("on"), expected_version=40, durable=True) == 41
    assert found_in(dsn) == [*records, *batch("on")]


def test_a_store_that_closes_is_in_nobodys_way_before_its_connection_ends(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server notices the end of a connection later than the one who ended it."""
    write_journal(dsn)
    state, end, locks = PostgresState(target_of(dsn)), psycopg.Connection.close, list[int]()
    with psycopg.connect(dsn, autocommit=True) as other:

        def look(self: psycopg.Connection) -> None:
            locks.append(_advisory_locks(other))
            end(self)

        assert _advisory_locks(other) == 1
        monkeypatch.setattr(psycopg.Connection, "close", look)
        state.close()
        monkeypatch.undo()
    assert locks == [0]


def _advisory_locks(connection: psycopg.Connection) -> int:
    (found,) = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone() or (0,)
    return int(found)


def test_a_store_keeps_others_away_over_a_new_connection_too(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        change(dsn, CUT_ALL)
        assert state.version() == 40
        with pytest.raises(CareRefused, match="a desk has it open"):
            care_of(dsn).compact(fold)


def test_one_that_was_cut_off_during_a_compaction_goes_on_after_it(dsn: str) -> None:
    records = write_journal(dsn, size=600)
    with closing(PostgresState(target_of(dsn))) as state:
        reading = state.read(after_version=10)
        first = next(reading)
        change(dsn, CUT_ALL)
        care_of(dsn).compact(fold)
        with pytest.raises(VersionConflict) as late:
            state.append(batch("late"), expected_version=590, durable=True)
        assert late.value.actual == 600
        assert [one.record for one in (first, *reading)] == records[10:]
        assert [one.record for one in state.read(after_version=590)] == records[590:]
        assert state.load_snapshot() == Snapshot(version=600, body="folded")
        assert state.append(batch("late"), expected_version=600, durable=True) == 601


def test_an_append_whose_answer_was_lost_is_known_after_a_compaction(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        state.append(batch("x"), expected_version=40, durable=True)
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT batch FROM tidegate.record WHERE version = 41")
            (mark,) = row.fetchone() or (b"",)
        change(dsn, CUT_ALL)
        care_of(dsn).compact(fold)
        assert state._is_ours(41, mark)


def test_one_that_was_cut_off_while_its_journal_was_moved_writes_to_neither(
    dsn: str, copy: Path
) -> None:
    records = write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    with closing(PostgresState(target_of(dsn))) as state:
        change(dsn, CUT_ALL)
        restore(dsn, copy)
        acts: list[Callable[[], object]] = [
            lambda: state.append(batch("late"), expected_version=40, durable=True),
            state.version,
        ]
        for act in acts:
            with pytest.raises(StateUnavailable, match="was moved aside, to 'desk-replaced-"):
                act()
    assert found_in(dsn) == found_in(dsn, f"desk-replaced-{STAMP}") == records


# What is moved, and under which name


def test_a_long_name_is_cut_to_what_a_journal_can_have(dsn: str, copy: Path) -> None:
    name = "x" * 63
    records = write_journal(dsn, journal=name)
    care_of(dsn, name).backup(str(copy), records_of)
    restore(dsn, copy, journal=name)
    assert found_in(dsn, f"{'x' * 37}-replaced-{STAMP}") == found_in(dsn, name) == records


def test_other_journals_of_the_database_are_left_alone(dsn: str, copy: Path) -> None:
    other = write_journal(dsn, journal="other")
    records = write_journal(dsn)
    with closing(PostgresState(target_of(dsn, journal="other"))) as state:
        state.append(batch("more"), expected_version=40, durable=True)
        care_of(dsn).backup(str(copy), records_of)
        care_of(dsn).compact(fold)
        restore(dsn, copy)
        assert state.base() == 0
        state.append(batch("still"), expected_version=41, durable=True)
    assert found_in(dsn, "other") == [*other, *batch("more"), *batch("still")]
    assert found_in(dsn) == records


def test_a_copy_is_put_into_a_database_without_our_tables_under_any_name(
    server: Server, dsn: str, copy: Path
) -> None:
    records = write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    empty = server.database()
    restore(empty, copy, journal="drill", moves_aside=False)
    assert found_in(empty, "drill") == records
    again = copy.with_name("again.journal")
    care_of(empty, "drill").backup(str(again), records_of)
    restore(dsn, again, journal="third", moves_aside=False)
    assert found_in(dsn, "third") == records
    server.give_back(empty)


def test_a_refused_copy_makes_no_tables(server: Server, dsn: str, copy: Path) -> None:
    write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    data = copy.read_bytes()
    copy.write_bytes(data.replace(b'"body 7"', b'"body 9"'))
    empty = server.database()
    with pytest.raises(StateCorrupt, match="journal version 8 is damaged"):
        restore(empty, copy)
    with psycopg.connect(empty) as connection:
        row = connection.execute("SELECT to_regnamespace('tidegate') IS NULL").fetchone()
    assert row == (True,)
    server.give_back(empty)


def _waits_for_a_lock(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return row == (1,)


def test_a_journal_that_comes_during_a_restore_is_left_untouched(
    server: Server, dsn: str, copy: Path
) -> None:
    write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    write_journal(other := server.database(), journal="another")
    with psycopg.connect(other) as rival:
        rival.execute(
            "INSERT INTO tidegate.journal (name, version, digest, writes, origin)"
            " SELECT 'desk', 0, digest, 0, 'desk' FROM tidegate.journal"
        )
        failed: list[BaseException] = []

        def put_back() -> None:
            try:
                restore(other, copy)
            except CareRefused as error:
                failed.append(error)

        thread = threading.Thread(target=put_back)
        thread.start()
        until(lambda: _waits_for_a_lock(other))
        rival.commit()
        thread.join(30)
    assert "a journal came meanwhile" in str(failed[0])
    with psycopg.connect(other) as connection:
        row = connection.execute("SELECT count(*) FROM tidegate.record").fetchone()
    assert row == (40,), "those of the other journal alone"
    server.give_back(other)
