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
from tidegate.ports.chain import Head, genesis
from tidegate.ports.state import NewerFormat, StateCorrupt, StateUnavailable

from .connecting import Target

__all__ = [
    "ARCHIVES_SINCE",
    "FORMAT",
    "MIGRATIONS",
    "Place",
    "find",
    "lock_head",
    "migrate",
    "open_place",
    "prepare",
    "read_head",
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
    """
    CREATE TABLE tidegate.archive (
        journal_id bigint NOT NULL,
        first bigint NOT NULL,
        last bigint NOT NULL,
        start bytea NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (journal_id, first)
    );
    CREATE TABLE tidegate.archived (
        journal_id bigint NOT NULL,
        version bigint NOT NULL,
        kind bytea NOT NULL,
        body bytea NOT NULL,
        time_ms bigint NOT NULL,
        digest bytea NOT NULL,
        batch bytea NOT NULL,
        PRIMARY KEY (journal_id, version)
    );
    ALTER TABLE tidegate.journal ADD COLUMN origin text;
    UPDATE tidegate.journal SET origin = name;
    ALTER TABLE tidegate.journal ALTER COLUMN origin SET NOT NULL;
    """,
)
"""What leads from each version of the tables to the next; the first makes version 1."""
FORMAT = len(MIGRATIONS)
ARCHIVES_SINCE = 3
"""The first version of the tables with archives, and with journals that may be renamed."""

_LOCK_KEY = int.from_bytes(b"TGJL")
_IS_THERE: LiteralString = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'tidegate'), EXISTS"
    " (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'tidegate' AND c.relname = 'format')"
)
_FIND: LiteralString = "SELECT id, origin FROM tidegate.journal WHERE name = %s"
_FIND_OLD: LiteralString = "SELECT id, name FROM tidegate.journal WHERE name = %s"
_HEAD: LiteralString = (
    "SELECT name, version, digest, (SELECT version FROM tidegate.format)"
    " FROM tidegate.journal WHERE id = %s"
)


@attrs.frozen(kw_only=True)
class Place:
    """Where one journal lies: its row's id, its name, and its name for errors.

    ``start`` is where its chain begins, which is that of the name ``origin``: another one where the
    journal was renamed. ``format`` is the version of the tables when it was found.
    """

    journal_id: int
    name: str
    origin: str
    format: int
    text: str

    @property
    def start(self) -> bytes:
        """Return the digest that the first row is chained to."""
        return genesis(self.origin)


def open_place(connection: psycopg.Connection, target: Target) -> Place:
    """Find the journal, or make an empty one; older tables are led to this release's first.

    Raises:
        NewerFormat: a newer release made the tables; left untouched.
        StateCorrupt: there is a schema of the name that is not ours, or ours is damaged.

    """
    prepare(connection, target)
    place = find(connection, target)
    if place is None:
        connection.execute(
            "INSERT INTO tidegate.journal (name, version, digest, writes, origin)"
            " VALUES (%s, 0, %s, 0, %s) ON CONFLICT (name) DO NOTHING",
            (target.journal, genesis(target.journal), target.journal),
        )
        place = find(connection, target)
    if place is None:
        raise StateCorrupt(f"{target.place}: its row is gone again; it was left untouched")
    return place


def prepare(connection: psycopg.Connection, target: Target) -> None:
    """Make the tables, or lead older ones to this release's; see :func:`migrate`.

    Raises:
        NewerFormat: a newer release made the tables; left untouched.
        StateCorrupt: there is a schema of the name that is not ours.

    """
    found = _format_in(connection, target)
    if found is None or found < FORMAT:
        migrate(connection, target)


def find(connection: psycopg.Connection, target: Target) -> Place | None:
    """Return the journal of that name, ``None`` where there is none; makes nothing.

    Raises:
        NewerFormat: a newer release made the tables.
        StateCorrupt: there is a schema of the name that is not ours.

    """
    found = _format_in(connection, target)
    if found is None:
        return None
    query = _FIND if found >= ARCHIVES_SINCE else _FIND_OLD
    row = connection.execute(query, (target.journal,)).fetchone()
    if row is None:
        return None
    return Place(
        journal_id=row[0], name=target.journal, origin=row[1], format=found, text=target.place
    )


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
        StateUnavailable: the journal has another name by now.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    return _head(connection.execute(_HEAD, (place.journal_id,)).fetchone(), place)


def lock_head(connection: psycopg.Connection, place: Place) -> Head:
    """Return the head, and keep every other writer of this journal out until the transaction ends.

    Raises:
        StateCorrupt: it is missing or damaged.
        StateUnavailable: the journal has another name by now.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    row = connection.execute(_HEAD + " FOR UPDATE", (place.journal_id,)).fetchone()
    return _head(row, place)


def _head(row: object, place: Place) -> Head:
    match row:
        case (str(name), int(version), bytes(digest), int(known)):
            _require_known(known, place.text)
            if name != place.name:
                raise StateUnavailable(
                    f"{place.text}: the journal was moved aside, to {name!r}; nothing was written, "
                    "start again"
                )
            return Head(version, digest)
        case _:
            raise StateCorrupt(f"{place.text}: the head of the journal is missing or damaged")
