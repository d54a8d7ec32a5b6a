"""Public market data on demand, as a part of the exchange port.

Every value carries its venue time; how old it may be is the caller's matter. A venue that lacks a
query keeps the method of this class, which raises ``NotSupported``.
"""

from tidegate.domain.market import FundingRate, OrderBook, PublicTrade
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar

from .outcomes import Capability, History, NotSupported, TimeRange

__all__ = ["MarketDataPort"]


class MarketDataPort:
    """Queries of the public market. ``QueryFailed`` when there is no usable answer."""

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        """Return the best ``depth`` levels of each side, fewer where fewer rest.

        Raises:
            ValueError: a depth below one, or beyond what the venue gives; the text names the bound.
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.ORDER_BOOK)

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        """Return the last trades of the market, at most ``count``, oldest first.

        Raises:
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.RECENT_TRADES)

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """Return the bars that begin within the range, ascending; the last one may be open.

        ``by`` chooses last, mark or index prices; bars of the latter two have no volume (zero).

        Raises:
            ValueError: an interval that the venue does not have; the text names those it has.
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.BARS)

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """Return the rate of the coming settlement, and when that is.

        Raises:
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.FUNDING_RATES)

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """Return the settled rates within the range, ascending.

        Raises:
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.FUNDING_RATES)
