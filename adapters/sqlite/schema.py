"""The file format: what marks a file as ours, its tables, and the chain of digests over its rows.

A file is ours when bytes 68 to 71 hold :data:`APPLICATION_ID`; bytes 60 to 63 hold the format
(sqlite.org/fileformat2.html, 1.3). Each journal row carries the digest of itself and of the digest
before it, and ``head`` repeats the last one, so that a row that was changed, added, moved or
removed is noticed when it is read.

Format 2 adds the table ``archive``: a compaction moved the rows of each span in it to another file,
and the first row that is left carries on from the digest of the last span. A file of format 1 has
no such table, is read and written as it is, and becomes format 2 when it is compacted.
"""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import attrs
from tidegate.ports.state import Record, Snapshot, StateCorrupt, StateUnavailable, StoredRecord

__all__ = [
    "APPLICATION_ID",
    "ARCHIVE_TABLE",
    "FORMAT",
    "FORMATS",
    "GENESIS",
    "JOURNAL_TABLE",
    "Head",
    "Span",
    "check_snapshot",
    "create",
    "digest_at",
    "link",
    "put_in_place",
    "read_base",
    "read_head",
    "read_spans",
    "seal",
    "walk",
]

FORMAT = 2
FORMATS = frozenset({1, 2})
"""What this release reads and writes."""
APPLICATION_ID = int.from_bytes(b"TGJL")
_DIGEST_BYTES = 16
GENESIS = hashlib.blake2b(b"tidegate journal 1", digest_size=_DIGEST_BYTES).digest()
INT64_MAX = 2**63 - 1

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


@attrs.frozen
class Head:
    """The last version of the journal, and the digest that its row carries."""

    version: int
    digest: bytes


@attrs.frozen(kw_only=True)
class Span:
    """The versions ``first`` to ``last``, moved to the file ``name`` beside the journal.

    ``start`` is the digest before the first of them, ``digest`` that of the last.
    """

    first: int
    last: int
    start: bytes
    digest: bytes
    name: str

    @property
    def before(self) -> Head:
        """Return where the chain stood before the span."""
        return Head(self.first - 1, self.start)

    @property
    def after(self) -> Head:
        """Return where the chain stands after the span."""
        return Head(self.last, self.digest)


def link(previous: bytes, version: int, record: Record) -> bytes:
    """Return the digest of a row: over the digest before it, its place and its content.

    Raises:
        ValueError: the record holds what the file cannot: text outside UTF-8, a time beyond 64 bit.

    """
    try:
        kind, body = record.kind.encode(), record.body.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"a {record.kind!a} record holds a character that UTF-8 cannot store: {error}"
        ) from error
    if not 0 <= record.time_ms <= INT64_MAX:
        raise ValueError(f"time_ms is {record.time_ms}; give 0 to {INT64_MAX}")
    return _link(previous, version, record.time_ms, kind, body)


def _link(previous: bytes, version: int, time_ms: int, kind: bytes, body: bytes) -> bytes:
    place = b"%d %d %d " % (version, time_ms, len(kind))
    return hashlib.blake2b(
        b"".join((previous, place, kind, body)), digest_size=_DIGEST_BYTES
    ).digest()


def seal(anchor: bytes, snapshot: Snapshot) -> bytes:
    """Return a snapshot's digest; ``anchor`` is the journal's digest at the snapshot's version.

    Raises:
        ValueError: the text is not one that UTF-8 can hold.

    """
    try:
        body = snapshot.body.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the snapshot holds what UTF-8 cannot store: {error}") from error
    return _seal(anchor, snapshot.version, body)


def _seal(anchor: bytes, version: int, body: bytes) -> bytes:
    return hashlib.blake2b(b"%b%d %b" % (anchor, version, body), digest_size=_DIGEST_BYTES).digest()


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


def read_spans(connection: sqlite3.Connection, path: Path) -> tuple[Span, ...]:
    """Return what was moved to archives, oldest first; nothing for a file of format 1.

    Raises:
        StateCorrupt: the table is missing or damaged, or the spans are no chain from the start.

    """
    (format_found,) = connection.execute("PRAGMA user_version").fetchone()
    if format_found == 1:
        return ()
    spans: list[Span] = []
    before = Head(0, GENESIS)
    rows = connection.execute("SELECT first, last, start, digest, name FROM archive ORDER BY first")
    for row in rows:
        match row:
            case (int(first), int(last), bytes(start), bytes(digest), bytes(name)):
                span = Span(first=first, last=last, start=start, digest=digest, name=_name(name))
            case _:
                raise StateCorrupt(f"{path}: the table of archives is damaged")
        if span.before != before or span.last < span.first or not span.name:
            raise StateCorrupt(f"{path}: the table of archives is damaged at version {first}")
        spans.append(span)
        before = span.after
    return tuple(spans)


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


def walk(rows: Iterable[tuple[object, ...]], start: Head, path: Path) -> Iterator[StoredRecord]:
    """Yield the rows after ``start`` as records, each checked against the chain.

    Rows come from a connection whose ``text_factory`` is ``bytes``.

    Raises:
        StateCorrupt: a row is missing, moved or changed; the message names its version.

    """
    expected, digest = start.version, start.digest
    for row in rows:
        expected += 1
        match row:
            case (int(version), bytes(kind), bytes(body), int(time_ms), bytes(stored)):
                if version != expected:
                    raise StateCorrupt(f"{path}: journal version {expected} is missing")
                digest = _link(digest, version, time_ms, kind, body)
            case _:
                raise StateCorrupt(f"{path}: journal version {expected} is damaged")
        if digest != stored:
            raise StateCorrupt(
                f"{path}: journal version {version} is damaged: its digest does not match"
            )
        record = Record(kind=kind.decode(), body=body.decode(), time_ms=time_ms)
        yield StoredRecord(version=version, record=record)


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
            if _seal(digest_at(connection, path, version), version, body) == stored:
                return Snapshot(version=version, body=body.decode())
        case _:
            pass  # a column of another type: damaged like a digest that does not match
    raise StateCorrupt(f"{path}: the newest snapshot is damaged")
