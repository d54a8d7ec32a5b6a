"""Indicators over bars: average true range, Donchian channel and simple moving average.

Each is a pure function of the latest bars of a sequence in ascending time, the last one closed. A
sequence that is too short is an error, never a shorter average.
"""

from collections.abc import Sequence
from decimal import Decimal

import attrs

from .money import EXACT, ZERO, Distance, Price
from .reports import Bar

__all__ = ["Channel", "average_true_range", "donchian", "simple_average"]


def _latest(bars: Sequence[Bar], *, period: int, before: int = 0) -> Sequence[Bar]:
    """Return the last ``period`` bars and ``before`` earlier ones."""
    if period < 1:
        raise ValueError(f"period {period}: at least 1 bar is accepted")
    needed = period + before
    if len(bars) < needed:
        raise ValueError(f"period {period} needs {needed} bars, there are {len(bars)}")
    return bars[-needed:]


def average_true_range(bars: Sequence[Bar], period: int) -> Distance:
    """Return the simple mean of the true range of the last ``period`` bars, a price distance.

    The true range reaches from the lowest to the highest of high, low and the previous close, so
    ``period + 1`` bars are needed. Source: J. W. Wilder, "New Concepts in Technical Trading
    Systems", 1978, for the range; his smoothing is replaced by a plain mean, which needs no
    memory before the window.

    Raises:
        ValueError: the period is below 1, or there are too few bars.

    """
    window = _latest(bars, period=period, before=1)
    add, total = EXACT.add, ZERO
    close = window[0].close.value
    for bar in window[1:]:
        high, low = bar.high.value, bar.low.value
        top = max(close, high)
        bottom = min(close, low)
        total = add(total, EXACT.subtract(top, bottom))
        close = bar.close.value
    return Distance(EXACT.divide(total, Decimal(period)))


@attrs.frozen(kw_only=True)
class Channel:
    """The highest high and the lowest low of a window."""

    high: Price
    low: Price


def donchian(bars: Sequence[Bar], period: int) -> Channel:
    """Return the Donchian channel of the last ``period`` bars, the last one included.

    A breakout is judged against the channel of the bars before: pass ``bars[:-1]``.

    Raises:
        ValueError: the period is below 1, or there are too few bars.

    """
    window = _latest(bars, period=period)
    return Channel(
        high=Price(max(bar.high.value for bar in window)),
        low=Price(min(bar.low.value for bar in window)),
    )


def simple_average(bars: Sequence[Bar], period: int) -> Price:
    """Return the mean of the last ``period`` closes.

    Raises:
        ValueError: the period is below 1, or there are too few bars.

    """
    add, total = EXACT.add, ZERO
    for bar in _latest(bars, period=period):
        total = add(total, bar.close.value)
    return Price(EXACT.divide(total, Decimal(period)))
