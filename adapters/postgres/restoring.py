"""A copy is put where a journal belongs; what is there is moved aside by its name."""

import secrets
from typing import LiteralString

import attrs
import psycopg
from tidegate.ports.state import StateCorrupt
from tidegate.ports.state_care import CareRefused, Restored

from .connecting import Target
from .copies import Copy
from .rows import read_archived, require_rows
from .schema import Place, find, lock_head, prepare
from .use import require_no_lease, require_unused

__all__ = ["put_back"]

_NAME_LENGTH_MAX = 63
_BATCH_BYTES = 16
_INSERT: LiteralString = (
    "INSERT INTO tidegate.journal (name, version, digest, writes, origin)"
    " VALUES (%s, %s, %s, 0, %s) ON CONFLICT (name) DO NOTHING"
)
_COPY: LiteralString = (
    "COPY tidegate.{} (journal_id, batch, version, kind, body, time_ms, digest) FROM STDIN"
)


def put_back(
    connection: psycopg.Connection, target: Target, copy: Copy, *, stamp: str | None
) -> Restored:
    """Put the copy where ``target`` names, within a transaction that the caller commits.

    A journal that is there is renamed to a name with ``stamp``; without one it is refused.

    Raises:
        CareRefused: a journal is there and may not be moved, or somebody uses it.
        StateCorrupt: the copy is damaged, or the schema is not ours.
        NewerFormat: a newer release made the tables.
        StateUnavailable: the copy cannot be read.
        ArchiveUnreadable: archived rows do not read back as they were written.

    """
    prepare(connection, target)
    there = find(connection, target)
    moved_to = None if there is None else _move_aside(connection, there, target, stamp)
    contents = copy.contents
    row = (target.journal, contents.head.version, contents.head.digest, contents.origin)
    if connection.execute(_INSERT, row).rowcount != 1:
        raise CareRefused(f"{target.place}: a journal came meanwhile; it was left untouched")
    place = find(connection, target)
    if place is None:
        raise StateCorrupt(f"{target.place}: its row is gone again; nothing was changed")
    _insert(connection, place, copy)
    require_rows(connection, place)
    for span in contents.spans:
        if span.first not in contents.missing:
            for _ in read_archived(connection, place, span.before, span.after):
                pass
    return Restored(place=target.place, moved_to=moved_to)


def _move_aside(
    connection: psycopg.Connection, there: Place, target: Target, stamp: str | None
) -> str:
    if stamp is None:
        raise CareRefused(
            f"{there.text}: a journal is there; nothing was changed. Have it moved aside "
            "(--move-aside), or name another journal (state.journal)"
        )
    require_unused(connection, there)
    lock_head(connection, there)
    require_no_lease(connection, there)
    suffix = f"-replaced-{stamp}"
    name = f"{there.name[: _NAME_LENGTH_MAX - len(suffix)]}{suffix}"
    aside = attrs.evolve(target, journal=name)
    if find(connection, aside) is not None:
        raise CareRefused(f"{aside.place}: something is there; nothing was changed. Try again")
    connection.execute(
        "UPDATE tidegate.journal SET name = %s WHERE id = %s", (name, there.journal_id)
    )
    return aside.place


def _insert(connection: psycopg.Connection, place: Place, copy: Copy) -> None:
    contents = copy.contents
    base = contents.base.version
    _insert_rows(connection, place, copy, "archived", after=0, last=base)
    _insert_rows(connection, place, copy, "record", after=base, last=contents.head.version)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tidegate.archive (journal_id, first, last, start, digest)"
            " VALUES (%s, %s, %s, %s, %s)",
            [
                (place.journal_id, span.first, span.last, span.start, span.digest)
                for span in contents.spans
            ],
        )
    saved = contents.snapshot
    if saved is not None:
        connection.execute(
            "INSERT INTO tidegate.snapshot (journal_id, version, body, digest)"
            " VALUES (%s, %s, %s, %s)",
            (place.journal_id, saved.version, saved.body.encode(), contents.sealed),
        )


def _insert_rows(
    connection: psycopg.Connection,
    place: Place,
    copy: Copy,
    table: LiteralString,
    *,
    after: int,
    last: int,
) -> None:
    batch = secrets.token_bytes(_BATCH_BYTES)
    with connection.cursor() as cursor, cursor.copy(_COPY.format(table)) as stream:
        for stored, head in copy.entries():
            if after < stored.version <= last:
                record = stored.record
                texts = record.kind.encode(), record.body.encode()
                row = (place.journal_id, batch, stored.version, *texts, record.time_ms, head.digest)
                stream.write_row(row)
