"""Pairs of legs that protect a part of a position each (Bybit V5, ``tpslMode`` "Partial").

A pair belongs together: one leg that fires or is cancelled takes the other with it. No leg is ever
larger than the position, and all end with it. They stand beside the legs of the whole position.
"""

from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol, Trigger
from tidegate.domain.reports import CancelReason, Origin

from .legs import create_leg, level_direction, sibling_of
from .records import PaperOrder
from .world import World

__all__ = ["LegPart", "add_pair", "attach_pair", "end_leg"]

LegPart = tuple[Origin, ProtectiveLeg, Price | None]
"""Which leg, where it fires, and the price of the limit order that it then becomes, if any."""


def add_pair(
    world: World, symbol: Symbol, qty: Qty, parts: list[LegPart], *, parent: ClientId | None
) -> None:
    """Make one pair for ``qty`` of the open position."""
    side, pair = world.held(symbol).position.side, world.next_pair()
    assert side is not None
    for origin, leg, limit in parts:
        trigger = Trigger(price=leg.price, direction=level_direction(origin, side), by=leg.by)
        create_leg(world, symbol, origin, trigger, parent=parent, qty=qty, limit=limit, pair=pair)


def attach_pair(world: World, order: PaperOrder, qty: Qty) -> None:
    """Let the legs inside ``order`` protect ``qty`` more, which it just opened."""
    waiting = [
        leg
        for leg in world.state.orders_of(order.symbol)
        if leg.pair is not None and leg.is_waiting and leg.parent_client_id == order.client_id
    ]
    for leg in waiting:
        leg.qty += qty
        world.state.update(leg)
    if not waiting:
        assert order.partial is not None
        given = (
            (Origin.STOP_LOSS, order.stop_loss, order.partial.stop_loss_limit),
            (Origin.TAKE_PROFIT, order.take_profit, order.partial.take_profit_limit),
        )
        parts = [(origin, leg, limit) for origin, leg, limit in given if leg is not None]
        add_pair(world, order.symbol, qty, parts, parent=order.client_id)


def end_leg(world: World, order: PaperOrder) -> None:
    """Cancel an order as its owner asked; of a pair of partial legs both end."""
    sibling = None if order.pair is None else sibling_of(world, order)
    world.state.end(order, CancelReason.BY_USER)
    if sibling is not None:
        world.state.end(sibling, CancelReason.BY_USER)
