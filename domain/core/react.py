"""``react``: what adapters must do because of an event. ``unsettled``: what to ask after a restart.

An effect follows from the recorded event and the books alone, so a restart can tell what may have
been sent and is able to send it again under the same id.
"""

from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Role
from tidegate.domain.risk.judge import recall

from . import events as ev
from .effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadPosition,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from .state import Amendment, Books, Order

__all__ = ["change_of", "question", "react", "send", "unfinished", "unsettled"]


def _place(order: Order) -> Place:
    """Turn a recorded intent into its send."""
    is_urgent = order.role in {Role.CLOSE, Role.PANIC, Role.EXIT}
    if order.request.reduce_only:
        return Place(order=Reduction(order.request), urgent=is_urgent)
    return Place(order=recall(order.request), urgent=is_urgent)


def react(event: ev.Event, books: Books) -> tuple[Effect, ...]:
    """Return the effects of ``event``; ``books`` already contain it."""
    match event:
        case ev.EntryIntended() | ev.OrderIntended():
            return (send(_known(books, event.order.client_id)),)
        case ev.EntryReleased():
            return (send(_known(books, event.client_id)),)
        case ev.CancelIntended():
            return (
                Cancel(symbol=event.symbol, client_id=event.client_id, venue_id=event.venue_id),
            )
        case ev.AmendIntended():
            order = books.order(event.client_id)
            # Where the order has ended, there is nothing left to change.
            return () if order is None or order.pending is None else (change_of(order.pending),)
        case ev.SettingIntended():
            return (ApplySetting(key=event.key, setting=event.setting),)
        case ev.StopMoveIntended():
            return (SetStop(symbol=event.symbol, price=event.price),)
        case ev.ProtectionIntended():
            return (SetProtection(symbol=event.symbol, key=event.key, change=event.change),)
        case ev.LeverageRevertIntended():
            return (SetLeverage(symbol=event.symbol, leverage=event.leverage),)
        case _:
            return ()


def change_of(amendment: Amendment) -> AmendOrder:
    """Return the effect of a change: only what differs is sent (Bybit V5 order/amend)."""
    before, wanted = amendment.before, amendment.request
    is_moved = wanted.trigger is not None and wanted.trigger != before.trigger
    return AmendOrder(
        symbol=wanted.symbol,
        client_id=wanted.client_id,
        qty=wanted.qty if wanted.qty != before.qty else None,
        price=wanted.price if wanted.price != before.price else None,
        trigger_price=wanted.trigger.price if wanted.trigger is not None and is_moved else None,
        stop_loss=_leg(before.stop_loss, wanted.stop_loss),
        take_profit=_leg(before.take_profit, wanted.take_profit),
        urgent=wanted.reduce_only,
        conditional=wanted.trigger is not None,
    )


def _leg(before: ProtectiveLeg | None, wanted: ProtectiveLeg | None) -> ProtectiveLeg | None:
    if wanted == before:
        return None
    return ProtectiveLeg(price=Price.of(0)) if wanted is None else wanted


def _known(books: Books, order_id: ClientId) -> Order:
    order = books.order(order_id)
    assert order is not None, f"{order_id} was intended and is not in the books"
    return order


def send(order: Order) -> Place | SetLeverage:
    """Return the next effect on an order's way to the venue: an entry's leverage comes first.

    ``Place`` once nothing is in its way any more, ``SetLeverage`` before.
    """
    if order.is_released:
        return _place(order)
    assert order.signal is not None, f"{order.request.client_id} waits and is no entry"
    return SetLeverage(symbol=order.request.symbol, leverage=order.signal.leverage)


def question(order: Order, books: Books) -> FindOrder:
    """Return the question for an order. One that was live is asked for with its executions.

    The venue may have forgotten it. No execution is asked for whose id may have been forgotten
    here: it could not be told from one that was booked.
    """
    was_live = order.is_open and order.status not in {Status.INTENDED, Status.UNKNOWN}
    since_ms = max(order.intended_ms, books.remembered_since_ms) if was_live else None
    return FindOrder(
        symbol=order.request.symbol, client_id=order.request.client_id, since_ms=since_ms
    )


def unsettled(books: Books) -> tuple[Effect, ...]:
    """Return the questions whose answers a restart needs before it may trade.

    Every order that is not finished is asked for by its client id, every position is read.
    """
    questions: list[Effect] = [question(order, books) for order in books.orders.values()]
    read = dict.fromkeys((*books.positions, *books.protecting))
    questions += [ReadPosition(symbol=symbol) for symbol in read]
    return tuple(questions)


def unfinished(books: Books) -> tuple[Effect, ...]:
    """Return the acts that a restart repeats once it knows the venue's truth.

    Each was recorded before the crash and is harmless to repeat: a cancel, a position's stop, the
    inventory of a running panic or mass cancel. A change of an order is not
    repeated: what it is, its record says.
    """
    acts: list[Effect] = [
        Cancel(
            symbol=order.request.symbol,
            client_id=order.request.client_id,
            venue_id=order.venue_id,
        )
        for order in books.orders.values()
        if order.is_open and order.cancel_wanted
    ]
    acts += [
        SetStop(symbol=trade.symbol, price=trade.stop_in_flight)
        for trade in books.trades.values()
        if trade.stop_in_flight is not None and trade.stop_in_flight != trade.stop_confirmed
    ]
    if books.is_panic_running or books.mass_cancel is not None:
        acts.append(TakeInventory())
    return tuple(acts)
