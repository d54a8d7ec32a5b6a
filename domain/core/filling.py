"""What the venue reports of orders, executions, funding and positions."""

from tidegate.domain.lifecycle import OPEN, TERMINAL, Status, may_become
from tidegate.domain.money import Price
from tidegate.domain.orders import Role, Symbol
from tidegate.domain.reconcile import changed_order, unknown_order
from tidegate.domain.reports import (
    Execution,
    FundingPayment,
    OrderReport,
    Origin,
)
from tidegate.domain.trade import ClosedTrade, CloseReason

from .amending import settle_amendment
from .asking import cancel_changed, cancel_order
from .by_hand import note_fill_by_hand
from .changing import end_change, settle_by_order
from .closing import start_close
from .comparing import raise_finding
from .draft import Draft
from .effects import TakeInventory
from .events import (
    CancelIntended,
    Filled,
    FundingBooked,
    OrderUpdated,
    TradeClosed,
    UpdateIgnored,
)
from .marking import mark_booked, turn_day_for
from .protecting import confirm_stop_by_order, keep_levels, plan_again
from .state import LiveTrade, Order

__all__ = [
    "GIVEN_UP",
    "cancel_open",
    "executed",
    "funded",
    "look_again_in_panic",
    "order_reported",
]


def executed(draft: Draft, execution: Execution) -> None:
    """Count an execution once; plan again after an opening, end the trade when flat."""
    if draft.books.contains(execution):
        return
    turn_day_for(draft, execution.time_ms)
    symbol = execution.symbol
    before, known = draft.books.position(symbol), draft.trade(symbol)
    draft.emit(Filled(execution=execution))
    mark_booked(draft, symbol, execution.time_ms)
    look_again_in_panic(draft)
    after = draft.books.position(symbol)
    trade = draft.trade(symbol)
    if trade is None:
        _cancel_exits(draft, symbol)
        return
    was_reversed = before.side is not None and after.side not in {None, before.side}
    is_closed = trade.qty_closed >= trade.qty_opened
    if known is not None and (after.is_flat or was_reversed or is_closed):
        _close_trade(draft, trade, execution)
        return
    if known is not None:
        note_fill_by_hand(draft, known, execution, before.qty)
    if execution.side is trade.side:
        plan_again(draft, symbol)
        _close_after_panic(draft, trade)
    elif not _is_of_rung(draft, execution):
        plan_again(draft, symbol)
    keep_levels(draft, symbol)


def _cancel_exits(draft: Draft, symbol: Symbol) -> None:
    """Cancel what an operator placed to reduce a position of somebody else's that became flat."""
    if not draft.books.position(symbol).is_flat:
        return
    for order in draft.books.open_orders(symbol):
        if order.role is Role.EXIT:
            cancel_order(draft, order.request.client_id)


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
    end_change(draft, trade.symbol, "the position was closed")
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
    if not draft.books.contains_payment(payment):
        turn_day_for(draft, payment.time_ms)
        draft.emit(FundingBooked(payment=payment))
        mark_booked(draft, payment.symbol, payment.time_ms)


def order_reported(draft: Draft, report: OrderReport) -> None:
    """Move our order to the status reported, or keep the update when the table forbids it."""
    confirm_stop_by_order(draft, report)
    settle_by_order(draft, report)
    order = draft.books.order(report.client_id)
    if order is None or report.client_id is None:
        if report.status in TERMINAL:
            look_again_in_panic(draft)
        elif order is None:
            _cancel_orphan(draft, report)
        return
    settle_amendment(draft, order, report)
    if order.status is not report.status:
        _move(draft, order, report)
    _cancel_changed(draft, report)


def _move(draft: Draft, order: Order, report: OrderReport) -> None:
    order_id = order.request.client_id
    if not may_become(order.status, report.status):
        _ignore(draft, order, report.status)
        return
    draft.emit(
        OrderUpdated(
            client_id=order_id,
            venue_id=report.venue_id,
            status=report.status,
            qty_filled=report.qty_filled,
            cancel_reason=report.cancel_reason,
            time_ms=draft.now_ms,
        )
    )
    look_again_in_panic(draft)
    keep_levels(draft, report.symbol)


def _cancel_changed(draft: Draft, report: OrderReport) -> None:
    """Cancel what is left of an entry that is not what was approved."""
    changed, order = changed_order(draft.books, report), draft.books.order(report.client_id)
    if changed is not None and order is not None:
        raise_finding(draft, changed)
        cancel_changed(draft, order)


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
    """While panic or a mass cancel runs, every change is a reason to look at what is left."""
    if draft.books.is_panic_running or draft.books.mass_cancel is not None:
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


GIVEN_UP = frozenset({Status.LAPSED, Status.REJECTED})
"""How an order ends that never was at the venue, as far as is known."""


def _ignore(draft: Draft, order: Order, reported: Status) -> None:
    """Keep an illegal update as a record; a mere echo of an earlier state is not worth one.

    An order that was given up and is live at the venue all the same is cancelled.
    """
    present, client_id = order.status, order.request.client_id
    has_come_late = present in GIVEN_UP and reported in OPEN
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
