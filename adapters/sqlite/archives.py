"""Archives: the rows that a compaction moved out of a journal, each span in a file of its own.

An archive is marked as such, so that no desk takes it for a journal, and never changes once it has
its name. Its rows carry the digests that they had in the journal, and its table ``span`` says where
the chain stood before them and after.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tidegate.ports.chain import Head, walk_to
from tidegate.ports.state import (
    ArchiveUnreadable,
    NewerFormat,
    StateCorrupt,
    StateUnavailable,
    StoredRecord,
)
from tidegate.ports.state_care import ArchiveFacts

from .errors import typed_error
from .opening import AS_IT_STANDS, connect, require_pages
from .schema import JOURNAL_TABLE, ArchivedSpan

__all__ = [
    "ARCHIVE_ID",
    "archive_facts",
    "finished_archives",
    "free_name",
    "read_archives",
    "write_archive",
]

_LOG = logging.getLogger(__name__)
ARCHIVE_ID = int.from_bytes(b"TGJA")
_ARCHIVE_FORMAT = 1
_ROWS = "SELECT version, kind, body, time_ms, digest FROM journal ORDER BY version"
_TABLES = f"""
BEGIN IMMEDIATE;
{JOURNAL_TABLE}
CREATE TABLE span (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    start BLOB NOT NULL,
    digest BLOB NOT NULL
);
COMMIT;
"""


def archive_facts(path: Path, spans: Sequence[ArchivedSpan]) -> tuple[ArchiveFacts, ...]:
    """Say of each archive of the journal ``path`` where it belongs, and whether it is there.

    Raises:
        StateUnavailable: the folder cannot be looked into.

    """
    return tuple(_facts(path.with_name(span.name), span) for span in spans)


def _facts(file: Path, span: ArchivedSpan) -> ArchiveFacts:
    try:
        size = file.stat().st_size if file.is_file() else None
    except OSError as error:
        raise StateUnavailable(f"{file}: cannot be read: {error}") from error
    return ArchiveFacts(place=str(file), first=span.first, last=span.last, bytes_count=size)


def read_archives(
    path: Path, spans: Sequence[ArchivedSpan], *, after_version: int
) -> Iterator[StoredRecord]:
    """Yield the archived rows of the journal ``path`` after a version, each checked.

    Raises:
        ArchiveUnreadable: a file that holds some of them is not there, found at the call; or it is
            damaged or another journal's, found while reading.
        NewerFormat: a newer release wrote one.
        StateUnavailable: one cannot be read now.

    """
    needed = [span for span in spans if span.last > after_version]
    for fact in archive_facts(path, needed):
        if fact.is_missing:
            raise ArchiveUnreadable(
                f"{fact.place}: the journal's versions {fact.first} to {fact.last} were moved "
                f"there, and it is not there; put it back, or ask for what is after version "
                f"{fact.last}"
            )
    return _read(path, needed, after_version)


def _read(path: Path, needed: Sequence[ArchivedSpan], after_version: int) -> Iterator[StoredRecord]:
    for span in needed:
        try:
            with _opened(path.with_name(span.name)) as (file, connection):
                _require_span(file, _span_in(file, connection), span)
                for stored in _rows(file, connection, span):
                    if stored.version > after_version:
                        yield stored
        except StateCorrupt as error:
            raise ArchiveUnreadable(
                f"{error}. It holds the journal's versions {span.first} to {span.last}: put a copy "
                f"of it in its place; {path.name} itself needs nothing from it to trade"
            ) from error


def _rows(file: Path, connection: sqlite3.Connection, span: ArchivedSpan) -> Iterator[StoredRecord]:
    yield from walk_to(connection.execute(_ROWS), span.before, span.after, str(file))


def _require_span(file: Path, found: ArchivedSpan, span: ArchivedSpan) -> None:
    if (found.before, found.after) != (span.before, span.after):
        raise StateCorrupt(
            f"{file}: an archive of versions {found.first} to {found.last} of another journal; it "
            f"was left untouched, put this journal's own archive there"
        )


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    try:
        with closing(connect(file, query=AS_IT_STANDS, busy_ms_max=0)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (format_found,) = connection.execute("PRAGMA user_version").fetchone()
            if application != ARCHIVE_ID:
                raise StateCorrupt(f"{file}: not an archive of a journal; it was left untouched")
            if format_found > _ARCHIVE_FORMAT:
                raise NewerFormat(
                    f"{file}: written in format {format_found}, this release reads archives of "
                    f"format {_ARCHIVE_FORMAT}; it was left untouched, update tidegate"
                )
            require_pages(connection, file)
            yield file, connection
    except sqlite3.Error as error:
        raise typed_error(file, error) from error
    except UnicodeDecodeError as error:
        raise StateCorrupt(f"{file}: damaged ({error}); it was left untouched") from error


def _span_in(file: Path, connection: sqlite3.Connection) -> ArchivedSpan:
    row = connection.execute("SELECT first, last, start, digest FROM span").fetchone()
    match row:
        case (int(first), int(last), bytes(start), bytes(digest)):
            return ArchivedSpan(first=first, last=last, start=start, digest=digest, name=file.name)
        case _:
            raise StateCorrupt(f"{file}: what it holds is not said; it was left untouched")


def finished_archives(path: Path, start: Head) -> Iterator[ArchivedSpan]:
    """Yield the whole archives beside the journal ``path`` that begin where its chain stands.

    A compaction that was killed leaves one that no table names yet. One that is damaged, or of
    another chain, is passed over: nothing was removed from the journal for it.
    """
    for file in sorted(path.parent.glob(f"{path.stem}-archive-{start.version + 1}-*.sqlite")):
        try:
            with _opened(file) as (_, connection):
                span = _span_in(file, connection)
                if span.before == start:
                    for _ in _rows(file, connection, span):
                        pass
                    yield span
        except (StateCorrupt, NewerFormat, StateUnavailable) as error:
            _LOG.warning("not taken for an archive of %s: %s", path, error)


def free_name(path: Path, first: int, last: int) -> str:
    """Return a name for an archive that nothing has yet; a restored journal may need another."""
    stem = f"{path.stem}-archive-{first}-{last}"
    name, number = f"{stem}.sqlite", 1
    while path.with_name(name).exists():
        number += 1
        name = f"{stem}-{number}.sqlite"
    return name


def write_archive(rows: Iterator[tuple[object, ...]], span: ArchivedSpan, draft: Path) -> None:
    """Write the rows of a span to a new file, force it to the disk, and read it back.

    Raises:
        StateCorrupt: what was read back is not what was written.
        NewerFormat: what was read back is marked as a newer release's.
        StateUnavailable: it cannot be written.

    """
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA application_id = {ARCHIVE_ID}")
            connection.execute(f"PRAGMA user_version = {_ARCHIVE_FORMAT}")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_TABLES)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO journal VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)", rows
            )
            connection.execute(
                "INSERT INTO span VALUES (?, ?, ?, ?)",
                (span.first, span.last, span.start, span.digest),
            )
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise typed_error(draft, error) from error
    with _opened(draft) as (file, connection):
        _require_span(file, _span_in(file, connection), span)
        for _ in _rows(file, connection, span):
            pass
