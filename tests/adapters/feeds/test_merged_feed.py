"""Several sources as one: in the order in which they became known."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.feeds import Gap, MergedFeed, StoredFeed, SyntheticFunding
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import (
    FeedError,
    FeedItem,
    FundingPoint,
    MarkPoint,
    QuotePoint,
    TradePoint,
)

from tests.adapters.feeds.files import HOUR_MS, MINUTE_MS, START_MS, SYMBOL, bar

OTHER = Symbol("XRPUSDT")
RATE = Rate.of("0.0001")


def mark(time_ms: int, symbol: Symbol = SYMBOL) -> MarkPoint:
    return MarkPoint(symbol=symbol, time_ms=time_ms, mark=Price.of(100))


def funding(time_ms: int, symbol: Symbol = SYMBOL) -> FundingPoint:
    return FundingPoint(symbol=symbol, time_ms=time_ms, rate=RATE)


def trade(time_ms: int) -> TradePoint:
    return TradePoint(symbol=SYMBOL, time_ms=time_ms, price=Price.of(100), qty=Qty.of(1))


def quote(time_ms: int) -> QuotePoint:
    return QuotePoint(
        symbol=SYMBOL,
        time_ms=time_ms,
        bid=Price.of(99),
        bid_size=Qty.of(1),
        ask=Price.of(101),
        ask_size=Qty.of(1),
    )


def merged(*feeds: Sequence[FeedItem]) -> list[FeedItem]:
    return list(MergedFeed([StoredFeed(items) for items in feeds]).items())


def test_a_bar_counts_at_its_end() -> None:
    half = START_MS + MINUTE_MS // 2
    assert merged([bar(0), bar(1)], [mark(half)]) == [mark(half), bar(0), bar(1)]


def test_at_one_moment_the_bar_that_ends_comes_first_and_funding_last() -> None:
    at = START_MS + MINUTE_MS
    assert merged([funding(at)], [mark(at)], [trade(at)], [quote(at)], [bar(0), bar(1)]) == [
        bar(0),
        quote(at),
        trade(at),
        mark(at),
        funding(at),
        bar(1),
    ]


def test_items_that_tie_keep_the_order_of_the_feeds() -> None:
    at = START_MS + MINUTE_MS
    assert merged([bar(0, symbol=OTHER)], [bar(0)]) == [bar(0, symbol=OTHER), bar(0)]
    assert merged([mark(at, OTHER)], [mark(at)]) == [mark(at, OTHER), mark(at)]


def test_a_merged_feed_has_the_gaps_of_its_sources_and_starts_anywhere() -> None:
    gap = Gap(from_ms=START_MS + MINUTE_MS, until_ms=START_MS + 2 * MINUTE_MS, bars_missing=1)
    feed = MergedFeed([StoredFeed([bar(0), bar(2)], gaps=[gap]), StoredFeed([mark(START_MS)])])
    assert feed.gaps() == (gap,)
    assert len(feed) == 3
    assert list(feed.items(start=1)) == [bar(0), bar(2)]


def test_bars_of_one_symbol_that_overlap_are_refused() -> None:
    with pytest.raises(FeedError, match=f"overlapping bars of BTCUSDT: {START_MS} to"):
        merged([bar(0)], [bar(0)])
    with pytest.raises(FeedError, match="overlapping bars"):
        merged([bar(0, minutes=5)], [bar(4)])
    assert len(merged([bar(0, minutes=5)], [bar(4, symbol=OTHER)], [bar(5)])) == 3


def test_funding_of_one_symbol_counts_once_at_a_time() -> None:
    with pytest.raises(FeedError, match=f"two funding rates of BTCUSDT at {START_MS}"):
        merged([funding(START_MS)], [funding(START_MS)])
    assert len(merged([funding(START_MS)], [funding(START_MS, OTHER)])) == 2


def test_merging_nothing_is_refused() -> None:
    with pytest.raises(FeedError, match="no feeds to merge"):
        MergedFeed([])


TIMES = st.lists(st.integers(START_MS, START_MS + 40 * MINUTE_MS), max_size=10)


@settings(deadline=None, max_examples=60)
@given(minutes=st.sets(st.integers(0, 40), max_size=20), trades=TIMES, marks=TIMES)
def test_merging_loses_nothing_and_ascends(
    minutes: set[int], trades: list[int], marks: list[int]
) -> None:
    feeds: list[list[FeedItem]] = [
        [bar(minute) for minute in sorted(minutes)],
        [trade(time_ms) for time_ms in sorted(trades)],
        [mark(time_ms) for time_ms in sorted(marks)],
    ]
    items = merged(*feeds)
    times = [item.end_ms if isinstance(item, Bar) else item.time_ms for item in items]
    assert times == sorted(times)
    kinds: list[type[FeedItem]] = [Bar, TradePoint, MarkPoint]
    for kind, feed in zip(kinds, feeds, strict=True):
        assert [item for item in items if isinstance(item, kind)] == feed


def hours(*starts: int, symbol: Symbol = SYMBOL) -> list[Bar]:
    return [bar(60 * hour, symbol=symbol, minutes=60) for hour in starts]


def stamps(items: Sequence[FeedItem]) -> list[str]:
    return [
        f"{datetime.fromtimestamp(item.time_ms / 1000, UTC):%d %H:%M}"
        for item in items
        if isinstance(item, FundingPoint)
    ]


def test_funding_is_settled_at_each_eight_hours_of_the_data() -> None:
    # 2022-01-01 00:00 to 2022-01-02 02:00; none at the very start
    items = list(SyntheticFunding(StoredFeed(hours(*range(26))), RATE, 480).items())
    assert stamps(items) == ["01 08:00", "01 16:00", "02 00:00"]
    assert items[8] == funding(START_MS + 8 * HOUR_MS)
    assert [item for item in items if isinstance(item, Bar)] == hours(*range(26))


def test_funding_at_the_end_of_a_bar_follows_it_and_precedes_the_next() -> None:
    before, after = hours(7, 8)
    feed = SyntheticFunding(StoredFeed([before, after]), RATE, 480)
    assert list(feed.items()) == [before, funding(START_MS + 8 * HOUR_MS), after]


def test_funding_ends_with_the_data_and_belongs_to_each_symbol() -> None:
    items = [*hours(7, 8), *hours(14, 15, symbol=OTHER)]
    feed = SyntheticFunding(StoredFeed(items), RATE, 480)
    assert [item for item in feed.items() if isinstance(item, FundingPoint)] == [
        funding(START_MS + 8 * HOUR_MS),
        funding(START_MS + 16 * HOUR_MS, OTHER),
    ]
    assert len(feed) == 6


@pytest.mark.parametrize(
    ("rate", "minutes", "message"),
    [
        ("1", 480, r"funding rate 1; accepted: a fraction"),
        ("-1.5", 480, r"funding rate -1\.5; accepted: a fraction"),
        ("0.0001", 0, "interval of 0 minutes; accepted: a number that divides a day"),
        ("0.0001", -480, "interval of -480 minutes; accepted"),
        ("0.0001", 7, "interval of 7 minutes; accepted"),
        ("0.0001", 2880, "interval of 2880 minutes; accepted"),
    ],
)
def test_funding_that_no_venue_settles_is_refused(rate: str, minutes: int, message: str) -> None:
    with pytest.raises(FeedError, match=message):
        SyntheticFunding(StoredFeed(hours(0, 1)), Rate.of(rate), minutes)


def test_funding_is_not_added_to_data_that_has_it() -> None:
    feed = StoredFeed([bar(0), funding(START_MS + MINUTE_MS)])
    with pytest.raises(FeedError, match="has funding of its own"):
        SyntheticFunding(feed, RATE, 480)
