"""Rounding to the venue's tick and step, always in a stated direction.

``value // step * step`` is exact for every step, such as 0.5, 5 and 10, for which ``quantize`` is
wrong. Prices and steps are positive, so truncation is rounding down.
"""

from decimal import Decimal

from .money import WIDE, Distance, Price, Qty
from .orders import Side, TriggerDirection

__all__ = [
    "entry_trigger",
    "is_on_grid",
    "limit_price",
    "price_down",
    "price_up",
    "protective_stop",
    "qty_down",
    "qty_up",
    "take_profit",
]


def _floor(value: Decimal, step: Decimal) -> Decimal:
    if step <= 0:
        raise ValueError(f"step {step} is not positive; a tick or quantity step is above zero")
    if value < 0:
        raise ValueError(f"{value} is negative; only positive amounts lie on the venue's grid")
    return WIDE.multiply(WIDE.divide_int(value, step), step)


def _ceil(value: Decimal, step: Decimal) -> Decimal:
    floor = _floor(value, step)
    return floor if floor == value else WIDE.add(floor, step)


def price_down(price: Price, tick: Distance) -> Price:
    """Return the highest price on the grid that is not above ``price``.

    Raises:
        ValueError: the tick is not above zero, or the price is negative.

    """
    return Price(_floor(price.value, tick.value))


def price_up(price: Price, tick: Distance) -> Price:
    """Return the lowest price on the grid that is not below ``price``.

    Raises:
        ValueError: the tick is not above zero, or the price is negative.

    """
    return Price(_ceil(price.value, tick.value))


def qty_down(qty: Qty, step: Qty) -> Qty:
    """Round a quantity down: what was asked is never exceeded.

    Raises:
        ValueError: the step is not above zero, or the quantity is negative.

    """
    return Qty(_floor(qty.value, step.value))


def qty_up(qty: Qty, step: Qty) -> Qty:
    """Return the smallest quantity on the grid that is not below ``qty`` (for minimums only).

    Raises:
        ValueError: the step is not above zero, or the quantity is negative.

    """
    return Qty(_ceil(qty.value, step.value))


def is_on_grid(value: Price | Qty, step: Distance | Qty) -> bool:
    """Tell whether ``value`` is a whole number of steps.

    Raises:
        ValueError: the step is not above zero, or the value is negative.

    """
    return _floor(value.value, step.value) == value.value


def protective_stop(price: Price, tick: Distance, *, position: Side) -> Price:
    """Round a stop toward the entry, so that it never risks more than was approved."""
    return price_up(price, tick) if position is Side.BUY else price_down(price, tick)


def take_profit(price: Price, tick: Distance, *, position: Side) -> Price:
    """Round a target toward the entry, so that it is reached no later than planned."""
    return price_down(price, tick) if position is Side.BUY else price_up(price, tick)


def entry_trigger(price: Price, tick: Distance, *, direction: TriggerDirection) -> Price:
    """Round a trigger so that it never fires earlier than asked."""
    return (
        price_up(price, tick) if direction is TriggerDirection.RISES_TO else price_down(price, tick)
    )


def limit_price(price: Price, tick: Distance, *, side: Side) -> Price:
    """Round a limit so that it is never worse than the caller gave: buys down, sells up."""
    return price_down(price, tick) if side is Side.BUY else price_up(price, tick)
