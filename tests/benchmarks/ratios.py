"""Speed as a ratio within one run: two pieces of work in turn, compared pair by pair.

A shared, noisy machine has no say in a ratio of neighbours, and the median forgives outliers.
"""

import statistics
import time
from collections.abc import Callable

__all__ = ["median_ratio"]


def median_ratio(ours: Callable[[], object], other: Callable[[], object], *, pairs: int) -> float:
    """Return the median of (time of ``ours`` / time of ``other``) over interleaved pairs."""
    ratios = []
    for _ in range(pairs):
        ratios.append(_seconds(ours) / _seconds(other))
    return statistics.median(ratios)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
