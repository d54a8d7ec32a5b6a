"""The tables in a database, their versions, and which of them a store may be opened on.

They stand in a schema of their own, ``tidegate``; its table ``format`` holds the version of all
others. A migration leads from each version to the next. Text is stored as its UTF-8 bytes: a
database may have any encoding, and PostgreSQL's text cannot hold every character
(``convert_from(body, 'UTF8')`` shows it).
"""

from collections.abc import Sequence
from typing import LiteralString

import attrs
import psycopg
from tidegate.ports.chain import Head, genesis, seal_of, walk_to
from tidegate.ports.state import NewerFormat, Snapshot, StateCorrupt

from .connecting import Target

__all__ = [
    "FORMAT",
    "MIGRATIONS",
    "Place",
    "check_snapshot",
    "digest_at",
    "find",
    "lock_head",
    "migrate",
    "open_place",
    "read_head",
    "require_sound",
]

MIGRATIONS: Sequence[LiteralString] = (
    """
    CREATE TABLE tidegate.journal (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        version bigint NOT NULL,
        digest bytea NOT NULL,
        writes bigint NOT NULL
    );
    CREATE TABLE tidegate.record (
        journal_id bigint NOT NULL,
        version bigint NOT NULL,
        kind bytea NOT NULL,
        body bytea NOT NULL,
        time_ms bigint NOT NULL,
        digest bytea NOT NULL,
        batch bytea NOT NULL,
        PRIMARY KEY (journal_id, version)
    );
    CREATE TABLE tidegate.snapshot (
        journal_id bigint NOT NULL,
        version bigint NOT NULL,
        body bytea NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (journal_id, version)
    );
    """,
    """
    CREATE TABLE tidegate.lease (
        journal_id bigint NOT NULL,
        name bytea NOT NULL,
        holder text NOT NULL,
        epoch bigint NOT NULL,
        ends_at timestamptz NOT NULL,
        is_open boolean NOT NULL,
        PRIMARY KEY (journal_id, name)
    );
    CREATE FUNCTION tidegate.tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_catalog.pg_notify('tidegate', NEW.id || ' ' || NEW.version);
        RETURN NULL;
    END $$;
    CREATE TRIGGER moved AFTER UPDATE OF version ON tidegate.journal
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION tidegate.tell();
    """,
)
"""What leads from each version of the tables to the next; the first makes version 1."""
FORMAT = len(MIGRATIONS)

_LOCK_KEY = int.from_bytes(b"TGJL")
_FETCH_ROWS = 500
_ALL_ROWS: LiteralString = (
    "SELECT version, kind, body, time_ms, digest FROM tidegate.record"
    " WHERE journal_id = %s ORDER BY version"
)
_IS_THERE: LiteralString = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'tidegate'), EXISTS"
    " (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'tidegate' AND c.relname = 'format')"
)
_HEAD: LiteralString = (
    "SELECT version, digest, (SELECT version FROM tidegate.format)"
    " FROM tidegate.journal WHERE id = %s"
)


@attrs.frozen
class Place:
    """Where one journal lies: its row's id, the start of its chain, and its name for errors."""

    journal_id: int
    start: bytes
    text: str


def open_place(connection: psycopg.Connection, target: Target) -> Place:
    """Find the journal, or make an empty one; older tables are led to this release's first.

    Raises:
        NewerFormat: a newer release made the tables; left untouched.
        StateCorrupt: there is a schema of the name that is not ours, or ours is damaged.

    """
    found = _format_in(connection, target)
    if found is None or found < FORMAT:
        migrate(connection, target)
    journal_id = find(connection, target)
    if journal_id is None:
        connection.execute(
            "INSERT INTO tidegate.journal (name, version, digest, writes) VALUES (%s, 0, %s, 0)"
            " ON CONFLICT (name) DO NOTHING",
            (target.journal, genesis(target.journal)),
        )
        journal_id = find(connection, target)
    if journal_id is None:
        raise StateCorrupt(f"{target.place}: its row is gone again; it was left untouched")
    return Place(journal_id, genesis(target.journal), target.place)


def find(connection: psycopg.Connection, target: Target) -> int | None:
    """Return the id of the journal of that name, ``None`` where there is none; makes nothing.

    Raises:
        NewerFormat: a newer release made the tables.
        StateCorrupt: there is a schema of the name that is not ours.

    """
    if _format_in(connection, target) is None:
        return None
    row = connection.execute(
        "SELECT id FROM tidegate.journal WHERE name = %s", (target.journal,)
    ).fetchone()
    return None if row is None else int(row[0])


