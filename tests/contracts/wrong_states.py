"""State adapters and benches with one planted fault each, and the case that must catch it."""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.sqlite import SqliteState
from tidegate.contracts.state_bench import StateAbility, StateBench
from tidegate.ports.state import (
    NewerFormat,
    Record,
    Snapshot,
    StateCorrupt,
    StatePort,
    StoredRecord,
    VersionConflict,
)

from tests.contracts.state_benches import MemoryBench, SqliteBench

__all__ = ["CAUGHT_BY", "make_disk"]


class DropsTheLastRecord(SqliteState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        kept = records[:-1] if len(records) > 1 else records
        return super().append(kept, expected_version=expected_version, durable=durable)


class IgnoresTheExpectedVersion(SqliteState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        del expected_version
        return super().append(records, expected_version=self.version(), durable=durable)


class ChecksAndThenWrites(SqliteState):
    """Checks the version in one step and writes in another, as without a transaction."""

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        actual = self.version()
        if actual != expected_version:
            raise VersionConflict(expected=expected_version, actual=actual)
        time.sleep(0.002)
        while True:
            try:
                return super().append(records, expected_version=self.version(), durable=durable)
            except VersionConflict:
                continue


class AppendsOneByOne(SqliteState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if not records:
            return super().append(records, expected_version=expected_version, durable=durable)
        for version, record in enumerate(records, expected_version):
            super().append([record], expected_version=version, durable=durable)
        return expected_version + len(records)


class ReordersABatch(SqliteState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        return super().append(records[::-1], expected_version=expected_version, durable=durable)


class BuffersUntilDurable(SqliteState):
    """Acknowledges at once and writes at the next durable append, or at close."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._buffer: list[Record] = []

    def version(self) -> int:
        return super().version() + len(self._buffer)

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if expected_version != self.version():
            raise VersionConflict(expected=expected_version, actual=self.version())
        self._buffer.extend(records)
        if durable:
            self._flush()
        return self.version()

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        start = super().version() + 1
        late = [StoredRecord(version=v, record=r) for v, r in enumerate(self._buffer, start)]
        return itertools.chain(super().read(after_version=after_version), late)

    def _flush(self) -> None:
        records, self._buffer = self._buffer, []
        super().append(records, expected_version=super().version(), durable=True)


def _resetting(path: Path, refused: type[Exception]) -> StatePort:
    try:
        return SqliteState(path)
    except refused:
        path.unlink()
        return SqliteState(path)


def resets_a_newer_store(path: Path) -> StatePort:
    return _resetting(path, NewerFormat)


def resets_a_corrupt_store(path: Path) -> StatePort:
    return _resetting(path, StateCorrupt)


class TrimsText(SqliteState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        trimmed = [attrs.evolve(record, body=record.body.strip()) for record in records]
        return super().append(trimmed, expected_version=expected_version, durable=durable)


class LastSnapshotWins(MemoryState):
    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = None
        super().save_snapshot(snapshot)


class AcceptsAnySnapshot(MemoryState):
    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(attrs.evolve(snapshot, version=min(snapshot.version, self.version())))


class ReadsWhatComesLater(MemoryState):
    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        self.version()
        return itertools.islice(self._journal, after_version, None)


class LeaksDriverErrors(SqliteState):
    def load_snapshot(self) -> Snapshot | None:
        if self._connection is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return super().load_snapshot()


class NamesTheWrongVersion(MemoryState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        try:
            return super().append(records, expected_version=expected_version, durable=durable)
        except VersionConflict as error:
            raise VersionConflict(expected=error.actual, actual=error.expected) from error


class WritesBeforeItChecks(MemoryState):
    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        actual = super().version()
        super().append(records, expected_version=actual, durable=durable)
        if actual != expected_version:
            raise VersionConflict(expected=expected_version, actual=actual)
        return super().version()


@attrs.define
class Disk:
    """A disk with a cache: what is written survives the process, what is safe the power."""

    written: list[Record] = attrs.field(factory=list)
    safe_count: int = 0
    snapshot: Snapshot | None = None


class DiskState(MemoryState):
    """A right adapter on that disk, to show that the power cases can be passed."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        super().append(disk.written, expected_version=0, durable=False)
        self._snapshot = disk.snapshot
        self._disk = disk

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        version = super().append(records, expected_version=expected_version, durable=durable)
        self._disk.written.extend(records)
        if durable:
            self.make_safe(len(records))
        return version

    def make_safe(self, batch_size: int) -> None:
        del batch_size
        self._disk.safe_count = len(self._disk.written)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(snapshot)
        self._disk.snapshot = self.load_snapshot()


class ForgetsDurable(DiskState):
    def make_safe(self, batch_size: int) -> None:
        """Leave it all in the cache."""


class MakesOnlyItsOwnBatchSafe(DiskState):
    def make_safe(self, batch_size: int) -> None:
        if batch_size:
            super().make_safe(batch_size)


class DiskBench(MemoryBench):
    abilities = frozenset({StateAbility.PERSISTENCE, StateAbility.CRASH, StateAbility.POWER_LOSS})

    def __init__(self, adapter: Callable[[Disk], StatePort]) -> None:
        super().__init__()
        self._adapter = adapter
        self._disk = Disk()

    def make_state(self) -> StatePort:
        return self._adapter(self._disk)

    def crash(self) -> None:
        self.close()

    def lose_power(self) -> None:
        self.close()
        del self._disk.written[self._disk.safe_count :]
        self._disk.snapshot = None


class BenchThatClaimsToPersist(MemoryBench):
    abilities = frozenset({StateAbility.PERSISTENCE})


class BenchThatHidesItsPersistence(SqliteBench):
    abilities = SqliteBench.abilities - {StateAbility.PERSISTENCE}


class BenchThatHidesItsSharing(SqliteBench):
    abilities = SqliteBench.abilities - {StateAbility.SHARING}


class BenchThatCrashesInSecret(SqliteBench):
    abilities = SqliteBench.abilities - {StateAbility.CRASH}


def make_disk() -> StateBench:
    return DiskBench(DiskState)


def _sqlite(adapter: Callable[[Path], StatePort]) -> Callable[[], StateBench]:
    class Bench(SqliteBench):
        def adapter(self, path: Path) -> StatePort:
            return adapter(path)

    return Bench


def _memory(adapter: Callable[[], StatePort]) -> Callable[[], StateBench]:
    class Bench(MemoryBench):
        def make_state(self) -> StatePort:
            return adapter()

    return Bench


make_drops_last = _sqlite(DropsTheLastRecord)
make_ignores_expected = _sqlite(IgnoresTheExpectedVersion)
make_checks_then_writes = _sqlite(ChecksAndThenWrites)
make_one_by_one = _sqlite(AppendsOneByOne)
make_reorders = _sqlite(ReordersABatch)
make_buffers = _sqlite(BuffersUntilDurable)
make_resets_newer = _sqlite(resets_a_newer_store)
make_resets_corrupt = _sqlite(resets_a_corrupt_store)
make_trims = _sqlite(TrimsText)
make_leaks_errors = _sqlite(LeaksDriverErrors)
make_last_snapshot = _memory(LastSnapshotWins)
make_any_snapshot = _memory(AcceptsAnySnapshot)
make_reads_later = _memory(ReadsWhatComesLater)
make_names_wrong = _memory(NamesTheWrongVersion)
make_writes_first = _memory(WritesBeforeItChecks)
make_claims_persistence = BenchThatClaimsToPersist
make_hides_persistence = BenchThatHidesItsPersistence
make_hides_sharing = BenchThatHidesItsSharing
make_hides_crash = BenchThatCrashesInSecret


def make_forgets_durable() -> StateBench:
    return DiskBench(ForgetsDurable)


def make_own_batch_only() -> StateBench:
    return DiskBench(MakesOnlyItsOwnBatchSafe)


CAUGHT_BY = {
    "make_drops_last": "test_versions_count_from_one_without_a_gap",
    "make_ignores_expected": "test_a_conflict_writes_nothing_and_names_both_versions",
    "make_checks_then_writes": "test_exactly_one_thread_wins_each_version",
    "make_one_by_one": "test_an_append_is_all_or_nothing",
    "make_reorders": "test_order_is_kept",
    "make_buffers": "test_a_crash_after_an_append_loses_nothing",
    "make_resets_newer": "test_a_newer_store_is_refused_untouched",
    "make_resets_corrupt": "test_a_corrupt_store_is_refused_untouched",
    "make_trims": "test_text_comes_back_unchanged",
    "make_leaks_errors": "test_use_after_close_is_a_typed_error",
    "make_last_snapshot": "test_the_newest_snapshot_wins",
    "make_any_snapshot": "test_a_snapshot_beyond_the_journal_is_refused",
    "make_reads_later": "test_a_read_is_one_view",
    "make_names_wrong": "test_a_conflict_writes_nothing_and_names_both_versions",
    "make_writes_first": "test_a_conflict_writes_nothing_and_names_both_versions",
    "make_claims_persistence": "test_reopening_shows_everything_acknowledged",
    "make_hides_persistence": "test_a_store_that_does_not_persist_starts_empty",
    "make_hides_sharing": "test_a_store_that_is_not_shared_refuses_a_second_adapter",
    "make_hides_crash": "test_what_the_bench_does_not_declare_it_refuses",
    "make_forgets_durable": "test_a_power_cut_loses_nothing_up_to_the_last_durable_append",
    "make_own_batch_only": "test_an_empty_durable_append_saves_the_records_before_it",
}
