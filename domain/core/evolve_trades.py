"""How executions, funding and levels change positions, the ledger and the live trade."""

from collections.abc import Mapping

import attrs
from tidegate.domain import ledger as ledgers
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import ClientId, Role, Symbol
from tidegate.domain.position import Fill, Position, apply_fill
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.reports import Execution, Origin
from tidegate.domain.trade import CloseReason

from . import events as ev
from .evolve_orders import put_order
from .state import Books, LiveTrade, Order, with_item, without

__all__ = [
    "close_started",
    "excursion",
    "filled",
    "funding_booked",
    "replanned",
    "stop_confirmed",
    "stop_lost",
    "stop_missing",
    "stop_move_intended",
    "stop_move_refused",
]


def filled(books: Books, event: ev.Filled) -> Books:
    """Fold one execution into position, ledger, order and trade."""
    execution = event.execution
    before = books.position(execution.symbol)
    fill = apply_fill(before, side=execution.side, qty=execution.qty, price=execution.price)
    assert books.ledger is not None, "an execution came before the account was opened"
    order = books.order(execution.client_id)
    changed = attrs.evolve(
        books,
        positions=_positions(books, execution, fill),
        ledger=ledgers.book_fill(books.ledger, realised=fill.realised, fee=execution.fee),
        closings=books.closings.book_fill(execution, before, fill),
    )
    changed = _remember(changed, execution.execution_id, execution.time_ms)
    if order is not None:
        changed = put_order(changed, _order_filled(order, execution))
    trade = changed.trades.get(execution.symbol)
    if trade is None:
        return _with_opened(changed, order, execution, fill)
    grown = _trade_filled(trade, execution, fill, order)
    return attrs.evolve(changed, trades=with_item(changed.trades, execution.symbol, grown))


def _remember(books: Books, booking_id: str, time_ms: int) -> Books:
    """Remember a booking's id, and since when every id is remembered."""
    ids = books.executions.add(booking_id)
    last_ms = max(books.last_execution_ms, time_ms)
    kept = attrs.evolve(books, executions=ids, last_execution_ms=last_ms)
    if ids.young:
        return kept
    # The generations turned: what came before the last turn is forgotten now.
    return attrs.evolve(kept, remembered_since_ms=books.turned_ms, turned_ms=last_ms + 1)


def _positions(books: Books, execution: Execution, fill: Fill) -> Mapping[Symbol, Position]:
    if fill.position.is_flat:
        return without(books.positions, execution.symbol)
    return with_item(books.positions, execution.symbol, fill.position)


def _order_filled(order: Order, execution: Execution) -> Order:
    return attrs.evolve(
        order,
        venue_id=execution.venue_id,
        qty_filled=order.qty_filled + execution.qty,
        value_filled=order.value_filled + execution.price * execution.qty,
        executions=(*order.executions, execution.execution_id),
    )


def _with_opened(books: Books, order: Order | None, execution: Execution, fill: Fill) -> Books:
    """Open the trade of an entry; what only reduced a position of somebody else's opens none."""
    opened = execution.qty - fill.qty_closed
    if order is None or order.signal is None or opened == ZERO_QTY:
        return books
    trade = LiveTrade(
        key=order.trade_key,
        signal=order.signal,
        side=order.request.side,
        opened_ms=execution.time_ms,
        sequence=order.sequence_next,
        qty_opened=opened,
        value_opened=execution.price * opened,
        fees=execution.fee,
        entries=(order.request.client_id,),
        filled_ms=execution.time_ms,
    )
    return _with_trade(books, attrs.evolve(trade, slippage=_slippage(trade, execution, order)))


def _trade_filled(
    trade: LiveTrade, execution: Execution, fill: Fill, order: Order | None
) -> LiveTrade:
    # What goes beyond flat opens a position that this trade does not own.
    is_opening = execution.side is trade.side
    opened = execution.qty - fill.qty_closed if is_opening else ZERO_QTY
    # A fill may close more than this trade opened: the rest was a foreign share of the position.
    closed_qty = min(fill.qty_closed, trade.qty_opened - trade.qty_closed)
    cost = _slippage(trade, execution, order)
    grown = attrs.evolve(
        trade,
        qty_opened=trade.qty_opened + opened,
        value_opened=trade.value_opened + execution.price * opened,
        qty_closed=trade.qty_closed + closed_qty,
        value_closed=trade.value_closed + execution.price * closed_qty,
        profit=trade.profit + _share(fill, closed_qty),
        fees=trade.fees + execution.fee,
        slippage=trade.slippage + cost,
        entries=_entries(trade, order) if is_opening else trade.entries,
        filled_ms=max(trade.filled_ms, execution.time_ms) if is_opening else trade.filled_ms,
    )
    if closed_qty == ZERO_QTY:
        return grown
    closed = attrs.evolve(grown, last_close=_close_reason(trade, execution, order), refusals=0)
    rung = None if order is None else order.request.purpose.rung
    if rung is None:
        return closed
    so_far = trade.rung_closed.get(rung, ZERO_QTY) + closed_qty
    return attrs.evolve(closed, rung_closed=with_item(trade.rung_closed, rung, so_far))


def _entries(trade: LiveTrade, order: Order | None) -> tuple[ClientId, ...]:
    if order is None or order.role is not Role.ENTRY:
        return trade.entries
    name = order.request.client_id
    return trade.entries if name in trade.entries else (*trade.entries, name)


