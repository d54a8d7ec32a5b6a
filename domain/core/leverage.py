"""What the answer to a leverage means for the books, and for the entries that wait for it."""

from .draft import Draft
from .events import EntryReleased, LeverageRefused, LeverageSet, OrderLapsed
from .inputs import LeverageAnswered
from .state import Order

__all__ = ["leverage_answered"]


def leverage_answered(draft: Draft, item: LeverageAnswered) -> None:
    """Release the entries that waited for this leverage, or end them where it was refused."""
    if item.refusal is None:
        draft.emit(LeverageSet(symbol=item.symbol, leverage=item.leverage))
        for order in _waiting(draft, item):
            if not order.cancel_intended:
                draft.emit(EntryReleased(client_id=order.request.client_id))
        return
    waiting = _waiting(draft, item)
    draft.emit(LeverageRefused(symbol=item.symbol, leverage=item.leverage, message=item.refusal))
    for order in waiting:
        draft.note_answered(order.request.client_id)
        draft.emit(OrderLapsed(client_id=order.request.client_id, time_ms=draft.now_ms))


def _waiting(draft: Draft, item: LeverageAnswered) -> tuple[Order, ...]:
    return tuple(
        order
        for order in draft.books.open_orders(item.symbol)
        if not order.is_released
        and order.signal is not None
        and order.signal.leverage == item.leverage
    )
