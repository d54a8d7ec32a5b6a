"""Care of a journal in a database: other releases, rights, kills, and answers that are lost."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tidegate.adapters.postgres import (
    PostgresState,
    has_journal,
)
from tidegate.adapters.postgres.schema import FORMAT
from tidegate.ports.state import (
    NewerFormat,
    Snapshot,
    StateUnavailable,
)
from tidegate.ports.state_care import CareRefused, StoreView

from tests.adapters.postgres.caring import (
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
    keyed_dsn,
    target_of,
    write_journal,
)
from tests.adapters.postgres.server import Server
from tests.adapters.postgres.wire import Cut, Wire

# Tables of other releases, and rights


def _make_older(dsn: str, tables: int) -> None:
    """Leave what the releases before this one made."""
    change(
        dsn,
        "DROP TABLE tidegate.archive; DROP TABLE tidegate.archived;"
        " ALTER TABLE tidegate.journal DROP COLUMN origin;"
        " UPDATE tidegate.format SET version = 2",
    )
    if tables == 1:
        change(
            dsn,
            "DROP TRIGGER moved ON tidegate.journal; DROP FUNCTION tidegate.tell;"
            " DROP TABLE tidegate.lease; UPDATE tidegate.format SET version = 1",
        )


def _format(dsn: str) -> object:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT version FROM tidegate.format").fetchall()


@pytest.mark.parametrize("tables", [1, 2])
def test_older_tables_are_read_and_copied_as_they_are_and_led_forward_by_a_compaction(
    dsn: str, copy: Path, tables: int
) -> None:
    records = write_journal(dsn)
    _make_older(dsn, tables)
    facts, seen = care_of(dsn).look(lambda view: (view.facts, records_of(view)))
    assert (facts.format, facts.base, seen) == (tables, 0, records)
    care_of(dsn).backup(str(copy), records_of)
    assert _format(dsn) == [(tables,)], "an older release still reads it"
    restore(dsn, copy, journal="other")
    assert _format(dsn) == [(FORMAT,)], "an older release refuses it"
    assert found_in(dsn, "other") == records
    care_of(dsn).compact(fold)
    assert found_in(dsn) == records


def test_a_refused_compaction_leaves_older_tables_as_they_are(dsn: str) -> None:
    write_journal(dsn)
    _make_older(dsn, 2)

    def refuse(view: StoreView) -> Snapshot:
        raise CareRefused("no")

    with pytest.raises(CareRefused):
        care_of(dsn).compact(refuse)
    assert _format(dsn) == [(2,)]


def test_newer_tables_are_refused_untouched(dsn: str, copy: Path) -> None:
    write_journal(dsn)
    care_of(dsn).backup(str(copy), records_of)
    change(dsn, "UPDATE tidegate.format SET version = version + 1")
    before = content(dsn)
    acts: list[Callable[[], object]] = [
        lambda: care_of(dsn).look(records_of),
        lambda: care_of(dsn).backup(str(copy.with_name("x")), records_of),
        lambda: care_of(dsn).compact(fold),
        lambda: restore(dsn, copy),
    ]
    for act in acts:
        with pytest.raises(NewerFormat, match="update tidegate"):
            act()
    assert content(dsn) == before
    assert not copy.with_name("x").exists()


def test_who_may_only_read_may_verify_and_copy_and_changes_nothing(
    server: Server, dsn: str, copy: Path
) -> None:
    records = write_journal(dsn)
    keyed = keyed_dsn(server, dsn)
    with pytest.raises(StateUnavailable, match="access is denied"):
        care_of(keyed).look(records_of)
    change(dsn, "GRANT USAGE ON SCHEMA tidegate TO keyed")
    change(dsn, "GRANT SELECT ON ALL TABLES IN SCHEMA tidegate TO keyed")
    before = content(dsn)
    assert care_of(keyed).look(records_of) == records
    assert care_of(keyed).backup(str(copy), records_of) == records
    acts: list[Callable[[], object]] = [
        lambda: care_of(keyed).compact(fold),
        lambda: restore(keyed, copy),
    ]
    for act in acts:
        with pytest.raises(StateUnavailable, match="access is denied"):
            act()
    assert content(dsn) == before
    assert "horse" not in copy.read_text()


# Kills, and answers that are lost

_KILLED = """
import os, signal, sys
from tests.adapters.postgres.caring import care_of
dsn, copy, act = sys.argv[1:]

