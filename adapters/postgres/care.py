"""Care of a journal in a PostgreSQL database: look at it, copy it, put a copy back, compact it.

Each is one transaction: it is done whole, or nothing of it is. Copies are files of a form of their
own; see :mod:`~tidegate.adapters.postgres.copies`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import LiteralString, TypeVar

import attrs
import psycopg
from tidegate.ports.chain import Span, seal
from tidegate.ports.state import Snapshot, StateCorrupt, StateUnavailable
from tidegate.ports.state_care import (
    Compacted,
    Restored,
    StateCarePort,
    StoreView,
)

from .connecting import Target
from .converting import Copies, write_copy
from .copies import Contents, Copy, drafted, put_in_place, require_free
from .errors import typed_error
from .restoring import put_back
from .rows import (
    archive_facts,
    base_of,
    check_snapshot,
    read_archived,
    read_rows,
    read_spans,
    require_rows,
    size_of,
)
from .schema import Place, find, lock_head, prepare, read_head
from .transactions import AnswerLost, committed, viewed
from .use import require_no_lease, require_unused
from .views import CopyView, TableView

__all__ = ["PostgresCare"]

T = TypeVar("T")
_IDLE_MS_MAX = 120_000
"""How long the folding between two statements may take; nobody waits for it."""
_PATIENT: LiteralString = "SET LOCAL statement_timeout TO 600000"
"""A statement that moves a whole journal may take ten minutes; locks are not waited for longer."""
_MOVE: LiteralString = """
WITH moved AS (
    DELETE FROM tidegate.record WHERE journal_id = %s AND version <= %s
    RETURNING journal_id, version, kind, body, time_ms, digest, batch
)
INSERT INTO tidegate.archived (journal_id, version, kind, body, time_ms, digest, batch)
SELECT * FROM moved
"""


class PostgresCare(StateCarePort):
    """A place is the path of a copy, or the journal's name in words."""

    def __init__(self, target: Target) -> None:
        self._target = attrs.evolve(target, idle_ms_max=max(target.idle_ms_max, _IDLE_MS_MAX))

    @property
    def copy_suffix(self) -> str:
        """See :attr:`StateCarePort.copy_suffix`."""
        return ".journal"

    def look(self, at: Callable[[StoreView], T], *, place: str | None = None) -> T:
        """See :meth:`StateCarePort.look`."""
        if place is not None:
            return Copies().look(at, place=place)

        def work(connection: psycopg.Connection) -> T:
            found = self._required(connection)
            require_rows(connection, found)
            return at(TableView(connection, found))

        return self._viewed(work)

    def backup(self, place: str, check: Callable[[StoreView], T]) -> T:
        """See :meth:`StateCarePort.backup`."""
        target = Path(place)
        require_free(target)
        with ExitStack() as stack:
            draft, contents = self._viewed(
                lambda connection: stack.enter_context(self._drafted(connection, target))
            )
            copy = Copy.of(draft)
            if copy.contents != contents:
                raise StateCorrupt(f"{target}: the copy is not what was written; none was kept")
            found = check(CopyView(copy, place))
            put_in_place(draft, target)
        return found

    @contextmanager
    def _drafted(
        self, connection: psycopg.Connection, target: Path
    ) -> Iterator[tuple[Path, Contents]]:
        place = self._required(connection)
        require_rows(connection, place)
        contents = _contents(connection, place)
        rows = read_rows(connection, place, 0, contents.head.version)
        with drafted(target, contents, rows) as draft:
            yield draft, contents

    def convert(self, view: StoreView, place: str) -> None:
        """See :meth:`StateCarePort.convert`."""
        write_copy(Path(place), view, self._target.journal)

    def restore(
        self, place: str, check: Callable[[StoreView], None], *, moves_aside: bool, stamp: str
    ) -> Restored:
        """See :meth:`StateCarePort.restore`."""
        copy = Copy.of(Path(place))
        check(CopyView(copy, place))

        def work(connection: psycopg.Connection) -> Restored:
            connection.execute(_PATIENT)
            aside = stamp if moves_aside else None
            return put_back(connection, self._target, copy, stamp=aside)

        return self._committed(work)

    def compact(self, fold: Callable[[StoreView], Snapshot]) -> Compacted:
        """See :meth:`StateCarePort.compact`."""

        def work(connection: psycopg.Connection) -> Compacted:
            connection.execute(_PATIENT)
            self._required(connection)
            prepare(connection, self._target)
            place = self._required(connection)
            require_unused(connection, place)
            lock_head(connection, place)
            require_no_lease(connection, place, refuses_ended=True)
            require_rows(connection, place)
            return _compacted(connection, place, fold)

        return self._committed(work)

    def _required(self, connection: psycopg.Connection) -> Place:
        place = find(connection, self._target)
        if place is None:
            raise StateUnavailable(
                f"{self._target.place}: no journal there; name that of a session with "
                "state.journal, and its database with state.dsn"
            )
        return place

    def _viewed(self, work: Callable[[psycopg.Connection], T]) -> T:
        return self._connected(lambda connection: viewed(connection, lambda: work(connection)))

    def _committed(self, work: Callable[[psycopg.Connection], T]) -> T:
        return self._connected(
            lambda connection: committed(connection, lambda: work(connection), durable=True)
        )

    def _connected(self, work: Callable[[psycopg.Connection], T]) -> T:
        text = self._target.place
        with closing(self._target.connect()) as connection:
            try:
                return work(connection)
            except psycopg.Error as error:
                raise typed_error(text, error) from error
            except AnswerLost as error:
                raise StateUnavailable(
                    f"{text}: the answer to the last step was lost ({error}); whether it was done "
                    "is not known, and nothing of it was done by halves: see tidegate state verify"
                ) from error


