"""The prices of one symbol and the volume that is there for our orders.

A bar's or trade's price is surrounded by the configured spread, and a share of its traded volume
may be taken. A quote brings its own prices and sizes. With quotes alone the last price is the
middle of bid and ask. The data has no index price: it is the mark price until one is set.
"""

from decimal import Decimal
from functools import lru_cache

import attrs
from tidegate.domain.grid import price_down, price_up, qty_down
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import EXACT, ONE, ZERO_QTY, Distance, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.domain.reports import Ticker
from tidegate.ports.feed import MarkPoint, QuotePoint, TradePoint

from .config import PaperConfig

__all__ = ["Book"]

_HALF = Decimal("0.5")
_TWO = Rate(Decimal(2))


@lru_cache(maxsize=64)
def _half_spread(tick: Distance, spread_ticks: int) -> Distance:
    return Distance(EXACT.multiply(tick.value, EXACT.multiply(Decimal(spread_ticks), _HALF)))


@attrs.define(kw_only=True)
class Book:
    """Prices at one moment. ``traded`` is the volume of the point, ``flow_left`` our share of it.

    ``is_quoted`` tells that bid and ask with their sizes come from quotes; takers then use
    ``bid_left`` and ``ask_left``, otherwise ``flow_left``. ``flow_side`` is the taker's side of the
    last trade, where known. ``has_more`` tells that the item in progress has further points.
    ``point`` counts the prices seen: a resting order fills at a later one than it began at.
    """

    symbol: Symbol
    time_ms: int
    last: Price
    bid: Price
    ask: Price
    bid_left: Qty = ZERO_QTY
    ask_left: Qty = ZERO_QTY
    traded: Qty = ZERO_QTY
    flow_left: Qty = ZERO_QTY
    flow_side: Side | None = None
    is_quoted: bool = False
    has_trades: bool = False
    mark_point: Price | None = None
    mark_until_ms: int = 0
    has_more: bool = False
    point: int = 0
    index_point: Price | None = None

    @property
    def mark(self) -> Price:
        """Return the mark price of the data while it is fresh, then the last price."""
        if self.mark_point is None or self.time_ms > self.mark_until_ms:
            return self.last
        return self.mark_point

    @property
    def index(self) -> Price:
        """Return the index price that was set, else the mark price."""
        return self.mark if self.index_point is None else self.index_point

    @property
    def mark_follows_last(self) -> bool:
        """Tell whether the mark price moves with the last price."""
        return self.mark_point is None or self.time_ms > self.mark_until_ms

    def reference(self, by: TriggerBy) -> Price:
        """Return the price that fires triggers of this kind."""
        match by:
            case TriggerBy.LAST:
                return self.last
            case TriggerBy.MARK:
                return self.mark
            case TriggerBy.INDEX:
                return self.index

    def follows_last(self, by: TriggerBy) -> bool:
        """Tell whether the price that fires triggers of this kind moves with the last price."""
        match by:
            case TriggerBy.LAST:
                return True
            case TriggerBy.MARK:
                return self.mark_follows_last
            case TriggerBy.INDEX:
                return self.index_point is None and self.mark_follows_last

    def best(self, side: Side) -> Price:
        """Return the best price that an order of ``side`` could take."""
        return self.ask if side is Side.BUY else self.bid

    def taker_price(self, side: Side, instrument: Instrument, slippage: Rate) -> Price:
        """Return the best price made worse by ``slippage``, on the grid, away from the taker."""
        best = self.best(side)
        if slippage.sign == 0:
            return best
        worse = best + (best * slippage).times(side.sign)
        tick = instrument.tick
        return price_up(worse, tick) if side is Side.BUY else price_down(worse, tick)

    def available(self, side: Side, instrument: Instrument) -> Qty:
        """Return the quantity on the grid that an order of ``side`` can take now."""
        if not self.is_quoted:
            return qty_down(self.flow_left, instrument.qty_step)
        left = self.ask_left if side is Side.BUY else self.bid_left
        return qty_down(left, instrument.qty_step)

    def take(self, side: Side, qty: Qty) -> None:
        """Use up volume that a taker of ``side`` was given."""
        if not self.is_quoted:
            self.flow_left -= qty
        elif side is Side.BUY:
            self.ask_left -= qty
        else:
            self.bid_left -= qty

    def move(self, last: Price, instrument: Instrument, config: PaperConfig) -> None:
        """Set the price and the spread around it; the volume stays as it is."""
        half = _half_spread(instrument.tick, config.spread_ticks)
        self.last = last
        self.ask = price_up(last + half, instrument.tick)
        lower = Price(max((last - half).value, instrument.tick.value))
        self.bid = price_down(lower, instrument.tick)

    def new_volume(self, traded: Qty, config: PaperConfig, flow_side: Side | None = None) -> None:
        """Begin a point: what was left of the one before is gone."""
        self.traded = traded
        self.flow_left = traded * config.participation
        self.flow_side = flow_side

    def quote(self, point: QuotePoint) -> None:
        """Take over a quote; without trades the middle is the last price."""
        self.bid, self.ask = point.bid, point.ask
        self.bid_left, self.ask_left = point.bid_size, point.ask_size
        self.traded = self.flow_left = ZERO_QTY
        if not self.has_trades:
            self.last = point.bid + (point.ask - point.bid) / _TWO
        self.is_quoted = True

    def trade(self, point: TradePoint, instrument: Instrument, config: PaperConfig) -> None:
        """Take over a trade; quotes, where there are any, keep their prices and sizes."""
        self.new_volume(point.qty, config, point.taker_side)
        self.has_trades = True
        if self.is_quoted:
            self.last = point.price
        else:
            self.move(point.price, instrument, config)

    def set_mark(self, point: MarkPoint, config: PaperConfig) -> None:
        """Take over a mark price from the data."""
        self.mark_point = point.mark
        self.mark_until_ms = point.time_ms + config.mark_age_ms_max

    def ticker(self) -> Ticker:
        """Return the prices as the venue publishes them."""
        return Ticker(
            symbol=self.symbol,
            last=self.last,
            mark=self.mark,
            index=self.index,
            bid=self.bid,
            ask=self.ask,
            bid_size=self.bid_left if self.is_quoted else self.flow_left,
            ask_size=self.ask_left if self.is_quoted else self.flow_left,
            time_ms=self.time_ms,
        )

    def bound(self, side: Side, instrument: Instrument, slippage_max: Rate | None) -> Price:
        """Return the worst price of a market order, on the grid, never worse than the limits.

        The venue's is ``mark x (1 +- price_band_x)`` (Bybit V5 order/create, market orders are
        limit orders that cancel at once); the order's own is ``best x (1 +- slippage_max)``.
        """
        bound = self.mark * (ONE + instrument.price_band_x.times(side.sign))
        limit = Price(bound.value)
        if slippage_max is not None:
            own = Price((self.best(side) * (ONE + slippage_max.times(side.sign))).value)
            limit = min(limit, own) if side is Side.BUY else max(limit, own)
        tick = instrument.tick
        return price_down(limit, tick) if side is Side.BUY else price_up(limit, tick)
