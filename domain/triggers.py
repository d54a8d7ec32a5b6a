"""From a wished trigger to the one that is sent: direction inferred, price on the grid, not passed.

A conditional order fires when the price that it watches reaches its trigger from the present side
(Bybit V5 order/create, ``triggerPrice`` and ``triggerDirection``); one that is there already is
refused by the venue with codes 110092 and 110093, and here before it leaves.
"""

import attrs

from .grid import entry_trigger, price_down, price_up
from .money import Distance, Price
from .orders import Trigger, TriggerBy, TriggerDirection
from .reports import Ticker

__all__ = [
    "TriggerPassed",
    "TriggerSpec",
    "resolve_entry_trigger",
    "resolve_exit_trigger",
    "watched_price",
]


@attrs.frozen(kw_only=True)
class TriggerSpec:
    """A wished trigger. Without a ``direction`` the present price decides it."""

    price: Price
    by: TriggerBy = TriggerBy.LAST
    direction: TriggerDirection | None = None


@attrs.frozen(kw_only=True)
class TriggerPassed:
    """A trigger that would fire at once: the value, the limit, and what would be accepted."""

    observed: str
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.observed}; limit: {self.limit}; {self.remedy}"


def watched_price(ticker: Ticker, by: TriggerBy) -> Price:
    """Return the present price of the kind that a trigger watches."""
    match by:
        case TriggerBy.LAST:
            return ticker.last
        case TriggerBy.MARK:
            return ticker.mark
        case TriggerBy.INDEX:
            return ticker.index


def resolve_entry_trigger(
    spec: TriggerSpec, *, now: Price, tick: Distance
) -> Trigger | TriggerPassed:
    """Return the trigger of an order that opens: rounded so that it never fires earlier than asked.

    ``now`` is the present price of the kind that ``spec`` watches.

    A ``Trigger`` on the tick, or ``TriggerPassed`` where it would fire at once.
    """
    direction = _direction(spec, now)
    price = entry_trigger(spec.price, tick, direction=direction)
    return _unless_passed(Trigger(price=price, direction=direction, by=spec.by), now)


def resolve_exit_trigger(
    spec: TriggerSpec, *, now: Price, tick: Distance
) -> Trigger | TriggerPassed:
    """Return the trigger of an order that reduces: rounded so that it never fires later than asked.

    Later would mean a larger loss for a stop, and a target that is missed.

    A ``Trigger`` on the tick, or ``TriggerPassed`` where it would fire at once.
    """
    direction = _direction(spec, now)
    rises = direction is TriggerDirection.RISES_TO
    price = price_down(spec.price, tick) if rises else price_up(spec.price, tick)
    return _unless_passed(Trigger(price=price, direction=direction, by=spec.by), now)


def _direction(spec: TriggerSpec, now: Price) -> TriggerDirection:
    if spec.direction is not None:
        return spec.direction
    return TriggerDirection.RISES_TO if spec.price > now else TriggerDirection.FALLS_TO


def _unless_passed(trigger: Trigger, now: Price) -> Trigger | TriggerPassed:
    if not trigger.fires_at(now):
        return trigger
    side = "above" if trigger.direction is TriggerDirection.RISES_TO else "below"
    return TriggerPassed(
        observed=f"trigger {trigger.price} has been passed: the {trigger.by.value} price is {now}",
        limit=f"a trigger that the price {_verb(trigger)} must lie {side} {now}",
        remedy=f"give a trigger {side} {now}, the other direction, or an order without a trigger",
    )


def _verb(trigger: Trigger) -> str:
    return trigger.direction.value.replace("_", " ")