def _contents(connection: psycopg.Connection, place: Place) -> Contents:
    """Return what a copy says of a journal whose own rows are sound; archives are checked here."""
    spans = read_spans(connection, place)
    facts = archive_facts(connection, place, spans)
    missing = frozenset(fact.first for fact in facts if fact.is_missing)
    for span in spans:
        if span.first not in missing:
            for _ in read_archived(connection, place, span.before, span.after):
                pass
    row = connection.execute(
        "SELECT digest FROM tidegate.snapshot WHERE journal_id = %s ORDER BY version DESC LIMIT 1",
        (place.journal_id,),
    ).fetchone()
    return Contents(
        journal=place.name,
        origin=place.origin,
        format=place.format,
        head=read_head(connection, place),
        spans=spans,
        missing=missing,
        snapshot=check_snapshot(connection, place),
        sealed=b"" if row is None else bytes(row[0]),
    )


def _compacted(
    connection: psycopg.Connection, place: Place, fold: Callable[[StoreView], Snapshot]
) -> Compacted:
    head, base = read_head(connection, place), base_of(place, read_spans(connection, place))
    before = size_of(connection, place)
    spans: tuple[Span, ...] = ()
    if base.version < head.version:
        snapshot = fold(TableView(connection, place))
        assert snapshot.version == head.version, "a compaction folds the whole journal"
        span = Span(
            first=base.version + 1, last=head.version, start=base.digest, digest=head.digest
        )
        spans = (span,)
        _archive(connection, place, span)
        _keep_only(connection, place, snapshot, seal(head.digest, snapshot))
    return Compacted(
        archives=archive_facts(connection, place, spans),
        version=head.version,
        bytes_before=before,
        bytes_after=size_of(connection, place),
    )


def _archive(connection: psycopg.Connection, place: Place, span: Span) -> None:
    moved = connection.execute(_MOVE, (place.journal_id, span.last)).rowcount
    if moved != span.last - span.first + 1:
        raise StateCorrupt(f"{place.text}: {moved} rows are in the journal, not those it says")
    connection.execute(
        "INSERT INTO tidegate.archive (journal_id, first, last, start, digest)"
        " VALUES (%s, %s, %s, %s, %s)",
        (place.journal_id, span.first, span.last, span.start, span.digest),
    )
    for _ in read_archived(connection, place, span.before, span.after):
        pass


def _keep_only(
    connection: psycopg.Connection, place: Place, snapshot: Snapshot, digest: bytes
) -> None:
    connection.execute("DELETE FROM tidegate.snapshot WHERE journal_id = %s", (place.journal_id,))
    connection.execute(
        "INSERT INTO tidegate.snapshot (journal_id, version, body, digest) VALUES (%s, %s, %s, %s)",
        (place.journal_id, snapshot.version, snapshot.body.encode(), digest),
    )
