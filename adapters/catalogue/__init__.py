"""Instrument specifications for work without a venue: the ones that ship and a user's own."""

from .errors import CatalogueError
from .shipped import BTCUSDT, BTCUSDT_DEMO, NON_VIP_FEES, SHIPPED, instrument
from .toml_file import load_instruments

__all__ = [
    "BTCUSDT",
    "BTCUSDT_DEMO",
    "NON_VIP_FEES",
    "SHIPPED",
    "CatalogueError",
    "instrument",
    "load_instruments",
]
