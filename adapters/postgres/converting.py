"""A copy of a journal in a database, written from a store of another kind; and who reads copies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tidegate.ports.chain import Head, genesis, link, seal
from tidegate.ports.state import Snapshot
from tidegate.ports.state_care import StoreView

from .copies import Contents, Copy, StoredRow, drafted, put_in_place, require_free
from .schema import FORMAT
from .views import CopyView

__all__ = ["Copies", "write_copy"]

T = TypeVar("T")


class Copies:
    """Looks at copies; no database is needed for it."""

    def look(self, at: Callable[[StoreView], T], *, place: str) -> T:
        """See :meth:`StateCarePort.look`.

        Raises:
            StateCorrupt: no copy of a journal, or damaged, or cut off.
            NewerFormat: a newer release wrote it.
            StateUnavailable: it is not there, or cannot be read.

        """
        return at(CopyView(Copy.of(Path(place)), place))


def write_copy(target: Path, view: StoreView, journal: str) -> None:
    """Write every record of ``view``, archived ones too, and its snapshot to a new copy.

    It is a copy of a journal of that name, whose chain of digests begins anew.

    Raises:
        CareRefused: something has that name already.
        StateError: the view cannot be read whole, or the copy not written.

    """
    require_free(target)
    with drafted(target, _contents(view, journal), _rows(view, journal)) as draft:
        put_in_place(draft, target)


def _rows(view: StoreView, journal: str) -> Iterator[StoredRow]:
    digest = genesis(journal)
    for stored in view.read():
        record = stored.record
        digest = link(digest, stored.version, record)
        texts = record.kind.encode(), record.body.encode()
        yield stored.version, *texts, record.time_ms, digest


def _contents(view: StoreView, journal: str) -> Contents:
    saved = view.load_snapshot()
    head, anchor = Head(0, genesis(journal)), genesis(journal)
    for version, *_, digest in _rows(view, journal):
        head = Head(version, digest)
        if saved is not None and version == saved.version:
            anchor = digest
    return Contents(
        journal=journal,
        origin=journal,
        format=FORMAT,
        head=head,
        spans=(),
        missing=frozenset(),
        snapshot=saved,
        sealed=_sealed(anchor, saved),
    )


def _sealed(anchor: bytes, saved: Snapshot | None) -> bytes:
    return b"" if saved is None else seal(anchor, saved)
