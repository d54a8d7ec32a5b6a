"""The journal in one SQLite file: write-ahead logged, chained by digests, shared by processes."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from tidegate.ports.chain import Head, link, seal, walk
from tidegate.ports.state import (
    Record,
    Snapshot,
    StateCorrupt,
    StatePort,
    StateUnavailable,
    StoredRecord,
    VersionConflict,
)

from .archives import read_archives
from .errors import typed_error
from .opening import connect, is_log_alone, require_ours, require_sound, wal_of
from .schema import (
    check_snapshot,
    create,
    digest_at,
    read_base,
    read_head,
    read_spans,
)

__all__ = ["SqliteState"]

_CHUNK_ROWS = 256
_ROWS = (
    "SELECT version, kind, body, time_ms, digest FROM journal"
    " WHERE version > ? AND version <= ? ORDER BY version LIMIT ?"
)
# The count makes every commit a change: SQLite forces nothing to the disk for a commit without one,
# and an append of no records is how a caller makes the earlier ones durable.
_MOVE_HEAD = "UPDATE head SET version = ?, digest = ?, writes = writes + 1"


class SqliteState(StatePort):
    """A journal that lasts, and that several processes may open at once.

    One connection and one lock serve all threads; a write waits at most ``busy_ms_max`` for
    another process. Opening reads the whole file over a connection that cannot write, so a start
    takes time in proportion to the journal, and a store that is refused keeps every byte.

    A durable append commits with ``synchronous=FULL``: SQLite then forces its log to the disk, and
    with it whatever earlier appends left there. Any other append commits with ``NORMAL``, which
    survives the process and not the power (sqlite.org/pragma.html, synchronous; wal.html, 2.3).

    Every row carries a digest chained to the row before it. It finds damage and accidents, not a
    forger, who could compute the chain anew. Damage inside the log file looks to SQLite like a
    power cut and takes the journal back to an earlier version: the venue tells what is missing.
    """

    def __init__(self, path: Path, *, busy_ms_max: int = 5_000) -> None:
        """Open the journal at ``path``, or make an empty one where there is no file.

        Raises:
            StateCorrupt: not a journal of this program, or damaged; left untouched.
            NewerFormat: a newer release wrote it; left untouched.
            StateUnavailable: it cannot be read or written now.

        """
        self._path = path
        self._lock = threading.Lock()
        self._is_full = False
        self._connection: sqlite3.Connection | None = _open(path, busy_ms_max=busy_ms_max)
        self._identity = _identity(path)

    def version(self) -> int:
        """Return the version of the last record, 0 when empty.

        Outcomes and errors: see :meth:`StatePort.version`.
        """
        with self._reading() as connection:
            return read_head(connection, self._path).version

    def base(self) -> int:
        """Return the version after which the file itself holds the records.

        Outcomes and errors: see :meth:`StatePort.base`.
        """
        with self._reading() as connection:
            return read_base(connection, self._path).version

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        """Append all records or none, and return the new version.

        No records and ``durable`` makes what was appended before durable.

        Outcomes and errors: see :meth:`StatePort.append`.

        Raises:
            VersionConflict: ``expected_version`` is not the current version.
            StateUnavailable: the store cannot be written now.
            ValueError: a record holds what the file cannot; nothing was written.

        """
        with self._writing(durable=durable) as connection:
            head = read_head(connection, self._path)
            if head.version != expected_version:
                raise VersionConflict(expected=expected_version, actual=head.version)
            version, digest = head.version, head.digest
            rows = []
            for record in records:
                version += 1
                digest = link(digest, version, record)
                rows.append((version, record.kind, record.body, record.time_ms, digest))
            connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute(_MOVE_HEAD, (version, digest))
        return version

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """Yield the records that exist at this call, in order and in chunks.

        Those that a compaction moved come from the archives beside the file.

        Outcomes and errors: see :meth:`StatePort.read`.

        Raises:
            StateCorrupt: a record is missing or changed; the message names its version.

        """
        if after_version < 0:
            raise ValueError(f"after_version is {after_version}; versions count from 1, so give 0")
        with self._reading() as connection:
            head = read_head(connection, self._path)
            if after_version >= head.version:
                return iter(())
            base = read_base(connection, self._path)
            if after_version < base.version:
                archived = read_archives(
                    self._path, read_spans(connection, self._path), after_version=after_version
                )
                return chain(archived, self._stream(base, head))
            start = Head(after_version, digest_at(connection, self._path, after_version))
        return self._stream(start, head)

    def _stream(self, start: Head, head: Head) -> Iterator[StoredRecord]:
        # Rows up to the head never change again, so chunks read one after the other are one view.
        while start.version < head.version:
            span = (start.version, head.version, _CHUNK_ROWS)
            with self._reading() as connection:
                rows = connection.execute(_ROWS, span).fetchall()
            if not rows:
                raise StateCorrupt(f"{self._path}: journal version {start.version + 1} is missing")
            yield from walk(rows, start, str(self._path))
            start = Head(rows[-1][0], rows[-1][4])
        if start.digest != head.digest:
            raise StateCorrupt(f"{self._path}: journal version {head.version} is damaged")

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; the newest alone is kept, so an older one changes nothing.

        Outcomes and errors: see :meth:`StatePort.save_snapshot`.

        Raises:
            ValueError: its version is negative or beyond the journal's.
            StateUnavailable: the store cannot be written now.

        """
        with self._writing(durable=False) as connection:
            head = read_head(connection, self._path)
            if not 0 <= snapshot.version <= head.version:
                raise ValueError(
                    f"a snapshot of version {snapshot.version} does not belong to this journal, "
                    f"which is at version {head.version}; give 0 to {head.version}"
                )
            if snapshot.version < read_base(connection, self._path).version:
                return  # a compaction left a newer one
            digest = seal(digest_at(connection, self._path, snapshot.version), snapshot)
            connection.execute(
                "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)",
                (snapshot.version, snapshot.body, digest),
            )
            connection.execute(
                "DELETE FROM snapshot WHERE version < (SELECT max(version) FROM snapshot)"
            )

    def load_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any.

        Outcomes and errors: see :meth:`StatePort.load_snapshot`.

        Raises:
            StateCorrupt: it does not match its digest, or not this journal.

        """
        with self._reading() as connection:
            return check_snapshot(connection, self._path)

    def close(self) -> None:
        """Release the file. A second call is harmless."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._require_open()
            try:
                # Deferred: head and rows come from one view, and no writer waits for it.
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    _end(connection)
            except sqlite3.Error as error:
                raise typed_error(self._path, error) from error

    @contextmanager
    def _writing(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._require_open()
            self._require_same_file()
            try:
                self._set_durability(connection, durable=durable)
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    _end(connection)
                    raise
            except sqlite3.Error as error:
                raise typed_error(self._path, error) from error

    def _set_durability(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        if durable != self._is_full:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._is_full = durable

    def _require_open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StateUnavailable(f"{self._path}: this store is closed; open it anew")
        return self._connection

    def _require_same_file(self) -> None:
        # SQLite would go on writing to a file that has lost its name, and all of it would be lost.
        if _identity(self._path) != self._identity:
            raise StateUnavailable(
                f"{self._path}: the file was moved, deleted or replaced; nothing was written"
            )


def _end(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # some errors make SQLite roll back by itself
        connection.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise StateUnavailable(f"{path}: the file is gone: {error}; nothing was written") from error
    return (found.st_dev, found.st_ino)


def _require_file(path: Path) -> None:
    if is_log_alone(path):
        raise StateCorrupt(
            f"{path}: missing, while its log {wal_of(path).name} is there; restore the file or "
            "move the log away"
        )
    if not path.exists():
        create(path)
    if not path.is_file():
        raise StateUnavailable(f"{path}: not a regular file; name a file")


def _open(path: Path, *, busy_ms_max: int) -> sqlite3.Connection:
    try:
        _require_file(path)
    except OSError as error:  # a folder that must not be looked into
        raise StateUnavailable(f"{path}: cannot be read: {error}; nothing was written") from error
    require_ours(path)
    require_sound(path, busy_ms_max=busy_ms_max)
    try:
        connection = connect(path, query="mode=rw", busy_ms_max=busy_ms_max)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")  # a store that cannot be written says so now
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise typed_error(path, error) from error
    return connection
