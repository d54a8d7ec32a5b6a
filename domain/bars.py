"""Bars of any length that the venue has, made of shorter ones and of single prices.

Bars begin at multiples of their length in UTC, weeks on Monday. Between two bars none is left out:
where nothing traded a bar is flat at the last close (Bybit V5 market/kline).
"""

from collections.abc import Iterable, Iterator

import attrs

from .money import ZERO_QTY, Price, Qty
from .orders import Symbol
from .reports import Bar

__all__ = [
    "BARS_MAX",
    "BAR_SPANS_MS",
    "MINUTE_MS",
    "bar_start_ms",
    "check_span",
    "joined",
    "moment",
    "regrouped",
]

MINUTE_MS = 60_000
_DAY_MS = 1_440 * MINUTE_MS
_WEEK_MS = 7 * _DAY_MS
_FIRST_MONDAY_MS = 4 * _DAY_MS

BAR_SPANS_MS: tuple[int, ...] = (
    *(minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)),
    _DAY_MS,
    _WEEK_MS,
)
"""The lengths of bars that the venue has; months have no fixed length and are left out."""

BARS_MAX = 50_000
"""How many bars one answer may hold."""


def check_span(span_ms: int) -> None:
    """Raise ``ValueError`` for a length of bars that the venue does not have.

    Raises:
        ValueError: no such length; the text names those that there are.

    """
    if span_ms not in BAR_SPANS_MS:
        accepted = ", ".join(map(str, BAR_SPANS_MS))
        raise ValueError(f"bars of {span_ms} ms: accepted are {accepted}")


def bar_start_ms(time_ms: int, span_ms: int) -> int:
    """Return when the bar of ``span_ms`` that contains a time begins."""
    offset_ms = _FIRST_MONDAY_MS if span_ms == _WEEK_MS else 0
    return (time_ms - offset_ms) // span_ms * span_ms + offset_ms


def moment(symbol: Symbol, price: Price, qty: Qty, *, time_ms: int, span_ms: int) -> Bar:
    """Return the bar of a single price, with the quantity that traded at it."""
    start_ms = bar_start_ms(time_ms, span_ms)
    return Bar(
        symbol=symbol,
        start_ms=start_ms,
        end_ms=start_ms + span_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=qty,
    )


def joined(bar: Bar, later: Bar) -> Bar:
    """Return a bar with a later part of it; it keeps its own length."""
    return attrs.evolve(
        bar,
        high=max(bar.high, later.high),
        low=min(bar.low, later.low),
        close=later.close,
        volume=bar.volume + later.volume,
    )


def regrouped(
    rows: Iterable[Bar], *, span_ms: int, start_ms: int, end_ms: int, now_ms: int
) -> tuple[Bar, ...]:
    """Return the bars of ``span_ms`` that begin within the range, both ends included, ascending.

    ``rows`` ascend; those before the range only tell the price at which it begins. The last bar
    is the one that is open at ``now_ms``.

    Raises:
        ValueError: a row does not fit into one bar, or there are more than :data:`BARS_MAX`.

    """
    last_ms = min(end_ms, bar_start_ms(now_ms, span_ms))
    found: list[Bar] = []
    for bar in _filled(_grouped(rows, span_ms), start_ms=start_ms, last_ms=last_ms):
        if len(found) == BARS_MAX:
            raise ValueError(
                f"more than {BARS_MAX} bars of {span_ms} ms from {start_ms} to {end_ms}: ask for a "
                "shorter range or longer bars"
            )
        found.append(bar)
    return tuple(found)


def _grouped(rows: Iterable[Bar], span_ms: int) -> Iterator[Bar]:
    group: Bar | None = None
    for row in rows:
        begin_ms = bar_start_ms(row.start_ms, span_ms)
        if row.end_ms > begin_ms + span_ms:
            raise ValueError(
                f"bars of {span_ms} ms: {row.symbol} is known at {row.start_ms} in bars of "
                f"{row.end_ms - row.start_ms} ms; those, or multiples of them, can be had"
            )
        if group is not None and group.start_ms == begin_ms:
            group = joined(group, row)
            continue
        if group is not None:
            yield group
        group = attrs.evolve(row, start_ms=begin_ms, end_ms=begin_ms + span_ms)
    if group is not None:
        yield group


def _filled(bars: Iterable[Bar], *, start_ms: int, last_ms: int) -> Iterator[Bar]:
    """Yield bars that begin from ``start_ms`` to ``last_ms``, with flat ones in the gaps."""
    before: Bar | None = None
    for bar in bars:
        if before is not None:
            yield from _flat(before, start_ms=start_ms, until_ms=min(bar.start_ms - 1, last_ms))
        if start_ms <= bar.start_ms <= last_ms:
            yield bar
        before = bar
    if before is not None:
        yield from _flat(before, start_ms=start_ms, until_ms=last_ms)


def _flat(before: Bar, *, start_ms: int, until_ms: int) -> Iterator[Bar]:
    span_ms = before.end_ms - before.start_ms
    skipped = max(0, -((before.end_ms - start_ms) // span_ms)) if start_ms > before.end_ms else 0
    begin_ms = before.end_ms + skipped * span_ms
    while begin_ms <= until_ms:
        yield moment(before.symbol, before.close, ZERO_QTY, time_ms=begin_ms, span_ms=span_ms)
        begin_ms += span_ms
