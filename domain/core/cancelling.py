"""Cancels that an operator asks for: one order, all of ours, or every order, foreign ones too.

A rung that is cancelled by hand is given up, or the ladder would put it back. What closes a
position is never cancelled. A mass cancel works like panic, from what the venue lists, until the
venue lists nothing more; a protective stop of a position stays unless it is asked for by name, and
the stop that the desk itself keeps stays always: it would be set again.
"""

from collections.abc import Iterable

from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Role, Side, Symbol, Trigger, TriggerDirection
from tidegate.domain.reports import OrderReport, Origin

from .asking import cancel_order
from .draft import Draft
from .effects import TakeInventory
from .events import (
    CancelIntended,
    CancelRequested,
    MassCancelEnded,
    MassCancelStarted,
    RungsDropped,
)
from .inputs import CancelRequest, Inventory, MassCancelRequest
from .refusing import refuse_request
from .state import Order

__all__ = [
    "cancel_asked",
    "mass_cancel_asked",
    "mass_cancel_listed",
    "mass_cancel_when_due",
    "next_mass_cancel_ms",
]

_CLOSING = frozenset({Role.CLOSE, Role.PANIC})
_STOPS = frozenset({Origin.STOP_LOSS, Origin.TRAILING_STOP})


def cancel_asked(draft: Draft, request: CancelRequest) -> None:
    """Cancel one order of ours, or all of ours, of one symbol where it is given."""
    if request.client_id is None:
        ours = _ours(draft, request.symbol)
        _record(draft, request, ours)
        _drop_rungs(draft, request.symbol)
        _cancel_ours(draft, ours)
        return
    order = draft.books.order(request.client_id)
    why = _objection(request, order)
    if order is None or why is not None:
        refuse_request(draft, request.key, why or "", client_id=request.client_id)
        return
    _record(draft, request, (order,))
    rung = order.request.purpose.rung
    if rung is not None:
        _drop(draft, order.request.symbol, (rung,))
    _cancel_ours(draft, (order,))


def _record(draft: Draft, request: CancelRequest, orders: tuple[Order, ...]) -> None:
    draft.emit(
        CancelRequested(
            key=request.key,
            client_ids=tuple(order.request.client_id for order in orders if order.is_open),
            time_ms=draft.now_ms,
        )
    )


def _objection(request: CancelRequest, order: Order | None) -> str | None:
    name = f"order {request.client_id}"
    if order is None:
        return f"{name} is not known: it was never placed or is long over"
    if not order.is_open:
        return f"{name} is over ({order.status.value}): there is nothing to cancel"
    if order.role in _CLOSING:
        return f"{name} closes a position: it is not cancelled"
    return None


def _ours(draft: Draft, symbol: Symbol | None) -> tuple[Order, ...]:
    return tuple(
        order
        for order in draft.books.orders.values()
        if symbol in {None, order.request.symbol} and order.role not in _CLOSING
    )


def _cancel_ours(draft: Draft, orders: Iterable[Order]) -> None:
    for order in orders:
        cancel_order(draft, order.request.client_id)


def _drop_rungs(draft: Draft, symbol: Symbol | None) -> None:
    for trade in tuple(draft.books.trades.values()):
        if symbol in {None, trade.symbol}:
            _drop(draft, trade.symbol, tuple(rung.number for rung in trade.rungs))


def _drop(draft: Draft, symbol: Symbol, numbers: tuple[int, ...]) -> None:
    if numbers and draft.trade(symbol) is not None:
        draft.emit(RungsDropped(symbol=symbol, numbers=numbers, time_ms=draft.now_ms))


def mass_cancel_asked(draft: Draft, request: MassCancelRequest) -> None:
    """Begin to cancel every order of a symbol or of the account, as far as the venue lists them."""
    if draft.books.is_panic_running:
        why = "panic runs, which cancels every order that could open: wait until it has ended"
        refuse_request(draft, request.key, why, symbol=request.symbol)
        return
    if draft.books.mass_cancel is not None:
        why = "another cancel of every order runs: wait until it has ended"
        refuse_request(draft, request.key, why, symbol=request.symbol)
        return
    draft.emit(
        MassCancelStarted(
            key=request.key,
            symbol=request.symbol,
            with_stops=request.with_stops,
            time_ms=draft.now_ms,
        )
    )
    _drop_rungs(draft, request.symbol)
    _cancel_ours(draft, (o for o in _ours(draft, request.symbol) if o.role is not Role.EXIT))
    draft.ask(TakeInventory())


def next_mass_cancel_ms(draft: Draft) -> int | None:
    """Return when a running mass cancel looks again, ``None`` when none runs."""
    if draft.books.mass_cancel is None:
        return None
    looked_ms = draft.view.inventory_asked_ms
    return draft.now_ms if looked_ms is None else looked_ms + draft.config.close_retry_ms


def mass_cancel_when_due(draft: Draft) -> None:
    """Look at what the venue lists once more when it is time."""
    due_ms = next_mass_cancel_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        draft.ask(TakeInventory())


def mass_cancel_listed(draft: Draft, inventory: Inventory) -> None:
    """Cancel what the venue lists; end when it lists nothing more, or when the time is over."""
    running = draft.books.mass_cancel
    if running is None:
        return
    held = {
        report.symbol: Side.BUY if report.qty > ZERO_QTY else Side.SELL
        for report in inventory.positions
        if report.qty != ZERO_QTY
    }
    listed = tuple(
        order
        for order in inventory.orders
        if running.symbol in {None, order.symbol}
        and not _is_the_desks(draft, order)
        and (running.with_stops or not _protects(order, held.get(order.symbol)))
    )
    remaining = (
        *(f"{order.symbol} order {order.venue_id}" for order in listed),
        *(f"unreadable: {row.source}" for row in inventory.unreadable),
        *(
            f"{order.request.symbol} order {order.request.client_id}, {order.status.value}"
            for order in _ours(draft, running.symbol)
            if order.role is Role.ENTRY and order.is_open
        ),
    )
    is_late = draft.now_ms >= running.time_ms + draft.config.mass_cancel_wait_ms
    if not remaining or is_late:
        draft.emit(MassCancelEnded(key=running.key, remaining=remaining, time_ms=draft.now_ms))
        return
    for order in listed:
        _cancel_listed(draft, order)


def _is_the_desks(draft: Draft, order: OrderReport) -> bool:
    """Tell whether the desk needs an order: it would send a close or set a stop again at once."""
    trade = draft.trade(order.symbol)
    if order.origin is Origin.STOP_LOSS and trade is not None and trade.stop_wanted is not None:
        return True
    known = draft.books.order(order.client_id)
    return known is not None and known.role in _CLOSING


def _protects(order: OrderReport, held: Side | None) -> bool:
    """Tell whether an order is a stop of the position that is held on ``held``."""
    if held is None or order.side is held:
        return False
    if order.origin in _STOPS:
        return True
    return order.reduce_only and order.trigger is not None and _is_a_loss(order.trigger, held)


def _is_a_loss(trigger: Trigger, held: Side) -> bool:
    against = TriggerDirection.FALLS_TO if held is Side.BUY else TriggerDirection.RISES_TO
    return trigger.direction is against


def _cancel_listed(draft: Draft, order: OrderReport) -> None:
    known = draft.books.order(order.client_id)
    if known is not None and known.is_open:
        cancel_order(draft, known.request.client_id)
        return
    subject = f"mass cancel {order.venue_id}"
    if draft.is_due(subject):
        draft.note_asked(subject)
        draft.emit(
            CancelIntended(symbol=order.symbol, client_id=order.client_id, venue_id=order.venue_id)
        )
