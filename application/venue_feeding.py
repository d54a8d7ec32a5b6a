"""Recorded market data told again at another time and pace, as points that happen now.

A bar becomes four trades, spread over its time: open, the extreme against its direction, the other
one, close; prices are put on the tick grid. Nothing of an item carries its own time any more: it is
stamped when it happens.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

import attrs
from tidegate.domain.grid import price_down, qty_down
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Qty
from tidegate.domain.reports import Bar
from tidegate.ports.feed import Feed, FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

__all__ = ["Point", "due_s", "points_of", "stamped"]

Point = QuotePoint | TradePoint | MarkPoint | FundingPoint
_POINTS = 4


def points_of(feed: Feed, spec: Instrument) -> Iterator[Point]:
    """Yield the items of a feed as points, in the order of their recorded times."""
    for item in feed.items():
        yield from _points(item, spec)


def _points(item: FeedItem, spec: Instrument) -> Iterator[Point]:
    match item:
        case Bar():
            yield from _trades(item, spec)
        case QuotePoint() | TradePoint() | MarkPoint() | FundingPoint():
            yield item
        case _:
            assert_never(item)


def _trades(bar: Bar, spec: Instrument) -> Iterator[TradePoint]:
    is_rising = bar.close >= bar.open
    extremes = (bar.low, bar.high) if is_rising else (bar.high, bar.low)
    share = qty_down(Qty(bar.volume.value / Decimal(_POINTS)), spec.qty_step)
    size = max(share, spec.qty_step)
    span_ms = bar.end_ms - bar.start_ms
    for number, price in enumerate((bar.open, *extremes, bar.close)):
        at_ms = bar.start_ms + span_ms * number // (_POINTS - 1)
        shown = price_down(price, spec.tick)
        yield TradePoint(symbol=bar.symbol, time_ms=at_ms, price=shown, qty=size)


def due_s(first_ms: int, time_ms: int, speed: Decimal) -> Decimal:
    """Return how many seconds after the first point one is due; a speed of 0 waits for nothing."""
    if speed == 0:
        return Decimal(0)
    return Decimal(time_ms - first_ms) / 1_000 / speed


def stamped(point: Point, now_ms: int) -> Point:
    """Return the point as one that happens now."""
    return attrs.evolve(point, time_ms=now_ms)
