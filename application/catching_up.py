"""What a market did while nobody watched it, as bars for the paper venue; pure.

The bar in which watching ended was seen in part: only what goes beyond the prices that were seen
happened in the unseen part of it.
"""

from collections.abc import Iterable, Iterator

import attrs
from tidegate.domain.bars import BAR_SPANS_MS, bar_start_ms
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import TimeRange

__all__ = ["BARS_READ_MAX", "span_for", "unseen", "unseen_range"]

BARS_READ_MAX = 5_000
"""How many bars an outage is read in at most; a longer one is read in longer bars."""


def span_for(gap_ms: int) -> int:
    """Return the shortest length of bars by which a gap is read, in milliseconds."""
    fitting = (span_ms for span_ms in BAR_SPANS_MS if gap_ms <= span_ms * BARS_READ_MAX)
    return next(fitting, BAR_SPANS_MS[-1])


def unseen_range(since_ms: int, now_ms: int) -> tuple[int, TimeRange]:
    """Return the length of the bars that tell of a gap, and the range in which they begin."""
    span_ms = span_for(now_ms - since_ms)
    return span_ms, TimeRange(start_ms=bar_start_ms(since_ms, span_ms), end_ms=now_ms)


def unseen(bars: Iterable[Bar], *, seen: Bar | None, since_ms: int, now_ms: int) -> tuple[Bar, ...]:
    """Return what of ``bars`` lies between two times, ascending.

    ``seen`` is what was seen of the bar that contains ``since_ms``; ``None`` where nothing traded
    in what was seen of it. Of that bar the rest begins at the last price that was seen. The open
    bar ends at ``now_ms``.
    """
    return tuple(_unseen(bars, seen, since_ms, now_ms))


def _unseen(bars: Iterable[Bar], seen: Bar | None, since_ms: int, now_ms: int) -> Iterator[Bar]:
    for bar in bars:
        part = attrs.evolve(bar, end_ms=min(bar.end_ms, now_ms))
        if part.start_ms < since_ms:
            part = attrs.evolve(_rest(part, seen), start_ms=since_ms)
        if part.start_ms < part.end_ms:
            yield part


def _rest(bar: Bar, seen: Bar | None) -> Bar:
    """Return what is left of a bar without what was seen of it."""
    if seen is None:
        return bar
    ends = seen.close, bar.close
    return attrs.evolve(
        bar,
        open=seen.close,
        high=bar.high if bar.high > seen.high else max(ends),
        low=bar.low if bar.low < seen.low else min(ends),
        volume=max(bar.volume - seen.volume, ZERO_QTY),
    )
