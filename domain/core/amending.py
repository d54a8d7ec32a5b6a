"""Changing a resting order: judged again where it adds risk, settled by the order's own record.

While the answer is out the larger of both reservations counts. The acknowledgement proves nothing:
the change is settled when a record of the order shows it, or, when it was refused or the request
can no longer arrive, when a record shows the order without it.
"""

import attrs
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.orders import OrderKind, OrderRequest
from tidegate.domain.reports import OrderReport
from tidegate.domain.risk.judge import Refused

from .amending_checks import amend_objection, wanted_request
from .amending_entries import EntryChange, entry_change
from .asking import ask_for_order
from .draft import Draft
from .events import AmendIntended, AmendRejected, AmendSettled
from .inputs import AmendAnswered, AmendRequest
from .react import change_of
from .refusing import refuse_request
from .state import Amendment, Order

__all__ = ["amend_answered", "amend_asked", "settle_amendment"]


def amend_asked(draft: Draft, request: AmendRequest) -> None:
    """Record the change of a resting order, or why it is not sent."""
    order = draft.books.order(request.client_id)
    if order is None:
        why = f"order {request.client_id} is not known: it was never placed or is long over"
        refuse_request(draft, request.key, why, client_id=request.client_id)
        return
    change = _change(draft, order, request)
    if not isinstance(change, EntryChange):
        refuse_request(
            draft, request.key, change, symbol=order.request.symbol, client_id=request.client_id
        )
        return
    draft.emit(
        AmendIntended(
            key=request.key,
            client_id=request.client_id,
            request=change.request,
            signal=change.signal,
            worst_price=change.worst_price,
            time_ms=draft.now_ms,
        )
    )


def _change(draft: Draft, order: Order, request: AmendRequest) -> EntryChange | Refused | str:
    why = amend_objection(order, request)
    if why is not None:
        return why
    wanted = wanted_request(draft, order, request)
    if isinstance(wanted, str):
        return wanted
    made = EntryChange(wanted, None, None)
    if order.signal is not None:
        planned = entry_change(draft, order, order.signal, wanted)
        if not isinstance(planned, EntryChange):
            return planned
        made = planned
    if made.request == order.request:
        return f"order {request.client_id} is as asked already: there is nothing to change"
    return made


def amend_answered(draft: Draft, answer: AmendAnswered) -> None:
    """Note a refusal, and read the order: only its record says what it is now."""
    order_id = answer.asked.client_id
    draft.note_answered(order_id)
    order = draft.books.order(order_id)
    if order is None or order.pending is None:
        return
    # An earlier change may be answered after its record came, and after the next was asked for.
    is_of_pending = change_of(order.pending) == answer.asked
    if answer.refusal is not None and is_of_pending:
        draft.emit(AmendRejected(client_id=order_id, message=answer.refusal))
    ask_for_order(draft, order)


def settle_amendment(draft: Draft, order: Order, report: OrderReport) -> None:
    """Take a record of the venue as evidence of what a changed order is.

    A record that is older than the last one taken is none. One that shows something else later is
    believed again: a request may arrive after it was given up.
    """
    amendment = order.amendment
    if amendment is None or report.status in TERMINAL or report.updated_ms < amendment.shown_ms:
        return
    shown = _shown(amendment, report)
    if amendment.is_settled:
        is_news = shown != order.request
    else:
        is_news = shown == amendment.request or _is_over(draft, order, amendment)
    if is_news:
        draft.emit(
            AmendSettled(
                client_id=order.request.client_id,
                request=shown,
                shown_ms=report.updated_ms,
                time_ms=draft.now_ms,
            )
        )


def _is_over(draft: Draft, order: Order, amendment: Amendment) -> bool:
    """Tell whether the change cannot happen any more, so that a record without it is the truth."""
    if order.request.client_id in draft.view.in_flight:
        return False
    config = draft.config
    final_ms = amendment.sent_ms + config.send_within_ms + config.not_found_final_ms
    return amendment.is_refused or draft.now_ms >= final_ms


def _shown(amendment: Amendment, report: OrderReport) -> OrderRequest:
    """Return the order as the record shows it, in what the change was about."""
    before, wanted = amendment.before, amendment.request
    shown = before
    if wanted.qty != before.qty:
        shown = attrs.evolve(shown, qty=report.qty)
    if wanted.price != before.price and before.kind is OrderKind.LIMIT:
        shown = attrs.evolve(shown, price=report.price)
    if wanted.trigger != before.trigger:
        shown = attrs.evolve(shown, trigger=report.trigger)
    if wanted.stop_loss != before.stop_loss:
        shown = attrs.evolve(shown, stop_loss=report.stop_loss)
    if wanted.take_profit != before.take_profit:
        shown = attrs.evolve(shown, take_profit=report.take_profit)
    return shown
