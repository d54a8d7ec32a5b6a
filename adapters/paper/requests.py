"""Requests to place, amend and cancel: the check, the acknowledgement, and later the effect.

Without latency the effect follows at once; with it, at the first point of the symbol's data that is
due, so that an order may fill before its cancel takes effect.
"""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import OrderKind, OrderRequest, Symbol, TimeInForce
from tidegate.domain.reports import CancelReason

from .checks import (
    check_admission,
    check_legs,
    check_limit_price,
    check_margin,
    check_price,
    check_qty,
    check_request,
    check_trigger_side,
    known_book,
    known_instrument,
)
from .matching import go_live, rejoin
from .records import PaperOrder, PendingKind, PendingRequest
from .refusals import Refusal, Refused
from .world import World

__all__ = ["amend", "apply_due", "cancel", "place", "times_due"]


def place(world: World, request: OrderRequest) -> PaperOrder:
    """Take an order, or raise :class:`Refused` with nothing changed."""
    check_request(world, request)
    head = world.state.head
    counters = head.orders_made, head.priorities_given
    order = _new_order(world, request)
    world.state.orders[order.number] = order
    try:
        check_admission(world, order)
    except Refused:
        del world.state.orders[order.number]
        head.orders_made, head.priorities_given = counters
        raise
    world.state.add(order)
    _send(world, order, PendingKind.PLACE)
    return order


def _new_order(world: World, request: OrderRequest) -> PaperOrder:
    number, venue_id = world.next_order()
    now_ms = world.state.head.now_ms
    is_market = request.kind is OrderKind.MARKET
    return PaperOrder(
        number=number,
        priority=world.next_priority(),
        venue_id=venue_id,
        client_id=request.client_id,
        symbol=request.symbol,
        side=request.side,
        kind=request.kind,
        qty=request.qty,
        created_ms=now_ms,
        updated_ms=now_ms,
        status=Status.ACKNOWLEDGED,
        price=request.price,
        trigger=request.trigger,
        stop_loss=request.stop_loss,
        take_profit=request.take_profit,
        # A market order is a limit order that cancels at once (Bybit V5 order/create).
        time_in_force=TimeInForce.IOC if is_market else request.time_in_force,
        reduce_only=request.reduce_only,
        close_on_trigger=request.close_on_trigger,
        slippage_max=request.slippage_max,
    )


def amend(
    world: World,
    order: PaperOrder,
    *,
    qty: Qty | None,
    price: Price | None,
    trigger_price: Price | None,
) -> None:
    """Change an unfinished order, or raise :class:`Refused` with nothing changed."""
    now = (order.qty, order.price, None if order.trigger is None else order.trigger.price)
    wanted = (qty, price, trigger_price)
    if all(new is None or new == old for new, old in zip(wanted, now, strict=True)):
        raise Refused(Refusal.NOT_MODIFIED, f"order not modified: {order.venue_id} is so already")
    if qty is not None:
        _check_new_qty(world, order, qty)
    if price is not None:
        _check_new_price(world, order, price)
    if trigger_price is not None:
        _check_new_trigger(world, order, trigger_price)
    _check_new_margin(world, order, qty, price)
    _send(world, order, PendingKind.AMEND, qty=qty, price=price, trigger_price=trigger_price)


def _check_new_qty(world: World, order: PaperOrder, qty: Qty) -> None:
    if order.is_protection:
        raise Refused(Refusal.PARAMETER, "the protection of a position has the position's size")
    check_qty(known_instrument(world, order.symbol), qty, order.kind)
    if qty <= order.qty_filled:
        raise Refused(
            Refusal.QTY_BELOW_FILLED, f"quantity {qty} is not above the {order.qty_filled} filled"
        )


