"""Requests to place, amend and cancel: the check, the acknowledgement, and later the effect.

Without latency the effect follows at once; with it, at the first point of the symbol's data that is
due, so that an order may fill before its cancel takes effect.
"""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO, ZERO_QTY, Price, Qty
from tidegate.domain.orders import OrderKind, OrderRequest, ProtectiveLeg, Symbol, TimeInForce
from tidegate.ports.venue import PartialLegs, SelfMatch

from .checks import (
    check_admission,
    check_leg_limits,
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
from .pairs import end_leg
from .records import PaperOrder, PendingKind, PendingRequest
from .refusals import Refusal, Refused
from .world import World

__all__ = ["Amendment", "amend", "apply_due", "cancel", "cancel_all", "place", "times_due"]

_NO_LEG = ProtectiveLeg(price=Price(ZERO))


def place(
    world: World,
    request: OrderRequest,
    *,
    legs: PartialLegs | None = None,
    self_match: SelfMatch = SelfMatch.NONE,
) -> PaperOrder:
    """Take an order, or raise :class:`Refused` with nothing changed.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    check_request(world, request)
    if legs is not None:
        check_leg_limits(world, request, legs)
    head = world.state.head
    counters = head.orders_made, head.priorities_given
    order = _new_order(world, request)
    order.partial, order.self_match = legs, self_match
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
        last_price=world.book(request.symbol).last,
    )


@attrs.frozen(kw_only=True)
class Amendment:
    """What is to change in an order; ``None`` leaves a value as it is, a leg at zero clears."""

    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None


_NOTHING = Amendment()


def amend(world: World, order: PaperOrder, wanted: Amendment) -> None:
    """Change an unfinished order, or raise :class:`Refused` with nothing changed.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    now = Amendment(
        qty=order.qty,
        price=order.price,
        trigger_price=None if order.trigger is None else order.trigger.price,
        stop_loss=order.stop_loss or _NO_LEG,
        take_profit=order.take_profit or _NO_LEG,
    )
    fields = [field.name for field in attrs.fields(Amendment)]
    if all(getattr(wanted, name) in (None, getattr(now, name)) for name in fields):
        raise Refused(Refusal.NOT_MODIFIED, f"order not modified: {order.venue_id} is so already")
    if wanted.qty is not None:
        _check_new_qty(world, order, wanted.qty)
    if wanted.price is not None:
        _check_new_price(world, order, wanted.price)
    if wanted.trigger_price is not None:
        _check_new_trigger(world, order, wanted.trigger_price)
    _check_new_legs(world, order, wanted)
    _check_new_margin(world, order, wanted.qty, wanted.price)
    _send(world, order, PendingKind.AMEND, wanted)


def _check_new_legs(world: World, order: PaperOrder, wanted: Amendment) -> None:
    """Check the legs as they would be, against the price as it would be."""
    if wanted.stop_loss is None and wanted.take_profit is None and wanted.price is None:
        return
    given = [leg for leg in (wanted.stop_loss, wanted.take_profit) if leg is not None]
    if given and (order.reduce_only or order.qty_filled > ZERO_QTY):
        raise Refused(
            Refusal.PARAMETER,
            f"the stop and target inside order {order.venue_id} can be changed while it may open "
            f"and has not filled; {order.qty_filled} is filled, reduce-only: {order.reduce_only}",
        )
    book = known_book(world, order.symbol)
    price = order.price if wanted.price is None else wanted.price
    if price is None:
        price = book.last if order.trigger is None else order.trigger.price
    changed = attrs.evolve(
        order,
        stop_loss=_leg_after(order.stop_loss, wanted.stop_loss),
        take_profit=_leg_after(order.take_profit, wanted.take_profit),
    )
    check_legs(known_instrument(world, order.symbol), changed, base=price)


def _leg_after(now: ProtectiveLeg | None, wanted: ProtectiveLeg | None) -> ProtectiveLeg | None:
    if wanted is None:
        return now
    return None if wanted.price.value == ZERO else wanted


def _check_new_qty(world: World, order: PaperOrder, qty: Qty) -> None:
    if order.is_protection:
        raise Refused(Refusal.PARAMETER, "the protection of a position has the position's size")
    instrument = known_instrument(world, order.symbol)
    check_qty(instrument, qty, order.kind, reduces=order.reduce_only)
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


def cancel_all(world: World, symbol: Symbol | None) -> bool:
    """Cancel every unfinished order, at once; tell whether there was any.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    if symbol is not None:
        known_instrument(world, symbol)
    orders = [order for order in world.state.orders.values() if symbol in (None, order.symbol)]
    for order in orders:
        if order.is_open:
            end_leg(world, order)
    return bool(orders)


def _send(
    world: World,
    order: PaperOrder,
    kind: PendingKind,
    wanted: Amendment = _NOTHING,
) -> None:
    head = world.state.head
    head.requests_made += 1
    request = PendingRequest(
        number=head.requests_made,
        kind=kind,
        symbol=order.symbol,
        order_number=order.number,
        due_ms=head.now_ms + world.config.latency_ms,
        qty=wanted.qty,
        price=wanted.price,
        trigger_price=wanted.trigger_price,
        stop_loss=wanted.stop_loss,
        take_profit=wanted.take_profit,
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
            end_leg(world, order)


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
    if order.qty_filled == ZERO_QTY:
        order.stop_loss = _leg_after(order.stop_loss, request.stop_loss)
        order.take_profit = _leg_after(order.take_profit, request.take_profit)
    if loses_place:
        order.priority = world.next_priority()
    world.state.update(order)
    if order.is_live and loses_place:
        rejoin(world, order)
