"""The paper venue: a simulated Bybit linear venue that matches against real market data."""

from .config import PaperConfig, PathRule
from .store import PaperStore, StoreOfAnother
from .venue import PaperVenue

__all__ = ["PaperConfig", "PaperStore", "PaperVenue", "PathRule", "StoreOfAnother"]
