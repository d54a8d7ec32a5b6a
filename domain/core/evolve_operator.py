"""How what an operator asked of orders changes the books."""

import attrs
from tidegate.domain.money import ZERO_QTY

from . import events as ev
from .evolve_orders import count_send, put_order
from .state import Amendment, Books, with_item

__all__ = [
    "amend_intended",
    "amend_rejected",
    "amend_settled",
    "mass_cancel_ended",
    "mass_cancel_started",
    "rungs_dropped",
]


def amend_intended(books: Books, event: ev.AmendIntended) -> Books:
    """Keep what a change would make of an order beside what it is."""
    order = books.order(event.client_id)
    if order is None or not order.is_open:
        return books
    amendment = Amendment(
        before=order.request,
        before_signal=order.signal,
        before_worst_price=order.worst_price,
        request=event.request,
        signal=event.signal,
        worst_price=event.worst_price,
        sent_ms=event.time_ms,
        approved_ms=order.approved_ms if order.qty_filled > ZERO_QTY else event.time_ms,
        approved_before_ms=order.approved_ms,
        shown_ms=0 if order.amendment is None else order.amendment.shown_ms,
    )
    counted = count_send(books, event.time_ms)
    return put_order(counted, attrs.evolve(order, amendment=amendment))


def amend_rejected(books: Books, event: ev.AmendRejected) -> Books:
    """Note that a change was refused: the next record of the order settles it."""
    order = books.order(event.client_id)
    if order is None or order.amendment is None:
        return books
    refused = attrs.evolve(order.amendment, is_refused=True)
    return put_order(books, attrs.evolve(order, amendment=refused))


def amend_settled(books: Books, event: ev.AmendSettled) -> Books:
    """Take the order as its record showed it, with the plan that belongs to that."""
    order = books.order(event.client_id)
    if order is None or order.amendment is None:
        return books
    amendment = order.amendment
    signal, worst_price = amendment.before_signal, amendment.before_worst_price
    if event.request == amendment.request:
        signal, worst_price = amendment.signal, amendment.worst_price
    elif event.request != amendment.before:
        worst_price = amendment.worse_price
    settled = attrs.evolve(amendment, is_settled=True, shown_ms=event.shown_ms)
    return put_order(
        books,
        attrs.evolve(
            order,
            request=event.request,
            signal=signal,
            worst_price=worst_price,
            amendment=settled,
        ),
    )


def rungs_dropped(books: Books, event: ev.RungsDropped) -> Books:
    """Take rungs out of a trade's ladder, for as long as the trade lives."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    dropped = tuple(sorted({*trade.rungs_dropped, *event.numbers}))
    left = tuple(rung for rung in trade.rungs if rung.number not in dropped)
    changed = attrs.evolve(trade, rungs=left, rungs_dropped=dropped)
    return attrs.evolve(books, trades=with_item(books.trades, trade.symbol, changed))


def mass_cancel_started(books: Books, event: ev.MassCancelStarted) -> Books:
    """Remember that every order is being cancelled."""
    return attrs.evolve(books, mass_cancel=event)


def mass_cancel_ended(books: Books, _: ev.MassCancelEnded) -> Books:
    """Forget it."""
    return attrs.evolve(books, mass_cancel=None)
