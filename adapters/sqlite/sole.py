"""Is a journal in use? A connection that shares the file with nobody, or a refusal."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tidegate.ports.state import StateUnavailable
from tidegate.ports.state_care import CareRefused

from .errors import typed_error
from .opening import connect, wal_of

__all__ = ["require_unused", "sole_connection"]

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY = 0xFF
_PROBE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        print("used")
    else:
        print("unused")
"""
"""Tries the bytes that every connection to a file in WAL mode keeps locked for reading
(sqlite.org/lockingv3.html, 6.0; PENDING_BYTE and SHARED_SIZE in os.h)."""
_PROBE_SECONDS_MAX = 30


@contextmanager
def sole_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal that nobody has open, so that nobody else can open it meanwhile.

    Raises:
        CareRefused: a desk has it open, or was killed with it open; nothing was changed.
        StateCorrupt: it is damaged.
        StateUnavailable: it cannot be written now.

    """
    try:
        with closing(connect(path, query="mode=rw", busy_ms_max=0)) as connection:
            # Said before the first lock: SQLite then keeps the whole file to this connection.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            yield connection
    except sqlite3.Error as error:
        raise _typed(path, error) from error


def _typed(path: Path, error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _BUSY:
        return CareRefused(f"{path}: a desk has it open; nothing was changed. Stop the desk first")
    return typed_error(path, error)


def require_unused(path: Path) -> None:
    """Refuse a journal that a desk has open, whether the file is sound or damaged.

    Its locks are tried from a process of its own: opening and closing the file in this one would
    drop the locks that this one has on it (howtocorrupt.html, 2.2, on sqlite.org). On Windows an
    open file cannot be renamed, which is found at that step.

    Raises:
        CareRefused: it is in use.
        StateUnavailable: that cannot be told.

    """
    if os.name != "posix" or not wal_of(path).exists():
        return
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-I", "-S", "-c", _PROBE, str(path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=_PROBE_SECONDS_MAX,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StateUnavailable(f"{path}: whether it is in use cannot be told: {error}") from error
    if done.stdout.strip() != "unused":
        raise CareRefused(f"{path}: a desk has it open; nothing was changed. Stop the desk first")
