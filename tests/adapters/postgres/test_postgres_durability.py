"""What survives a kill and a power cut, and what many processes do to one journal."""

import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
from tidegate.adapters.postgres import PostgresState
from tidegate.ports.state import StoredRecord

from tests.adapters.postgres.journals import batch, target_of
from tests.adapters.postgres.server import Server


def test_an_append_that_is_not_durable_may_go_with_the_power_and_a_durable_one_saves_all_before(
    server: Server, dsn: str
) -> None:
    with closing(PostgresState(target_of(dsn))) as state:
        state.append(batch("a"), expected_version=0, durable=False)
        state.append(batch("b"), expected_version=1, durable=True)
        state.append(batch("c"), expected_version=2, durable=False)
        server.cut_power()
    server.start()
    with closing(PostgresState(target_of(dsn))) as state:
        assert [found.record for found in state.read()] == [*batch("a"), *batch("b")]
        state.append(batch("c"), expected_version=2, durable=False)
        state.append([], expected_version=3, durable=True)
        server.cut_power()
    server.start()
    with closing(PostgresState(target_of(dsn))) as state:
        assert state.version() == 3


def test_a_durable_append_waits_for_the_disk_and_any_other_does_not(dsn: str) -> None:
    seen: list[tuple[object, ...] | None] = []
    with closing(PostgresState(target_of(dsn))) as state:
        connection = state._link.connection()
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(
                """CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO public.seen SELECT current_setting('synchronous_commit');
                RETURN new; END $$;
                CREATE TABLE public.seen (setting text);
                CREATE TRIGGER noted AFTER UPDATE ON tidegate.journal
                FOR EACH ROW EXECUTE FUNCTION public.note()"""
            )
        for version, durable in enumerate([False, True, False]):
            state.append(batch("x"), expected_version=version, durable=durable)
        state.append([], expected_version=3, durable=True)
        seen += connection.execute("SELECT setting FROM public.seen").fetchall()
        connection.execute("DROP TABLE public.seen; DROP FUNCTION public.note CASCADE")
    assert seen == [("off",), ("on",), ("off",), ("on",)]


_WRITER = """
import itertools, sys
from tidegate.adapters.postgres import PostgresState, Target
from tidegate.ports.state import Record

state = PostgresState(Target(sys.argv[1], "desk"))
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


def test_a_killed_process_loses_nothing_acknowledged_and_leaves_no_half_append(dsn: str) -> None:
    rng = random.Random(20_240_607)  # noqa: S311  (delays, not secrets)
    stored: list[StoredRecord] = []
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, dsn], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.08))
        writer.kill()
        output, _ = writer.communicate(timeout=30)
        assert writer.returncode == -signal.SIGKILL
        acknowledged = [int(line) for line in output.split("\n")[:-1]]
        with closing(PostgresState(target_of(dsn))) as state:
            stored = list(state.read())
        assert len(stored) >= max(acknowledged, default=0)
        _require_whole_appends([found.record.body for found in stored])
    assert len(stored) > 0


def _require_whole_appends(bodies: list[str]) -> None:
    place = 0
    while place < len(bodies):
        size = int(bodies[place].rpartition(" ")[2])
        assert bodies[place : place + size] == [f"{place} of {size}"] * size
        place += size


def test_many_that_make_the_tables_at_once_find_each_other_there(server: Server) -> None:
    barrier = threading.Barrier(6, timeout=30)

    def open_at_once(dsn: str) -> int:
        barrier.wait()
        with closing(PostgresState(target_of(dsn))) as state:
            return state.version()

    with ThreadPoolExecutor(6) as pool:
        for _ in range(8):
            dsn = server.database()
            assert [*pool.map(open_at_once, [dsn] * 6)] == [0] * 6
            server.give_back(dsn)


_RIVAL = """
import sys
from tidegate.adapters.postgres import PostgresState, Target
from tidegate.ports.state import Record, VersionConflict

state = PostgresState(Target(sys.argv[1], "desk"))
version, number = 0, 0
while number < 100:
    record = Record(kind="case.v1", body=f"{sys.argv[2]} {number}", time_ms=0)
    try:
        version = state.append([record], expected_version=version, durable=False)
    except VersionConflict as lost:
        version = lost.actual
    else:
        number += 1
state.close()
"""


def test_processes_that_make_the_tables_and_write_one_journal_lose_nothing(dsn: str) -> None:
    names = ("first", "second", "third")
    rivals = [subprocess.Popen([sys.executable, "-c", _RIVAL, dsn, name]) for name in names]
    assert [rival.wait(timeout=120) for rival in rivals] == [0, 0, 0]
    with closing(PostgresState(target_of(dsn))) as state:
        bodies = [found.record.body for found in state.read()]
    for name in names:
        own = [body for body in bodies if body.startswith(name)]
        assert own == [f"{name} {number}" for number in range(100)]
    assert len(bodies) == 300
