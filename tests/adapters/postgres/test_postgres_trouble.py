"""When server or wire fail, the caller gets a typed error, and nothing is written twice or half."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from tidegate.adapters.postgres import PostgresState
from tidegate.ports.state import Snapshot, StateUnavailable, VersionConflict

from tests.adapters.postgres.journals import batch, change, content, target_of, write_journal
from tests.adapters.postgres.server import Server
from tests.adapters.postgres.wire import Cut, Wire

_CUT_ALL = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def rival(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection that can hold the head's lock."""
    write_journal(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def _lock(rival: psycopg.Connection) -> None:
    rival.execute("BEGIN")
    rival.execute("SELECT * FROM tidegate.journal FOR UPDATE")


def test_a_journal_that_stays_locked_is_unavailable_after_a_bounded_wait(
    dsn: str, rival: psycopg.Connection
) -> None:
    with closing(PostgresState(target_of(dsn, wait_ms_max=300))) as state:
        _lock(rival)
        start = time.perf_counter()
        with pytest.raises(StateUnavailable, match="nothing was written"):
            state.append(batch("x"), expected_version=40, durable=True)
        assert 0.2 < time.perf_counter() - start < 10.0
        assert state.version() == 40
        rival.execute("ROLLBACK")
        assert state.append(batch("x"), expected_version=40, durable=True) == 41


def test_an_append_waits_for_a_short_lock(dsn: str, rival: psycopg.Connection) -> None:
    with closing(PostgresState(target_of(dsn, wait_ms_max=30_000))) as state:
        _lock(rival)
        done: list[int] = []
        thread = threading.Thread(
            target=lambda: done.append(state.append(batch("x"), expected_version=40, durable=False))
        )
        thread.start()
        thread.join(0.2)
        assert done == []
        rival.execute("COMMIT")
        thread.join(30)
        assert done == [41]


def test_a_writer_that_stalls_in_its_transaction_keeps_nobody_out_for_long(dsn: str) -> None:
    write_journal(dsn)
    with (
        closing(PostgresState(target_of(dsn, wait_ms_max=500))) as stalled,
        closing(PostgresState(target_of(dsn, wait_ms_max=20_000))) as other,
    ):
        connection = stalled._link.connection()
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM tidegate.journal FOR UPDATE")
        assert other.append(batch("x"), expected_version=40, durable=False) == 41
        with pytest.raises(VersionConflict):
            stalled.append(batch("y"), expected_version=40, durable=False)


@pytest.mark.parametrize("durable", [True, False])
def test_a_connection_that_was_lost_between_two_calls_is_made_anew(
    dsn: str, *, durable: bool
) -> None:
    records = write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        change(dsn, _CUT_ALL)
        assert state.append(batch("x"), expected_version=40, durable=durable) == 41
        change(dsn, _CUT_ALL)
        assert state.version() == 41
        change(dsn, _CUT_ALL)
        assert [found.record for found in state.read()] == [*records, *batch("x")]
        change(dsn, _CUT_ALL)
        state.save_snapshot(Snapshot(version=41, body="x"))
        change(dsn, _CUT_ALL)
        assert state.load_snapshot() == Snapshot(version=41, body="x")


def test_a_read_goes_on_over_a_new_connection(dsn: str) -> None:
    records = write_journal(dsn, size=600)
    with closing(PostgresState(target_of(dsn))) as state:
        reading = state.read()
        first = next(reading)
        change(dsn, _CUT_ALL)
        assert [found.record for found in (first, *reading)] == records


def test_a_read_that_the_store_is_closed_under_is_unavailable(dsn: str) -> None:
    write_journal(dsn, size=600)
    state = PostgresState(target_of(dsn))
    reading = state.read()
    next(reading)
    state.close()
    with pytest.raises(StateUnavailable, match="closed"):
        list(reading)


def test_without_its_server_a_store_is_unavailable_and_with_it_again_it_goes_on(
    server: Server, dsn: str
) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        server.stop()
        try:
            with pytest.raises(StateUnavailable, match="nothing was written"):
                state.append(batch("x"), expected_version=40, durable=True)
            with pytest.raises(StateUnavailable, match="cannot be reached"):
                state.version()
            with pytest.raises(StateUnavailable):
                PostgresState(target_of(dsn))
        finally:
            server.start()
        assert state.append(batch("x"), expected_version=40, durable=True) == 41


@pytest.fixture
def wire(dsn: str) -> Iterator[Wire]:
    with closing(Wire(dsn)) as found:
        yield found


@pytest.mark.parametrize("cut", Cut)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_an_append_whose_answer_is_lost_is_there_once(
    dsn: str, wire: Wire, cut: Cut, size: int
) -> None:
    records = write_journal(dsn)
    more = batch(*map(str, range(size)))
    with closing(PostgresState(target_of(wire.dsn))) as state:
        wire.cuts.append(cut)
        assert state.append(more, expected_version=40, durable=True) == 40 + size
        assert wire.cuts == []
        assert [found.record for found in state.read()] == [*records, *more]


def test_an_answer_that_is_lost_again_and_again_still_means_one_append(
    dsn: str, wire: Wire
) -> None:
    records = write_journal(dsn)
    with closing(PostgresState(target_of(wire.dsn))) as state:
        wire.cuts += [Cut.BEFORE_IT_ARRIVES, Cut.BEFORE_IT_ARRIVES, Cut.BEFORE_ITS_ANSWER]
        assert state.append(batch("x"), expected_version=40, durable=True) == 41
        assert [found.record for found in state.read()] == [*records, *batch("x")]


def test_the_same_records_of_another_writer_are_not_taken_for_our_own(dsn: str, wire: Wire) -> None:
    records = write_journal(dsn)
    same = batch("the very same")
    with (
        closing(PostgresState(target_of(wire.dsn))) as state,
        closing(PostgresState(target_of(dsn))) as other,
    ):
        wire.cuts.append(Cut.BEFORE_IT_ARRIVES)
        wire.is_open = False
        with ThreadPoolExecutor(1) as pool:
            lost = pool.submit(state.append, same, expected_version=40, durable=True)
            while wire.cuts:
                time.sleep(0.005)
            assert other.append(same, expected_version=40, durable=True) == 41
            wire.is_open = True
            assert isinstance(lost.exception(30), VersionConflict)
        assert [found.record for found in other.read()] == [*records, *same]


def test_an_append_that_nobody_can_ask_about_says_so(dsn: str, wire: Wire) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(wire.dsn, wait_ms_max=400))) as state:
        wire.cuts.append(Cut.BEFORE_ITS_ANSWER)
        wire.is_open = False
        with pytest.raises(StateUnavailable, match="whether version 41 was written is not known"):
            state.append(batch("x"), expected_version=40, durable=True)
        wire.is_open = True
        assert state.version() == 41


def test_a_snapshot_whose_answer_is_lost_is_saved(dsn: str, wire: Wire) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(wire.dsn))) as state:
        for cut in Cut:
            wire.cuts.append(cut)
            state.save_snapshot(Snapshot(version=40, body=cut.value))
            assert state.load_snapshot() == Snapshot(version=40, body=cut.value)


def test_only_the_newest_snapshot_is_kept(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        for version in (30, 40, 35):
            state.save_snapshot(Snapshot(version=version, body=str(version)))
        assert state.load_snapshot() == Snapshot(version=40, body="40")
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT version FROM tidegate.snapshot").fetchall()
    assert found == [(40,)]


def test_a_failed_append_leaves_no_transaction_behind(dsn: str) -> None:
    write_journal(dsn)
    with closing(PostgresState(target_of(dsn))) as state:
        before = content(dsn)
        for _ in range(3):
            with pytest.raises(VersionConflict):
                state.append(batch("x"), expected_version=3, durable=True)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET lock_timeout TO 1000")
            connection.execute("SELECT * FROM tidegate.journal FOR UPDATE")
        assert content(dsn) == before
