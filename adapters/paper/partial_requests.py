"""The request to protect a part of a position; what it makes is in :mod:`.pairs`."""

from tidegate.domain.grid import is_on_grid
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Origin
from tidegate.ports.venue import PartialStop

from .checks import check_leg, check_price, known_book, known_instrument
from .pairs import LegPart, add_pair
from .refusals import Refusal, Refused
from .world import World

__all__ = ["PARTIAL_LEGS_MAX", "add_partial_stop"]

PARTIAL_LEGS_MAX = 20
"""How many stops, and how many targets, for parts of one position may wait (code 110061)."""


def add_partial_stop(world: World, stop: PartialStop) -> bool:
    """Add a pair of legs to an open position, or raise :class:`Refused` with nothing changed.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    instrument, symbol = known_instrument(world, stop.symbol), stop.symbol
    position = world.held(symbol).position
    if position.side is None:
        raise Refused(Refusal.ZERO_POSITION, "can not set tp/sl/ts for zero position")
    if not is_on_grid(stop.qty, instrument.qty_step):
        raise Refused(
            Refusal.OFF_GRID, f"Qty invalid: {stop.qty} is not a multiple of {instrument.qty_step}"
        )
    if not instrument.qty_min <= stop.qty <= abs(position.qty):
        raise Refused(
            Refusal.QTY_RANGE,
            f"tp/sl size {stop.qty}: {instrument.qty_min} to the position's {abs(position.qty)}",
        )
    for part in _parts(stop):
        _check(world, symbol, part, position.side)
    add_pair(world, symbol, stop.qty, _parts(stop), parent=None)
    return True


def _parts(stop: PartialStop) -> list[LegPart]:
    given = (
        (Origin.STOP_LOSS, stop.stop_loss, stop.stop_loss_limit),
        (Origin.TAKE_PROFIT, stop.take_profit, stop.take_profit_limit),
    )
    return [(origin, leg, limit) for origin, leg, limit in given if leg is not None]


def _check(world: World, symbol: Symbol, part: LegPart, side: Side) -> None:
    origin, leg, limit = part
    instrument, what = world.instruments[symbol], origin.value.replace("_", " ")
    check_price(instrument, leg.price, what)
    if limit is not None:
        check_price(instrument, limit, f"{what} limit")
    below = (origin is Origin.STOP_LOSS) is (side is Side.BUY)
    base = known_book(world, symbol).reference(leg.by)
    check_leg(leg, base=base, position=side, below=below)
    waiting = [o for o in world.state.orders_of(symbol) if o.is_waiting and o.pair is not None]
    if sum(o.origin is origin for o in waiting) >= PARTIAL_LEGS_MAX:
        raise Refused(
            Refusal.TOO_MANY_PARTIAL, f"at most {PARTIAL_LEGS_MAX} partial {what} orders may wait"
        )
