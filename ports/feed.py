"""Market data for a venue that replays it, and for the strategy that reads it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import attrs
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar

__all__ = ["Feed", "FeedError", "FeedItem", "FundingPoint", "MarkPoint", "QuotePoint", "TradePoint"]


class FeedError(Exception):
    """Market data that cannot be used; the message names the file, the row and what it expects."""


@attrs.frozen(kw_only=True)
class QuotePoint:
    """Best bid and ask with sizes in base coin."""

    symbol: Symbol
    time_ms: int
    bid: Price
    bid_size: Qty
    ask: Price
    ask_size: Qty


@attrs.frozen(kw_only=True)
class TradePoint:
    """One public trade; ``taker_side`` is ``None`` where the data does not tell."""

    symbol: Symbol
    time_ms: int
    price: Price
    qty: Qty
    taker_side: Side | None = None


@attrs.frozen(kw_only=True)
class MarkPoint:
    """The mark price at a time; without any, the last price is the mark."""

    symbol: Symbol
    time_ms: int
    mark: Price


@attrs.frozen(kw_only=True)
class FundingPoint:
    """The funding rate that is settled at a time; positive: longs pay."""

    symbol: Symbol
    time_ms: int
    rate: Rate


FeedItem = Bar | QuotePoint | TradePoint | MarkPoint | FundingPoint


class Feed(ABC):
    """A finite, ordered, repeatable sequence of market data."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of items."""

    @abstractmethod
    def items(self, *, start: int = 0) -> Iterator[FeedItem]:
        """Yield items from index ``start``, in ascending time."""
