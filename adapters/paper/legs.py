"""The orders that protect a position: how one is made, found, and which one is its sibling."""

from types import MappingProxyType

from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerDirection,
)
from tidegate.domain.reports import CancelReason, Origin

from .records import PaperOrder, Trailing
from .world import World

__all__ = ["cancel_sibling", "create_leg", "find_leg", "level_direction", "sibling_of"]

_SIBLING = MappingProxyType(
    {Origin.STOP_LOSS: Origin.TAKE_PROFIT, Origin.TAKE_PROFIT: Origin.STOP_LOSS}
)


def level_direction(origin: Origin, position: Side) -> TriggerDirection:
    """Return the direction in which a leg of a position fires."""
    rises = (origin is Origin.TAKE_PROFIT) == (position is Side.BUY)
    return TriggerDirection.RISES_TO if rises else TriggerDirection.FALLS_TO


def find_leg(world: World, symbol: Symbol, origin: Origin) -> PaperOrder | None:
    """Return the waiting leg of this kind that protects the whole position, if any."""
    orders = world.state.orders_of(symbol)
    return next((o for o in orders if o.origin is origin and o.is_waiting and o.pair is None), None)


def create_leg(
    world: World,
    symbol: Symbol,
    origin: Origin,
    trigger: Trigger,
    *,
    parent: ClientId | None = None,
    trailing: Trailing | None = None,
    qty: Qty | None = None,
    limit: Price | None = None,
    pair: int | None = None,
) -> None:
    """Make a leg for the whole position, or for ``qty`` of it as one of a ``pair``."""
    position = world.held(symbol).position
    assert position.side is not None
    number, venue_id = world.next_order()
    now_ms = world.state.head.now_ms
    order = PaperOrder(
        number=number,
        priority=world.next_priority(),
        venue_id=venue_id,
        client_id=None,
        parent_client_id=parent,
        symbol=symbol,
        side=position.side.opposite,
        kind=OrderKind.MARKET if limit is None else OrderKind.LIMIT,
        qty=abs(position.qty) if qty is None else qty,
        price=limit,
        created_ms=now_ms,
        updated_ms=now_ms,
        status=Status.UNTRIGGERED,
        origin=origin,
        trigger=trigger,
        trailing=trailing,
        time_in_force=TimeInForce.IOC if limit is None else TimeInForce.GTC,
        reduce_only=True,
        close_on_trigger=True,
        last_price=world.book(symbol).last,
        pair=pair,
    )
    world.state.add(order)


def sibling_of(world: World, leg: PaperOrder) -> PaperOrder | None:
    """Return the waiting other leg of the same pair, if any."""
    if leg.pair is None:
        other = _SIBLING.get(leg.origin)
        return None if other is None else find_leg(world, leg.symbol, other)
    orders = world.state.orders_of(leg.symbol)
    return next((o for o in orders if o.pair == leg.pair and o is not leg and o.is_waiting), None)


def cancel_sibling(world: World, fired: PaperOrder) -> None:
    """Take away the other leg of the pair when one of them fires."""
    sibling = sibling_of(world, fired)
    if sibling is not None:
        world.state.end(sibling, CancelReason.SIBLING_TRIGGERED)
