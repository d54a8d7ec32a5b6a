"""A journal's rows in the tables: those of its own, and those that compactions archived.

An archive is a span of versions whose rows stand in the table ``archived``; the table ``archive``
says where the chain stood before them and after. Each row of a journal is in one of both tables, so
that a reader may go on while a compaction moves what it reads.
"""

from collections.abc import Iterator, Sequence
from typing import LiteralString

import psycopg
from tidegate.ports.chain import Head, Row, Span, require_spans, seal_of, walk_to
from tidegate.ports.state import ArchiveUnreadable, Snapshot, StateCorrupt, StoredRecord
from tidegate.ports.state_care import ArchiveFacts

from .schema import ARCHIVES_SINCE, Place, read_head
from .transactions import viewed

__all__ = [
    "archive_facts",
    "base_of",
    "check_snapshot",
    "digest_at",
    "read_archived",
    "read_chunk",
    "read_own",
    "read_rows",
    "read_spans",
    "require_archives",
    "require_rows",
    "require_sound",
    "size_of",
    "start_at",
    "unreadable",
]

_CHUNK_ROWS = 256
_INT64_MAX = 2**63 - 1
_PLACE = "the table tidegate.archived"
_OWN: LiteralString = (
    "SELECT version, kind, body, time_ms, digest FROM tidegate.record"
    " WHERE journal_id = %(id)s AND version > %(after)s AND version <= %(last)s"
)
_ORDER: LiteralString = " ORDER BY version LIMIT %(rows)s"
_BOTH: LiteralString = (
    "SELECT * FROM (SELECT version, kind, body, time_ms, digest FROM tidegate.record"
    " WHERE journal_id = %(id)s AND version > %(after)s AND version <= %(last)s"
    " UNION ALL SELECT version, kind, body, time_ms, digest FROM tidegate.archived"
    " WHERE journal_id = %(id)s AND version > %(after)s AND version <= %(last)s) AS entry"
)
_SPANS: LiteralString = (
    "SELECT first, last, start, digest FROM tidegate.archive WHERE journal_id = %s ORDER BY first"
)
_ARCHIVE_SIZE: LiteralString = (
    "SELECT count(*), coalesce(sum(octet_length(kind) + octet_length(body) + 32), 0)::bigint"
    " FROM tidegate.archived WHERE journal_id = %s AND version BETWEEN %s AND %s"
)
_OWN_SIZE: LiteralString = (
    "SELECT (SELECT coalesce(sum(octet_length(kind) + octet_length(body) + 32), 0)"
    " FROM tidegate.record WHERE journal_id = %(id)s)::bigint"
    " + (SELECT coalesce(sum(octet_length(body)), 0)"
    " FROM tidegate.snapshot WHERE journal_id = %(id)s)::bigint"
)
_DIGEST: LiteralString = "SELECT digest FROM tidegate.{} WHERE journal_id = %s AND version = %s"


def read_spans(connection: psycopg.Connection, place: Place) -> tuple[Span, ...]:
    """Return what was archived, oldest first; nothing in tables of before there were archives.

    Raises:
        StateCorrupt: the spans are no chain from the start.

    """
    if place.format < ARCHIVES_SINCE:
        return ()
    rows = connection.execute(_SPANS, (place.journal_id,)).fetchall()
    spans = tuple(
        Span(first=first, last=last, start=start, digest=digest)
        for first, last, start, digest in rows
    )
    require_spans(spans, place.start, place.text)
    return spans


def base_of(place: Place, spans: Sequence[Span]) -> Head:
    """Return where the chain stands before the first row of the journal's own."""
    return spans[-1].after if spans else Head(0, place.start)


def archive_facts(
    connection: psycopg.Connection, place: Place, spans: Sequence[Span]
) -> tuple[ArchiveFacts, ...]:
    """Say of each archive whether its rows are there; sizes are those of the texts, in bytes."""
    return tuple(_facts(connection, place, span) for span in spans)


def _facts(connection: psycopg.Connection, place: Place, span: Span) -> ArchiveFacts:
    row = connection.execute(_ARCHIVE_SIZE, (place.journal_id, span.first, span.last)).fetchone()
    assert row is not None, "an aggregate has one row"
    return ArchiveFacts(
        place=_PLACE,
        first=span.first,
        last=span.last,
        bytes_count=row[1] if row[0] else None,
        is_within=True,
    )


def size_of(connection: psycopg.Connection, place: Place) -> int:
    """Return the size of the texts of the journal's own rows and of its snapshot, in bytes."""
    row = connection.execute(_OWN_SIZE, {"id": place.journal_id}).fetchone()
    assert row is not None, "an aggregate has one row"
    return int(row[0])


def read_chunk(
    connection: psycopg.Connection, place: Place, after: int, last: int
) -> list[tuple[int, bytes, bytes, int, bytes]]:
    """Return the next rows after a version, up to ``last``, from both tables; a bounded number."""
    query = _BOTH if place.format >= ARCHIVES_SINCE else _OWN
    return _fetch(connection, query, place, after, last)


def _fetch(
    connection: psycopg.Connection, query: LiteralString, place: Place, after: int, last: int
) -> list[tuple[int, bytes, bytes, int, bytes]]:
    span = {"id": place.journal_id, "after": after, "last": last, "rows": _CHUNK_ROWS}
    return connection.execute(query + _ORDER, span, binary=True).fetchall()


