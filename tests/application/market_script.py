"""A live market by script: what its queries answer is set by the test, and it can fail."""

import threading
from collections.abc import Callable

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar, StreamReport, StreamState, Ticker
from tidegate.ports.exchange import QueryFailed, TimeRange
from tidegate.ports.live_market import LiveMarketPort, MarketMessage

from tests.adapters.paper.bench import MINUTE_MS, SYMBOL, WIDE

__all__ = ["NOON_MS", "ScriptedMarket", "bar", "funding", "ticker", "trade", "went"]

NOON_MS = 1_754_049_600_000
"""2025-08-01 12:00 UTC; funding is settled at 16:00."""


def ticker(bid: str, ask: str, *, at_ms: int, mark: str | None = None, size: str = "10") -> Ticker:
    marked = Price.of(bid if mark is None else mark)
    return Ticker(
        symbol=SYMBOL,
        last=Price.of(bid),
        mark=marked,
        index=marked,
        bid=Price.of(bid),
        ask=Price.of(ask),
        bid_size=Qty.of(size),
        ask_size=Qty.of(size),
        time_ms=at_ms,
    )


def trade(price: str, *, at_ms: int, qty: str = "1", side: Side = Side.SELL) -> PublicTrade:
    return PublicTrade(
        trade_id=f"{price}-{at_ms}",
        symbol=SYMBOL,
        side=side,
        price=Price.of(price),
        qty=Qty.of(qty),
        time_ms=at_ms,
    )


def bar(start_ms: int, prices: tuple[str, str, str, str], *, volume: str = "400") -> Bar:
    """Return a bar of a minute: open, high, low, close."""
    opened, high, low, close = map(Price.of, prices)
    return Bar(
        symbol=SYMBOL,
        start_ms=start_ms,
        end_ms=start_ms + MINUTE_MS,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=Qty.of(volume),
    )


def funding(rate: str, *, at_ms: int) -> FundingRate:
    return FundingRate(symbol=SYMBOL, rate=Rate.of(rate), time_ms=at_ms)


def went(state: StreamState, *, at_ms: int = NOON_MS) -> StreamReport:
    return StreamReport(state=state, time_ms=at_ms)


@attrs.define
class ScriptedMarket(LiveMarketPort):
    """``is_silent`` makes every query fail; ``may_answer`` holds one back until it is set."""

    time_ms: int = NOON_MS
    prices: Ticker = attrs.field(factory=lambda: ticker("60000", "60001", at_ms=NOON_MS))
    traded: PublicTrade | None = None
    told_bars: tuple[Bar, ...] = ()
    settled: tuple[FundingRate, ...] = ()
    coming: FundingRate = attrs.field(
        factory=lambda: funding("0.0001", at_ms=NOON_MS + 240 * MINUTE_MS)
    )
    spec: Instrument = WIDE
    is_silent: bool = False
    is_closed: bool = False
    may_answer: threading.Event = attrs.field(factory=threading.Event)
    heard: Callable[[MarketMessage], None] | None = None
    bars_asked: list[tuple[int, TimeRange]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.may_answer.set()

    def _answer(self, symbol: Symbol) -> None:
        assert self.may_answer.wait(10)
        if self.is_silent or symbol != SYMBOL:
            raise QueryFailed("the market is silent")

    def now_ms(self) -> int:
        return self.time_ms

    def instrument(self, symbol: Symbol) -> Instrument:
        self._answer(symbol)
        return self.spec

    def ticker(self, symbol: Symbol) -> Ticker:
        self._answer(symbol)
        return self.prices

    def last_trade(self, symbol: Symbol) -> PublicTrade | None:
        self._answer(symbol)
        return self.traded

    def bars(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        self._answer(symbol)
        self.bars_asked.append((interval_ms, within))
        return tuple(
            one for one in self.told_bars if within.start_ms <= one.start_ms <= within.end_ms
        )

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        self._answer(symbol)
        return self.coming

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> tuple[FundingRate, ...]:
        self._answer(symbol)
        return tuple(
            rate for rate in self.settled if within.start_ms <= rate.time_ms <= within.end_ms
        )

    def listen(self, symbol: Symbol, heard: Callable[[MarketMessage], None]) -> None:
        self._answer(symbol)
        self.heard = heard

    def wait_up(self, timeout_ms: int) -> bool:
        return self.heard is not None and timeout_ms > 0

    def close(self) -> None:
        self.is_closed = True
