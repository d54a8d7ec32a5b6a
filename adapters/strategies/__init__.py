"""The shipped strategy and the loading of a user's own."""

from .donchian import DonchianBreakout
from .errors import StrategyError
from .loading import load_strategy

__all__ = ["DonchianBreakout", "StrategyError", "load_strategy"]
