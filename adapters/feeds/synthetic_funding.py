"""Funding at a fixed rate, for data that was recorded without it."""

from collections.abc import Iterator, Sequence

from tidegate.domain.money import ONE, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import Feed, FeedError, FeedItem, FundingPoint

from .stored import StoredFeed, item_order, known_ms

__all__ = ["SyntheticFunding"]

_DAY_MINUTES = 1440
_MINUTE_MS = 60_000


class SyntheticFunding(StoredFeed):
    """A feed's items with a made-up funding rate at each multiple of the interval.

    Every symbol of the feed is charged ``rate`` (a fraction of the position's value, positive:
    longs pay) at each whole multiple of ``interval_minutes`` since midnight UTC, after the start
    of its data and up to its end. The venue settles so every 480 minutes by default, at 00:00,
    08:00 and 16:00 UTC, and its rate rests at 0.0001, the interest component, while the perpetual
    trades near its index (Bybit V5, instruments-info ``fundingInterval``). Real rates differ.

    Raises:
        FeedError: for a rate of one or more, an interval that does not divide a day, and a feed
            that has funding of its own: it would be charged twice.

    """

    def __init__(self, feed: Feed, rate: Rate, interval_minutes: int) -> None:
        if abs(rate) >= ONE:
            raise FeedError(f"funding rate {rate}; accepted: a fraction between -1 and 1")
        if interval_minutes <= 0 or _DAY_MINUTES % interval_minutes:
            raise FeedError(
                f"funding interval of {interval_minutes} minutes; accepted: a number that "
                f"divides a day of {_DAY_MINUTES} minutes, such as 480, 240 or 60"
            )
        items = list(feed.items())
        points = list(_points(items, rate, interval_minutes * _MINUTE_MS))
        gaps = feed.gaps() if isinstance(feed, StoredFeed) else ()
        super().__init__(sorted([*items, *points], key=item_order), gaps=gaps)


def _points(items: Sequence[FeedItem], rate: Rate, interval_ms: int) -> Iterator[FundingPoint]:
    spans: dict[Symbol, tuple[int, int]] = {}
    for item in items:
        if isinstance(item, FundingPoint):
            raise FeedError(
                f"the feed has funding of its own ({item.symbol} at {item.time_ms}); accepted: "
                "a feed without any"
            )
        start_ms = item.start_ms if isinstance(item, Bar) else item.time_ms
        first_ms, _ = spans.get(item.symbol, (start_ms, start_ms))
        spans[item.symbol] = (first_ms, known_ms(item))
    for symbol, (first_ms, last_ms) in spans.items():
        # A stamp at the very start is left out: nothing can be held before the first item.
        stamp_first = (first_ms // interval_ms + 1) * interval_ms
        for time_ms in range(stamp_first, last_ms + 1, interval_ms):
            yield FundingPoint(symbol=symbol, time_ms=time_ms, rate=rate)
