"""Two clients in turn, in short batches: how long a call takes, and what it costs the process.

Wall time is the median call of a batch. A shared machine disturbs the two estimates of a ratio in
different ways: neighbouring batches met the same noise, and the best batches the least. A client
that has really become slow shows in both, so the lower one decides. The processor time of this
process stands beside them.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import attrs

__all__ = ["Batch", "Comparison", "interleaved", "timed"]


@attrs.frozen(kw_only=True)
class Batch:
    """Some calls of one side: the median call's time, and the processor time of an average one."""

    wall_us: float
    cpu_us: float


@attrs.frozen(kw_only=True)
class Comparison:
    """The batches of both sides, in pairs of neighbours."""

    name: str
    ours: Sequence[Batch]
    theirs: Sequence[Batch]

    @property
    def ratio(self) -> float:
        """The lower one of both estimates."""
        return min(self.neighbours_ratio, self.best_ratio)

    @property
    def neighbours_ratio(self) -> float:
        """The median of the ratios of neighbours, by wall time."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return statistics.median(mine.wall_us / other.wall_us for mine, other in pairs)

    @property
    def best_ratio(self) -> float:
        """The best batch of ours to the best of theirs, by wall time."""
        return self.ours_us / self.theirs_us

    @property
    def cpu_ratio(self) -> float:
        """The best batch of ours to the best of theirs, by processor time of this process."""
        return self.ours_cpu_us / self.theirs_cpu_us

    @property
    def ours_us(self) -> float:
        """Wall time of our call."""
        return min(batch.wall_us for batch in self.ours)

    @property
    def theirs_us(self) -> float:
        """Wall time of theirs."""
        return min(batch.wall_us for batch in self.theirs)

    @property
    def ours_cpu_us(self) -> float:
        """Processor time of our call."""
        return min(batch.cpu_us for batch in self.ours)

    @property
    def theirs_cpu_us(self) -> float:
        """Processor time of theirs."""
        return min(batch.cpu_us for batch in self.theirs)

    def __str__(self) -> str:
        return (
            f"{self.name}: neighbours {self.neighbours_ratio:.3f}; best batches "
            f"{self.ours_us:.1f} / {self.theirs_us:.1f} us = {self.best_ratio:.3f}; processor "
            f"{self.ours_cpu_us:.1f} / {self.theirs_cpu_us:.1f} us = {self.cpu_ratio:.3f}"
        )


def interleaved(
    name: str, ours: Callable[[], Batch], theirs: Callable[[], Batch], *, pairs: int
) -> Comparison:
    """Run both in turn, once to warm up and ``pairs`` times to measure."""
    ours()
    theirs()
    batches = [(ours(), theirs()) for _ in range(pairs)]
    mine, other = zip(*batches, strict=True)
    return Comparison(name=name, ours=mine, theirs=other)


def timed(act: Callable[[], bool | None], *, calls: int) -> Batch:
    """Make ``calls`` calls and time each; one that returns ``False`` is left out of the median."""
    walls = []
    began_cpu_ns = time.process_time_ns()
    for _ in range(calls):
        began_ns = time.perf_counter_ns()
        counts = act() is not False
        if counts:
            walls.append(time.perf_counter_ns() - began_ns)
    cpu_ns = time.process_time_ns() - began_cpu_ns
    return Batch(wall_us=statistics.median(walls) / 1_000, cpu_us=cpu_ns / calls / 1_000)
