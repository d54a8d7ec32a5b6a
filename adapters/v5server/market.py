"""Public market data of the venue: what ``/v5/market/*`` answers and the public stream pushes.

A fold of the items that drive the simulated venue and of the tickers that it makes of them. Beyond
the best level the displayed book is synthetic (see ``market_book``). Candles close when a later
price comes or when time is advanced, not by the wall clock.
"""

import enum
from collections.abc import Callable, Mapping, Sequence

from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Ticker
from tidegate.ports.feed import FeedItem

from .market_book import DEPTHS, Ladder
from .market_klines import INTERVALS, Kline
from .market_pushes import PublicPush, kline_push, liquidation_push, price_limit_push
from .market_symbol import SymbolMarket
from .market_text import price_text, text

__all__ = ["Market", "MarketMissing", "PriceKind"]

Listener = Callable[[PublicPush], None]

_PREMIUM = "0"


def _everything(_: str) -> bool:
    return True


class MarketMissing(LookupError):
    """A symbol that is not traded here, or one that has no price yet."""


class PriceKind(enum.Enum):
    """Which price a candle is made of; the data has no index, so it is the mark."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"
    PREMIUM = "premium"


class Market:
    """The public side of every symbol. All calls happen on one thread.

    Changes of the book are told at once; with ``is_book_held`` they wait for :meth:`tell_books`,
    which a timer calls, as the venue's push intervals do. ``wants`` tells for which topics messages
    are made: those that somebody listens to, where that is known.

    Raises:
        MarketMissing: the symbol is not traded here, or has no price yet.

    """

    def __init__(self, instruments: Mapping[Symbol, Instrument], now_ms: Callable[[], int]) -> None:
        self.wants: Callable[[str], bool] = _everything
        self._symbols = {
            symbol: self._opened(instrument) for symbol, instrument in instruments.items()
        }
        self._now_ms = now_ms
        self._listeners: list[Listener] = []
        self.is_book_held = False

    def _opened(self, instrument: Instrument) -> SymbolMarket:
        return SymbolMarket(instrument=instrument, wants=self._is_wanted)

    def _is_wanted(self, topic: str) -> bool:
        return self.wants(topic)

    # Driving

    def fold(self, item: FeedItem, ticker: Ticker | None = None) -> None:
        """Take over one item, and the prices that the venue showed after it."""
        market = self._of(item.symbol)
        ts = self._now_ms()
        self._tell(market.fold(item, ticker, ts))
        if not self.is_book_held:
            self._tell(market.book_pushes(ts))

    def reprice(self, ticker: Ticker) -> None:
        """Take over prices that changed without an item, such as an index that was set."""
        market, ts = self._of(ticker.symbol), self._now_ms()
        self._tell(market.reprice(ticker, ts))
        if not self.is_book_held:
            self._tell(market.book_pushes(ts))

    def roll(self, now_ms: int) -> None:
        """Close the candles that ended before ``now_ms``."""
        for market in self._symbols.values():
            self._tell(market.roll(now_ms, self._now_ms()))

    def set_book(self, symbol: Symbol, ladder: Ladder) -> None:
        """Show this book until the next price."""
        market = self._of(symbol)
        market.seq += 1
        market.ladder = ladder
        if not self.is_book_held:
            self._tell(market.book_pushes(self._now_ms()))

    def set_instrument(self, instrument: Instrument) -> None:
        """Take over a changed specification; a new symbol begins without a price."""
        known = self._symbols.get(instrument.symbol)
        if known is None:
            self._symbols[instrument.symbol] = self._opened(instrument)
            return
        known.instrument = instrument
        for depth in known.depths.values():
            depth.tick = instrument.tick

    def liquidated(self, symbol: Symbol, side: Side, qty: Qty, price: Price, time_ms: int) -> None:
        """Tell that a position of ``side`` was taken over at its bankruptcy price."""
        instrument = self._of(symbol).instrument
        rows = [(side, qty, price, time_ms)]
        self._tell([liquidation_push(instrument, rows, self._now_ms())])

    def tell_books(self) -> None:
        """Tell what changed in the books since they were told last."""
        for market in self._symbols.values():
            self._tell(market.book_pushes(self._now_ms()))

    def repeat_best(self, quiet_ms: int) -> None:
        """Send level 1 again where it was not sent for ``quiet_ms``, under the same ``u``."""
        now_ms = self._now_ms()
        for market in self._symbols.values():
            self._tell(market.best_again(now_ms, quiet_ms))

    def skip_update(self, symbol: Symbol, count: int = 1) -> None:
        """Lose ``count`` book messages: every depth's ``u`` goes on without them."""
        for depth in self._of(symbol).depths.values():
            depth.u += count

    def restart_books(self, symbol: Symbol) -> None:
        """Send every book as a snapshot with ``u`` = 1, as after a restart of the service."""
        for depth in self._of(symbol).depths.values():
            depth.u = 1
        self.resend_books(symbol)

    def resend_books(self, symbol: Symbol) -> None:
        """Send every book as a snapshot that replaces what a client holds."""
        market = self._of(symbol)
        market.book_pushes(self._now_ms())
        self._tell([market.book_snapshot(levels, self._now_ms()) for levels in DEPTHS])

    # The stream

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` every public message; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, pushes: Sequence[PublicPush]) -> None:
        for push in pushes:
            for listener in tuple(self._listeners):
                listener(push)

    def is_quoted(self, symbol: Symbol) -> bool:
        """Tell whether quotes set the best prices of a symbol; trades then leave them alone."""
        return self._of(symbol).is_quoted

    def has_topic(self, topic: str) -> bool:
        """Tell whether ``topic`` names a stream of a symbol that is traded here."""
        match topic.split("."):
            case ["orderbook", levels, symbol]:
                known = {str(depth) for depth in DEPTHS}
                return levels in known and Symbol(symbol) in self._symbols
            case ["kline", interval, symbol]:
                return interval in INTERVALS and Symbol(symbol) in self._symbols
            case ["publicTrade" | "tickers" | "allLiquidation" | "priceLimit", symbol]:
                return Symbol(symbol) in self._symbols
            case _:
                return False

    def snapshot(self, topic: str) -> PublicPush | None:
        """Return what a new subscriber of ``topic`` is told first; ``None`` for nothing."""
        name, *middle, symbol = topic.split(".")
        market, ts = self._of(Symbol(symbol)), self._now_ms()
        if market.ticker is None:
            return None
        match name:
            case "orderbook":
                return market.book_snapshot(int(middle[0]), ts)
            case "tickers":
                return market.ticker_snapshot(ts)
            case "kline":
                kline = market.last_klines[middle[0]].open_one
                if kline is None:
                    return None
                return kline_push(market.instrument, middle[0], kline, is_closed=False, ts=ts)
            case "priceLimit":
                return price_limit_push(symbol, market.limits(), ts)
            case _:
                return None

    # Queries of REST

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol that has a price, in order."""
        return tuple(
            symbol for symbol, market in sorted(self._symbols.items()) if market.ticker is not None
        )

    def orderbook(self, symbol: Symbol, depth: int) -> dict[str, object]:
        """Return the result of market/orderbook; its ``u`` is that of the deepest stream."""
        market = self._priced(symbol)
        deepest = market.depth(DEPTHS[-1])
        bids, asks = deepest.rows(depth)
        return {
            "s": symbol,
            "b": bids,
            "a": asks,
            "ts": self._now_ms(),
            "u": deepest.u,
            "seq": market.seq,
            "cts": market.time_ms,
        }

    def ticker_row(self, symbol: Symbol) -> dict[str, str]:
        """Return the row of market/tickers."""
        return {"symbol": symbol, **self._priced(symbol).fields()}

    def klines(
        self,
        symbol: Symbol,
        interval: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 200,
        kind: PriceKind = PriceKind.LAST,
    ) -> list[list[str]]:
        """Return rows of market/kline, newest first: seven columns, five for other prices.

        Raises:
            ValueError: there is no such interval; the text names those there are.

        """
        market = self._of(symbol)
        series = market.last_klines if kind is PriceKind.LAST else market.mark_klines
        if interval not in series:
            raise ValueError(f"interval {interval!r}: accepted are {', '.join(INTERVALS)}")
        found = series[interval].within(start_ms, end_ms, limit)
        return [self._kline_row(market, kline, kind) for kline in found]

    def _kline_row(self, market: SymbolMarket, kline: Kline, kind: PriceKind) -> list[str]:
        tick, start = market.instrument.tick, str(kline.start_ms)
        prices = (kline.open, kline.high, kline.low, kline.close)
        texts = [price_text(price, tick) for price in prices]
        match kind:
            case PriceKind.LAST:
                return [start, *texts, text(kline.volume), text(kline.turnover)]
            case PriceKind.MARK | PriceKind.INDEX:
                return [start, *texts]
            case PriceKind.PREMIUM:
                return [start, *[_PREMIUM] * len(texts)]

    def recent_trades(self, symbol: Symbol, limit: int = 500) -> list[dict[str, object]]:
        """Return rows of market/recent-trade, newest first."""
        market = self._of(symbol)
        newest = list(market.trades)[::-1][:limit]
        return [trade.row(market.instrument) for trade in newest]

    def funding_history(
        self,
        symbol: Symbol,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, str]]:
        """Return rows of market/funding/history, newest first."""
        rows = [
            {
                "symbol": symbol,
                "fundingRate": text(point.rate),
                "fundingRateTimestamp": str(point.time_ms),
            }
            for point in reversed(self._of(symbol).fundings)
            if (start_ms is None or point.time_ms >= start_ms)
            and (end_ms is None or point.time_ms <= end_ms)
        ]
        return rows[:limit]

    def price_limit(self, symbol: Symbol) -> dict[str, str]:
        """Return the result of market/price-limit."""
        limits = self._priced(symbol).limits()
        return {"symbol": symbol, **limits, "ts": str(self._now_ms())}

    def _of(self, symbol: Symbol) -> SymbolMarket:
        market = self._symbols.get(symbol)
        if market is None:
            known = ", ".join(sorted(self._symbols))
            raise MarketMissing(f"symbol {symbol} is not traded here; {known} is")
        return market

    def _priced(self, symbol: Symbol) -> SymbolMarket:
        market = self._of(symbol)
        if market.ticker is None:
            raise MarketMissing(f"symbol {symbol} has no price yet")
        return market
