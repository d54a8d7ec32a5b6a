"""A journal in memory: the state port for tests, demos and replays. It does not persist."""

import threading
from collections.abc import Iterator, Sequence

from tidegate.ports.state import (
    Record,
    Snapshot,
    StatePort,
    StateUnavailable,
    StoredRecord,
    VersionConflict,
)

__all__ = ["MemoryState"]


class MemoryState(StatePort):
    """A journal that lives and dies with this object.

    Nothing survives :meth:`close` or the process, so ``durable`` asks for more than there is; the
    store that is meant to last is SQLite. One lock guards everything: any thread may call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._journal: list[StoredRecord] = []
        self._snapshot: Snapshot | None = None
        self._is_closed = False

    def version(self) -> int:
        """Return the version of the last record, 0 when empty.

        Outcomes and errors: see :meth:`StatePort.version`.
        """
        with self._lock:
            self._require_open()
            return len(self._journal)

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        """Append all records or none, and return the new version.

        Raises:
            VersionConflict: ``expected_version`` is not the current version.
            StateUnavailable: the store is closed.
            ValueError: a text that UTF-8 cannot hold, as a lasting store would refuse it.

        """
        del durable
        for record in records:
            _require_storable(record)
        with self._lock:
            self._require_open()
            actual = len(self._journal)
            if actual != expected_version:
                raise VersionConflict(expected=expected_version, actual=actual)
            self._journal.extend(
                StoredRecord(version=version, record=record)
                for version, record in enumerate(records, start=actual + 1)
            )
            return len(self._journal)

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        """Yield the records that exist at this call, in order.

        Outcomes and errors: see :meth:`StatePort.read`.
        """
        if after_version < 0:
            raise ValueError(f"after_version is {after_version}; versions count from 1, so give 0")
        with self._lock:
            self._require_open()
            view = tuple(self._journal[after_version:])
        return iter(view)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; an older one than the newest changes nothing.

        Raises:
            ValueError: its version is negative or beyond the journal's.
            StateUnavailable: the store is closed.

        """
        with self._lock:
            self._require_open()
            version = len(self._journal)
            if not 0 <= snapshot.version <= version:
                raise ValueError(
                    f"a snapshot of version {snapshot.version} does not belong to this journal, "
                    f"which is at version {version}; give 0 to {version}"
                )
            if self._snapshot is None or snapshot.version >= self._snapshot.version:
                self._snapshot = snapshot

    def load_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any.

        Outcomes and errors: see :meth:`StatePort.load_snapshot`.
        """
        with self._lock:
            self._require_open()
            return self._snapshot

    def close(self) -> None:
        """Refuse every later call. A second close is harmless."""
        with self._lock:
            self._is_closed = True

    def _require_open(self) -> None:
        if self._is_closed:
            raise StateUnavailable("the in-memory store is closed; make a new one")


def _require_storable(record: Record) -> None:
    try:
        record.kind.encode()
        record.body.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"a {record.kind!a} record holds a character that UTF-8 cannot store: {error}"
        ) from error
