"""What the venue reports of orders, executions, funding and positions."""

import attrs
from tidegate.domain.lifecycle import OPEN, TERMINAL, Status, may_become
from tidegate.domain.money import Price
from tidegate.domain.reconcile import unknown_order
from tidegate.domain.reports import (
    Execution,
    FundingPayment,
    OrderReport,
    Origin,
    PositionReport,
    RejectReason,
)
from tidegate.domain.trade import ClosedTrade, CloseReason

from .asking import ask_for_order, cancel_forgotten, cancel_order
from .closing import start_close
from .comparing import raise_finding
from .draft import Draft
from .effects import TakeInventory
from .events import (
    CancelIntended,
    CancelRefused,
    Filled,
    FundingBooked,
    LeverageSet,
    OrderAcknowledged,
    OrderLapsed,
    OrderRefused,
    OrderUnknown,
    OrderUpdated,
    TradeClosed,
    UpdateIgnored,
)
from .inputs import CancelAnswered, OrderNotFound, PlaceAccepted, PlaceRefused, PlaceUnknown
from .marking import mark_booked
from .protecting import confirm_stop_by_order, confirm_stop_by_position, keep_levels, plan_again
from .react import send
from .state import LiveTrade, Order, with_item, without

__all__ = [
    "cancel_answered",
    "cancel_open",
    "executed",
    "funded",
    "order_not_found",
    "order_reported",
    "place_accepted",
    "place_refused",
    "place_unknown",
    "position_reported",
]


def executed(draft: Draft, execution: Execution) -> None:
    """Count an execution once; plan again after an opening, end the trade when flat."""
    if draft.books.ledger is None or execution.execution_id in draft.books.executions:
        # Before the account is opened, the wallet that opens it contains this already.
        return
    symbol = execution.symbol
    before, known = draft.books.position(symbol), draft.trade(symbol)
    draft.emit(Filled(execution=execution))
    mark_booked(draft, symbol, execution.time_ms)
    look_again_in_panic(draft)
    after = draft.books.position(symbol)
    trade = draft.trade(symbol)
    if trade is None:
        return
    was_reversed = before.side is not None and after.side not in {None, before.side}
    is_closed = trade.qty_closed >= trade.qty_opened
    if known is not None and (after.is_flat or was_reversed or is_closed):
        _close_trade(draft, trade, execution)
        return
    if execution.side is trade.side:
        plan_again(draft, symbol)
        _close_after_panic(draft, trade)
    elif not _is_of_rung(draft, execution):
        plan_again(draft, symbol)
    keep_levels(draft, symbol)


def _is_of_rung(draft: Draft, execution: Execution) -> bool:
    order = draft.books.order(execution.client_id)
    return order is not None and order.request.purpose.rung is not None


def _close_after_panic(draft: Draft, trade: LiveTrade) -> None:
    """Close at once what a late fill opens on a desk that panic has halted."""
    panic = draft.books.panic
    if panic is not None and not draft.books.is_panic_running and trade.closing is None:
        start_close(draft, trade, CloseReason.PANIC, panic.key)


def _close_trade(draft: Draft, trade: LiveTrade, last: Execution) -> None:
    assert trade.qty_closed.sign > 0, f"trade {trade.key} ended without a closing execution"
    draft.emit(
        TradeClosed(
            trade=ClosedTrade(
                trade_key=trade.key,
                symbol=trade.symbol,
                side=trade.side,
                qty=trade.qty_opened,
                opened_ms=trade.opened_ms,
                closed_ms=last.time_ms,
                entry_price=_average(trade),
                exit_price=trade.value_closed / trade.qty_closed,
                profit=trade.profit,
                fees=trade.fees,
                funding=trade.funding,
                slippage=trade.slippage,
                risk=trade.risk,
                worst=min(trade.worst, trade.profit),
                best=max(trade.best, trade.profit),
                reason=trade.last_close or CloseReason.OUTSIDE,
            )
        )
    )
    cancel_open(draft, trade)


def _average(trade: LiveTrade) -> Price:
    return trade.value_opened / trade.qty_opened


def cancel_open(draft: Draft, trade: LiveTrade) -> None:
    """Cancel what is left of our orders in a symbol that became flat; only ours."""
    for order in draft.books.open_orders(trade.symbol):
        cancel_order(draft, order.request.client_id)


def funded(draft: Draft, payment: FundingPayment) -> None:
    """Count a funding payment once."""
    is_known = payment.payment_id in draft.books.executions
    if draft.books.ledger is not None and not is_known:
        draft.emit(FundingBooked(payment=payment))
        mark_booked(draft, payment.symbol, payment.time_ms)


def order_reported(draft: Draft, report: OrderReport) -> None:
    """Move our order to the status reported, or keep the update when the table forbids it."""
    confirm_stop_by_order(draft, report)
    order = draft.books.order(report.client_id)
    if order is None or report.client_id is None:
        if report.status in TERMINAL:
            look_again_in_panic(draft)
        elif order is None:
            _cancel_orphan(draft, report)
        return
    if order.status is report.status:
        return
    if not may_become(order.status, report.status):
        _ignore(draft, order, report.status)
        return
    draft.emit(
        OrderUpdated(
            client_id=report.client_id,
            venue_id=report.venue_id,
            status=report.status,
            qty_filled=report.qty_filled,
            cancel_reason=report.cancel_reason,
            time_ms=draft.now_ms,
        )
    )
    look_again_in_panic(draft)
    keep_levels(draft, report.symbol)


