"""Recorded market data as feeds: CSV and Parquet files, merged sources and the bundled bars."""

from .bundled import bundled_btcusd_hours
from .columns import (
    BarSchema,
    FundingSchema,
    MarkSchema,
    QuoteBarSchema,
    QuoteSchema,
    Schema,
    TimeForm,
    TradeSchema,
    VolumeUnit,
)
from .csv_feed import CsvFeed
from .merged_feed import MergedFeed
from .parquet_feed import ParquetFeed
from .stored import Gap, StoredFeed
from .synthetic_funding import SyntheticFunding

__all__ = [
    "BarSchema",
    "CsvFeed",
    "FundingSchema",
    "Gap",
    "MarkSchema",
    "MergedFeed",
    "ParquetFeed",
    "QuoteBarSchema",
    "QuoteSchema",
    "Schema",
    "StoredFeed",
    "SyntheticFunding",
    "TimeForm",
    "TradeSchema",
    "VolumeUnit",
    "bundled_btcusd_hours",
]
