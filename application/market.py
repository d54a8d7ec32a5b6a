"""The market as the desk knows it, or as the venue tells it when what is known is too old."""

from collections.abc import Callable
from typing import TypeVar

from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.market import BookLevel, FundingRate, OrderBook, PublicTrade
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar, Ticker
from tidegate.ports.clock import ClockPort
from tidegate.ports.desk_market import BestPrices, DataSource, Dated, DeskMarketPort, StaleData
from tidegate.ports.exchange import ExchangePort, History, TimeRange

from .specs import SpecCache

__all__ = ["MarketData"]

T = TypeVar("T")
U = TypeVar("U")


class MarketData(DeskMarketPort):
    """Market data of one venue. ``told`` returns the prices that the desk was told last.

    ``age_ms_max`` bounds the age of prices and books: it is the limit of the rule "market data
    fresh", so what is handed out here is what an order would be judged by.
    """

    def __init__(
        self,
        port: ExchangePort,
        *,
        clock: ClockPort,
        specs: SpecCache,
        told: Callable[[Symbol], Ticker | None],
        age_ms_max: int,
    ) -> None:
        self._port = port
        self._clock = clock
        self._specs = specs
        self._told = told
        self._age_ms_max = age_ms_max

    def ticker(self, symbol: Symbol) -> Dated[Ticker]:
        """See :meth:`DeskMarketPort.ticker`."""
        known = self._told(symbol)
        if known is not None and self._age_ms(known.time_ms) <= self._age_ms_max:
            return self._dated(known, known.time_ms, DataSource.TOLD)
        asked = self._port.ticker(symbol)
        return self._fresh(f"the ticker of {symbol}", asked, asked.time_ms)

    def price(self, symbol: Symbol, by: TriggerBy = TriggerBy.LAST) -> Dated[Price]:
        """See :meth:`DeskMarketPort.price`."""
        ticker = self.ticker(symbol)
        match by:
            case TriggerBy.LAST:
                return _part(ticker, ticker.value.last)
            case TriggerBy.MARK:
                return _part(ticker, ticker.value.mark)
            case TriggerBy.INDEX:
                return _part(ticker, ticker.value.index)

    def best(self, symbol: Symbol) -> Dated[BestPrices]:
        """See :meth:`DeskMarketPort.best`."""
        ticker = self.ticker(symbol)
        prices = ticker.value
        bid, ask = BookLevel(prices.bid, prices.bid_size), BookLevel(prices.ask, prices.ask_size)
        return _part(ticker, BestPrices(bid=bid, ask=ask))

    def order_book(self, symbol: Symbol, *, depth: int) -> Dated[OrderBook]:
        """See :meth:`DeskMarketPort.order_book`."""
        book = self._port.order_book(symbol, depth=depth)
        return self._fresh(f"the order book of {symbol}", book, book.time_ms)

    def recent_trades(
        self, symbol: Symbol, *, count: int, age_ms_max: int | None = None
    ) -> Dated[tuple[PublicTrade, ...]]:
        """See :meth:`DeskMarketPort.recent_trades`."""
        trades = self._port.recent_trades(symbol, count=count)
        time_ms = trades[-1].time_ms if trades else self._clock.now_ms()
        if age_ms_max is None:
            return self._dated(trades, time_ms, DataSource.ASKED)
        what = f"the last trade of {symbol}"
        return self._fresh(what, trades, time_ms, age_ms_max=age_ms_max)

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """See :meth:`DeskMarketPort.bars`."""
        found = self._port.bars(symbol, interval_ms=interval_ms, within=within, by=by)
        if found.rows:
            end_ms = found.rows[-1].end_ms
            missed_ms = min(self._clock.now_ms(), within.end_ms) - end_ms
            if missed_ms > self._age_ms_max:
                what = f"the last bar of {symbol}"
                raise StaleData(what, age_ms=missed_ms, age_ms_max=self._age_ms_max)
        return found

    def funding_rate(self, symbol: Symbol) -> Dated[FundingRate]:
        """See :meth:`DeskMarketPort.funding_rate`."""
        coming = self._port.funding_rate(symbol)
        late_ms = self._age_ms(coming.time_ms)
        if late_ms > self._age_ms_max:
            what = f"the coming funding rate of {symbol}"
            raise StaleData(what, age_ms=late_ms, age_ms_max=self._age_ms_max)
        return self._dated(coming, self._clock.now_ms(), DataSource.ASKED)

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """See :meth:`DeskMarketPort.funding_rates`."""
        return self._port.funding_rates(symbol, within)

    def instrument(self, symbol: Symbol) -> Dated[Instrument]:
        """See :meth:`DeskMarketPort.instrument`."""
        known = self._specs.known(symbol)
        return self._dated(known.spec, known.fetched_ms, DataSource.TOLD)

    def status(self, symbol: Symbol) -> Dated[InstrumentStatus]:
        """See :meth:`DeskMarketPort.status`."""
        instrument = self.instrument(symbol)
        return _part(instrument, instrument.value.status)

    def _age_ms(self, time_ms: int) -> int:
        """Return how long ago a time was; a venue's clock that is ahead makes nothing older."""
        return max(0, self._clock.now_ms() - time_ms)

    def _dated(self, value: T, time_ms: int, source: DataSource) -> Dated[T]:
        age_ms = self._age_ms(time_ms)
        return Dated(value=value, time_ms=time_ms, age_ms=age_ms, source=source)

    def _fresh(
        self, what: str, value: T, time_ms: int, *, age_ms_max: int | None = None
    ) -> Dated[T]:
        """Date what the venue was asked for, unless even that is too old."""
        limit_ms = self._age_ms_max if age_ms_max is None else age_ms_max
        found = self._dated(value, time_ms, DataSource.ASKED)
        if found.age_ms > limit_ms:
            raise StaleData(what, age_ms=found.age_ms, age_ms_max=limit_ms)
        return found


def _part(whole: Dated[T], value: U) -> Dated[U]:
    return Dated(value=value, time_ms=whole.time_ms, age_ms=whole.age_ms, source=whole.source)
