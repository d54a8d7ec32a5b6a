"""One feed from several: bars, quotes, marks and funding of one or more symbols, by time."""

from collections.abc import Iterable, Sequence
from itertools import chain

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import Feed, FeedError, FeedItem, FundingPoint

from .stored import Gap, StoredFeed, item_order

__all__ = ["MergedFeed"]


class MergedFeed(StoredFeed):
    """The items of several feeds in the order in which they became known.

    A bar counts at its end, a point at its time; at one moment bars come first, then quotes,
    trades, marks and funding, so funding is settled at the mark of its moment and before the
    bar that starts there. Items that still tie keep the order of the feeds.

    Raises:
        FeedError: for bars of one symbol that overlap, and for two funding rates of one symbol
            at one time: each would count twice.

    """

    def __init__(self, feeds: Iterable[Feed]) -> None:
        sources = tuple(feeds)
        if not sources:
            raise FeedError("no feeds to merge; accepted: one or more")
        items = sorted(chain.from_iterable(feed.items() for feed in sources), key=item_order)
        _check_overlap(items)
        _check_funding(items)
        super().__init__(items, gaps=_gaps(sources))


def _check_overlap(items: Sequence[FeedItem]) -> None:
    last: dict[Symbol, Bar] = {}
    for bar in items:
        if not isinstance(bar, Bar):
            continue
        before = last.get(bar.symbol)
        if before is not None and bar.start_ms < before.end_ms:
            raise FeedError(
                f"merged feeds hold overlapping bars of {bar.symbol}: {before.start_ms} to "
                f"{before.end_ms} and {bar.start_ms} to {bar.end_ms}; accepted: each stretch of "
                "time once"
            )
        last[bar.symbol] = bar


def _check_funding(items: Sequence[FeedItem]) -> None:
    seen: set[tuple[Symbol, int]] = set()
    for item in items:
        if not isinstance(item, FundingPoint):
            continue
        if (item.symbol, item.time_ms) in seen:
            raise FeedError(
                f"merged feeds hold two funding rates of {item.symbol} at {item.time_ms}; "
                "accepted: one"
            )
        seen.add((item.symbol, item.time_ms))


def _gaps(sources: Sequence[Feed]) -> list[Gap]:
    gaps = chain.from_iterable(s.gaps() for s in sources if isinstance(s, StoredFeed))
    return sorted(gaps, key=lambda gap: gap.from_ms)
