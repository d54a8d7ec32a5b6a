"""The state port: an append-only journal with expected-version writes, and snapshots."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import attrs

__all__ = [
    "ArchiveUnreadable",
    "Fenced",
    "JournalMismatch",
    "JournalWatcher",
    "LeaseHeld",
    "NewerFormat",
    "Record",
    "SharedStatePort",
    "Snapshot",
    "StateCorrupt",
    "StateError",
    "StatePort",
    "StateUnavailable",
    "StoredRecord",
    "VersionConflict",
]


class StateError(Exception):
    """Infrastructure trouble at the state port."""


class VersionConflict(StateError):
    """Another writer appended first; nothing was written."""

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"the journal is at version {actual}, this writer expected {expected}: another "
            "process wrote to it; stop one of the two"
        )
        self.expected = expected
        self.actual = actual


class JournalMismatch(StateError):
    """The journal belongs to another venue or account; it was left untouched, and nothing sent."""


class StateCorrupt(StateError):
    """The store cannot be trusted; it was left untouched."""


class NewerFormat(StateError):
    """The store was written by a newer release; it was left untouched."""


class ArchiveUnreadable(StateError):
    """Old records are in an archive that is missing or damaged; the store itself is sound."""


class StateUnavailable(StateError):
    """The store cannot be read or written now (locked, disk full, gone); nothing was written."""


class LeaseHeld(StateError):
    """Another live process writes under this name; the journal was left untouched."""


class Fenced(StateError):
    """The lease of this process is lost: it stalled for too long, or another took the name over.

    Nothing was written, and nothing will be: it must stop, and may start again.
    """


@attrs.frozen(kw_only=True)
class Record:
    """One event as text. ``kind`` is a stable tag such as ``filled.v1``, never a class path."""

    kind: str
    body: str
    time_ms: int


@attrs.frozen(kw_only=True)
class StoredRecord:
    """A record with its place in the journal; versions count from 1 without a gap."""

    version: int
    record: Record


@attrs.frozen(kw_only=True)
class Snapshot:
    """A folded state as text: the effect of every record up to and including ``version``."""

    version: int
    body: str


class StatePort(ABC):
    """One journal. Every method may be called from any thread."""

    @abstractmethod
    def version(self) -> int:
        """Return the version of the last record, 0 when empty.

        Raises:
            StateCorrupt: the store is damaged.
            StateUnavailable: the store is closed, or cannot be read now.

        """

    def base(self) -> int:
        """Return the version after which the store itself holds the records; 0 has them all.

        Those up to it were moved into archives by a compaction, and are read from there.

        Raises:
            StateCorrupt: the store is damaged.
            StateUnavailable: the store is closed, or cannot be read now.

        """
        return 0

    @abstractmethod
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        """Append all records or none, and return the new version.

        ``durable`` waits until they survive loss of power; otherwise they survive the death of
        the process. Durability covers all earlier records too.

        Raises:
            VersionConflict: ``expected_version`` is not the current version.
            StateUnavailable: the store cannot be written now.
            StateCorrupt: the store is damaged; nothing was written.
            ValueError: a text that the store cannot hold; nothing was written.

        """

    @abstractmethod
    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """Yield records in order, from a consistent view.

        Records that a compaction moved into archives are read from there.

        Raises:
            ValueError: ``after_version`` is below zero.
            ArchiveUnreadable: records after ``after_version`` are in an archive that is missing
                or damaged; found at the call or while reading.
            StateCorrupt: a record is missing or changed; found at the call or while reading.
            StateUnavailable: the store is closed, or cannot be read now.

        """

    @abstractmethod
    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; its version must not be beyond the journal's.

        Raises:
            ValueError: its version is below zero or beyond the journal's.
            StateCorrupt: the store is damaged.
            StateUnavailable: the store is closed, or cannot be written now.

        """

    @abstractmethod
    def load_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any.

        Raises:
            StateCorrupt: the snapshot is damaged, or is not this journal's.
            StateUnavailable: the store is closed, or cannot be read now.

        """

    @abstractmethod
    def close(self) -> None:
        """Release the store. A second call is harmless."""


class JournalWatcher(ABC):
    """Whom a shared store tells of other processes, from a thread of its own; never blocks it."""

    @abstractmethod
    def journal_moved(self, version: int) -> None:
        """Note that the journal is at ``version`` or beyond; also called for own appends."""

    @abstractmethod
    def writer_ended(self, name: str) -> None:
        """Go on with the work of a writer that ended without a word; one watcher is told."""

    @abstractmethod
    def lease_lost(self, error: Fenced) -> None:
        """Note that nothing can be written here any more."""


class SharedStatePort(StatePort):
    """A journal that several processes write at once, each under a name and a lease of its own.

    A lease is a name, its holder, an epoch and an end. The store renews it while the process lives.
    An append of one who holds it no more, by epoch or by time, raises :class:`Fenced`. A writer
    that meets :class:`VersionConflict` reads what the others wrote, and decides again.
    """

    @abstractmethod
    def follow(self, watcher: JournalWatcher) -> None:
        """Tell ``watcher`` of the others until the store is closed; only once.

        Raises:
            StateUnavailable: the store is closed.

        """
