"""The right adapter of Bybit, to be bent in one way."""

from typing import ClassVar

from .bybit_bench import WatchedVenue

__all__ = ["WrongAdapter"]


class WrongAdapter(WatchedVenue):
    """The adapter that trades, with one method written as in a hurry; ``case`` finds the fault."""

    case: ClassVar[str]
