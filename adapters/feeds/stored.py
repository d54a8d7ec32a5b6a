"""A feed held in memory, and the order in which items of several kinds follow each other."""

from collections.abc import Iterator, Sequence

import attrs
from tidegate.domain.reports import Bar
from tidegate.ports.feed import Feed, FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

__all__ = ["Gap", "StoredFeed", "item_order", "known_ms"]


@attrs.frozen(kw_only=True)
class Gap:
    """A stretch without bars: from the end of one bar to the start of the next, in UTC ms."""

    from_ms: int
    until_ms: int
    bars_missing: int


class StoredFeed(Feed):
    """Items in memory, so that reading can start anywhere at no cost."""

    def __init__(self, items: Sequence[FeedItem], *, gaps: Sequence[Gap] = ()) -> None:
        self._items = tuple(items)
        self._gaps = tuple(gaps)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def items(self, *, start: int = 0) -> Iterator[FeedItem]:
        """Yield items from index ``start``, in ascending time; none when it is the length.

        Raises:
            ValueError: for a start outside 0 to the length: a position of some other feed.

        """
        if not 0 <= start <= len(self._items):
            raise ValueError(f"start {start} of a feed; accepted: 0 to {len(self._items)}")
        return map(self._items.__getitem__, range(start, len(self._items)))

    def gaps(self) -> tuple[Gap, ...]:
        """Return the stretches without bars; empty for data that does not come as trade bars."""
        return self._gaps


def known_ms(item: FeedItem) -> int:
    """Return when an item was known, in UTC milliseconds: a bar at its end, a point at its time."""
    return item.end_ms if isinstance(item, Bar) else item.time_ms


def item_order(item: FeedItem) -> tuple[int, int]:
    """Return the sort key of an item: when it was known, then its kind.

    At one moment a bar that ends comes first, then quotes and trades; the mark comes before the
    funding that is settled at it, and both before the bar that starts there.
    """
    match item:
        case Bar():
            return item.end_ms, 0
        case QuotePoint():
            return item.time_ms, 1
        case TradePoint():
            return item.time_ms, 2
        case MarkPoint():
            return item.time_ms, 3
        case FundingPoint():
            return item.time_ms, 4