def _share(fill: Fill, closed_qty: Qty) -> Money:
    """Return the profit of the part of a fill that belongs to the trade."""
    if closed_qty == fill.qty_closed:
        return fill.realised
    return fill.realised * (closed_qty / fill.qty_closed)


def _slippage(trade: LiveTrade, execution: Execution, order: Order | None) -> Money:
    """Return what the execution cost against its decision price, USDT, positive when worse."""
    decided = _decision_price(trade, execution, order)
    if decided is None:
        return ZERO_MONEY
    return (execution.price - decided) * execution.qty.times(execution.side.sign)


def _decision_price(trade: LiveTrade, execution: Execution, order: Order | None) -> Price | None:
    if order is not None:
        return order.decision_price
    return trade.stop_wanted if execution.origin is Origin.STOP_LOSS else None


def _close_reason(trade: LiveTrade, execution: Execution, order: Order | None) -> CloseReason:
    by_origin = {
        Origin.STOP_LOSS: CloseReason.STOP,
        Origin.TAKE_PROFIT: CloseReason.TARGET,
        Origin.TRAILING_STOP: CloseReason.TRAILING_STOP,
        Origin.LIQUIDATION: CloseReason.LIQUIDATION,
        Origin.AUTO_DELEVERAGING: CloseReason.LIQUIDATION,
    }
    if execution.origin in by_origin:
        return by_origin[execution.origin]
    if order is None:
        return CloseReason.OUTSIDE
    if order.role is Role.PANIC:
        return CloseReason.PANIC
    if order.role is Role.TAKE_PROFIT:
        return CloseReason.TARGET
    if order.role is Role.EXIT:
        return trade.closing or CloseReason.OPERATOR
    return trade.closing or CloseReason.OUTSIDE


def funding_booked(books: Books, event: ev.FundingBooked) -> Books:
    """Book a funding payment to the ledger and to the live trade of its symbol."""
    payment = event.payment
    assert books.ledger is not None, "a funding payment came before the account was opened"
    changed = attrs.evolve(
        books,
        ledger=ledgers.book_funding(books.ledger, payment.amount),
        closings=books.closings.book_funding(payment),
    )
    changed = _remember(changed, payment.payment_id, payment.time_ms)
    trade = changed.trades.get(payment.symbol)
    if trade is None:
        return changed
    paid = attrs.evolve(trade, funding=trade.funding + payment.amount)
    return attrs.evolve(changed, trades=with_item(changed.trades, payment.symbol, paid))


def _with_trade(books: Books, trade: LiveTrade) -> Books:
    return attrs.evolve(books, trades=with_item(books.trades, trade.symbol, trade))


def replanned(books: Books, event: ev.Replanned) -> Books:
    """Set the levels that are wanted from now on."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    is_moved = event.stop != trade.stop_wanted
    return _with_trade(
        books,
        attrs.evolve(
            trade,
            stop_wanted=event.stop,
            rungs=event.rungs,
            risk=event.risk,
            verify_by_ms=event.verify_by_ms if is_moved else trade.verify_by_ms,
        ),
    )


def stop_move_intended(books: Books, event: ev.StopMoveIntended) -> Books:
    """Remember which stop is being set."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    return _with_trade(books, attrs.evolve(trade, stop_in_flight=event.price))


def stop_move_refused(books: Books, event: ev.StopMoveRefused) -> Books:
    """Forget the stop that was being set, unless it may still arrive; the deadline goes on."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    in_flight = None if trade.stop_in_flight == event.price else trade.stop_in_flight
    managed = trade.managed
    if event.unknown_ms is not None:
        managed = managed.with_late(ProtectionChange(stop_loss=event.price), event.unknown_ms)
    return _with_trade(books, attrs.evolve(trade, stop_in_flight=in_flight, managed=managed))


def stop_confirmed(books: Books, event: ev.StopConfirmed) -> Books:
    """Note the stop that the venue showed."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    in_flight = None if trade.stop_in_flight == event.price else trade.stop_in_flight
    return _with_trade(
        books, attrs.evolve(trade, stop_confirmed=event.price, stop_in_flight=in_flight)
    )


def stop_lost(books: Books, event: ev.StopLost) -> Books:
    """Note that the stop is not where it was, and by when it must be seen again."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    return _with_trade(
        books,
        attrs.evolve(
            trade,
            stop_confirmed=event.shown,
            stop_in_flight=None,
            verify_by_ms=event.verify_by_ms,
        ),
    )


def stop_missing(books: Books, event: ev.StopMissing) -> Books:
    """Stop waiting for the stop: the close that follows has its own retries."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    return _with_trade(books, attrs.evolve(trade, verify_by_ms=None))


def close_started(books: Books, event: ev.CloseStarted) -> Books:
    """Mark the trade as closing."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    noted = books
    if event.reason is CloseReason.SIGNAL:
        decided_ms = with_item(books.decided_ms, event.symbol, event.time_ms)
        noted = attrs.evolve(books, decided_ms=decided_ms)
    return _with_trade(noted, attrs.evolve(trade, closing=event.reason))


def excursion(books: Books, event: ev.Excursion) -> Books:
    """Widen the trade's excursions."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    widened = attrs.evolve(
        trade, worst=min(trade.worst, event.profit), best=max(trade.best, event.profit)
    )
    return _with_trade(books, widened)
