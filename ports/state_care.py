"""Care of a state store: look at it, copy it, put a copy back, move its old records away."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import attrs

from .state import Snapshot, StateError, StoredRecord

__all__ = [
    "COPY_OF_DATABASE",
    "ArchiveFacts",
    "CareRefused",
    "Compacted",
    "ReadsCopies",
    "Restored",
    "StateCarePort",
    "StoreFacts",
    "StoreView",
]

T = TypeVar("T")
COPY_OF_DATABASE = "tidegate journal copy"
"""What the first line of a file with a copy of a journal in a database says that it is."""


class CareRefused(StateError):
    """What was asked could lose or overwrite something; nothing was changed."""


@attrs.frozen(kw_only=True)
class ArchiveFacts:
    """One archive of the store: the versions that were moved there, and how many bytes it has.

    ``bytes_count`` is ``None`` where the archive is not in its place. ``is_within`` tells that it
    lies in the store itself, so that a copy of the store has it too.
    """

    place: str
    first: int
    last: int
    bytes_count: int | None
    is_within: bool = False

    @property
    def is_missing(self) -> bool:
        """Tell whether the archive is not in its place."""
        return self.bytes_count is None


@attrs.frozen(kw_only=True)
class StoreFacts:
    """What a store is, apart from what its records say.

    The store itself holds the records after version ``base`` up to ``version``; those before are in
    the archives, oldest first. ``bytes_count`` has its log with it.
    """

    place: str
    format: int
    base: int
    version: int
    bytes_count: int
    archives: tuple[ArchiveFacts, ...] = ()


class StoreView(ABC):
    """A store as it stands at one instant, through a connection that cannot write."""

    @property
    @abstractmethod
    def facts(self) -> StoreFacts:
        """Return what the store is."""

    @abstractmethod
    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """Yield records in order, each checked; see :meth:`StatePort.read`.

        Raises:
            ArchiveUnreadable: records after ``after_version`` are in an archive that is missing
                or damaged.
            StateCorrupt: a record is missing or changed.

        """

    @abstractmethod
    def load_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any; see :meth:`StatePort.load_snapshot`.

        Raises:
            StateCorrupt: the snapshot is damaged, or is not this journal's.

        """


@attrs.frozen(kw_only=True)
class Compacted:
    """What a compaction did: the archives that it wrote or finished, and the sizes in bytes."""

    archives: tuple[ArchiveFacts, ...]
    version: int
    bytes_before: int
    bytes_after: int


@attrs.frozen(kw_only=True)
class Restored:
    """Where a copy was put, and where what had been there was moved to, if anything was."""

    place: str
    moved_to: str | None


class ReadsCopies(Protocol):
    """What looks at copies of one kind, as :meth:`StateCarePort.look` does."""

    def look(self, at: Callable[[StoreView], T], *, place: str) -> T:
        """Check the copy at ``place``, and return what ``at`` makes of a view of it."""
        ...


class StateCarePort(ABC):
    """Care of one store. A place is text in the adapter's own terms, such as a file's path.

    Whatever is passed in as a function is called with a view, perhaps more than once, and what it
    raises comes through with nothing changed.
    """

    @property
    @abstractmethod
    def copy_suffix(self) -> str:
        """Return how the name of a file with a copy of such a store ends, by custom."""

    @abstractmethod
    def look(self, at: Callable[[StoreView], T], *, place: str | None = None) -> T:
        """Check the store, or a copy at ``place``, and return what ``at`` makes of a view of it.

        It writes nothing, and a desk may run meanwhile.

        Raises:
            StateCorrupt: it is damaged; the message says where.
            NewerFormat: a newer release wrote it.
            StateUnavailable: it is not there, or cannot be read now.

        """

    @abstractmethod
    def backup(self, place: str, check: Callable[[StoreView], T]) -> T:
        """Copy the store as it is now to ``place``; a desk may run meanwhile.

        The copy gets its name once it is checked and on the disk. Returns what ``check`` makes of
        it.

        Raises:
            CareRefused: something is there already; it was left untouched.
            StateCorrupt: the store is damaged; no copy was made.
            NewerFormat: a newer release wrote it; no copy was made.
            StateUnavailable: it cannot be read, or the copy cannot be written; none is left behind.

        """

    @abstractmethod
    def convert(self, view: StoreView, place: str) -> None:
        """Write what ``view`` shows, a store of another kind, to a new copy of this kind.

        Every record is in it, also those that were archived, under the versions and times that they
        had, and the newest snapshot.

        Raises:
            CareRefused: something is at ``place`` already; it was left untouched.
            ArchiveUnreadable: records are in an archive that is missing or damaged.
            StateUnavailable: the copy cannot be written; none is left behind.

        """

    @abstractmethod
    def restore(
        self, place: str, check: Callable[[StoreView], None], *, moves_aside: bool, stamp: str
    ) -> Restored:
        """Put the copy at ``place`` where the store belongs, once ``check`` has taken it.

        What is there already is moved to a name with ``stamp`` in it where ``moves_aside``, never
        deleted. Archives beside the store stay where they are.

        Raises:
            CareRefused: a store is there and may not be moved, or a desk has it open.
            StateCorrupt: the copy is damaged.
            NewerFormat: a newer release wrote the copy.
            StateUnavailable: the copy cannot be read, or the store's place cannot be written.

        """

    @abstractmethod
    def compact(self, fold: Callable[[StoreView], Snapshot]) -> Compacted:
        """Move every record into an archive, and keep the snapshot that ``fold`` makes of them.

        Versions go on from where they are. A compaction that was killed is finished by the next.

        Raises:
            CareRefused: a desk has it open.
            StateCorrupt: the store is damaged.
            NewerFormat: a newer release wrote it.
            StateUnavailable: it cannot be written now; every record is where it was, or archived.

        """
