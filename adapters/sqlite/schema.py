"""The file format: what marks a file as ours, and its tables.

A file is ours when bytes 68 to 71 hold :data:`APPLICATION_ID`; bytes 60 to 63 hold the format
(sqlite.org/fileformat2.html, 1.3). The rows are chained by digests (``ports/chain.py``).

Format 2 adds the table ``archive``: a compaction moved the rows of each span in it to another file,
and the first row that is left carries on from the digest of the last span. A file of format 1 has
no such table, is read and written as it is, and becomes format 2 when it is compacted.
"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import attrs
from tidegate.ports.chain import Head, Span, genesis, require_spans, seal_of
from tidegate.ports.state import Snapshot, StateCorrupt, StateUnavailable

__all__ = [
    "APPLICATION_ID",
    "ARCHIVE_TABLE",
    "FORMAT",
    "FORMATS",
    "GENESIS",
    "JOURNAL_TABLE",
    "ArchivedSpan",
    "check_snapshot",
    "create",
    "digest_at",
    "put_in_place",
    "read_base",
    "read_head",
    "read_spans",
]

FORMAT = 2
FORMATS = frozenset({1, 2})
"""What this release reads and writes."""
APPLICATION_ID = int.from_bytes(b"TGJL")
GENESIS = genesis("1")

JOURNAL_TABLE = """
CREATE TABLE journal (
    version INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    digest BLOB NOT NULL
);
"""
ARCHIVE_TABLE = """
CREATE TABLE archive (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    start BLOB NOT NULL,
    digest BLOB NOT NULL,
    name TEXT NOT NULL
);
"""
_TABLES = f"""
BEGIN IMMEDIATE;
{JOURNAL_TABLE}
{ARCHIVE_TABLE}
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    digest BLOB NOT NULL,
    writes INTEGER NOT NULL
);
CREATE TABLE snapshot (
    version INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
);
COMMIT;
"""


@attrs.frozen(kw_only=True)
class ArchivedSpan(Span):
    """A span that was moved to the file ``name`` beside the journal."""

    name: str


def create(path: Path) -> None:
    """Make an empty journal at ``path``, unless another process made one first.

    The file is prepared aside and linked into place: a store exists whole or not at all, so an
    empty or half-made file at ``path`` is never ours and never overwritten.

    Raises:
        StateUnavailable: it cannot be written there; nothing is left behind.

    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            draft = Path(folder) / "draft"
            _write_empty(draft)
            put_in_place(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be created: {error}") from error


def _write_empty(draft: Path) -> None:
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        # Written before the log exists, so the marks reach the main file itself: a later start can
        # read them there before it opens the file to write.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.executescript(_TABLES)
        connection.execute("INSERT INTO head VALUES (1, 0, ?, 0)", (GENESIS,))
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StateUnavailable(f"{draft.parent.parent}: this file system cannot hold a WAL journal")


def put_in_place(draft: Path, path: Path) -> None:
    """Give a finished file its name, on the disk; what is there already is never replaced.

    Raises:
        FileExistsError: something has that name.
        OSError: the folder cannot be written.

    """
    path.hardlink_to(draft)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the name of a durable journal could vanish with the power
        finally:
            os.close(folder)


def read_head(connection: sqlite3.Connection, path: Path) -> Head:
    """Return the head row.

    Raises:
        StateCorrupt: it is missing or damaged.

    """
    row = connection.execute("SELECT version, digest FROM head").fetchone()
    if row is None or not isinstance(row[0], int) or not isinstance(row[1], bytes):
        raise StateCorrupt(f"{path}: the head of the journal is missing or damaged")
    return Head(*row)


def read_spans(connection: sqlite3.Connection, path: Path) -> tuple[ArchivedSpan, ...]:
    """Return what was moved to archives, oldest first; nothing for a file of format 1.

    Raises:
        StateCorrupt: the table is missing or damaged, or the spans are no chain from the start.

    """
    (format_found,) = connection.execute("PRAGMA user_version").fetchone()
    if format_found == 1:
        return ()
    rows = connection.execute("SELECT first, last, start, digest, name FROM archive ORDER BY first")
    spans = tuple(_span(row, path) for row in rows)
    require_spans(spans, GENESIS, str(path))
    return spans


def _span(row: tuple[object, ...], path: Path) -> ArchivedSpan:
    match row:
        case (int(first), int(last), bytes(start), bytes(digest), bytes(name)) if _name(name):
            return ArchivedSpan(
                first=first, last=last, start=start, digest=digest, name=_name(name)
            )
        case _:
            raise StateCorrupt(f"{path}: the table of archives is damaged")


def _name(raw: bytes) -> str:
    """Return the name of a file beside the journal, empty for anything else."""
    name = raw.decode(errors="replace")
    return name if name == Path(name).name else ""


def read_base(connection: sqlite3.Connection, path: Path) -> Head:
    """Return where the chain stands before the first row of the file.

    Raises:
        StateCorrupt: the table of archives is damaged.

    """
    spans = read_spans(connection, path)
    return spans[-1].after if spans else Head(0, GENESIS)


def digest_at(connection: sqlite3.Connection, path: Path, version: int) -> bytes:
    """Return the digest that the row ``version`` carries; the base is the start of the chain.

    Raises:
        StateCorrupt: the row is missing or damaged.

    """
    base = read_base(connection, path)
    if version == base.version:
        return base.digest
    row = connection.execute("SELECT digest FROM journal WHERE version = ?", (version,)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise StateCorrupt(f"{path}: journal version {version} is missing or damaged")
    return row[0]


def check_snapshot(connection: sqlite3.Connection, path: Path) -> Snapshot | None:
    """Return the newest snapshot, if any, checked against its digest and the journal's chain.

    Raises:
        StateCorrupt: it does not match its digest, or the journal.

    """
    row = connection.execute(
        "SELECT version, body, digest FROM snapshot ORDER BY version DESC LIMIT 1"
    ).fetchone()
    match row:
        case None:
            return None
        case (int(version), bytes(body), bytes(stored)):
            if seal_of(digest_at(connection, path, version), version, body) == stored:
                return Snapshot(version=version, body=body.decode())
        case _:
            pass  # a column of another type: damaged like a digest that does not match
    raise StateCorrupt(f"{path}: the newest snapshot is damaged")
