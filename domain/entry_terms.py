"""What an entry asks for, made exact: trigger, limit, decision price, worst fill, take-profit.

Every price is rounded on the tick in its safe direction; what contradicts itself is refused here,
before anything is sized.
"""

import attrs

from .costs import Costs, worst_entry
from .grid import limit_price, take_profit
from .money import Distance, Price
from .orders import OrderKind, Side, TimeInForce, Trigger
from .signal import Entry
from .triggers import TriggerPassed, TriggerSpec, resolve_entry_trigger

__all__ = ["EntryFault", "EntryTerms", "entry_terms", "time_in_force_of"]


@attrs.frozen(kw_only=True)
class EntryFault:
    """An entry that cannot be sent: the value, the limit, and what would be accepted."""

    observed: str
    limit: str
    remedy: str


@attrs.frozen(kw_only=True)
class EntryTerms:
    """The exact terms. ``entry`` is the decision price, ``worst`` the worst fill allowed for.

    A limit fills at its price or better. A market entry is decided at the present price, a
    triggered one at its trigger, and may slip from there.
    """

    entry: Price
    worst: Price
    trigger: Trigger | None
    take_profit: Price | None


def time_in_force_of(kind: OrderKind, wished: TimeInForce | None) -> TimeInForce:
    """Return how long an order may rest when nothing else is wished: a market order not at all.

    Bybit V5 order/create: a market order is always immediate-or-cancel.
    """
    if wished is not None:
        return wished
    return TimeInForce.IOC if kind is OrderKind.MARKET else TimeInForce.GTC


def entry_terms(
    entry: Entry,
    *,
    side: Side,
    reference: Price,
    watched: Price | None,
    tick: Distance,
    costs: Costs,
) -> EntryTerms | EntryFault:
    """Return the exact terms of ``entry``, or what is wrong with it.

    ``reference`` is the present price of a market order, ``watched`` the present price of the kind
    that the trigger watches, ``None`` without one.

    ``EntryTerms`` are on the grid; an ``EntryFault`` says what was observed, the limit and the
    remedy.
    """
    fault = _contradiction(entry)
    if fault is not None:
        return fault
    trigger: Trigger | TriggerPassed | None = None
    if entry.trigger is not None:
        trigger = _trigger(entry.trigger, watched, tick)
    match trigger:
        case TriggerPassed():
            return EntryFault(observed=trigger.observed, limit=trigger.limit, remedy=trigger.remedy)
        case _:
            decided = _decided(entry, trigger, side=side, reference=reference, tick=tick)
    target = None
    if entry.take_profit is not None:
        target = take_profit(entry.take_profit, tick, position=side)
        fault = _target_fault(target, decided, side=side, tick=tick)
        if fault is not None:
            return fault
    is_limit = entry.kind is OrderKind.LIMIT
    worst = decided if is_limit else worst_entry(decided, side, costs)
    return EntryTerms(entry=decided, worst=worst, trigger=trigger, take_profit=target)


def _trigger(spec: TriggerSpec, watched: Price | None, tick: Distance) -> Trigger | TriggerPassed:
    assert watched is not None, f"a trigger at {spec.price} is planned without a present price"
    return resolve_entry_trigger(spec, now=watched, tick=tick)


def _decided(
    entry: Entry, trigger: Trigger | None, *, side: Side, reference: Price, tick: Distance
) -> Price:
    if entry.price is not None:
        return limit_price(entry.price, tick, side=side)
    return reference if trigger is None else trigger.price


def _contradiction(entry: Entry) -> EntryFault | None:
    is_market = entry.kind is OrderKind.MARKET
    if is_market and entry.price is not None:
        return EntryFault(
            observed=f"a market entry with price {entry.price}",
            limit="a market entry has no price",
            remedy="leave the price out, or ask for a limit entry",
        )
    if not is_market and entry.price is None:
        return EntryFault(
            observed="a limit entry without a price",
            limit="a limit entry has a price",
            remedy="give a price, or ask for a market entry",
        )
    wished = time_in_force_of(entry.kind, entry.time_in_force)
    if is_market and wished is not TimeInForce.IOC:
        return EntryFault(
            observed=f"a market entry with time in force {wished.value}",
            limit=f"a market entry is {TimeInForce.IOC.value}",
            remedy="leave it out, or ask for a limit entry",
        )
    return _not_positive(entry)


def _not_positive(entry: Entry) -> EntryFault | None:
    named = {
        "price": entry.price,
        "trigger": None if entry.trigger is None else entry.trigger.price,
        "take-profit": entry.take_profit,
    }
    for name, price in named.items():
        if price is not None and price.sign <= 0:
            return EntryFault(
                observed=f"an entry with {name} {price}",
                limit="above 0",
                remedy=f"give a {name} above zero, or none",
            )
    return None


def _target_fault(target: Price, entry: Price, *, side: Side, tick: Distance) -> EntryFault | None:
    if (target - entry).times(side.sign) >= tick:
        return None
    where = "above" if side is Side.BUY else "below"
    return EntryFault(
        observed=f"take-profit {target} of an entry at {entry}",
        limit=f"{where} {entry} by one tick of {tick} or more",
        remedy=f"give a take-profit {where} the entry",
    )
