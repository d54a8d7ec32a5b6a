"""What is in doubt: orders whose end is not known, and cancels that the venue did not take.

A message can be lost and a query can fail, so whatever is in doubt is asked for again, at most
once in ``ask_again_ms``, until it is settled. Nothing here needs a stream.
"""

from collections.abc import Iterable, Iterator

from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import OrderReport

from .draft import Draft
from .events import CancelIntended
from .react import question
from .state import Order

__all__ = [
    "ask_for_order",
    "ask_for_unlisted",
    "ask_in_doubt",
    "cancel_again",
    "cancel_changed",
    "cancel_forgotten",
    "cancel_order",
    "next_question_ms",
]


def _is_in_doubt(draft: Draft, order: Order) -> bool:
    """Tell whether the venue owes us news of an order that is not settled.

    An order whose request is still under way is not: "not found" would say nothing of it.
    """
    if order.request.client_id in draft.view.in_flight:
        return False
    if order.status in {Status.INTENDED, Status.UNKNOWN} or not order.is_open:
        return True
    return order.cancel_intended or order.fills_at_once or order.pending is not None


def _in_doubt(draft: Draft) -> Iterator[Order]:
    return (order for order in draft.books.orders.values() if _is_in_doubt(draft, order))


def _due_ms(draft: Draft, order: Order) -> int:
    """Return when to ask: a while after the intent, the last question or the unclear answer."""
    asked_ms = draft.view.asked_ms.get(order.request.client_id)
    since_ms = order.intended_ms if asked_ms is None else asked_ms
    return since_ms + max(1, draft.config.ask_again_ms)


def ask_for_order(draft: Draft, order: Order) -> None:
    """Ask the venue for one order now."""
    draft.note_asked(order.request.client_id)
    draft.ask(question(order, draft.books))


def ask_in_doubt(draft: Draft) -> None:
    """Ask for every order in doubt whose time has come."""
    for order in tuple(_in_doubt(draft)):
        if _due_ms(draft, order) <= draft.now_ms:
            ask_for_order(draft, order)


def ask_for_unlisted(draft: Draft, listed: Iterable[OrderReport]) -> None:
    """Ask for every order of ours that should be open and that a list of the open ones lacks.

    It ended while no message came, or arrived after the list was made: the answer says which.
    """
    open_ids = {report.client_id for report in listed}
    for order in tuple(draft.books.orders.values()):
        order_id = order.request.client_id
        is_expected = order.is_open and order_id not in draft.view.in_flight
        if is_expected and order_id not in open_ids and draft.is_due(order_id):
            ask_for_order(draft, order)


def cancel_order(draft: Draft, order_id: ClientId) -> None:
    """Cancel an order of ours, once: a cancel that fails is repeated by :func:`cancel_again`."""
    order = draft.books.order(order_id)
    assert order is not None, f"{order_id} is cancelled and not in the books"
    # An order whose executions have all come is over, whatever its last report said.
    if order.is_open and order.qty_left > ZERO_QTY and not order.cancel_wanted:
        _emit_cancel(draft, order)


def _emit_cancel(draft: Draft, order: Order) -> None:
    draft.note_asked(_cancel_subject(order))
    draft.emit(
        CancelIntended(
            symbol=order.request.symbol,
            client_id=order.request.client_id,
            venue_id=order.venue_id,
        )
    )


def cancel_forgotten(draft: Draft, order: Order) -> None:
    """Cancel an order that no query knows, though a cancel may have been taken long ago."""
    if draft.is_due(_cancel_subject(order)):
        _emit_cancel(draft, order)


def cancel_changed(draft: Draft, order: Order) -> None:
    """Cancel an order that somebody changed, once: what is left of it the venue alone knows."""
    if order.is_open and not order.cancel_wanted:
        _emit_cancel(draft, order)


def _cancel_subject(order: Order) -> str:
    return f"cancel {order.request.client_id}"


def _uncancelled(draft: Draft) -> Iterator[Order]:
    """Yield the open orders that are to end and whose last cancel failed."""
    return (
        order
        for order in draft.books.orders.values()
        if order.is_open and order.cancel_wanted and not order.cancel_intended
    )


def cancel_again(draft: Draft) -> None:
    """Repeat the cancels that failed and whose time has come."""
    for order in tuple(_uncancelled(draft)):
        if draft.is_due(_cancel_subject(order)):
            _emit_cancel(draft, order)


def next_question_ms(draft: Draft) -> int | None:
    """Return when something here is due next, ``None`` when nothing is in doubt."""
    due = [_due_ms(draft, order) for order in _in_doubt(draft)]
    due += [draft.due_ms(_cancel_subject(order)) for order in _uncancelled(draft)]
    return min(due, default=None)
