"""What the public sees of the market data that was fed: bars, trades, funding rates.

Bars are kept as they were fed. Trades and marks make bars of a minute; quotes make none, since
nothing traded. Without marks the mark is the last price, and so are its bars.
"""

from tidegate.domain.bars import MINUTE_MS, joined, moment
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.money import ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.feed import FundingPoint, TradePoint

from .world import World

__all__ = ["keep_bar", "keep_bar_so_far", "keep_funding", "keep_price", "keep_trade"]


def keep_bar(world: World, bar: Bar) -> None:
    """Keep a bar that is over, as it was fed."""
    _put(world, TriggerBy.LAST, bar)
    _follow_last(world, bar.symbol, bar.close, time_ms=bar.end_ms - 1)


def keep_bar_so_far(world: World, bar: Bar, price: Price, volume: Qty) -> None:
    """Keep what is known of a bar in progress: one more price of it, and what traded at that."""
    piece = Bar(
        symbol=bar.symbol,
        start_ms=bar.start_ms,
        end_ms=bar.end_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=volume,
    )
    _add(world, TriggerBy.LAST, piece)


def keep_trade(world: World, point: TradePoint) -> None:
    """Keep a trade; without a side of its own it was bought above the one before, sold below."""
    state = world.state
    before = state.last_trades.get(point.symbol)
    trade = PublicTrade(
        trade_id=f"trade-{world.next_trade()}",
        symbol=point.symbol,
        side=point.taker_side or _side(before, point.price),
        price=point.price,
        qty=point.qty,
        time_ms=point.time_ms,
    )
    state.last_trades[point.symbol] = trade
    state.changes.trades.append(trade)
    minute = moment(point.symbol, point.price, point.qty, time_ms=point.time_ms, span_ms=MINUTE_MS)
    _add(world, TriggerBy.LAST, minute)
    _follow_last(world, point.symbol, point.price, time_ms=point.time_ms)


def _side(before: PublicTrade | None, price: Price) -> Side:
    if before is None or price > before.price:
        return Side.BUY
    return Side.SELL if price < before.price else before.side


def _follow_last(world: World, symbol: Symbol, price: Price, *, time_ms: int) -> None:
    """Let mark bars go on at the last price where the marks of the data have grown old."""
    has_marks = (symbol, TriggerBy.MARK) in world.state.bars
    if has_marks and world.book(symbol).mark_follows_last:
        keep_price(world, symbol, TriggerBy.MARK, price, time_ms=time_ms)


def keep_price(world: World, symbol: Symbol, by: TriggerBy, price: Price, *, time_ms: int) -> None:
    """Keep a mark or index price."""
    _add(world, by, moment(symbol, price, ZERO_QTY, time_ms=time_ms, span_ms=MINUTE_MS))


def _add(world: World, by: TriggerBy, piece: Bar) -> None:
    known = world.state.bars.get((piece.symbol, by))
    is_same = known is not None and known.start_ms <= piece.start_ms < known.end_ms
    _put(world, by, joined(known, piece) if known is not None and is_same else piece)


def _put(world: World, by: TriggerBy, bar: Bar) -> None:
    world.state.bars[bar.symbol, by] = bar
    world.state.changes.bars[bar.symbol, by, bar.start_ms] = bar


def keep_funding(world: World, point: FundingPoint, rate: Rate) -> None:
    """Keep the rate that is settled."""
    settled = FundingRate(symbol=point.symbol, rate=rate, time_ms=point.time_ms)
    world.state.changes.rates.append(settled)
