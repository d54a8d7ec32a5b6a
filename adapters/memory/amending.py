"""Changing a live order of the scripted venue (Bybit V5 order/amend)."""

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import ProtectiveLeg, Trigger
from tidegate.domain.reports import OrderReport, RejectReason
from tidegate.ports.exchange import Accepted, Amendment

from .books import Books
from .checks import legs_refusal, price_refusal, qty_refusal, trigger_refusal
from .faults import Refusal
from .margins import available, opening_cost
from .matching import arrive
from .requests import live_order

__all__ = ["amend"]

_PARAMETER = 10001


def amend(books: Books, change: Amendment) -> Accepted | Refusal:
    """Change a live order; one that reaches the market by it trades like a new one.

    ``Accepted``: done, as far as it goes at once; ``Refusal``: why not, and nothing changed.
    """
    order = live_order(books, change.symbol, change.client_id)
    if isinstance(order, Refusal):
        return order
    changed = _changed(order, change)
    refusal = _refusal(books, order, change, changed)
    if refusal is not None:
        return refusal
    if order.status is Status.UNTRIGGERED:
        books.put(changed)
    else:
        arrive(books, changed)
    return Accepted(venue_id=order.venue_id, time_ms=books.now_ms())


def _changed(order: OrderReport, change: Amendment) -> OrderReport:
    trigger = order.trigger
    if trigger is not None and change.trigger_price is not None:
        trigger = attrs.evolve(trigger, price=change.trigger_price)
    return attrs.evolve(
        order,
        qty=order.qty if change.qty is None else change.qty,
        price=order.price if change.price is None else change.price,
        trigger=trigger,
        stop_loss=_leg_after(order.stop_loss, change.stop_loss),
        take_profit=_leg_after(order.take_profit, change.take_profit),
    )


def _leg_after(now: ProtectiveLeg | None, wanted: ProtectiveLeg | None) -> ProtectiveLeg | None:
    if wanted is None:
        return now
    return wanted if wanted.price.sign else None


def _refusal(
    books: Books, order: OrderReport, change: Amendment, changed: OrderReport
) -> Refusal | None:
    spec = books.instruments[order.symbol]
    if change.price is not None and order.price is None:
        return _refuse(RejectReason.INVALID_PARAMETER, "a market order has no price")
    if change.trigger_price is not None and order.status is not Status.UNTRIGGERED:
        return _refuse(RejectReason.INVALID_PARAMETER, "the order waits for no trigger")
    if changed == order:
        return _refuse(RejectReason.NOT_MODIFIED, "order not modified")
    if change.qty is not None and change.qty <= order.qty_filled:
        return _refuse(
            RejectReason.INVALID_PARAMETER,
            f"qty {change.qty} is not above {order.qty_filled}",
            code=110064,
        )
    return (
        _qty_refusal(spec, change, order)
        or price_refusal(spec, change.price, "price")
        or _new_trigger_refusal(books, order, change.trigger_price)
        or _new_legs_refusal(books, order, change, changed)
        or _growth_refusal(books, order, qty=changed.qty, price=changed.price)
    )


def _qty_refusal(spec: Instrument, change: Amendment, order: OrderReport) -> Refusal | None:
    if change.qty is None:
        return None
    return qty_refusal(spec, change.qty, order.kind, reduces=order.reduce_only)


def _refuse(reason: RejectReason, message: str, *, code: int = _PARAMETER) -> Refusal:
    return Refusal(reason=reason, code=code, message=message)


def _new_trigger_refusal(
    books: Books, order: OrderReport, trigger_price: Price | None
) -> Refusal | None:
    quote = books.quotes.get(order.symbol)
    if trigger_price is None or order.trigger is None or quote is None:
        return None
    moved = Trigger(price=trigger_price, direction=order.trigger.direction, by=order.trigger.by)
    return trigger_refusal(books.instruments[order.symbol], moved, quote)


def _new_legs_refusal(
    books: Books, order: OrderReport, change: Amendment, changed: OrderReport
) -> Refusal | None:
    """Check the legs as they would be against the price as it would be."""
    is_named = change.stop_loss is not None or change.take_profit is not None
    if is_named and (order.reduce_only or order.qty_filled > ZERO_QTY):
        return _refuse(
            RejectReason.INVALID_PARAMETER,
            f"the legs inside {order.client_id} change while it may open and has not filled: "
            f"{order.qty_filled} is filled, reduce-only: {order.reduce_only}",
        )
    if not is_named and change.price is None:
        return None
    return legs_refusal(books, books.instruments[order.symbol], changed)


def _growth_refusal(
    books: Books, order: OrderReport, *, qty: Qty, price: Price | None
) -> Refusal | None:
    if order.price is None or price is None:
        return None
    now = opening_cost(books, order, price=order.price)
    then = opening_cost(books, attrs.evolve(order, qty=qty, price=price), price=price)
    if then <= now or then - now <= available(books):
        return None
    return _refuse(
        RejectReason.INSUFFICIENT_MARGIN,
        f"ab not enough: the change needs {then - now}, available is {available(books)}",
        code=110007,
    )