def _cancel_orphan(draft: Draft, report: OrderReport) -> None:
    """Cancel an open order that carries an id of ours and that the books do not know.

    Nothing here would protect or close what it fills. One that panic sees is cancelled by panic.
    """
    subject = f"orphan {report.client_id}"
    is_orphan = report.origin is Origin.USER and draft.books.is_ours(report.client_id)
    is_opened = draft.books.ledger is not None and not draft.books.is_panic_running
    if is_orphan and is_opened and draft.is_due(subject):
        draft.note_asked(subject)
        raise_finding(draft, unknown_order(draft.books, report))
        draft.emit(
            CancelIntended(
                symbol=report.symbol, client_id=report.client_id, venue_id=report.venue_id
            )
        )


def look_again_in_panic(draft: Draft) -> None:
    """While panic runs, every change is a reason to look at what is left."""
    if draft.books.is_panic_running:
        draft.ask(TakeInventory())


_LATER = {
    Status.INTENDED: 0,
    Status.UNKNOWN: 0,
    Status.ACKNOWLEDGED: 1,
    Status.UNTRIGGERED: 2,
    Status.TRIGGERED: 3,
    Status.NEW: 4,
    Status.PARTIALLY_FILLED: 5,
}


_GIVEN_UP = frozenset({Status.LAPSED, Status.REJECTED})


def _ignore(draft: Draft, order: Order, reported: Status) -> None:
    """Keep an illegal update as a record; a mere echo of an earlier state is not worth one.

    An order that was given up and is live at the venue all the same is cancelled.
    """
    present, client_id = order.status, order.request.client_id
    has_come_late = present in _GIVEN_UP and reported in OPEN
    is_echo = reported in OPEN and (present in TERMINAL or _LATER[reported] < _LATER[present])
    if is_echo and not has_come_late:
        return
    if has_come_late and order.cancel_intended:
        return
    draft.emit(
        UpdateIgnored(client_id=client_id, present=present, reported=reported, time_ms=draft.now_ms)
    )
    if has_come_late:
        draft.emit(
            CancelIntended(
                symbol=order.request.symbol, client_id=client_id, venue_id=order.venue_id
            )
        )


def position_reported(draft: Draft, report: PositionReport) -> None:
    """Take the venue's view of a position; an older report never replaces a newer one.

    A stop that is set or taken away moves no sequence at some venues: there the time decides.
    """
    known = draft.view.positions.get(report.symbol)
    if known is not None and _age(known) > _age(report):
        return
    draft.view = attrs.evolve(
        draft.view, positions=with_item(draft.view.positions, report.symbol, report)
    )
    _note_leverage(draft, report)
    confirm_stop_by_position(draft, report)
    _close_beyond_stop(draft, report)
    keep_levels(draft, report.symbol)


def _age(report: PositionReport) -> tuple[int, int]:
    return report.sequence, report.time_ms


def _close_beyond_stop(draft: Draft, report: PositionReport) -> None:
    """Close what a fired stop left over: beyond its price no new stop can be set."""
    trade = draft.trade(report.symbol)
    if trade is None or trade.stop_wanted is None or trade.closing is not None:
        return
    is_bare = report.stop_loss is None and report.qty.sign != 0
    was_shown = trade.verify_by_ms is not None and not trade.is_stop_confirmed
    is_beyond = (report.mark - trade.stop_wanted).sign != trade.side.sign
    if is_bare and was_shown and is_beyond and trade.last_close is CloseReason.STOP:
        start_close(draft, trade, CloseReason.STOP, trade.key)


def _note_leverage(draft: Draft, report: PositionReport) -> None:
    """Believe the venue about a leverage that was changed outside: entries must set it again."""
    known = draft.books.leverage.get(report.symbol)
    if known is not None and known != report.leverage:
        draft.emit(LeverageSet(symbol=report.symbol, leverage=report.leverage))


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

    Where no time has passed since the intent (a replay that was killed between journal and send),
    the same order is sent again under its own id. Otherwise it lapses.
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
    since_ms = order.unknown_since_ms if order.unknown_since_ms is not None else order.intended_ms
    final_ms = draft.config.not_found_final_ms
    if answer.asked_ms < since_ms + final_ms:
        return
    if final_ms == 0 and draft.now_ms == order.intended_ms:
        draft.note_sent(answer.client_id)
        draft.ask(send(order))
        return
    draft.emit(OrderLapsed(client_id=answer.client_id, time_ms=draft.now_ms))
    keep_levels(draft, order.request.symbol)


def _end_forgotten(draft: Draft, order: Order, answer: OrderNotFound) -> None:
    """End an order that was live and that the venue has forgotten, with what was booked.

    A venue does not keep ended orders for ever. No single answer proves it: the order is cancelled
    first. It ends when the venue says of the cancel too that there is no such order, when no query
    knows it a final time after that, and when all executions since its intent were read.
    """
    order_id, final_ms = order.request.client_id, draft.config.not_found_final_ms
    is_early = answer.asked_ms < order.intended_ms + final_ms
    if not order.is_open or order_id in draft.view.in_flight or is_early:
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


def cancel_answered(draft: Draft, answer: CancelAnswered) -> None:
    """Note a refused cancel and look at the order again: it may have filled."""
    if answer.refusal is None:
        return
    order = draft.books.order(answer.client_id)
    if order is None or not (order.is_open or order.status in _GIVEN_UP):
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