def read_rows(
    connection: psycopg.Connection, place: Place, after: int, last: int
) -> Iterator[tuple[int, bytes, bytes, int, bytes]]:
    """Yield the rows after a version, up to ``last``, from both tables, unchecked."""
    while rows := read_chunk(connection, place, after, last):
        yield from rows
        after = rows[-1][0]


def _own_rows(connection: psycopg.Connection, place: Place) -> Iterator[Row]:
    after = -_INT64_MAX
    while rows := _fetch(connection, _OWN, place, after, _INT64_MAX):
        yield from rows
        after = rows[-1][0]


def read_own(
    connection: psycopg.Connection, place: Place, start: Head, head: Head
) -> Iterator[StoredRecord]:
    """Yield the journal's own rows after ``start``, each checked.

    Raises:
        StateCorrupt: a row is missing, moved or changed; the message names its version.

    """
    rows = read_rows(connection, place, start.version, head.version)
    return walk_to(rows, start, head, place.text)


def read_archived(
    connection: psycopg.Connection, place: Place, start: Head, base: Head
) -> Iterator[StoredRecord]:
    """Yield the archived rows after ``start``, each checked.

    Raises:
        ArchiveUnreadable: one is missing, moved or changed; the message names its version.

    """
    try:
        rows = read_rows(connection, place, start.version, base.version)
        yield from walk_to(rows, start, base, place.text)
    except StateCorrupt as error:
        raise unreadable(place, base, error) from error


def unreadable(place: Place, base: Head, error: StateCorrupt) -> ArchiveUnreadable:
    """Return the error for damage in an archive, which is none of the journal itself."""
    return ArchiveUnreadable(
        f"{error}. It is archived, as all versions up to {base.version} are: put these rows of "
        f"tidegate.archived back from a copy; {place.text} itself needs nothing of them to trade"
    )


def require_archives(
    connection: psycopg.Connection, place: Place, spans: Sequence[Span], *, after_version: int
) -> None:
    """Refuse to read after a version where an archive that has what follows is not there.

    Raises:
        ArchiveUnreadable: one is missing.

    """
    needed = [span for span in spans if span.last > after_version]
    for fact in archive_facts(connection, place, needed):
        if fact.is_missing:
            raise ArchiveUnreadable(
                f"{place.text}: the journal's versions {fact.first} to {fact.last} were moved to "
                f"{fact.place}, and they are not there; put them back from a copy, or ask for what "
                f"is after version {fact.last}"
            )


def start_at(
    connection: psycopg.Connection, place: Place, spans: Sequence[Span], version: int
) -> Head:
    """Return where the chain stands at a version, archived or not.

    Raises:
        StateCorrupt: the row is missing.
        ArchiveUnreadable: it is missing from an archive.

    """
    base = base_of(place, spans)
    if version >= base.version:
        return Head(version, digest_at(connection, place, base, version))
    known = (Head(0, place.start), *(span.after for span in spans))
    for head in known:
        if head.version == version:
            return head
    found = _digest_in(connection, "archived", place, version)
    if found is None:
        missing = StateCorrupt(f"{place.text}: journal version {version} is missing")
        raise unreadable(place, base, missing)
    return Head(version, found)


def digest_at(connection: psycopg.Connection, place: Place, base: Head, version: int) -> bytes:
    """Return the digest that the journal's own row ``version`` carries; ``base`` is its start.

    Raises:
        StateCorrupt: the row is missing.

    """
    if version == base.version:
        return base.digest
    found = _digest_in(connection, "record", place, version)
    if found is None:
        raise StateCorrupt(f"{place.text}: journal version {version} is missing or damaged")
    return found


def _digest_in(
    connection: psycopg.Connection, table: LiteralString, place: Place, version: int
) -> bytes | None:
    row = connection.execute(_DIGEST.format(table), (place.journal_id, version)).fetchone()
    return None if row is None else bytes(row[0])


def require_sound(connection: psycopg.Connection, place: Place) -> None:
    """Read the whole journal in one view that cannot write, and refuse it when anything is damaged.

    Archives are not read: a start needs nothing of them.

    Raises:
        StateCorrupt: a row, the head or the newest snapshot is damaged.

    """
    viewed(connection, lambda: require_rows(connection, place))


def require_rows(connection: psycopg.Connection, place: Place) -> None:
    """Do what :func:`require_sound` does, within the transaction that there is.

    Raises:
        StateCorrupt: a row, the head or the newest snapshot is damaged.

    """
    head = read_head(connection, place)
    base = base_of(place, read_spans(connection, place))
    for _ in walk_to(_own_rows(connection, place), base, head, place.text):
        pass
    check_snapshot(connection, place)


def check_snapshot(connection: psycopg.Connection, place: Place) -> Snapshot | None:
    """Return the newest snapshot, if any, checked against its digest and the journal's chain.

    Raises:
        StateCorrupt: it does not match its digest, or the journal.

    """
    row = connection.execute(
        "SELECT version, body, digest FROM tidegate.snapshot WHERE journal_id = %s"
        " ORDER BY version DESC LIMIT 1",
        (place.journal_id,),
        binary=True,
    ).fetchone()
    if row is None:
        return None
    version, body, stored = row
    base = base_of(place, read_spans(connection, place))
    if seal_of(digest_at(connection, place, base, version), version, body) != stored:
        raise StateCorrupt(f"{place.text}: the newest snapshot is damaged")
    return Snapshot(version=version, body=body.decode())
