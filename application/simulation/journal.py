"""The journal as a life writes it: places to die around each write, a disk that may be full."""

from collections.abc import Callable, Iterator, Sequence

from tidegate.ports.state import Record, Snapshot, StatePort, StateUnavailable, StoredRecord

from .disk import Disk
from .names import Boundary

__all__ = ["SimulatedJournal"]


class SimulatedJournal(StatePort):
    """A journal whose process may die before or after each write.

    ``reach`` is told of each such place, ``took`` of the records that were written, with the
    version of the first.

    Raises:
        StateCorrupt: what a death left cannot be trusted.
        ArchiveUnreadable: part of it is in an archive that is not there.
        StateUnavailable: it cannot be read now.

    """

    def __init__(
        self,
        disk: Disk,
        *,
        reach: Callable[[Boundary], None],
        took: Callable[[int, Sequence[Record]], None],
    ) -> None:
        self._inner = disk.open()
        self._disk = disk
        self._reach = reach
        self._took = took
        self.is_full = False

    def version(self) -> int:
        """See :meth:`StatePort.version`."""
        return self._inner.version()

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        """See :meth:`StatePort.append`."""
        self._reach(Boundary.BEFORE_JOURNAL)
        self._require_space()
        version = self._inner.append(records, expected_version=expected_version, durable=durable)
        self._disk.wrote(records, version, durable=durable)
        self._took(expected_version + 1, records)
        self._reach(Boundary.AFTER_JOURNAL)
        return version

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """See :meth:`StatePort.read`."""
        return self._inner.read(after_version=after_version)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See :meth:`StatePort.save_snapshot`."""
        self._reach(Boundary.BEFORE_SNAPSHOT)
        self._require_space()
        self._inner.save_snapshot(snapshot)
        self._disk.saved(snapshot)
        self._reach(Boundary.AFTER_SNAPSHOT)

    def load_snapshot(self) -> Snapshot | None:
        """See :meth:`StatePort.load_snapshot`."""
        return self._inner.load_snapshot()

    def close(self) -> None:
        """Leave the store as it is: only a death, or a new start, decides what is left of it."""

    def _require_space(self) -> None:
        if self.is_full:
            raise StateUnavailable("the simulated disk is full; nothing was written")
