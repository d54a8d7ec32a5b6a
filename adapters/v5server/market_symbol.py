"""The public market of one symbol: a fold of its feed items and of the venue's tickers."""

from collections import deque
from collections.abc import Callable
from typing import assert_never

import attrs
from tidegate.domain.grid import price_down, price_up
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ONE, ZERO_QTY, ZERO_RATE, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import Bar, Ticker
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

from .market_book import DEPTHS, Depth, Ladder, synthetic
from .market_klines import INTERVALS, Kline, KlineSeries
from .market_pushes import (
    PublicPush,
    PublicTrade,
    book_push,
    kline_push,
    price_limit_push,
    ticker_push,
    trade_push,
)
from .market_text import price_text
from .market_tickers import DAY_MS, HOUR_MS, changed_fields, ticker_fields

__all__ = ["SymbolMarket"]

TRADES_MAX = 1_000
FUNDINGS_MAX = 1_000

Wants = Callable[[str], bool]

_UP, _SAME_UP, _DOWN, _SAME_DOWN = "PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick"


def _series() -> dict[str, KlineSeries]:
    return {interval: KlineSeries(interval) for interval in INTERVALS}


@attrs.define(kw_only=True)
class SymbolMarket:
    """What the public sees of one symbol. Every change gets the next ``seq``.

    Messages are made for the topics that somebody ``wants``; the others only keep up.
    """

    instrument: Instrument
    wants: Wants
    ticker: Ticker | None = None
    seq: int = 0
    time_ms: int = 0
    best_told_ms: int = 0
    is_quoted: bool = False
    direction: str = _SAME_UP
    ladder: Ladder = attrs.field(factory=Ladder)
    depths: dict[int, Depth] = attrs.field(init=False)
    trades: deque[PublicTrade] = attrs.field(factory=lambda: deque(maxlen=TRADES_MAX))
    fundings: deque[FundingPoint] = attrs.field(factory=lambda: deque(maxlen=FUNDINGS_MAX))
    last_klines: dict[str, KlineSeries] = attrs.field(factory=_series)
    mark_klines: dict[str, KlineSeries] = attrs.field(factory=_series)
    told: dict[str, str] = attrs.field(factory=dict)
    limits_told: dict[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        tick = self.instrument.tick
        self.depths = {levels: Depth(levels, tick) for levels in DEPTHS}

    def fold(self, item: FeedItem, ticker: Ticker | None, ts: int) -> list[PublicPush]:
        """Take over one item and the prices after it; return what changed, the book excepted."""
        self.seq += 1
        pushes = self._fold_item(item, ts)
        if ticker is not None:
            self._see(ticker)
        return [*pushes, *self._ticker_pushes(ts), *self._limit_pushes(ts)]

    def _fold_item(self, item: FeedItem, ts: int) -> list[PublicPush]:
        match item:
            case Bar():
                self.is_quoted = False
                return self._fold_bar(item, ts)
            case TradePoint():
                return self._fold_trade(item, ts)
            case QuotePoint() | MarkPoint():
                self.is_quoted |= isinstance(item, QuotePoint)
                self.time_ms = max(self.time_ms, item.time_ms)
                return []
            case FundingPoint():
                self.time_ms = max(self.time_ms, item.time_ms)
                self.fundings.append(item)
                return []
            case other:
                assert_never(other)

    def _fold_bar(self, bar: Bar, ts: int) -> list[PublicPush]:
        piece = Kline(
            start_ms=bar.start_ms,
            end_ms=bar.end_ms,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            turnover=bar.close * bar.volume,
            updated_ms=bar.end_ms,
        )
        trade = self._trade(bar.close, bar.volume, None, bar.end_ms)
        return [*self._trade_pushes(trade, ts), *self._add(piece, ts)]

    def _fold_trade(self, point: TradePoint, ts: int) -> list[PublicPush]:
        trade = self._trade(point.price, point.qty, point.taker_side, point.time_ms)
        piece = _moment(point.price, point.time_ms, qty=point.qty)
        return [*self._trade_pushes(trade, ts), *self._add(piece, ts)]

    def _trade_pushes(self, trade: PublicTrade, ts: int) -> list[PublicPush]:
        if not self.wants(f"publicTrade.{self.instrument.symbol}"):
            return []
        return [trade_push(trade, self.instrument, ts)]

    def _trade(self, price: Price, qty: Qty, side: Side | None, time_ms: int) -> PublicTrade:
        self.time_ms = max(self.time_ms, time_ms)
        before = self.trades[-1].price if self.trades else price
        self.direction = _tick_direction(before, price, self.direction)
        if side is None:
            side = Side.BUY if self.direction in (_UP, _SAME_UP) else Side.SELL
        trade = PublicTrade(
            time_ms=time_ms,
            side=side,
            price=price,
            qty=qty,
            direction=self.direction,
            seq=self.seq,
        )
        self.trades.append(trade)
        return trade

    def _add(self, piece: Kline, ts: int) -> list[PublicPush]:
        pushes = []
        for interval, series in self.last_klines.items():
            closed = series.add(piece)
            if self._wants_klines(interval):
                pushes += [
                    self._kline_push(interval, kline, ts, is_closed=True) for kline in closed
                ]
                assert series.open_one is not None, "a piece was added"
                pushes.append(self._kline_push(interval, series.open_one, ts, is_closed=False))
        return pushes

    def _wants_klines(self, interval: str) -> bool:
        return self.wants(f"kline.{interval}.{self.instrument.symbol}")

    def roll(self, now_ms: int, ts: int) -> list[PublicPush]:
        """Close the candles that ended before ``now_ms``."""
        self.time_ms = max(self.time_ms, now_ms)
        for series in self.mark_klines.values():
            series.roll(now_ms)
        return [
            self._kline_push(interval, closed, ts, is_closed=True)
            for interval, series in self.last_klines.items()
            for closed in series.roll(now_ms)
            if self._wants_klines(interval)
        ]

    def _kline_push(self, interval: str, kline: Kline, ts: int, *, is_closed: bool) -> PublicPush:
        return kline_push(self.instrument, interval, kline, is_closed=is_closed, ts=ts)

    def reprice(self, ticker: Ticker, ts: int) -> list[PublicPush]:
        """Take over prices that changed without an item of the feed; the book excepted."""
        self.seq += 1
        self._see(ticker)
        return [*self._ticker_pushes(ts), *self._limit_pushes(ts)]

    def _see(self, ticker: Ticker) -> None:
        is_new = self.ticker is None or _quotes(ticker) != _quotes(self.ticker)
        self.ticker = ticker
        piece = _moment(ticker.mark, max(self.time_ms, ticker.time_ms))
        for series in self.mark_klines.values():
            series.add(piece)
        if is_new:
            self.ladder = synthetic(ticker, self.instrument)

    # Tickers and price limits

    def fields(self) -> dict[str, str]:
        """Return the ticker's fields; needs a ticker."""
        assert self.ticker is not None, "asked for a ticker before the first price"
        now_ms = self.time_ms
        return ticker_fields(
            self.instrument,
            self.ticker,
            funding_rate=self.fundings[-1].rate if self.fundings else ZERO_RATE,
            day=self.last_klines["60"].since(now_ms - DAY_MS + 1),
            hour=self.last_klines["1"].since(now_ms - HOUR_MS + 1),
            now_ms=now_ms,
        )

    def _ticker_pushes(self, ts: int) -> list[PublicPush]:
        if self.ticker is None:
            return []
        if not self.wants(f"tickers.{self.instrument.symbol}"):
            self.told = {}
            return []
        fields = self._told_fields()
        changed, was_told = changed_fields(self.told, fields), bool(self.told)
        self.told = fields
        if not changed:
            return []
        kind = "delta" if was_told else "snapshot"
        return [ticker_push(self.instrument.symbol, kind, changed, self.seq, ts)]

    def _told_fields(self) -> dict[str, str]:
        return {**self.fields(), "tickDirection": self.direction}

    def ticker_snapshot(self, ts: int) -> PublicPush:
        """Return the whole ticker as its subscribers know it."""
        if not self.told:
            self.told = self._told_fields()
        return ticker_push(self.instrument.symbol, "snapshot", self.told, self.seq, ts)

    def limits(self) -> dict[str, str]:
        """Return the highest bid and the lowest ask that are allowed now, on the grid.

        With M the mark and I the index: ``min(M (1 + Y), max(I, M (1 + X)))`` and
        ``max(M (1 - Y), min(I, M (1 - X)))``, the venue's rule of 26 May 2026 with the average
        premium of the book taken as none.
        """
        assert self.ticker is not None, "asked for price limits before the first price"
        instrument, mark, index = self.instrument, self.ticker.mark, self.ticker.index
        x, y = instrument.price_band_x, instrument.price_band_y
        highest = min(_scaled(mark, ONE + y), max(index, _scaled(mark, ONE + x)))
        lowest = max(_scaled(mark, ONE - y), min(index, _scaled(mark, ONE - x)))
        tick = instrument.tick
        return {
            "buyLmt": price_text(price_down(highest, tick), tick),
            "sellLmt": price_text(price_up(lowest, tick), tick),
        }

    def _limit_pushes(self, ts: int) -> list[PublicPush]:
        if self.ticker is None or not self.wants(f"priceLimit.{self.instrument.symbol}"):
            return []
        limits = self.limits()
        if limits == self.limits_told:
            return []
        self.limits_told = limits
        return [price_limit_push(self.instrument.symbol, limits, ts)]

    # The book

    def book_pushes(self, ts: int) -> list[PublicPush]:
        """Bring wanted depths up to the book as it is; return the messages of those that changed.

        Level 1 comes as snapshots only, the others as deltas.
        """
        pushes = []
        for levels, depth in self.depths.items():
            if not self._wants_book(levels):
                continue
            changed = depth.update(self.ladder)
            if changed is not None:
                kind, rows = ("snapshot", depth.rows()) if levels == 1 else ("delta", changed)
                self.best_told_ms = ts if levels == 1 else self.best_told_ms
                numbers = (depth.u, self.seq, ts, self.time_ms)
                pushes.append(book_push(self.instrument.symbol, levels, kind, rows, numbers))
        return pushes

    def best_again(self, now_ms: int, quiet_ms: int) -> list[PublicPush]:
        """Return level 1 once more when it was not told for ``quiet_ms``."""
        if not self._wants_book(1) or now_ms - self.best_told_ms < quiet_ms:
            return []
        self.best_told_ms = now_ms
        return [self.book_snapshot(1, now_ms)]

    def _wants_book(self, levels: int) -> bool:
        return self.wants(f"orderbook.{levels}.{self.instrument.symbol}")

    def depth(self, levels: int) -> Depth:
        """Return one depth as its subscribers know it; without any, as the book is."""
        depth = self.depths[levels]
        if not self._wants_book(levels):
            depth.update(self.ladder)
        return depth

    def book_snapshot(self, levels: int, ts: int) -> PublicPush:
        """Return the whole book of one depth as its subscribers know it."""
        depth = self.depth(levels)
        numbers = (depth.u, self.seq, ts, self.time_ms)
        return book_push(self.instrument.symbol, levels, "snapshot", depth.rows(), numbers)


def _moment(price: Price, time_ms: int, *, qty: Qty = ZERO_QTY) -> Kline:
    return Kline(
        start_ms=time_ms,
        end_ms=time_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=qty,
        turnover=price * qty,
        updated_ms=time_ms,
    )


def _quotes(ticker: Ticker) -> tuple[Price, Qty, Price, Qty]:
    return ticker.bid, ticker.bid_size, ticker.ask, ticker.ask_size


def _tick_direction(before: Price, after: Price, direction: str) -> str:
    if after > before:
        return _UP
    if after < before:
        return _DOWN
    return _SAME_UP if direction in (_UP, _SAME_UP) else _SAME_DOWN


def _scaled(price: Price, factor: Rate) -> Price:
    return Price((price * factor).value)
