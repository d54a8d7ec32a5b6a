"""Panic: halt persistently, cancel what could open or add, close all, verify flat, then clean up.

Protective stops stay until flat is proven: a failed close must not leave a naked position. It
works from queried inventories alone, so dead streams do not matter. Panic is the only act that
touches foreign orders and positions.
"""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.limits_venue import split_close
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Purpose, Role, Side
from tidegate.domain.reports import OrderReport, PositionReport

from .asking import cancel_order
from .building import build_order
from .draft import Draft
from .events import CancelIntended, OrderIntended, PanicEnded, PanicReset, PanicStarted
from .filling import look_again_in_panic
from .ids import TAG_LENGTH
from .inputs import Inventory, PanicRequest
from .order_state import Order
from .position_reports import position_reported

__all__ = ["inventory_taken", "look_when_due", "next_look_ms", "panic_asked", "reset_asked"]

_UNREADABLE_SHOWN_MAX = 100
_NOT_CERTAIN = frozenset({Status.INTENDED, Status.UNKNOWN})
_IN_VAIN = "panic's answers in vain"


def panic_asked(draft: Draft, request: PanicRequest) -> None:
    """Start panic; while one runs, a second request only takes the inventory again."""
    if not draft.books.is_panic_running:
        draft.view = attrs.evolve(draft.view, panic_inventories=0)
        draft.note_asked(_IN_VAIN)
        if draft.books.ledger is None:
            # No session began yet, and what closes must be known as ours by the first that does.
            draft.tag_journal(request.key[:TAG_LENGTH], has_untagged=draft.is_begun)
        draft.emit(PanicStarted(cause=request.cause, key=request.key, time_ms=draft.now_ms))
    for order in tuple(draft.books.orders.values()):
        if order.role is Role.ENTRY:
            cancel_order(draft, order.request.client_id)
    look_again_in_panic(draft)


def next_look_ms(draft: Draft) -> int | None:
    """Return when a running panic takes its next inventory, ``None`` when none runs."""
    if not draft.books.is_panic_running:
        return None
    # Counted from the last question: other inputs must not put it off for ever.
    looked_ms = draft.view.inventory_asked_ms
    return draft.now_ms if looked_ms is None else looked_ms + draft.config.close_retry_ms


def look_when_due(draft: Draft) -> None:
    """Take the next inventory of a running panic when it is time."""
    due_ms = next_look_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        look_again_in_panic(draft)


def inventory_taken(draft: Draft, inventory: Inventory) -> None:
    """Go on with panic: cancel, close, and end it when the venue shows nothing held.

    Only answers bring it nearer to giving up, and it never gives up on a close that was just sent.
    """
    if not draft.books.is_panic_running:
        return
    held = tuple(report for report in inventory.positions if report.qty != ZERO_QTY)
    for report in inventory.positions:
        position_reported(draft, report)
    is_flat = not held and not inventory.unreadable
    for order in inventory.orders:
        if _may_be_cancelled(order, is_flat=is_flat):
            _cancel_reported(draft, order)
    remaining = (
        *(f"{report.symbol} {report.qty}" for report in held),
        *(f"{o.symbol} order {o.venue_id}" for o in inventory.orders if not o.reduce_only),
        *(f"unreadable: {r.source} {r.text[:_UNREADABLE_SHOWN_MAX]}" for r in inventory.unreadable),
        *_uncertain(draft),
    )
    if not remaining or _is_given_up(draft):
        draft.emit(PanicEnded(remaining=remaining, time_ms=draft.now_ms))
        return
    for position in held:
        _close(draft, position)


def _is_given_up(draft: Draft) -> bool:
    """Count an answer that shows something left, once in a while; tells whether it was the last.

    Answers in quick succession are one: each change makes panic look, and a close takes its time.
    """
    counted_ms = draft.view.asked_ms.get(_IN_VAIN)
    if counted_ms is None or counted_ms + draft.config.close_retry_ms <= draft.now_ms:
        draft.note_asked(_IN_VAIN)
        draft.view = attrs.evolve(draft.view, panic_inventories=draft.view.panic_inventories + 1)
    return draft.view.panic_inventories >= draft.config.panic_inventories_max


def _uncertain(draft: Draft) -> tuple[str, ...]:
    """Name the entries that may still arrive: until they are certain, flat is not proven."""
    return tuple(
        f"{order.request.symbol} order {order_id}, {order.status.value}"
        for order_id, order in draft.books.orders.items()
        if order.role is Role.ENTRY and order.is_released and order.status in _NOT_CERTAIN
    )


def _may_be_cancelled(order: OrderReport, *, is_flat: bool) -> bool:
    """Spare what protects a position until nothing is held."""
    return is_flat or not order.reduce_only


def _cancel_reported(draft: Draft, order: OrderReport) -> None:
    known = draft.books.order(order.client_id)
    if known is not None:
        cancel_order(draft, known.request.client_id)
        return
    draft.emit(
        CancelIntended(symbol=order.symbol, client_id=order.client_id, venue_id=order.venue_id)
    )


def _close(draft: Draft, position: PositionReport) -> None:
    panic, instrument = draft.books.panic, draft.instrument(position.symbol)
    assert panic is not None, "a panic close outside panic"
    if any(_may_close(draft, order) for order in draft.books.open_orders(position.symbol)):
        return
    side = Side.BUY if position.qty > ZERO_QTY else Side.SELL
    qty = abs(position.qty)
    for part in (qty,) if instrument is None else split_close(qty, instrument):
        purpose = Purpose(Role.PANIC)
        draft.emit(
            OrderIntended(
                trade_key=panic.key,
                order=build_order(
                    draft.books.client_id(panic.key, purpose, draft.books.panic_orders),
                    purpose=purpose,
                    symbol=position.symbol,
                    side=side.opposite,
                    qty=part,
                ),
                decision_price=position.mark,
                time_ms=draft.now_ms,
            )
        )


def _may_close(draft: Draft, order: Order) -> bool:
    """Tell whether a close is waited for: while it is open, and shortly after it was sent.

    What is shown as held may be from before its fills. Its executions are not waited for: where no
    session began they are never read, and it stays in the books all the same.
    """
    is_new = draft.now_ms < order.intended_ms + draft.config.close_retry_ms
    return order.role is Role.PANIC and (order.is_open or is_new)


def reset_asked(draft: Draft) -> None:
    """Leave panic, once it has ended: until then nothing else closes what is held."""
    if draft.books.panic is not None and not draft.books.is_panic_running:
        draft.emit(PanicReset(time_ms=draft.now_ms))
