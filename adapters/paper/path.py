"""From a bar to the points that the price went through.

Within a bar the path is unknown; the venue assumes open, one extreme, the other, close, each
reached in a straight line, and which extreme comes first follows ``PathRule``. On a line a stop
fires at its own trigger price. From one bar's close to the next one's open the price jumps, so a
stop that the jump passes fires at the open.
"""

import hashlib
from decimal import Decimal

from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar

from .config import PathRule
from .world import World

__all__ = ["PIECES", "goes_high_first", "point_price", "point_time_ms", "point_volume"]

PIECES = 4
_PIECES = Rate(Decimal(PIECES))
_OPEN, _FIRST, _SECOND = range(3)


def goes_high_first(world: World, bar: Bar) -> bool:
    """Choose the extreme that comes first, once the open is known."""
    match world.config.path:
        case PathRule.HIGH_FIRST:
            return True
        case PathRule.LOW_FIRST:
            return False
        case PathRule.SEEDED:
            text = f"{world.config.seed}:path:{world.state.head.cursor}"
            return hashlib.sha256(text.encode()).digest()[0] % 2 == 0
        case PathRule.PESSIMISTIC:
            return _pessimistic(world, bar.symbol) is Side.SELL


def _pessimistic(world: World, symbol: Symbol) -> Side:
    """Return ``SELL`` when a rise comes first: it hurts a short, and a buyer who then waits.

    When flat, a waiting buy that the price only reaches after the high has the rest of the bar to
    be stopped and no high left to profit from.
    """
    held = world.held(symbol).position.side
    if held is not None:
        return held
    for order in world.state.orders_of(symbol):
        if not order.reduce_only:
            return order.side.opposite
    return Side.BUY


def point_price(bar: Bar, piece: int, *, is_high_first: bool) -> Price:
    """Return the price at the end of a piece: open, first extreme, second extreme, close."""
    if piece == _OPEN:
        return bar.open
    if piece == _FIRST:
        return bar.high if is_high_first else bar.low
    if piece == _SECOND:
        return bar.low if is_high_first else bar.high
    return bar.close


def point_time_ms(bar: Bar, piece: int) -> int:
    """Return the time of a point: the extremes lie at one and two thirds of the bar."""
    return bar.start_ms + (bar.end_ms - bar.start_ms) * piece // (PIECES - 1)


def point_volume(bar: Bar) -> Qty:
    """Return the volume traded at each point: a quarter of the bar's."""
    return bar.volume / _PIECES
