"""How the venue answers a request: taken, refused, unknown, not found, a cancel in vain."""

import attrs
from tidegate.domain.lifecycle import Status, may_become
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import Execution, RejectReason

from .asking import ask_for_order, cancel_forgotten
from .draft import Draft
from .events import (
    CancelRefused,
    OrderAcknowledged,
    OrderLapsed,
    OrderRefused,
    OrderUnknown,
    OrderUpdated,
)
from .filling import GIVEN_UP, look_again_in_panic
from .inputs import CancelAnswered, OrderNotFound, PlaceAccepted, PlaceRefused, PlaceUnknown
from .protecting import keep_levels
from .react import send
from .state import HeldRow, Order, frozen, with_item, without

__all__ = [
    "cancel_answered",
    "order_not_found",
    "place_accepted",
    "place_refused",
    "place_unknown",
]


def place_accepted(draft: Draft, answer: PlaceAccepted) -> None:
    """Note the acknowledgement. Acknowledged is not live: the order's record says that."""
    draft.note_answered(answer.client_id)
    order = draft.books.order(answer.client_id)
    if order is not None and order.venue_id is None:
        draft.emit(OrderAcknowledged(client_id=answer.client_id, venue_id=answer.venue_id))


def place_refused(draft: Draft, answer: PlaceRefused) -> None:
    """End an order that the venue refused, and keep the levels that it was for."""
    draft.note_answered(answer.client_id)
    order = draft.books.order(answer.client_id)
    if order is None or not may_become(order.status, Status.REJECTED):
        return
    if answer.reason is RejectReason.DUPLICATE_CLIENT_ID:
        # The venue has this order already: an earlier send of it arrived after all.
        ask_for_order(draft, order)
        return
    draft.emit(
        OrderRefused(
            client_id=answer.client_id,
            reason=answer.reason,
            code=answer.code,
            message=answer.message,
            time_ms=draft.now_ms,
        )
    )
    keep_levels(draft, order.request.symbol)


def place_unknown(draft: Draft, answer: PlaceUnknown) -> None:
    """Keep the order as exposure and ask for it by its client id."""
    draft.note_answered(answer.client_id)
    order = draft.books.order(answer.client_id)
    if order is None or not may_become(order.status, Status.UNKNOWN):
        return
    draft.emit(OrderUnknown(client_id=answer.client_id, sent_ms=answer.sent_ms, cause=answer.cause))
    ask_for_order(draft, order)


def order_not_found(draft: Draft, answer: OrderNotFound) -> None:
    """Believe "not found" only when the request can no longer arrive.

    Twice, a history lag apart, so that an order which has just ended is not taken for one that
    never was. On a journal that is shared, another process may have it in a lane, for as long as it
    may still send it. Where no time has passed since the intent (a replay that was killed between
    journal and send), the same order is sent again under its own id. Otherwise it lapses.
    """
    order = draft.books.order(answer.client_id)
    if order is None:
        return
    if not may_become(order.status, Status.LAPSED):
        _end_forgotten(draft, order, answer)
        return
    if answer.client_id in draft.view.in_flight:
        # Its request is still under way: it may arrive after this question did.
        return
    since_ms = order.unknown_since_ms
    if since_ms is None:
        since_ms = order.intended_ms + draft.config.send_within_ms
    final_ms = draft.config.not_found_final_ms
    if answer.asked_ms < since_ms + final_ms or not _is_missed_again(draft, answer):
        return
    if final_ms == 0 and draft.now_ms == order.intended_ms:
        draft.note_sent(answer.client_id)
        draft.ask(send(order))
        return
    draft.emit(OrderLapsed(client_id=answer.client_id, time_ms=draft.now_ms))
    keep_levels(draft, order.request.symbol)


def _is_missed_again(draft: Draft, answer: OrderNotFound) -> bool:
    """Tell whether no query knew an order a history lag ago either.

    An order that has just ended may be in neither list: the live one has it no more, and the
    history not yet. Where the history has no lag, one answer is enough.
    """
    lag_ms, order_id = draft.config.history_lag_ms, answer.client_id
    if lag_ms == 0:
        return True
    missed_ms = draft.view.missed_ms
    first_ms = missed_ms.get(order_id)
    if first_ms is None:
        still = {name: ms for name, ms in missed_ms.items() if name in draft.books.orders}
        missed = frozen({**still, order_id: answer.asked_ms})
        draft.view = attrs.evolve(draft.view, missed_ms=missed)
        return False
    return answer.asked_ms >= first_ms + lag_ms


def _end_forgotten(draft: Draft, order: Order, answer: OrderNotFound) -> None:
    """End an order that was live and that the venue has forgotten, with what was booked.

    A venue does not keep ended orders for ever. No single answer proves it: the order is cancelled
    first. It ends when the venue says of the cancel too that there is no such order, when no query
    knows it a final time after that, and when all executions since its intent were read.
    """
    order_id, final_ms = order.request.client_id, draft.config.not_found_final_ms
    is_early = answer.asked_ms < order.intended_ms + final_ms
    is_held = any(_is_of(held, order_id) for held in draft.view.held)
    if not order.is_open or order_id in draft.view.in_flight or is_early or is_held:
        return
    if not answer.has_executions or order.venue_id is None:
        return
    gone_ms = draft.view.gone_ms.get(order_id)
    if gone_ms is None:
        cancel_forgotten(draft, order)
    elif answer.asked_ms >= gone_ms + final_ms:
        draft.emit(
            OrderUpdated(
                client_id=order_id,
                venue_id=order.venue_id,
                status=Status.FILLED if order.qty_left.sign == 0 else Status.CANCELLED,
                qty_filled=order.qty_filled,
                cancel_reason=None,
                time_ms=draft.now_ms,
            )
        )
        draft.view = attrs.evolve(draft.view, gone_ms=without(draft.view.gone_ms, order_id))
        look_again_in_panic(draft)
        keep_levels(draft, order.request.symbol)


def _is_of(held: HeldRow, order_id: ClientId) -> bool:
    """Tell whether a booking that waits is an execution of an order."""
    return isinstance(held.row, Execution) and held.row.client_id == order_id


def cancel_answered(draft: Draft, answer: CancelAnswered) -> None:
    """Note a refused cancel and look at the order again: it may have filled."""
    if answer.refusal is None:
        return
    order = draft.books.order(answer.client_id)
    if order is None or not (order.is_open or order.status in GIVEN_UP):
        return
    if order.is_open and not order.is_released:
        draft.note_answered(order.request.client_id)
        # It still waits for its leverage, so it was never sent: here it ends.
        draft.emit(OrderLapsed(client_id=order.request.client_id, time_ms=draft.now_ms))
        return
    draft.emit(
        CancelRefused(
            symbol=answer.symbol,
            client_id=answer.client_id,
            venue_id=answer.venue_id,
            message=answer.refusal,
        )
    )
    if order.is_open:
        if answer.is_gone and order.request.client_id not in draft.view.gone_ms:
            gone_ms = with_item(draft.view.gone_ms, order.request.client_id, draft.now_ms)
            draft.view = attrs.evolve(draft.view, gone_ms=gone_ms)
        ask_for_order(draft, order)
