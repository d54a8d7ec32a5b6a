"""A market's public data as it happens, for a venue on this machine that trades against it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tidegate.domain.instrument import Instrument
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar, StreamReport, Ticker, UnreadableReport

from .outcomes import TimeRange

__all__ = ["LiveMarketPort", "MarketMessage"]

MarketMessage = Ticker | PublicTrade | FundingRate | StreamReport | UnreadableReport
"""What the stream tells. A ``FundingRate`` is the coming one, which moves until it is settled."""


class LiveMarketPort(ABC):
    """Prices, trades and funding of a real market. It knows no account and needs no key.

    Any thread may call.

    Raises:
        QueryFailed: a query had no usable answer.

    """

    @abstractmethod
    def now_ms(self) -> int:
        """Return the market's time in UTC milliseconds."""

    @abstractmethod
    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification: filters and risk tiers."""

    @abstractmethod
    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the present prices."""

    @abstractmethod
    def last_trade(self, symbol: Symbol) -> PublicTrade | None:
        """Return the last trade; ``None`` where there was none."""

    @abstractmethod
    def bars(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        """Return the bars that begin within the range, ascending; the last one may be open.

        Raises:
            ValueError: an interval that the market does not have.
            QueryFailed: there was no usable answer.

        """

    @abstractmethod
    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """Return the rate of the coming settlement, and when that is."""

    @abstractmethod
    def funding_rates(self, symbol: Symbol, within: TimeRange) -> tuple[FundingRate, ...]:
        """Return the rates that were settled within the range, ascending."""

    @abstractmethod
    def listen(self, symbol: Symbol, heard: Callable[[MarketMessage], None]) -> None:
        """Begin to tell ``heard`` of every price, trade, coming funding rate and outage.

        ``heard`` must neither block nor raise. What an outage swallowed is not told again.

        Raises:
            QueryFailed: the market refused to tell of this symbol.
            RuntimeError: it was closed.

        """

    @abstractmethod
    def wait_up(self, timeout_ms: int) -> bool:
        """Wait until the stream is up; where it is not in time it is told as down."""

    @abstractmethod
    def close(self) -> None:
        """End every connection; a second call is harmless."""
