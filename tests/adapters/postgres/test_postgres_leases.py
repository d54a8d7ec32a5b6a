"""Leases: one writer under a name, one that stalled is kept out, and the others hear of all."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from tidegate.adapters.postgres import Membership, PostgresState, SharedPostgresState
from tidegate.adapters.postgres.schema import FORMAT
from tidegate.ports.state import (
    Fenced,
    JournalWatcher,
    LeaseHeld,
    StateUnavailable,
    VersionConflict,
)

from tests.adapters.postgres.journals import batch, change, content, target_of
from tests.adapters.postgres.server import Server

LEASE_MS = 900


class Watching(JournalWatcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.ended: list[str] = []
        self.lost: list[Fenced] = []

    def journal_moved(self, version: int) -> None:
        self.versions.append(version)

    def writer_ended(self, name: str) -> None:
        self.ended.append(name)

    def lease_lost(self, error: Fenced) -> None:
        self.lost.append(error)


Opener = Callable[[str], SharedPostgresState]


@pytest.fixture
def opened(dsn: str) -> Iterator[Opener]:
    """Opens writers by name; what is still open at the end is closed."""
    with ExitStack() as stack:

        def open_one(name: str) -> SharedPostgresState:
            state = SharedPostgresState(target_of(dsn), Membership(name=name, lease_ms=LEASE_MS))
            stack.callback(state.close)
            return state

        yield open_one


def _stall(state: SharedPostgresState) -> None:
    """Let nothing renew the lease any more, as in a process that does not run."""
    state._closed.set()
    state._renewing.join(10)
    state._closed.clear()


def until(holds: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up, f"not in time: {what}"
        time.sleep(0.01)


def test_a_second_writer_of_a_name_is_refused_and_another_name_is_not(
    dsn: str, opened: Opener
) -> None:
    first = opened("breakout BTCUSDT")
    before = content(dsn)
    with pytest.raises(LeaseHeld, match=r"'breakout BTCUSDT' is held by a process on .*ms more"):
        opened("breakout BTCUSDT")
    assert content(dsn) == before
    second = opened("breakout ETHUSDT")
    assert first.append(batch("a"), expected_version=0, durable=True) == 1
    with pytest.raises(VersionConflict):
        second.append(batch("b"), expected_version=0, durable=True)
    assert second.append(batch("b"), expected_version=1, durable=True) == 2


def test_a_lease_is_renewed_while_its_process_lives_and_free_once_it_closed(opened: Opener) -> None:
    first = opened("x")
    time.sleep(2.5 * LEASE_MS / 1_000)
    assert first.append(batch("a"), expected_version=0, durable=True) == 1
    with pytest.raises(LeaseHeld):
        opened("x")
    first.close()
    assert opened("x").append(batch("b"), expected_version=1, durable=True) == 2


def test_one_that_stalled_writes_nothing_whether_another_took_over_or_not(
    dsn: str, opened: Opener
) -> None:
    stalled = opened("x")
    _stall(stalled)
    time.sleep(1.2 * LEASE_MS / 1_000)
    before = content(dsn)
    with pytest.raises(Fenced, match=r"'x' \(epoch 1\) was not renewed within 900 ms"):
        stalled.append(batch("late"), expected_version=0, durable=True)
    assert content(dsn) == before
    heir = opened("x")
    assert heir.append(batch("new"), expected_version=0, durable=True) == 1
    with pytest.raises(Fenced):
        stalled.append(batch("late"), expected_version=1, durable=True)
    stalled.close()
    assert heir.append(batch("still mine"), expected_version=1, durable=True) == 2


def test_one_that_stalled_learns_of_it_when_it_wakes(opened: Opener) -> None:
    state, watching = opened("x"), Watching()
    state.follow(watching)
    change(state._target.dsn, "UPDATE tidegate.lease SET epoch = epoch + 1")
    until(lambda: bool(watching.lost), "the lease is known to be lost")
    with pytest.raises(Fenced):
        state.append(batch("late"), expected_version=0, durable=True)


def test_the_others_hear_of_every_append_also_of_one_without_a_lease(
    dsn: str, opened: Opener
) -> None:
    first, second = opened("x"), opened("y")
    watching = Watching()
    first.follow(watching)
    second.append(batch("a", "b"), expected_version=0, durable=True)
    until(lambda: max(watching.versions, default=0) == 2, "word of the second writer")
    with closing(PostgresState(target_of(dsn))) as operator:
        operator.append(batch("panic"), expected_version=2, durable=True)
        until(lambda: max(watching.versions) == 3, "word of the operator")
    with closing(PostgresState(target_of(dsn, journal="other"))) as other:
        other.append(batch(*"abcdefgh"), expected_version=0, durable=False)
    second.append(batch("c"), expected_version=3, durable=False)
    until(lambda: max(watching.versions) == 4, "word of the last append, and of no other journal")


def test_what_one_left_behind_is_told_to_one_of_the_others(opened: Opener) -> None:
    gone, first, second = opened("gone"), opened("x"), opened("y")
    watchers = Watching(), Watching()
    first.follow(watchers[0])
    second.follow(watchers[1])
    _stall(gone)
    until(lambda: any(watcher.ended for watcher in watchers), "somebody is told")
    time.sleep(LEASE_MS / 1_000)
    assert sorted(watchers[0].ended + watchers[1].ended) == ["gone"]
    with pytest.raises(Fenced):
        gone.append(batch("late"), expected_version=0, durable=True)


def test_one_that_stalls_within_an_append_costs_nobody_else_the_lease(opened: Opener) -> None:
    stalled, other, watching = opened("stalled"), opened("other"), Watching()
    other.follow(watching)
    _stall(stalled)
    held = stalled._link.connection()
    held.execute("BEGIN")
    held.execute("SELECT * FROM tidegate.journal FOR UPDATE")
    started = time.monotonic()
    assert other.append(batch("a"), expected_version=0, durable=True) == 1
    assert time.monotonic() - started < LEASE_MS / 1_000
    until(lambda: watching.ended == ["stalled"], "what it left is told")
    assert other.append(batch("b"), expected_version=1, durable=True) == 2
    with pytest.raises(Fenced):
        stalled.append(batch("late"), expected_version=2, durable=True)


def test_a_lease_is_renewed_while_somebody_keeps_the_lock(dsn: str, opened: Opener) -> None:
    state, watching = opened("x"), Watching()
    state.follow(watching)
    with psycopg.connect(dsn) as rival:
        rival.execute("SELECT * FROM tidegate.journal FOR UPDATE")
        time.sleep(2.5 * LEASE_MS / 1_000)
        assert watching.lost == []
    assert state.append(batch("a"), expected_version=0, durable=True) == 1


def test_one_that_closed_left_nothing_behind(opened: Opener) -> None:
    gone, first, watching = opened("gone"), opened("x"), Watching()
    first.follow(watching)
    gone.close()
    time.sleep(2 * LEASE_MS / 1_000)
    assert watching.ended == []


def test_word_comes_again_after_the_connection_was_lost(dsn: str, opened: Opener) -> None:
    first, second, watching = opened("x"), opened("y"), Watching()
    first.follow(watching)
    change(
        dsn,
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    second.append(batch("a"), expected_version=0, durable=True)
    until(lambda: max(watching.versions) == 1, "word of what was written meanwhile")
    assert first.append(batch("b"), expected_version=1, durable=True) == 2
    assert watching.lost == []


def test_without_its_server_for_longer_than_the_lease_it_is_lost(
    server: Server, opened: Opener
) -> None:
    state, watching = opened("x"), Watching()
    state.follow(watching)
    server.stop()
    time.sleep(1.5 * LEASE_MS / 1_000)
    server.start()
    until(lambda: bool(watching.lost), "the lease is known to be lost")
    with pytest.raises(Fenced):
        state.append(batch("late"), expected_version=0, durable=True)


def test_of_many_that_take_one_name_at_once_one_has_it(opened: Opener, dsn: str) -> None:
    with closing(PostgresState(target_of(dsn))):
        barrier = threading.Barrier(5, timeout=30)
    outcomes: list[str] = []

    def take() -> None:
        barrier.wait()
        try:
            opened("x")
        except LeaseHeld:
            outcomes.append("held")
        else:
            outcomes.append("mine")

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["held"] * 4 + ["mine"]


def test_a_closed_store_tells_nobody(opened: Opener) -> None:
    state = opened("x")
    state.close()
    with pytest.raises(StateUnavailable, match="closed"):
        state.follow(Watching())
    state.close()


def test_tables_without_leases_are_led_to_those_with(dsn: str, opened: Opener) -> None:
    """What the release before this one made."""
    with closing(PostgresState(target_of(dsn))) as old:
        old.append(batch("a"), expected_version=0, durable=True)
    change(
        dsn,
        "DROP TRIGGER moved ON tidegate.journal; DROP FUNCTION tidegate.tell;"
        " DROP TABLE tidegate.lease; DROP TABLE tidegate.archive; DROP TABLE tidegate.archived;"
        " ALTER TABLE tidegate.journal DROP COLUMN origin; UPDATE tidegate.format SET version = 1",
    )
    state, watching = opened("x"), Watching()
    state.follow(watching)
    assert state.append(batch("b"), expected_version=1, durable=True) == 2
    until(lambda: max(watching.versions) == 2, "word of the append")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT version FROM tidegate.format").fetchall() == [(FORMAT,)]
