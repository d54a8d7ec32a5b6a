"""How events about orders change the books."""

import attrs
from tidegate.domain.lifecycle import Status, may_become
from tidegate.domain.orders import ClientId, Purpose, Role

from . import events as ev
from .ids import client_id
from .state import Books, Order, frozen, with_item, without

__all__ = [
    "cancel_intended",
    "cancel_refused",
    "count_send",
    "entry_intended",
    "entry_numbered",
    "entry_released",
    "order_acknowledged",
    "order_intended",
    "order_lapsed",
    "order_refused",
    "order_unknown",
    "order_updated",
    "put_order",
    "settled_at_opening",
]

_MINUTE_MS = 60_000
_UNWANTED_ENDINGS = frozenset({Status.CANCELLED, Status.DEACTIVATED, Status.REJECTED})


def put_order(books: Books, order: Order) -> Books:
    """Store an order where it belongs: among the unsettled ones, or the bounded finished ones.

    A settled one is not asked for any more, and needs the ids of its executions no longer.
    """
    key = order.request.client_id
    if not order.is_settled:
        return attrs.evolve(books, orders=with_item(books.orders, key, order))
    finished = dict(books.finished)
    finished[key] = attrs.evolve(order, executions=())
    if len(finished) > books.finished_kept:
        _forget_oldest(books, finished)
    return attrs.evolve(books, orders=without(books.orders, key), finished=frozen(finished))


def _forget_oldest(books: Books, finished: dict[ClientId, Order]) -> None:
    """Drop what is too many, but no entry of a live trade: its stop bounds the position's."""
    held = {entry for trade in books.trades.values() for entry in trade.entries}
    free = [key for key in finished if key not in held]
    for key in free[: len(finished) - books.finished_kept]:
        del finished[key]


def entry_numbered(books: Books, trade_key: str, sequence: int) -> Books:
    """Let a trade that a late fill of its entry opens again go on numbering its orders."""
    purpose = Purpose(Role.ENTRY)
    # An entry from before the journal got its tag has an id without one.
    ids = (books.client_id(trade_key, purpose, 0), client_id(trade_key, purpose, 0))
    order = books.order(ids[0]) or books.order(ids[1])
    if order is None:
        return books
    return put_order(books, attrs.evolve(order, sequence_next=sequence))


def count_send(books: Books, time_ms: int) -> Books:
    """Count a request toward the order rates; times are kept for a minute."""
    recent = tuple(sent for sent in books.sends if sent > time_ms - _MINUTE_MS)
    return attrs.evolve(books, sends=(*recent, time_ms), sends_today=books.sends_today + 1)


def entry_intended(books: Books, event: ev.EntryIntended) -> Books:
    """Reserve the exposure of an approved entry."""
    order = Order(
        request=event.order,
        trade_key=event.trade_key,
        decision_price=event.ticket.entry,
        worst_price=event.worst_price,
        signal=event.signal,
        intended_ms=event.time_ms,
        is_released=books.leverage.get(event.order.symbol) == event.signal.leverage,
    )
    known = attrs.evolve(
        books,
        signals=books.signals.add(event.signal.signal_id),
        tally=books.tally.book_approval(),
        decided_ms=with_item(books.decided_ms, event.order.symbol, event.time_ms),
    )
    return put_order(count_send(known, event.time_ms), order)


def entry_released(books: Books, event: ev.EntryReleased) -> Books:
    """Note that an entry leaves for the venue."""
    order = books.order(event.client_id)
    return books if order is None else put_order(books, attrs.evolve(order, is_released=True))


