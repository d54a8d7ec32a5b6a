"""Compaction: rows go to an archive beside the journal, the journal keeps what they fold to.

Every step leaves a journal that opens. Rows are removed in one transaction, which names the archive
that has them by then, whole and on the disk; before it they are in both files, after it in the
archive. What a killed run left is finished by the next.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from tidegate.ports.chain import Head, seal
from tidegate.ports.state import Snapshot, StateCorrupt, StateUnavailable

from .archives import finished_archives, free_name, write_archive
from .schema import (
    ARCHIVE_TABLE,
    FORMAT,
    ArchivedSpan,
    digest_at,
    put_in_place,
    read_base,
    read_head,
)

__all__ = ["compact_rows"]

_ROWS = (
    "SELECT version, kind, body, time_ms, digest FROM journal"
    " WHERE version BETWEEN ? AND ? ORDER BY version"
)


def compact_rows(
    connection: sqlite3.Connection, path: Path, fold: Callable[[], Snapshot]
) -> tuple[ArchivedSpan, ...]:
    """Archive every row, keep the snapshot, and give the space back; returns the new archives.

    ``connection`` is alone on the file, and the file was checked over it.

    Raises:
        StateCorrupt: an archive could not be read back as it was written; nothing was removed.
        StateUnavailable: a file could not be written; every row is where it was, or archived.

    """
    _remove_draft(path)
    base, head = read_base(connection, path), read_head(connection, path)
    spans: tuple[ArchivedSpan, ...] = ()
    if base.version < head.version:
        snapshot = fold()
        assert snapshot.version == head.version, "a compaction folds the whole journal"
        spans = _archived(connection, path, base, head)
        _cut(connection, spans, head, snapshot)
    _shrink(connection)
    return spans


def _archived(
    connection: sqlite3.Connection, path: Path, base: Head, head: Head
) -> tuple[ArchivedSpan, ...]:
    """Return archives that have every row from the base to the head; write what is lacking."""
    spans: list[ArchivedSpan] = []
    done = base
    while (left := _left_behind(connection, path, done, head)) is not None:
        spans.append(left)
        done = left.after
    if done.version < head.version:
        spans.append(_write(connection, path, done, head))
    return tuple(spans)


def _left_behind(
    connection: sqlite3.Connection, path: Path, done: Head, head: Head
) -> ArchivedSpan | None:
    """Return the archive of a killed run that goes on from ``done`` with this journal's rows."""
    if done.version >= head.version:
        return None
    fitting = (
        span
        for span in finished_archives(path, done)
        if span.last <= head.version and digest_at(connection, path, span.last) == span.digest
    )
    return max(fitting, key=lambda span: span.last, default=None)


def _write(connection: sqlite3.Connection, path: Path, done: Head, head: Head) -> ArchivedSpan:
    first = done.version + 1
    span = ArchivedSpan(
        first=first,
        last=head.version,
        start=done.digest,
        digest=head.digest,
        name=free_name(path, first, head.version),
    )
    draft = _draft_of(path)
    try:
        write_archive(iter(connection.execute(_ROWS, (first, head.version))), span, draft)
        put_in_place(draft, path.with_name(span.name))
    except OSError as error:
        raise StateUnavailable(
            f"{path.with_name(span.name)}: the archive cannot be written: {error}; the journal "
            "was left as it is"
        ) from error
    _remove_draft(path)
    return span


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.stem}-archive.draft")


def _remove_draft(path: Path) -> None:
    """Remove what a killed run was writing; an archive that is finished has a name besides."""
    draft = _draft_of(path)
    try:
        for file in (draft, draft.with_name(f"{draft.name}-journal")):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise StateUnavailable(f"{draft}: cannot be removed: {error}") from error


def _cut(
    connection: sqlite3.Connection, spans: tuple[ArchivedSpan, ...], head: Head, snapshot: Snapshot
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (format_found,) = connection.execute("PRAGMA user_version").fetchone()
        if format_found == 1:
            connection.execute(ARCHIVE_TABLE)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.executemany(
            "INSERT INTO archive VALUES (?, ?, ?, ?, ?)",
            [(span.first, span.last, span.start, span.digest, span.name) for span in spans],
        )
        connection.execute("DELETE FROM snapshot")
        connection.execute(
            "INSERT INTO snapshot VALUES (?, ?, ?)",
            (snapshot.version, snapshot.body, seal(head.digest, snapshot)),
        )
        removed = connection.execute("DELETE FROM journal").rowcount
        if removed != head.version - spans[0].first + 1:
            raise StateCorrupt(f"{removed} rows are in the journal, not those that were archived")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _shrink(connection: sqlite3.Connection) -> None:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free:
        connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
