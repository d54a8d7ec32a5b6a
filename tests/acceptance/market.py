"""Market data for the acceptance tests: recorded files where they are present, and made-up bars."""

from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.catalogue import BTCUSDT
from tidegate.adapters.feeds import (
    BarSchema,
    CsvFeed,
    FundingSchema,
    MarkSchema,
    MergedFeed,
    QuoteBarSchema,
    SyntheticFunding,
    VolumeUnit,
)
from tidegate.adapters.feeds.stored import StoredFeed
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import Feed

from .sessions import DEMO, HOUR_MS

__all__ = ["BTC_MONTH", "BYBIT", "XRP", "btc_month", "bybit_half_day", "made_up", "xrp_week"]

_DATA = Path(__file__).parents[3] / "shared" / "data"

BTC_MONTH = attrs.evolve(BTCUSDT, symbol=Symbol("BTCUSD-MONTH"), tick=Distance.of("1"))
"""BTCUSDT on the grid of the recorded month, whose prices are whole dollars."""
BYBIT = attrs.evolve(BTCUSDT, tick=Distance.of("0.50"), price_min=Price.of("0.50"))
"""BTCUSDT with the tick that it had in December 2022."""
XRP = attrs.evolve(
    BTCUSDT,
    symbol=Symbol("XRPUSDT"),
    base_coin="XRP",
    tick=Distance.of("0.0001"),
    price_min=Price.of("0.0001"),
    price_max=Price.of("199.9998"),
    qty_step=Qty.of("0.1"),
    qty_min=Qty.of("0.1"),
    qty_max_limit=Qty.of("5000000"),
    qty_max_market=Qty.of("1000000"),
)
"""A made-up XRP instrument on the grid of the recorded week."""


def _file(name: str) -> Path:
    path = _DATA / name
    if not path.exists():
        pytest.skip(f"recorded market data is absent: {name} is not in the folder shared/data")
    return path


def btc_month(bars: int | None = None) -> Feed:
    """Return one-minute bars of January 2022, volumes in contracts of one dollar, with funding."""
    feed = CsvFeed(
        _file("btcusd-perp-1m-2022-01.csv.gz"),
        symbol=BTC_MONTH.symbol,
        schema=BarSchema(volume_unit=VolumeUnit.CONTRACTS_USD),
    )
    head = StoredFeed(list(feed.items())[:bars])
    return SyntheticFunding(head, Rate.of("0.0001"), 480)


def bybit_half_day() -> Feed:
    """Return one-minute trade bars and closing quotes of twelve hours, merged by time."""
    bars = CsvFeed(_file("bybit-btcusdt-perp-1m-trade-2022-12-13.csv.gz"), symbol=BYBIT.symbol)
    quotes = CsvFeed(
        _file("bybit-btcusdt-perp-1m-quote-2022-12-13.csv.gz"),
        symbol=BYBIT.symbol,
        schema=QuoteBarSchema(bar_ms=60_000),
    )
    return MergedFeed([bars, quotes])


def xrp_week() -> Feed:
    """Return five-minute bars of a week with the recorded mark price and funding rates."""
    return MergedFeed(
        [
            CsvFeed(_file("xrpusdt-perp-5m-2021-11.csv.gz"), symbol=XRP.symbol),
            CsvFeed(
                _file("xrpusdt-perp-mark-8h-2021-11.csv.gz"),
                symbol=XRP.symbol,
                schema=MarkSchema(mark="open"),
            ),
            CsvFeed(
                _file("xrpusdt-perp-funding-8h-2021-11.csv.gz"),
                symbol=XRP.symbol,
                schema=FundingSchema(),
            ),
        ]
    )


def made_up(
    prices: Iterable[tuple[str, str, str, str]],
    *,
    volume: str = "400",
    symbol: Symbol = DEMO,
) -> Feed:
    """Return hourly bars from open, high, low and close."""
    return StoredFeed(
        [
            Bar(
                symbol=symbol,
                start_ms=HOUR_MS * (400_000 + number),
                end_ms=HOUR_MS * (400_001 + number),
                open=Price.of(open_),
                high=Price.of(high),
                low=Price.of(low),
                close=Price.of(close),
                volume=Qty.of(volume),
            )
            for number, (open_, high, low, close) in enumerate(prices)
        ]
    )
