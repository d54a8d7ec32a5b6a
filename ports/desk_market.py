"""Market data as a desk hands it out: every value with its venue time and age, never an old one."""

import enum
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import attrs
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.market import BookLevel, FundingRate, OrderBook, PublicTrade
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar, Ticker

from .exchange import History, TimeRange, VenueError

__all__ = ["BestPrices", "DataSource", "Dated", "DeskMarketPort", "StaleData"]

T = TypeVar("T")


class DataSource(enum.Enum):
    """Where a value comes from: what the desk was told last, or the venue, asked just now."""

    TOLD = "told"
    ASKED = "asked"


@attrs.frozen(kw_only=True)
class Dated(Generic[T]):
    """A value that is not stale: the venue's time of it, and its age then, in milliseconds."""

    value: T
    time_ms: int
    age_ms: int
    source: DataSource


@attrs.frozen(kw_only=True)
class BestPrices:
    """Best bid and ask with their sizes in base coin; a size may be zero."""

    bid: BookLevel
    ask: BookLevel


class StaleData(VenueError):
    """The newest value that could be had is older than is accepted; it is not handed out."""

    def __init__(self, what: str, *, age_ms: int, age_ms_max: int) -> None:
        super().__init__(
            f"{what} is {age_ms} ms old; at most {age_ms_max} ms is accepted, and the venue has "
            "none newer"
        )
        self.what = what
        self.age_ms = age_ms
        self.age_ms_max = age_ms_max


class DeskMarketPort(ABC):
    """Queries of the market. Any thread may call; none of them changes anything at the desk.

    Prices are those that the desk was told last while they are fresh, else the venue is asked.

    Raises:
        StaleData: what could be had is too old.
        NotSupported: the venue lacks the query.
        QueryFailed: the venue has no usable answer, or knows no such symbol.

    """

    @abstractmethod
    def ticker(self, symbol: Symbol) -> Dated[Ticker]:
        """Return all prices of one moment."""

    @abstractmethod
    def price(self, symbol: Symbol, by: TriggerBy = TriggerBy.LAST) -> Dated[Price]:
        """Return the last, mark or index price."""

    @abstractmethod
    def best(self, symbol: Symbol) -> Dated[BestPrices]:
        """Return best bid and ask with their sizes."""

    @abstractmethod
    def order_book(self, symbol: Symbol, *, depth: int) -> Dated[OrderBook]:
        """Return the best ``depth`` levels of each side, fewer where fewer rest."""

    @abstractmethod
    def recent_trades(
        self, symbol: Symbol, *, count: int, age_ms_max: int | None = None
    ) -> Dated[tuple[PublicTrade, ...]]:
        """Return the last trades, oldest first; their time is that of the newest.

        A market may be quiet: without ``age_ms_max`` no age is too old. Without any trade at all
        the time is now.
        """

    @abstractmethod
    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """Return the bars that begin within the range, ascending; the last one may be open.

        Where the range reaches to the present and the newest bar does not, it is ``StaleData``.
        """

    @abstractmethod
    def funding_rate(self, symbol: Symbol) -> Dated[FundingRate]:
        """Return the rate of the coming settlement, which must lie ahead."""

    @abstractmethod
    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """Return the settled rates within the range, ascending."""

    @abstractmethod
    def instrument(self, symbol: Symbol) -> Dated[Instrument]:
        """Return the specification, as fresh as the desk keeps it for its orders."""

    @abstractmethod
    def status(self, symbol: Symbol) -> Dated[InstrumentStatus]:
        """Return whether the symbol may be traded."""
