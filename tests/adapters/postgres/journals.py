"""What the tests of the PostgreSQL journal share."""

from collections.abc import Sequence
from contextlib import closing

import psycopg
from tidegate.adapters.postgres import PostgresState, Target
from tidegate.ports.state import Record, Snapshot

from tests.adapters.postgres.server import KEYED_PASSWORD, KEYED_ROLE, Server

__all__ = ["batch", "change", "content", "keyed_dsn", "target_of", "write_journal"]

_TABLES = ("format", "journal", "record", "snapshot", "archive", "archived")


def batch(*bodies: str) -> list[Record]:
    return [
        Record(kind=f"case{number}.v1", body=body, time_ms=1_000 + number)
        for number, body in enumerate(bodies)
    ]


def target_of(dsn: str, *, journal: str = "desk", wait_ms_max: int = 10_000) -> Target:
    return Target(dsn, journal, wait_ms_max)


def write_journal(dsn: str, *, journal: str = "desk", size: int = 40) -> list[Record]:
    """Write a closed journal with a snapshot, and return its records."""
    records = batch(*(f"body {number}" for number in range(size)))
    with closing(PostgresState(target_of(dsn, journal=journal))) as state:
        state.append(records, expected_version=0, durable=True)
        state.save_snapshot(Snapshot(version=size // 2, body="snapshot text"))
    return records


def change(dsn: str, statement: str) -> None:
    """Change the tables behind the adapter's back."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def content(dsn: str) -> Sequence[object]:
    """Return every row of every table of ours, and where it lies."""
    found: list[object] = []
    with psycopg.connect(dsn) as connection:
        for table in _TABLES:
            query = f"SELECT ctid::text, t::text FROM tidegate.{table} t ORDER BY 2"  # noqa: S608
            found.append((table, connection.execute(query.encode()).fetchall()))
    return found


def keyed_dsn(server: Server, dsn: str) -> str:
    """Return how the role that needs a password reaches the database; it is made on first use."""
    server.execute(
        f"""DO $$ BEGIN CREATE ROLE {KEYED_ROLE} LOGIN PASSWORD '{KEYED_PASSWORD}';
        EXCEPTION WHEN duplicate_object THEN NULL; END $$""".encode()
    )
    return f"{dsn.replace('user=postgres', f'user={KEYED_ROLE}')} password={KEYED_PASSWORD}"
