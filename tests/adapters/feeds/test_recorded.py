"""Recorded market data beside the repository, where it is present."""

from pathlib import Path

import pytest
from tidegate.adapters.feeds import (
    BarSchema,
    CsvFeed,
    FundingSchema,
    MarkSchema,
    MergedFeed,
    QuoteBarSchema,
    VolumeUnit,
)
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import FundingPoint, MarkPoint, QuotePoint

from tests.adapters.feeds.files import HOUR_MS, MINUTE_MS, RECORDED

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="no recorded market data beside the repository (shared/data)"
)
BTC, XRP = Symbol("BTCUSDT"), Symbol("XRPUSDT")


def recorded(name: str) -> Path:
    return RECORDED / f"{name}.csv.gz"


def test_a_month_of_minutes_has_no_gap() -> None:
    schema = BarSchema(volume_unit=VolumeUnit.QUOTE)
    feed = CsvFeed(recorded("btcusd-perp-1m-2022-01"), symbol=BTC, schema=schema)
    assert len(feed) == 45_031
    assert feed.gaps() == ()
    # 1640991660000,46319.0,46385.0,46319.0,46377.0,2300413.7295: 2300413.7295 / 46377 = 49.6024...
    first = next(feed.items())
    assert isinstance(first, Bar)
    assert str(first.volume).startswith("49.602")


def test_quote_bars_of_half_a_day_skip_the_minutes_without_a_change() -> None:
    path = recorded("bybit-btcusdt-perp-1m-quote-2022-12-13")
    quotes = [
        item
        for item in CsvFeed(path, symbol=BTC, schema=QuoteBarSchema()).items()
        if isinstance(item, QuotePoint)
    ]
    assert len(quotes) == 460
    assert quotes[0].time_ms == 1_670_889_600_000 + MINUTE_MS
    assert (str(quotes[0].bid), str(quotes[0].ask)) == ("17199.0", "17199.5")
    assert (str(quotes[0].bid_size), str(quotes[0].ask_size)) == ("135.724", "17.697")


def test_trade_bars_and_quotes_merge_by_the_time_they_were_known() -> None:
    bars = CsvFeed(recorded("bybit-btcusdt-perp-1m-trade-2022-12-13"), symbol=BTC)
    path = recorded("bybit-btcusdt-perp-1m-quote-2022-12-13")
    feed = MergedFeed([CsvFeed(path, symbol=BTC, schema=QuoteBarSchema()), bars])
    first, second = list(feed.items())[:2]
    assert isinstance(first, Bar)
    assert isinstance(second, QuotePoint)
    assert first.end_ms == second.time_ms
    assert len(feed) == len(bars) + 460


def test_bars_marks_and_funding_of_one_market_run_as_one_feed() -> None:
    bars = CsvFeed(recorded("xrpusdt-perp-5m-2021-11"), symbol=XRP)
    marks = CsvFeed(recorded("xrpusdt-perp-mark-8h-2021-11"), symbol=XRP, schema=MarkSchema())
    funding = CsvFeed(
        recorded("xrpusdt-perp-funding-8h-2021-11"), symbol=XRP, schema=FundingSchema()
    )
    feed = MergedFeed([bars, marks, funding])
    assert (len(bars), len(marks), len(funding)) == (1999, 91, 91)
    items = list(feed.items())
    assert len(items) == 2181
    # 2021-11-18 00:00: the mark opens at 1.0959, funding is settled 17 ms later, before the bar
    # that started at midnight ends.
    at = next(i for i, item in enumerate(items) if isinstance(item, FundingPoint))
    before, mark, settled, after = items[at - 2 : at + 2]
    midnight = 1_637_193_600_000
    assert isinstance(before, Bar)
    assert before.end_ms == midnight
    assert isinstance(mark, MarkPoint)
    assert (mark.time_ms, str(mark.mark)) == (midnight, "1.0959")
    assert isinstance(settled, FundingPoint)
    assert (settled.time_ms, str(settled.rate)) == (midnight + 17, "0.0001")
    assert isinstance(after, Bar)
    assert after.start_ms == midnight
    assert midnight % (8 * HOUR_MS) == 0
