"""The journal in a PostgreSQL database: chained by digests, shared by processes and machines."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import LiteralString, TypeVar

import psycopg
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

from .connecting import Link, Target
from .errors import typed_error
from .rows import (
    base_of,
    check_snapshot,
    digest_at,
    read_chunk,
    read_spans,
    require_archives,
    require_sound,
    start_at,
    unreadable,
)
from .schema import Place, find, lock_head, open_place, read_head
from .transactions import AnswerLost, committed
from .use import keep_in_use, stop_using

__all__ = ["PostgresState", "has_journal"]

_BATCH_BYTES = 16
_LOOK_AGAIN_S = 0.1
_ADD: LiteralString = (
    "INSERT INTO tidegate.record (journal_id, batch, version, kind, body, time_ms, digest)"
    " SELECT %b, %b, * FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[],"
    " %b::bytea[])"
)
_BATCH: LiteralString = (
    "SELECT batch FROM tidegate.record WHERE journal_id = %(id)s AND version = %(version)s"
    " UNION ALL"
    " SELECT batch FROM tidegate.archived WHERE journal_id = %(id)s AND version = %(version)s"
)
# The count makes every commit a change: PostgreSQL forces nothing to the disk for a commit without
# one, and an append of no records is how a caller makes the earlier ones durable.
_MOVE_HEAD: LiteralString = (
    "UPDATE tidegate.journal SET version = %s, digest = %s, writes = writes + 1 WHERE id = %s"
)

_Found = TypeVar("_Found")


class PostgresState(StatePort):
    """A journal that lasts, and that processes on many machines may open at once.

    One connection and one lock serve all threads. An append locks the journal's head row, compares
    the version, writes rows and head, and commits: all appends of all processes have one order. A
    connection that was lost is made anew; a call that had written nothing yet goes on over the new
    one. Where the answer to a commit is lost, the append is looked for, by a mark of its own,
    before it is answered or made again.

    A durable append commits with ``synchronous_commit = on``: it and everything before it is on
    the server's disk, and on its synchronous standbys where the server names some. Any other one
    commits with ``off``: it is visible to all at once and survives the death of this process, and
    may be lost when the *server* crashes within three times its ``wal_writer_delay`` (some 0.6 s
    unless it was changed). Neither means anything on a server whose ``fsync`` is off.

    Opening reads the journal in one view that cannot write, without what was archived, so a start
    takes time in proportion to it, and a store that is refused keeps every row. While it is open
    nobody compacts or moves it.
    """

    def __init__(self, target: Target) -> None:
        """Open the journal, or make an empty one; tables of an older release are migrated.

        Raises:
            StateCorrupt: not tables of this program, or damaged; left untouched.
            NewerFormat: a newer release made them; left untouched.
            StateUnavailable: the server cannot be reached, read or written now.

        """
        self._target = target
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._found: Place | None = None
        self._link = Link(target, self._keep_in_use, stop_using)
        self._text = target.place
        try:
            self._place = self._on_connection(self._open)
        except BaseException:
            self._link.close()
            raise

    def _open(self, connection: psycopg.Connection) -> Place:
        self._found = place = open_place(connection, self._target)
        self._keep_in_use(connection)
        require_sound(connection, place)
        with connection.transaction(force_rollback=True):
            lock_head(connection, place)  # a store that cannot be written says so now
        return place

    def _keep_in_use(self, connection: psycopg.Connection) -> None:
        if self._found is not None:
            keep_in_use(connection, self._found)

    def version(self) -> int:
        """Return the version of the last record, 0 when empty.

        Outcomes and errors: see :meth:`StatePort.version`.
        """
        return self._reading(lambda connection: read_head(connection, self._place)).version

    def base(self) -> int:
        """Return the version after which the journal's own table holds the records.

        Outcomes and errors: see :meth:`StatePort.base`.
        """
        return self._reading(self._base).version

    def _base(self, connection: psycopg.Connection) -> Head:
        return base_of(self._place, read_spans(connection, self._place))

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        """Append all records or none, and return the new version.

        No records and ``durable`` makes what was appended before durable.

        Outcomes and errors: see :meth:`StatePort.append`.

        Raises:
            VersionConflict: ``expected_version`` is not the current version.
            StateUnavailable: the store cannot be written now; nothing was written, unless the text
                says that this is not known.
            ValueError: a record holds what the store cannot; nothing was written.

        """
        batch = secrets.token_bytes(_BATCH_BYTES)

        def add(connection: psycopg.Connection) -> int:
            def work() -> int:
                return self._add(connection, records, expected_version, batch)

            return committed(connection, work, durable=durable)

        with self._lock:
            self._require_open()
            try:
                return self._on_connection(add)
            except AnswerLost:
                return self._settle(add, expected_version + len(records), batch)

    def _add(
        self,
        connection: psycopg.Connection,
        records: Sequence[Record],
        expected_version: int,
        batch: bytes,
    ) -> int:
        head = lock_head(connection, self._place)
        self._require_lease(connection)
        if head.version != expected_version:
            raise VersionConflict(expected=expected_version, actual=head.version)
        digests = _digests(head, records)
        version = head.version + len(records)
        if records:
            columns = (
                [*range(head.version + 1, version + 1)],
                [record.kind.encode() for record in records],
                [record.body.encode() for record in records],
                [record.time_ms for record in records],
                digests,
            )
            connection.execute(_ADD, (self._place.journal_id, batch, *columns))
        digest = digests[-1] if digests else head.digest
        connection.execute(_MOVE_HEAD, (version, digest, self._place.journal_id))
        return version

    def _require_lease(self, connection: psycopg.Connection) -> None:
        """Refuse a writer without a lease where one is needed; here everyone may write."""

    def _settle(
        self,
        add: Callable[[psycopg.Connection], int],
        version: int,
        batch: bytes,
    ) -> int:
        """Append again where it was not written. The head's lock waits for the lost transaction."""
        deadline_s = time.monotonic() + self._target.wait_ms_max / 1_000
        while True:
            try:
                return self._on_connection(add)
            except VersionConflict:
                if self._is_ours(version, batch):
                    return version
                raise
            except (StateUnavailable, AnswerLost) as error:
                if time.monotonic() >= deadline_s or self._closed.wait(_LOOK_AGAIN_S):
                    raise StateUnavailable(
                        f"{self._text}: the answer to an append was lost, and the server cannot be "
                        f"asked ({error}); whether version {version} was written is not "
                        "known"
                    ) from error

    def _is_ours(self, version: int, batch: bytes) -> bool:
        def look(connection: psycopg.Connection) -> bool:
            row = connection.execute(
                _BATCH, {"id": self._place.journal_id, "version": version}
            ).fetchone()
            return row == (batch,)

        return self._on_connection(look)

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """Yield the records that exist at this call, in order and in chunks.

        Those that a compaction moved come from the table of archived ones.

        Outcomes and errors: see :meth:`StatePort.read`.

        Raises:
            StateCorrupt: a record is missing or changed; the message names its version.

        """
        if after_version < 0:
            raise ValueError(f"after_version is {after_version}; versions count from 1, so give 0")

        def begin(connection: psycopg.Connection) -> tuple[Head, Head, Head] | None:
            head = read_head(connection, self._place)
            if after_version >= head.version:
                return None
            spans = read_spans(connection, self._place)
            require_archives(connection, self._place, spans, after_version=after_version)
            start = start_at(connection, self._place, spans, after_version)
            return start, base_of(self._place, spans), head

        span = self._reading(begin)
        return iter(()) if span is None else self._from(*span)

    def _from(self, start: Head, base: Head, head: Head) -> Iterator[StoredRecord]:
        if start.version < base.version:
            try:
                yield from self._stream(start, base)
            except StateCorrupt as error:
                raise unreadable(self._place, base, error) from error
            start = base
        yield from self._stream(start, head)

    def _stream(self, start: Head, head: Head) -> Iterator[StoredRecord]:
        # Rows up to the head never change again, so chunks read one after the other are one view.
        while start.version < head.version:
            rows = self._reading(self._chunk(start.version, head.version))
            if not rows:
                raise StateCorrupt(f"{self._text}: journal version {start.version + 1} is missing")
            yield from walk(rows, start, self._text)
            start = Head(rows[-1][0], rows[-1][4])
        if start.digest != head.digest:
            raise StateCorrupt(f"{self._text}: journal version {head.version} is damaged")

    def _chunk(
        self, after: int, last: int
    ) -> Callable[[psycopg.Connection], list[tuple[int, bytes, bytes, int, bytes]]]:
        return lambda connection: read_chunk(connection, self._place, after, last)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; the newest alone is kept, so an older one changes nothing.

        Outcomes and errors: see :meth:`StatePort.save_snapshot`.

        Raises:
            ValueError: its version is negative or beyond the journal's.
            StateUnavailable: the store cannot be written now.

        """

        def save(connection: psycopg.Connection) -> None:
            committed(connection, lambda: self._save(connection, snapshot), durable=False)

        with self._lock:
            self._require_open()
            try:
                self._on_connection(save)
            except AnswerLost:
                self._on_connection(save)  # the same snapshot twice is one

    def _save(self, connection: psycopg.Connection, snapshot: Snapshot) -> None:
        head = lock_head(connection, self._place)
        if not 0 <= snapshot.version <= head.version:
            raise ValueError(
                f"a snapshot of version {snapshot.version} does not belong to this journal, "
                f"which is at version {head.version}; give 0 to {head.version}"
            )
        base = self._base(connection)
        if snapshot.version < base.version:
            return  # a compaction left a newer one
        digest = seal(digest_at(connection, self._place, base, snapshot.version), snapshot)
        journal_id = self._place.journal_id
        connection.execute(
            "INSERT INTO tidegate.snapshot (journal_id, version, body, digest)"
            " VALUES (%b, %b, %b, %b) ON CONFLICT (journal_id, version)"
            " DO UPDATE SET body = excluded.body, digest = excluded.digest",
            (journal_id, snapshot.version, snapshot.body.encode(), digest),
        )
        connection.execute(
            "DELETE FROM tidegate.snapshot WHERE journal_id = %s AND version <"
            " (SELECT max(version) FROM tidegate.snapshot WHERE journal_id = %s)",
            (journal_id, journal_id),
        )

    def load_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any.

        Outcomes and errors: see :meth:`StatePort.load_snapshot`.

        Raises:
            StateCorrupt: it does not match its digest, or not this journal.

        """
        return self._reading(lambda connection: check_snapshot(connection, self._place))

    def close(self) -> None:
        """Release the connection. A second call is harmless."""
        self._closed.set()
        with self._lock:
            self._link.close()

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise StateUnavailable(f"{self._text}: this store is closed; open it anew")

    def _reading(self, work: Callable[[psycopg.Connection], _Found]) -> _Found:
        with self._lock:
            self._require_open()
            return self._on_connection(work)

    def _on_connection(self, work: Callable[[psycopg.Connection], _Found]) -> _Found:
        """Do it over the live connection, and again over a new one where that was lost before.

        Only a commit cannot be told to have failed; it comes out as ``AnswerLost``.
        """
        connection = self._link.connection()
        try:
            return work(connection)
        except psycopg.Error as error:
            if not connection.closed:
                raise typed_error(self._text, error) from error
        try:
            return work(self._link.connection())
        except psycopg.Error as error:
            raise typed_error(self._text, error) from error


def _digests(head: Head, records: Sequence[Record]) -> list[bytes]:
    found, digest = [], head.digest
    for version, record in enumerate(records, head.version + 1):
        digest = link(digest, version, record)
        found.append(digest)
    return found


def has_journal(target: Target) -> bool:
    """Tell whether the database has a journal of that name; makes nothing.

    Raises:
        StateUnavailable: the server cannot be reached, or not be read.
        NewerFormat: a newer release made the tables.
        StateCorrupt: there is a schema of the name that is not ours.

    """
    with target.connect() as connection:
        try:
            return find(connection, target) is not None
        except psycopg.Error as error:
            raise typed_error(target.place, error) from error
