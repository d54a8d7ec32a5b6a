"""What the tests of the care of a journal in a database share."""

from contextlib import closing
from pathlib import Path

from tidegate.adapters.postgres import PostgresCare, PostgresState
from tidegate.ports.state import Record, Snapshot
from tidegate.ports.state_care import Restored, StoreView

from tests.adapters.postgres.journals import target_of

__all__ = ["CUT_ALL", "STAMP", "care_of", "fold", "found_in", "records_of", "restore"]

STAMP = "20261127T101500Z"
CUT_ALL = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def care_of(dsn: str, journal: str = "desk") -> PostgresCare:
    return PostgresCare(target_of(dsn, journal=journal, wait_ms_max=2_000))


def fold(view: StoreView) -> Snapshot:
    for _ in view.read():
        pass
    return Snapshot(version=view.facts.version, body="folded")


def records_of(view: StoreView) -> list[Record]:
    return [stored.record for stored in view.read()]


def found_in(dsn: str, journal: str = "desk") -> list[Record]:
    with closing(PostgresState(target_of(dsn, journal=journal))) as state:
        return [stored.record for stored in state.read()]


def restore(dsn: str, copy: Path, *, journal: str = "desk", moves_aside: bool = True) -> Restored:
    return care_of(dsn, journal).restore(
        str(copy), lambda _: None, moves_aside=moves_aside, stamp=STAMP
    )
