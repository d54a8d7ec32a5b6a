"""Is this file a journal that we may write to? Decided before anything writes to it.

First its marks are read: whose file is it, and which format? Then everything in it is read
over a connection that cannot write. Only a store that passes both is opened for writing, so that a
damaged, foreign or newer store keeps every byte.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from tidegate.ports.chain import walk_to
from tidegate.ports.state import NewerFormat, StateCorrupt, StateError, StateUnavailable

from .errors import typed_error
from .schema import (
    APPLICATION_ID,
    FORMAT,
    FORMATS,
    check_snapshot,
    read_base,
    read_head,
)

__all__ = [
    "AS_IT_STANDS",
    "connect",
    "is_journal",
    "is_log_alone",
    "look",
    "require_ours",
    "require_pages",
    "require_rows",
    "require_sound",
    "wal_of",
]

T = TypeVar("T")

AS_IT_STANDS = "mode=ro&immutable=1"
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_PAGE_BYTES_MAX = 65_536
_LOOKS_MAX = 5


def wal_of(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of ``path``."""
    return path.with_name(f"{path.name}-wal")


def is_log_alone(path: Path) -> bool:
    """Tell whether the log of ``path`` is there without its file; an ``OSError`` passes through.

    The log is looked for first. Another process that makes a journal makes its file before the log:
    looked for the other way round, its log could be seen and its file not.
    """
    return wal_of(path).exists() and not path.exists()


def connect(path: Path, *, query: str, busy_ms_max: int) -> sqlite3.Connection:
    """Open an existing file; ``query`` holds SQLite's URI parameters. Text comes back as bytes."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_ms_max / 1000,
    )
    connection.text_factory = bytes
    return connection


def is_journal(path: Path) -> bool:
    """Tell whether a file has the mark of a journal, in whatever format; nothing is checked."""
    try:
        application, _ = _marks_in_file(path)
    except StateError:
        return False
    return application == APPLICATION_ID


def require_ours(path: Path) -> None:
    """Refuse a file of another program or of a newer release, before anything opens it to write.

    Raises:
        StateCorrupt: not a journal of this program.
        NewerFormat: its format is above :data:`FORMAT`.
        StateUnavailable: it cannot be read.

    """
    _require_marks(path, *_marks_in_file(path))
    try:
        log = wal_of(path)
        if log.exists():
            _require_log(path, log)
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be read: {error}") from error


def _marks_in_file(path: Path) -> tuple[int, int]:
    # Through SQLite, never through open(): closing a plain descriptor drops every POSIX lock that
    # this process holds on the file, also those of another connection (howtocorrupt.html, 2.2, on
    # sqlite.org). "immutable" reads the main file as it stands, without locks and without its log.
    try:
        with closing(connect(path, query=AS_IT_STANDS, busy_ms_max=0)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (format_found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise typed_error(path, error) from error
    return (application, format_found)


def _require_marks(path: Path, application: int, format_found: int) -> None:
    if application != APPLICATION_ID:
        raise StateCorrupt(
            f"{path}: not a journal (application id {application:#x}, a journal has "
            f"{APPLICATION_ID:#x}); it was left untouched, name another file"
        )
    if format_found > FORMAT:
        raise NewerFormat(
            f"{path}: written in format {format_found}, this release reads format {FORMAT}; "
            "it was left untouched, update tidegate"
        )
    if format_found not in FORMATS:
        raise StateCorrupt(f"{path}: format {format_found} never existed; it was left untouched")


def _require_log(path: Path, log: Path) -> None:
    """Check each copy of the first page in the write-ahead log (fileformat2.html, 4.1 and 4.2).

    A newer release may have changed the mark and died before it reached the main file.
    """
    with log.open("rb") as file:
        header = file.read(_WAL_HEADER_BYTES)
        page_bytes = min(int.from_bytes(header[8:12]), _PAGE_BYTES_MAX)
        while len(frame := file.read(_FRAME_HEADER_BYTES + page_bytes)) > _FRAME_HEADER_BYTES:
            is_current = frame[8:16] == header[16:24]
            if is_current and int.from_bytes(frame[:4]) == 1:
                page = frame[_FRAME_HEADER_BYTES:]
                _require_marks(path, int.from_bytes(page[68:72]), int.from_bytes(page[60:64]))


def require_sound(path: Path, *, busy_ms_max: int) -> None:
    """Read the whole store without the means to write, and refuse it when anything is damaged.

    Raises:
        StateCorrupt: a page, a row, the head or the newest snapshot is damaged.
        StateUnavailable: it cannot be read now.

    """
    look(path, lambda _: None, busy_ms_max=busy_ms_max)


def look(path: Path, at: Callable[[sqlite3.Connection], T], *, busy_ms_max: int) -> T:
    """Check the whole store without the means to write, and return what ``at`` makes of it.

    ``at`` sees what was checked, and may be called more than once: another process may write
    meanwhile, and a finding counts only when the files stood still.

    Raises:
        StateCorrupt: a page, a row, the head or the newest snapshot is damaged.
        StateUnavailable: it cannot be read now.

    """
    for _ in range(_LOOKS_MAX):
        before = _stamp(path)
        try:
            return _look(path, at, has_log=before[1] is not None, busy_ms_max=busy_ms_max)
        except StateCorrupt:
            if _stamp(path) == before:
                raise
    raise StateUnavailable(f"{path}: it changed during each of {_LOOKS_MAX} looks at it")


def _stamp(path: Path) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    return _file_stamp(path), _file_stamp(wal_of(path))


def _file_stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size)


def _look(
    path: Path, at: Callable[[sqlite3.Connection], T], *, has_log: bool, busy_ms_max: int
) -> T:
    # Without a log SQLite would make one even to read; an immutable file is read as it stands.
    query = "mode=ro" if has_log else AS_IT_STANDS
    try:
        with closing(connect(path, query=query, busy_ms_max=busy_ms_max)) as connection:
            connection.execute("BEGIN")
            require_pages(connection, path)
            require_rows(connection, path)
            check_snapshot(connection, path)
            return at(connection)
    except sqlite3.Error as error:
        raise typed_error(path, error) from error
    except UnicodeDecodeError as error:  # from the text of SQLite's own message, quoting damage
        raise StateCorrupt(f"{path}: damaged ({error}); it was left untouched") from error


def require_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Let SQLite look through every page of the file.

    Raises:
        StateCorrupt: a page is damaged.

    """
    (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != b"ok":
        text = finding.decode(errors="replace")
        raise StateCorrupt(f"{path}: damaged ({text}); it was left untouched, restore a copy")


def require_rows(connection: sqlite3.Connection, path: Path) -> None:
    """Walk the chain of digests from the base to the head.

    Raises:
        StateCorrupt: a row is missing, moved or changed, or the head is damaged.

    """
    base, head = read_base(connection, path), read_head(connection, path)
    rows = connection.execute(
        "SELECT version, kind, body, time_ms, digest FROM journal ORDER BY version"
    )
    for _ in walk_to(rows, base, head, str(path)):
        pass
