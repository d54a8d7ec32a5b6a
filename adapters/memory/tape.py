"""What the public saw of the scripted prices: trades, bars of a minute, funding rates; bounded."""

from collections import deque

import attrs
from tidegate.domain.bars import MINUTE_MS, joined, moment
from tidegate.domain.market import TRADES_MAX, FundingRate, PublicTrade
from tidegate.domain.money import ZERO_QTY, ZERO_RATE, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.domain.reports import Bar

from .quote import Quote

__all__ = ["BARS_KEPT", "RATES_KEPT", "Tape"]

BARS_KEPT = 10_080
"""Bars of a minute that are kept of each price of a symbol: a week without a pause."""

RATES_KEPT = 1_000


@attrs.define
class Tape:
    """Every price that the script set, as the market's data. Not thread-safe, as the books."""

    _bars: dict[tuple[Symbol, TriggerBy], deque[Bar]] = attrs.field(factory=dict)
    _trades: dict[Symbol, deque[PublicTrade]] = attrs.field(factory=dict)
    _rates: dict[Symbol, deque[FundingRate]] = attrs.field(factory=dict)
    _trades_seen: int = 0

    def see(self, symbol: Symbol, quote: Quote, *, time_ms: int, has_traded: bool) -> None:
        """Take over prices; a new last price is a trade of what was on offer."""
        if has_traded:
            self._add_trade(symbol, quote.last, quote.ask_size, time_ms)
            self._add_bar(symbol, TriggerBy.LAST, quote.last, quote.ask_size, time_ms)
        self._add_bar(symbol, TriggerBy.MARK, quote.mark, ZERO_QTY, time_ms)
        self._add_bar(symbol, TriggerBy.INDEX, quote.index, ZERO_QTY, time_ms)

    def settle(self, symbol: Symbol, rate: Rate, *, time_ms: int) -> None:
        """Keep a rate that was settled."""
        rates = self._rates.setdefault(symbol, deque(maxlen=RATES_KEPT))
        rates.append(FundingRate(symbol=symbol, rate=rate, time_ms=time_ms))

    def _add_trade(self, symbol: Symbol, price: Price, qty: Qty, time_ms: int) -> None:
        """Keep a trade: bought above the one before it, sold below, else as that one was."""
        trades = self._trades.setdefault(symbol, deque(maxlen=TRADES_MAX))
        before = trades[-1] if trades else None
        side = Side.BUY if before is None else before.side
        if before is not None and price != before.price:
            side = Side.BUY if price > before.price else Side.SELL
        self._trades_seen += 1
        trades.append(
            PublicTrade(
                trade_id=f"trade-{self._trades_seen}",
                symbol=symbol,
                side=side,
                price=price,
                qty=qty,
                time_ms=time_ms,
            )
        )

    def _add_bar(self, symbol: Symbol, by: TriggerBy, price: Price, qty: Qty, time_ms: int) -> None:
        bars = self._bars.setdefault((symbol, by), deque(maxlen=BARS_KEPT))
        bar = moment(symbol, price, qty, time_ms=time_ms, span_ms=MINUTE_MS)
        if bars and bars[-1].start_ms == bar.start_ms:
            bars[-1] = joined(bars[-1], bar)
        else:
            bars.append(bar)

    def bars(self, symbol: Symbol, by: TriggerBy) -> tuple[tuple[Bar, ...], int | None]:
        """Return bars of a minute, and from when on there are all; ``None``: from the beginning."""
        bars = self._bars.get((symbol, by), deque())
        is_full = len(bars) == BARS_KEPT
        return tuple(bars), bars[0].start_ms if is_full else None

    def trades(self, symbol: Symbol) -> tuple[PublicTrade, ...]:
        """Return the last trades, oldest first."""
        return tuple(self._trades.get(symbol, ()))

    def rates(self, symbol: Symbol) -> tuple[tuple[FundingRate, ...], int | None]:
        """Return the settled rates, and from when on there are all; ``None``: from the first."""
        rates = self._rates.get(symbol, deque())
        return tuple(rates), rates[0].time_ms if len(rates) == RATES_KEPT else None

    def rate(self, symbol: Symbol) -> Rate:
        """Return the rate that was settled last, zero before the first."""
        rates = self._rates.get(symbol)
        return rates[-1].rate if rates else ZERO_RATE
