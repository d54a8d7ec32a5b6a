"""SQLite's errors in the words of the state port: one table."""

import sqlite3
from pathlib import Path

from tidegate.ports.state import StateCorrupt, StateError, StateUnavailable

__all__ = ["typed_error"]

# Primary result codes (sqlite.org/rescode.html). Every code that is absent here says that the
# content is not what this adapter wrote: a damaged page, a table that is gone, a row too big.
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_AUTH: "access is denied",
    sqlite3.SQLITE_NOMEM: "memory is exhausted",
    sqlite3.SQLITE_NOLFS: "the file is too large for this system",
    sqlite3.SQLITE_INTERRUPT: "the operation was interrupted",
    sqlite3.SQLITE_PROTOCOL: "its locks cannot be taken",
}
_PRIMARY = 0xFF


def typed_error(path: Path, error: sqlite3.Error) -> StateError:
    """Return the port's error for one of SQLite's; the caller raises it from ``error``."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    cause = _UNAVAILABLE.get(code & _PRIMARY)
    if cause is not None:
        return StateUnavailable(f"{path}: {cause} ({error}); nothing was written")
    return StateCorrupt(
        f"{path}: not a sound journal ({error}); it was left untouched, restore a copy of it or "
        "name another file"
    )
