"""A journal as it stands at one instant: in the tables, or in a copy."""

from collections.abc import Iterator
from itertools import chain

import psycopg
from tidegate.ports.state import ArchiveUnreadable, Snapshot, StoredRecord
from tidegate.ports.state_care import ArchiveFacts, StoreFacts, StoreView

from .copies import Copy
from .rows import (
    archive_facts,
    base_of,
    check_snapshot,
    read_archived,
    read_own,
    read_spans,
    require_archives,
    size_of,
    start_at,
)
from .schema import Place, read_head

__all__ = ["CopyView", "TableView"]


def _require_version(after_version: int) -> None:
    if after_version < 0:
        raise ValueError(f"after_version is {after_version}; versions count from 1, so give 0")


class TableView(StoreView):
    """A journal in the tables, over a connection within a transaction."""

    def __init__(self, connection: psycopg.Connection, place: Place) -> None:
        self._connection = connection
        self._place = place

    @property
    def facts(self) -> StoreFacts:
        """See :attr:`StoreView.facts`; sizes are those of the texts, in bytes."""
        connection, place = self._connection, self._place
        spans = read_spans(connection, place)
        return StoreFacts(
            place=place.text,
            format=place.format,
            base=base_of(place, spans).version,
            version=read_head(connection, place).version,
            bytes_count=size_of(connection, place),
            archives=archive_facts(connection, place, spans),
        )

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """See :meth:`StoreView.read`.

        Raises:
            ArchiveUnreadable: records after ``after_version`` are in an archive that is missing or
                damaged.
            StateCorrupt: a record is missing or changed.

        """
        _require_version(after_version)
        connection, place = self._connection, self._place
        head, spans = read_head(connection, place), read_spans(connection, place)
        if after_version >= head.version:
            return iter(())
        require_archives(connection, place, spans, after_version=after_version)
        base, start = base_of(place, spans), start_at(connection, place, spans, after_version)
        if start.version >= base.version:
            return read_own(connection, place, start, head)
        archived = read_archived(connection, place, start, base)
        return chain(archived, read_own(connection, place, base, head))

    def load_snapshot(self) -> Snapshot | None:
        """See :meth:`StoreView.load_snapshot`.

        Raises:
            StateCorrupt: the snapshot is damaged, or is not this journal's.

        """
        return check_snapshot(self._connection, self._place)


class CopyView(StoreView):
    """A journal in a copy; ``text`` is the place that is shown for it."""

    def __init__(self, copy: Copy, text: str) -> None:
        self._copy = copy
        self._text = text

    @property
    def facts(self) -> StoreFacts:
        """See :attr:`StoreView.facts`; the sizes of archives are those of the texts, in bytes.

        Raises:
            StateCorrupt: the copy is damaged.
            StateUnavailable: it cannot be read.

        """
        contents = self._copy.contents
        sizes = dict.fromkeys((span.last for span in contents.spans), 0)
        lasts = iter([*sizes, contents.head.version])
        last = next(lasts)
        for stored, head in self._copy.entries():
            while stored.version > last:
                last = next(lasts)
            if last in sizes:
                texts = stored.record.kind + stored.record.body
                sizes[last] += len(texts.encode()) + 2 * len(head.digest)
        return StoreFacts(
            place=self._text,
            format=contents.format,
            base=contents.base.version,
            version=contents.head.version,
            bytes_count=self._copy.size(),
            archives=tuple(
                ArchiveFacts(
                    place="the copy itself",
                    first=span.first,
                    last=span.last,
                    bytes_count=None if span.first in contents.missing else sizes[span.last],
                    is_within=True,
                )
                for span in contents.spans
            ),
        )

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """See :meth:`StoreView.read`.

        Raises:
            ArchiveUnreadable: records after ``after_version`` were in an archive that was missing
                when the copy was made.
            StateCorrupt: the copy is damaged.

        """
        _require_version(after_version)
        for span in self._copy.contents.spans:
            if span.last > after_version and span.first in self._copy.contents.missing:
                raise ArchiveUnreadable(
                    f"{self._text}: the journal's versions {span.first} to {span.last} were "
                    "archived, and not there when this copy was made; name another copy, or ask "
                    f"for what is after version {span.last}"
                )
        entries = (stored for stored, _ in self._copy.entries())
        return (stored for stored in entries if stored.version > after_version)

    def load_snapshot(self) -> Snapshot | None:
        """See :meth:`StoreView.load_snapshot`; it was checked when the copy was opened."""
        return self._copy.contents.snapshot