def die(view):
    os.kill(os.getpid(), signal.SIGKILL)

if act == "compact":
    care_of(dsn).compact(die)
else:
    care_of(dsn).backup(copy, die)
"""


@pytest.mark.parametrize("act", ["compact", "backup"])
def test_a_kill_in_the_middle_leaves_everything_and_the_next_run_does_it(
    dsn: str, copy: Path, act: str
) -> None:
    records = write_journal(dsn)
    before = content(dsn)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, dsn, str(copy), act],
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == -signal.SIGKILL
    assert content(dsn) == before
    assert not copy.exists(), "half a copy is never taken for one"
    assert care_of(dsn).backup(str(copy), records_of) == records
    _until(lambda: care_of(dsn).compact(fold).version == 40)
    assert found_in(dsn) == records


def _until(act: Callable[[], bool]) -> None:
    """Try until the server has noticed that the killed process is gone."""
    give_up = time.monotonic() + 20
    while True:
        try:
            if act():
                return
        except (CareRefused, StateUnavailable):
            if time.monotonic() >= give_up:
                raise
        assert time.monotonic() < give_up
        time.sleep(0.05)


_SUICIDE = """
CREATE OR REPLACE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TRIGGER dies AFTER INSERT ON tidegate.{table} FOR EACH STATEMENT
EXECUTE FUNCTION public.die()
"""


@pytest.mark.parametrize("table", ["journal", "archived", "record", "archive", "snapshot"])
def test_a_connection_that_ends_between_two_steps_leaves_everything(
    dsn: str, copy: Path, table: str
) -> None:
    records = write_journal(dsn)
    care_of(dsn).compact(fold)
    with closing(PostgresState(target_of(dsn))) as state:
        state.append(batch("x", "y"), expected_version=40, durable=True)
    records += batch("x", "y")
    care_of(dsn).backup(str(copy), records_of)
    change(dsn, _SUICIDE.format(table=table))
    before = content(dsn)
    acts: list[Callable[[], object]] = [lambda: restore(dsn, copy)]
    if table in {"archived", "archive", "snapshot"}:
        acts.append(lambda: care_of(dsn).compact(fold))
    try:
        for act in acts:
            with pytest.raises(StateUnavailable):
                act()
            assert content(dsn) == before
    finally:
        change(dsn, "DROP FUNCTION public.die CASCADE")
    care_of(dsn).compact(fold)
    restore(dsn, copy)
    assert found_in(dsn) == found_in(dsn, f"desk-replaced-{STAMP}") == records


@pytest.fixture
def wire(dsn: str) -> Iterator[Wire]:
    with closing(Wire(dsn)) as found:
        yield found


@pytest.mark.parametrize("cut", Cut)
def test_a_compaction_whose_answer_is_lost_says_that_it_is_not_known(
    dsn: str, wire: Wire, cut: Cut
) -> None:
    records = write_journal(dsn)
    wire.cuts.append(cut)
    with pytest.raises(StateUnavailable, match="whether it was done is not known"):
        care_of(wire.dsn).compact(fold)
    is_done = cut is Cut.BEFORE_ITS_ANSWER
    _until(lambda: care_of(dsn).look(lambda view: view.facts).base == (40 if is_done else 0))
    _until(lambda: care_of(dsn).compact(fold).version == 40)
    assert found_in(dsn) == records


def test_without_a_server_care_is_unavailable() -> None:
    with pytest.raises(StateUnavailable, match="cannot be reached"):
        care_of("host=/nowhere dbname=tidegate").look(records_of)


def test_a_compacted_journal_is_no_longer_read_from_its_beginning_at_a_start(dsn: str) -> None:
    write_journal(dsn)
    care_of(dsn).compact(fold)
    change(dsn, "UPDATE tidegate.archived SET body = 'x'")
    with closing(PostgresState(target_of(dsn))) as state:
        assert state.load_snapshot() == Snapshot(version=40, body="folded")
        assert has_journal(target_of(dsn))
