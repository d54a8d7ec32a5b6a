"""Whether a resting order can be changed at all, and what it would be: rounded, and as asked."""

import attrs
from tidegate.domain.grid import limit_price, protective_stop, qty_down, take_profit
from tidegate.domain.instrument import Instrument
from tidegate.domain.lifecycle import Status
from tidegate.domain.limits_venue import venue_faults
from tidegate.domain.money import ZERO_QTY, Distance, Price
from tidegate.domain.orders import OrderRequest, ProtectiveLeg, Role, Trigger
from tidegate.domain.triggers import (
    TriggerPassed,
    TriggerSpec,
    resolve_entry_trigger,
    resolve_exit_trigger,
    watched_price,
)

from .draft import Draft
from .inputs import AmendRequest
from .refusing import words_of
from .state import Order

__all__ = ["amend_objection", "wanted_request"]

_NOT_CERTAIN = frozenset({Status.INTENDED, Status.UNKNOWN})
_WAITING = frozenset({Status.ACKNOWLEDGED, Status.UNTRIGGERED})


def amend_objection(order: Order, request: AmendRequest) -> str | None:
    """Say why an order cannot be changed as asked, ``None`` when it can."""
    name = f"order {request.client_id}"
    if not order.is_open:
        return f"{name} is over ({order.status.value}): place another one"
    if order.cancel_wanted:
        return f"{name} is being cancelled: place another one when it has ended"
    # A record may outrun the answer to what it shows: what it shows can be changed all the same.
    if order.status in _NOT_CERTAIN or order.pending is not None:
        return f"{name} has a request under way: wait until the venue's record shows it"
    if order.role is Role.TAKE_PROFIT:
        return (
            f"{name} is a rung, which the desk keeps where the ladder wants it: cancel the rung "
            "and reduce by an order of your own"
        )
    if order.role not in {Role.ENTRY, Role.EXIT} or order.fills_at_once:
        return f"{name} fills or ends by itself: nothing rests that could be changed"
    return _misfit(name, order, request) or _not_positive(request)


def _misfit(name: str, order: Order, request: AmendRequest) -> str | None:
    if request.price is not None and order.request.price is None:
        return f"{name} goes at market: it has no price to change"
    is_waiting = order.request.trigger is not None and order.status in _WAITING
    if request.trigger_price is not None and not is_waiting:
        return f"{name} waits for no trigger: it has none to change"
    has_legs = request.stop_loss is not None or request.take_profit is not None
    if has_legs and order.role is Role.EXIT:
        return f"{name} only reduces: stop and take-profit belong to orders that open"
    if has_legs and order.qty_filled > ZERO_QTY:
        return f"{name} has filled in part: its legs are the position's now; change those"
    if request.qty is not None and request.qty <= order.qty_filled:
        return (
            f"quantity {request.qty} of {name}; limit: above the {order.qty_filled} that has "
            "filled; cancel the order to end it"
        )
    return None


def _not_positive(request: AmendRequest) -> str | None:
    named = {
        "quantity": request.qty,
        "price": request.price,
        "trigger price": request.trigger_price,
    }
    for name, value in named.items():
        if value is not None and value.sign <= 0:
            return f"{name} {value}; limit: above 0; give a {name} above zero, or none"
    for name, leg in (("stop-loss", request.stop_loss), ("take-profit", request.take_profit)):
        if leg is not None and leg.price.sign < 0:
            return f"{name} {leg.price}; limit: 0 or above; zero takes it away"
    return None


def wanted_request(draft: Draft, order: Order, request: AmendRequest) -> OrderRequest | str:
    """Return the order as it would be, each value rounded in its safe direction, or a fault.

    An exit is checked against the venue's limits and capped at the position here; an entry is
    planned as a whole first.
    """
    instrument, present = draft.instrument(order.request.symbol), order.request
    if instrument is None:
        return f"the specification of {present.symbol} is not known: no value can be checked"
    trigger: Trigger | str | None = present.trigger
    if request.trigger_price is not None and present.trigger is not None:
        trigger = _trigger(draft, order, present.trigger, request.trigger_price, instrument)
    if isinstance(trigger, str):
        return trigger
    qty = present.qty if request.qty is None else qty_down(request.qty, instrument.qty_step)
    if order.role is Role.EXIT:
        held = abs(draft.books.position(present.symbol).qty)
        qty = min(qty, order.qty_filled + held)
    if qty <= order.qty_filled:
        return f"quantity {qty} of {request.client_id} leaves nothing to fill: cancel it instead"
    wanted = attrs.evolve(
        present,
        qty=qty,
        price=_price(order, request.price, instrument),
        trigger=trigger,
        stop_loss=_stop(order, request.stop_loss, instrument.tick),
        take_profit=_target(order, request.take_profit, instrument.tick),
    )
    faults = venue_faults(wanted, instrument, _reference(wanted)) if present.reduce_only else ()
    return words_of(faults) if faults else wanted


def _price(order: Order, price: Price | None, instrument: Instrument) -> Price | None:
    if price is None:
        return order.request.price
    return limit_price(price, instrument.tick, side=order.request.side)


def _trigger(
    draft: Draft, order: Order, present: Trigger, price: Price, instrument: Instrument
) -> Trigger | str:
    ticker = draft.view.tickers.get(order.request.symbol)
    if ticker is None:
        return f"the price of {order.request.symbol} is not known: the trigger may be passed"
    spec = TriggerSpec(price=price, by=present.by, direction=present.direction)
    resolve = resolve_exit_trigger if order.role is Role.EXIT else resolve_entry_trigger
    moved = resolve(spec, now=watched_price(ticker, present.by), tick=instrument.tick)
    return str(moved) if isinstance(moved, TriggerPassed) else moved


def _stop(order: Order, leg: ProtectiveLeg | None, tick: Distance) -> ProtectiveLeg | None:
    if leg is None:
        return order.request.stop_loss
    if leg.price.sign == 0:
        return None
    rounded = protective_stop(leg.price, tick, position=order.request.side)
    return attrs.evolve(leg, price=rounded)


def _target(order: Order, leg: ProtectiveLeg | None, tick: Distance) -> ProtectiveLeg | None:
    if leg is None:
        return order.request.take_profit
    if leg.price.sign == 0:
        return None
    return attrs.evolve(leg, price=take_profit(leg.price, tick, position=order.request.side))


def _reference(order: OrderRequest) -> Price:
    """Return the price that values the order: none is needed, a reduction has no least value."""
    if order.price is not None:
        return order.price
    assert order.trigger is not None, f"{order.client_id} rests without price and trigger"
    return order.trigger.price
