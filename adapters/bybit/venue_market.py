"""Public market data of the Bybit venue: from the streams while fresh, over REST otherwise."""

from tidegate.domain.market import FundingRate, OrderBook, PublicTrade, check_count, check_depth
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import History, TimeRange

from .asked import asked
from .market import MarketQueries
from .streams.hub import StreamHub
from .streams.public import BOOK_DEPTH
from .venue_records import RecordsOfVenue

__all__ = ["MarketOfVenue"]


class MarketOfVenue(RecordsOfVenue):
    """What the market does. Books and trades that are watched need no request while fresh."""

    market: MarketQueries
    _hub: StreamHub

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        """See :meth:`ExchangePort.order_book`; the stream keeps fifty levels of a watched book."""
        check_depth(depth)
        kept = self._hub.book(symbol) if depth <= BOOK_DEPTH else None
        if kept is None or not kept.is_fresh:
            return asked(lambda: self.market.order_book(symbol, depth))
        return OrderBook(
            symbol=symbol,
            bids=kept.value.bids[:depth],
            asks=kept.value.asks[:depth],
            time_ms=kept.time_ms,
        )

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        """See :meth:`ExchangePort.recent_trades`."""
        check_count(count)
        kept = self._hub.trades(symbol)
        if kept is None or not kept.is_fresh or len(kept.value) < count:
            return asked(lambda: self.market.recent_trades(symbol, count))
        return kept.value[-count:]

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """See :meth:`ExchangePort.bars`; the venue keeps all since the symbol was listed."""
        return asked(lambda: self.market.bars(symbol, interval_ms, within, by))

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """See :meth:`ExchangePort.funding_rate`."""
        return asked(lambda: self.market.funding_rate(symbol))

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """See :meth:`ExchangePort.funding_rates`; the venue keeps all since it was listed."""
        return asked(lambda: self.market.funding_rates(symbol, within))
