"""The disk under the journal: what of it a death leaves, by what was forced to it.

The death of a process leaves all that was written. A loss of power leaves what was forced to the
disk, and of what was written later some beginning: never a later write without an earlier one.
"""

import random
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.ports.state import Record, Snapshot, StateError, StatePort

from .names import Violation

__all__ = ["Disk", "FileDisk", "MemoryDisk"]


class Disk(ABC):
    """One journal through many lives. ``durable_version`` is what no loss of power takes."""

    def __init__(self) -> None:
        self.durable_version = 0

    @abstractmethod
    def open(self) -> StatePort:
        """Open the journal as a new process finds it.

        Raises:
            StateCorrupt: what is left of it cannot be trusted.
            ArchiveUnreadable: part of it is in an archive that is not there.
            StateUnavailable: it cannot be read now.

        """

    @abstractmethod
    def wrote(self, records: Sequence[Record], version: int, *, durable: bool) -> None:
        """Note what a process wrote: ``version`` is the journal's after it."""

    @abstractmethod
    def saved(self, snapshot: Snapshot) -> None:
        """Note a snapshot that a process wrote; it is forced to the disk with what follows it."""

    @abstractmethod
    def die(self, dice: random.Random, *, is_power_cut: bool) -> bool:
        """Let the process, or the machine, end; tells whether something that was written is gone.

        Raises:
            Violation: what is left of a file says something that was never written.

        """

    @abstractmethod
    def close(self) -> None:
        """Release everything."""


class MemoryDisk(Disk):
    """A journal in memory, rebuilt from what each death left."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[tuple[Record, ...] | Snapshot] = []
        self._forced = 0

    def open(self) -> StatePort:
        """See :meth:`Disk.open`."""
        state = MemoryState()
        version = 0
        for written in self._written:
            if isinstance(written, Snapshot):
                state.save_snapshot(written)
            else:
                version = state.append(written, expected_version=version, durable=True)
        return state

    def wrote(self, records: Sequence[Record], version: int, *, durable: bool) -> None:
        """See :meth:`Disk.wrote`."""
        self._written.append(tuple(records))
        if durable:
            self._forced = len(self._written)
            self.durable_version = version

    def saved(self, snapshot: Snapshot) -> None:
        """See :meth:`Disk.saved`."""
        self._written.append(snapshot)

    def die(self, dice: random.Random, *, is_power_cut: bool) -> bool:
        """See :meth:`Disk.die`."""
        if not is_power_cut or self._forced == len(self._written):
            return False
        kept = dice.randint(self._forced, len(self._written))
        is_shorter = kept < len(self._written)
        del self._written[kept:]
        return is_shorter

    def close(self) -> None:
        """See :meth:`Disk.close`; there is nothing to release."""
        self._written.clear()


class FileDisk(Disk):
    """A journal in a SQLite file, whose write-ahead log a loss of power may cut at any byte."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._lives = 0
        self._forced_bytes = 0
        self._state: SqliteState | None = None
        self._rows: list[tuple[str, str]] = []

    @property
    def _path(self) -> Path:
        return self._folder / f"life{self._lives}" / "journal.sqlite"

    @property
    def _log(self) -> Path:
        return self._path.with_name("journal.sqlite-wal")

    def open(self) -> StatePort:
        """See :meth:`Disk.open`."""
        if self._state is not None:
            # A start that failed has left without a word: another process opens the same file.
            self._leave()
        self._path.parent.mkdir(exist_ok=True)
        self._state = SqliteState(self._path)
        self._rows = _rows(self._state)
        return self._state

    def wrote(self, records: Sequence[Record], version: int, *, durable: bool) -> None:
        """See :meth:`Disk.wrote`."""
        self._rows += [(record.kind, record.body) for record in records]
        if durable:
            self._forced_bytes = _size(self._log)
            self.durable_version = version

    def saved(self, snapshot: Snapshot) -> None:
        """See :meth:`Disk.saved`."""
        del snapshot

    def die(self, dice: random.Random, *, is_power_cut: bool) -> bool:
        """See :meth:`Disk.die`; the log of a copy is cut anywhere besides, which may lose more."""
        written = list(self._rows)
        self._leave()
        self._look_at_cut(written, dice)
        if not is_power_cut:
            return False
        size = _size(self._log)
        _cut(self._log, dice.randint(min(self._forced_bytes, size), size))
        return True

    def _leave(self) -> None:
        """Go on from copies of the files: closing would tidy up what a death leaves."""
        left, lives = self._path.parent, self._lives + 1
        copy = self._folder / f"life{lives}"
        shutil.copytree(left, copy, ignore=shutil.ignore_patterns("*-shm"))
        if self._state is not None:
            self._state.close()
            self._state = None
        shutil.rmtree(left)
        self._lives = lives

    def _look_at_cut(self, written: list[tuple[str, str]], dice: random.Random) -> None:
        """Cut a copy at any byte: it opens at an earlier version, or is refused, and never lies."""
        probe = self._folder / "probe"
        shutil.copytree(self._path.parent, probe)
        try:
            log = probe / self._log.name
            _cut(log, dice.randint(0, _size(log)))
            state = SqliteState(probe / self._path.name)
            try:
                found = _rows(state)
            finally:
                state.close()
        except StateError:
            return
        finally:
            shutil.rmtree(probe)
        if found != written[: len(found)]:
            text = f"{len(found)} rows are read, and are not the first that were written"
            raise Violation("a torn journal never lies", text)

    def close(self) -> None:
        """See :meth:`Disk.close`."""
        if self._state is not None:
            self._state.close()
            self._state = None


def _rows(state: StatePort) -> list[tuple[str, str]]:
    return [(stored.record.kind, stored.record.body) for stored in state.read()]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _cut(log: Path, size: int) -> None:
    if log.exists():
        with log.open("r+b") as file:
            file.truncate(size)