def _format_in(connection: psycopg.Connection, target: Target) -> int | None:
    # Asked of the tables: to_regclass answers from a cache that may be as old as the connection.
    row = connection.execute(_IS_THERE).fetchone()
    if row == (False, False):
        return None
    if row != (True, True):
        raise StateCorrupt(
            f"{target.place}: the database has a schema tidegate that is not of this program; it "
            "was left untouched, name another database"
        )
    rows = connection.execute("SELECT version FROM tidegate.format").fetchall()
    match rows:
        case [(int(version),)] if version >= 1:
            _require_known(version, target.place)
            return version
        case _:
            raise StateCorrupt(f"{target.place}: the version of its tables is missing or damaged")


def _require_known(version: int, place: str) -> None:
    if version > FORMAT:
        raise NewerFormat(
            f"{place}: written in format {version}, this release reads format {FORMAT}; it was "
            "left untouched, update tidegate"
        )


def migrate(connection: psycopg.Connection, target: Target) -> None:
    """Lead the tables from their version, or from none, to :data:`FORMAT`: all steps or none.

    Of several processes one does it; the others wait for it and find it done.

    Raises:
        NewerFormat: a newer release made the tables; left untouched.
        StateCorrupt: there is a schema of the name that is not ours.

    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        found = _format_in(connection, target)
        if found is None:
            connection.execute("CREATE SCHEMA tidegate")
            connection.execute("CREATE TABLE tidegate.format (version bigint NOT NULL)")
            connection.execute("INSERT INTO tidegate.format VALUES (0)")
        for step in MIGRATIONS[found or 0 :]:
            connection.execute(step)
        connection.execute("UPDATE tidegate.format SET version = %s", (FORMAT,))


def read_head(connection: psycopg.Connection, place: Place) -> Head:
    """Return the head.

    Raises:
        StateCorrupt: it is missing or damaged.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    return _head(connection.execute(_HEAD, (place.journal_id,)).fetchone(), place)


def lock_head(connection: psycopg.Connection, place: Place) -> Head:
    """Return the head, and keep every other writer of this journal out until the transaction ends.

    Raises:
        StateCorrupt: it is missing or damaged.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    row = connection.execute(_HEAD + " FOR UPDATE", (place.journal_id,)).fetchone()
    return _head(row, place)


def _head(row: object, place: Place) -> Head:
    match row:
        case (int(version), bytes(digest), int(known)):
            _require_known(known, place.text)
            return Head(version, digest)
        case _:
            raise StateCorrupt(f"{place.text}: the head of the journal is missing or damaged")


def digest_at(connection: psycopg.Connection, place: Place, version: int) -> bytes:
    """Return the digest that the row ``version`` carries; 0 is the start of the chain.

    Raises:
        StateCorrupt: the row is missing or damaged.

    """
    if version == 0:
        return place.start
    row = connection.execute(
        "SELECT digest FROM tidegate.record WHERE journal_id = %s AND version = %s",
        (place.journal_id, version),
    ).fetchone()
    if row is None:
        raise StateCorrupt(f"{place.text}: journal version {version} is missing or damaged")
    digest: bytes = row[0]
    return digest


def require_sound(connection: psycopg.Connection, place: Place) -> None:
    """Read the whole journal in one view that cannot write, and refuse it when anything is damaged.

    Raises:
        StateCorrupt: a row, the head or the newest snapshot is damaged.

    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        head = read_head(connection, place)
        with connection.cursor(name="tidegate_all", binary=True) as cursor:
            cursor.itersize = _FETCH_ROWS
            cursor.execute(_ALL_ROWS, (place.journal_id,))
            for _ in walk_to(cursor, Head(0, place.start), head, place.text):
                pass
        check_snapshot(connection, place)


def check_snapshot(connection: psycopg.Connection, place: Place) -> Snapshot | None:
    """Return the newest snapshot, if any, checked against its digest and the journal's chain.

    Raises:
        StateCorrupt: it does not match its digest, or the journal.

    """
    row = connection.execute(
        "SELECT version, body, digest FROM tidegate.snapshot WHERE journal_id = %s"
        " ORDER BY version DESC LIMIT 1",
        (place.journal_id,),
        binary=True,
    ).fetchone()
    if row is None:
        return None
    version, body, stored = row
    if seal_of(digest_at(connection, place, version), version, body) != stored:
        raise StateCorrupt(f"{place.text}: the newest snapshot is damaged")
    return Snapshot(version=version, body=body.decode())
