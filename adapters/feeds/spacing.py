"""The times of rows: their order, the length of a bar and what is missing between bars."""

import itertools
from collections.abc import Iterator, Sequence

from tidegate.ports.feed import FeedError

from .stored import Gap
from .table import Table

__all__ = ["bar_length", "gaps_between", "out_of_order"]


def bar_length(table: Table, starts: Sequence[tuple[int, int]], asked_ms: int | None) -> int:
    """Return the bar length in ms: the one asked for, else the smallest spacing of the starts.

    ``starts`` are pairs of row and start. Every spacing must be a whole number of bars.

    Raises:
        FeedError: for starts that do not ascend, a spacing that is no whole number of bars, and
            a single bar of unknown length.

    """
    spacings = [
        (row, start, start - before) for (_, before), (row, start) in itertools.pairwise(starts)
    ]
    for row, start, spacing in spacings:
        if spacing <= 0:
            raise out_of_order(table, row, start, start - spacing)
    if asked_ms is None and not spacings:
        raise FeedError(
            f"{table.name} has one row, so the length of its bar cannot be inferred; accepted: "
            "two rows or more, or a schema with bar_ms"
        )
    length = min(spacing for _, _, spacing in spacings) if asked_ms is None else asked_ms
    if length <= 0:
        raise FeedError(f"{table.name}: bar_ms {length}; accepted: a number above zero")
    for row, start, spacing in spacings:
        if spacing % length:
            raise FeedError(
                f"{table.name}, row {row}: time {start} lies {spacing} ms after the row before; "
                f"accepted: a whole number of bars of {length} ms"
            )
    return length


def out_of_order(table: Table, row: int, time_ms: int, before_ms: int) -> FeedError:
    """Build the error for a row that repeats or precedes the time of the row before."""
    if time_ms == before_ms:
        wrong, accepted = "repeats the time of", "each time once"
    else:
        wrong, accepted = "is earlier than", "rows in ascending time, oldest first"
    return FeedError(
        f"{table.name}, row {row}: time {time_ms} {wrong} the row before ({before_ms}); "
        f"accepted: {accepted}"
    )


def gaps_between(starts: Sequence[int], length: int) -> list[Gap]:
    """Return the stretches where one or more bars of ``length`` ms are missing."""
    return list(_gaps(starts, length))


def _gaps(starts: Sequence[int], length: int) -> Iterator[Gap]:
    for before, start in itertools.pairwise(starts):
        missing = (start - before) // length - 1
        if missing:
            yield Gap(from_ms=before + length, until_ms=start, bars_missing=missing)
