"""The paper venue's file: its format, its tables, and what is refused before it is opened."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tidegate.ports.state import NewerFormat, StateCorrupt, StateUnavailable

__all__ = [
    "APPLICATION_ID",
    "FORMAT_VERSION",
    "RECORD_SCHEMA",
    "RECORD_TABLES",
    "SCHEMA",
    "check_file",
    "unavailable",
]

FORMAT_VERSION = 3
"""1 lacks specifications, 1 and 2 the account's and the market's records; read, and 3 when used."""
APPLICATION_ID = 0x74647076
_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY = 0xFF

SCHEMA = """
CREATE TABLE opening (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
CREATE TABLE present (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (symbol TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, client_id TEXT, venue_id TEXT NOT NULL,
    is_open INTEGER NOT NULL, updated_ms INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX orders_by_client_id ON orders (client_id) WHERE client_id IS NOT NULL;
CREATE UNIQUE INDEX orders_by_venue_id ON orders (venue_id);
CREATE INDEX orders_by_time ON orders (updated_ms, number);
CREATE INDEX orders_open ON orders (number) WHERE is_open = 1;
CREATE TABLE executions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT NOT NULL, time_ms INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX executions_by_time ON executions (time_ms, number);
CREATE TABLE payments (
    number INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT NOT NULL, time_ms INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX payments_by_time ON payments (time_ms, number);
"""
RECORD_TABLES = ("closings", "changes")
RECORD_SCHEMA = """
CREATE TABLE closings (
    venue_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, updated_ms INTEGER NOT NULL,
    number INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX closings_by_time ON closings (updated_ms, number);
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT, time_ms INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX changes_by_time ON changes (time_ms, number);
"""
"""What formats 1 and 2 lack."""


def unavailable(path: Path | str, error: sqlite3.Error) -> StateUnavailable:
    """Say why a store cannot be used; one that is locked has another process at work on it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _BUSY:
        return StateUnavailable(
            f"the paper venue's store {path} is locked: a session has it open; nothing was "
            "changed. Stop the session with Ctrl-C, or kill it where it does not stop, and give "
            "the command again"
        )
    return StateUnavailable(f"the paper venue's store {path}: {error}")


def check_file(path: Path) -> bool:
    """Tell whether the file is new, without writing to one that is not.

    Raises:
        StateCorrupt: the file is damaged, or is something else.
        NewerFormat: the file was written by a newer release.
        StateUnavailable: it cannot be read now.

    """
    try:
        if not path.exists() or path.stat().st_size == 0:
            return True
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise StateUnavailable(f"{path} cannot be read: {error}; it was left as it is") from error
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StateCorrupt(f"{path} is no SQLite file; it was left as it is")
    version = int.from_bytes(header[60:64], "big")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StateCorrupt(f"{path} is not a paper venue's store; it was left as it is")
    if version > FORMAT_VERSION:
        raise NewerFormat(
            f"{path} has format {version}, this release reads up to {FORMAT_VERSION}; it was left "
            "as it is"
        )
    _check_pages(path)
    return False


def _check_pages(path: Path) -> None:
    """Look for damage through a read-only connection, which never writes the file."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise unavailable(path, error) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the verdict may quote damage
        raise StateCorrupt(f"{path} is damaged: {error}; it was left as it is") from error
    if verdict != "ok":
        raise StateCorrupt(f"{path} is damaged: {verdict}; it was left as it is")