def order_intended(books: Books, event: ev.OrderIntended) -> Books:
    """Record a reducing order and number it within its trade."""
    order = Order(
        request=event.order,
        trade_key=event.trade_key,
        decision_price=event.decision_price,
        intended_ms=event.time_ms,
    )
    counted = put_order(count_send(books, event.time_ms), order)
    if order.role is Role.PANIC:
        return attrs.evolve(counted, panic_orders=counted.panic_orders + 1)
    if event.trade_key == counted.guard_key:
        return attrs.evolve(counted, guard_closes=counted.guard_closes + 1)
    trade = counted.trades.get(event.order.symbol)
    if trade is None:
        return counted
    numbered = attrs.evolve(trade, sequence=trade.sequence + 1)
    return attrs.evolve(counted, trades=with_item(counted.trades, trade.symbol, numbered))


def _moved(books: Books, client_id: ClientId, status: Status) -> Order | None:
    order = books.order(client_id)
    if order is None or not may_become(order.status, status):
        return None
    return attrs.evolve(order, status=status)


def order_acknowledged(books: Books, event: ev.OrderAcknowledged) -> Books:
    """Note the venue's id; an order that has already moved on keeps its status."""
    order = books.order(event.client_id)
    if order is None:
        return books
    moved = _moved(books, event.client_id, Status.ACKNOWLEDGED) or order
    return put_order(books, attrs.evolve(moved, venue_id=event.venue_id, is_released=True))


def order_refused(books: Books, event: ev.OrderRefused) -> Books:
    """End an order that the venue refused."""
    order = _moved(books, event.client_id, Status.REJECTED)
    if order is None:
        return books
    return _note_refusal(put_order(books, order), order, event.time_ms)


def order_unknown(books: Books, event: ev.OrderUnknown) -> Books:
    """Keep an order that may or may not be at the venue."""
    order = _moved(books, event.client_id, Status.UNKNOWN)
    if order is None:
        return books
    sent = attrs.evolve(order, unknown_since_ms=event.sent_ms, is_released=True)
    return put_order(books, sent)


def order_lapsed(books: Books, event: ev.OrderLapsed) -> Books:
    """End an order that never arrived, and release what it reserved."""
    order = _moved(books, event.client_id, Status.LAPSED)
    return books if order is None else put_order(books, order)


def settled_at_opening(books: Books) -> Books:
    """Settle the orders that ended before the account was opened: its wallet has their result."""
    for order in tuple(books.orders.values()):
        if not order.is_open:
            books = put_order(books, attrs.evolve(order, qty_reported=order.qty_filled))
    return books


def order_updated(books: Books, event: ev.OrderUpdated) -> Books:
    """Move an order to the status that the venue reports."""
    order = _moved(books, event.client_id, event.status)
    if order is None:
        return books
    # Nothing is waited for of an order whose executions are in the opening wallet.
    is_early = books.is_before_opening(event.client_id)
    counted = order.qty_filled if is_early else event.qty_filled
    shown = attrs.evolve(order, venue_id=event.venue_id, qty_reported=counted, is_released=True)
    changed = put_order(books, shown)
    if event.status in _UNWANTED_ENDINGS and not order.cancel_intended:
        return _note_refusal(changed, order, event.time_ms)
    return changed


def _note_refusal(books: Books, order: Order, time_ms: int) -> Books:
    """Remember when the venue ended a reducing order, so that the next one waits a while."""
    trade = books.trades.get(order.request.symbol)
    if trade is None or not order.request.reduce_only or order.role is Role.EXIT:
        return books
    noted = attrs.evolve(trade, refused_ms=time_ms, refusals=trade.refusals + 1)
    return attrs.evolve(books, trades=with_item(books.trades, trade.symbol, noted))


def cancel_intended(books: Books, event: ev.CancelIntended) -> Books:
    """Remember that a cancel is under way, so that it is asked for once."""
    order = books.order(event.client_id)
    if order is None:
        return books
    return put_order(books, attrs.evolve(order, cancel_intended=True, cancel_wanted=True))


def cancel_refused(books: Books, event: ev.CancelRefused) -> Books:
    """Allow the cancel to be asked for again."""
    order = books.order(event.client_id)
    if order is None:
        return books
    return put_order(books, attrs.evolve(order, cancel_intended=False))