def _check_new_price(world: World, order: PaperOrder, price: Price) -> None:
    if order.kind is not OrderKind.LIMIT:
        raise Refused(Refusal.PARAMETER, f"a market order takes no price; {price} was given")
    instrument, book = known_instrument(world, order.symbol), known_book(world, order.symbol)
    check_price(instrument, price, "price")
    if not order.is_waiting:
        check_limit_price(instrument, book, order.side, price)
    check_legs(instrument, order, base=price)


def _check_new_trigger(world: World, order: PaperOrder, price: Price) -> None:
    if not order.is_waiting or order.trigger is None or order.trailing is not None:
        raise Refused(Refusal.PARAMETER, f"order {order.venue_id} waits for no trigger price")
    check_price(known_instrument(world, order.symbol), price, "trigger price")
    check_trigger_side(known_book(world, order.symbol), attrs.evolve(order.trigger, price=price))


def _check_new_margin(
    world: World, order: PaperOrder, qty: Qty | None, price: Price | None
) -> None:
    if order.reduce_only or order.is_waiting:
        return
    before = order.qty, order.price
    order.qty = before[0] if qty is None else qty
    order.price = before[1] if price is None else price
    try:
        check_margin(world, order)
    finally:
        order.qty, order.price = before


def cancel(world: World, order: PaperOrder) -> None:
    """Cancel an unfinished order; it may still fill before the cancel takes effect."""
    _send(world, order, PendingKind.CANCEL)


def _send(
    world: World,
    order: PaperOrder,
    kind: PendingKind,
    *,
    qty: Qty | None = None,
    price: Price | None = None,
    trigger_price: Price | None = None,
) -> None:
    head = world.state.head
    head.requests_made += 1
    request = PendingRequest(
        number=head.requests_made,
        kind=kind,
        symbol=order.symbol,
        order_number=order.number,
        due_ms=head.now_ms + world.config.latency_ms,
        qty=qty,
        price=price,
        trigger_price=trigger_price,
    )
    if world.config.latency_ms == 0:
        _apply(world, request)
    else:
        world.state.add_request(request)


def times_due(world: World, symbol: Symbol, *, before_ms: int) -> list[int]:
    """Return the times before ``before_ms`` at which requests become due, in order."""
    return sorted(
        {
            request.due_ms
            for request in world.state.requests.values()
            if request.symbol == symbol and request.due_ms < before_ms
        }
    )


def apply_due(world: World, symbol: Symbol) -> bool:
    """Let the requests of ``symbol`` that are due have their effect, in the order they came.

    Returns whether there were any.
    """
    now_ms = world.state.head.now_ms
    due = [
        request
        for request in world.state.requests.values()
        if request.symbol == symbol and request.due_ms <= now_ms
    ]
    for request in due:
        world.state.drop_request(request)
        _apply(world, request)
    return bool(due)


def _apply(world: World, request: PendingRequest) -> None:
    order = world.state.orders.get(request.order_number)
    if order is None or not order.is_open:
        return  # It ended while the request was under way: the venue does nothing.
    match request.kind:
        case PendingKind.PLACE:
            _begin(world, order)
        case PendingKind.AMEND:
            _change(world, order, request)
        case PendingKind.CANCEL:
            world.state.end(order, CancelReason.BY_USER)


def _begin(world: World, order: PaperOrder) -> None:
    if order.trigger is None:
        go_live(world, order)
    else:
        world.state.become(order, Status.UNTRIGGERED)


def _change(world: World, order: PaperOrder, request: PendingRequest) -> None:
    if request.qty is not None and request.qty <= order.qty_filled:
        return  # It filled that far while the request was under way.
    grows = request.qty is not None and request.qty > order.qty
    loses_place = request.price is not None or grows
    if request.qty is not None:
        order.qty = request.qty
    if request.price is not None:
        order.price = request.price
    if request.trigger_price is not None and order.trigger is not None:
        order.trigger = attrs.evolve(order.trigger, price=request.trigger_price)
    if loses_place:
        order.priority = world.next_priority()
    world.state.update(order)
    if order.is_live and loses_place:
        rejoin(world, order)
