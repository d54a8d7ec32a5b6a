"""The protection of a position: stop-loss, take-profit and trailing stop in full mode.

Each leg is a conditional reduce-only market order that the venue made itself. It has the size of
the position, follows that size, and ends with the position (Bybit V5 position/trading-stop).
"""

import attrs
from tidegate.domain.money import ZERO_QTY, Distance, Price
from tidegate.domain.orders import (
    ClientId,
    ProtectiveLeg,
    Side,
    Symbol,
    Trigger,
    TriggerBy,
)
from tidegate.domain.position import Position
from tidegate.domain.reports import CancelReason, Origin

from .legs import create_leg, find_leg, level_direction
from .pairs import attach_pair
from .records import PaperOrder, Trailing
from .world import World

__all__ = [
    "begin_trailing",
    "follow_position",
    "follow_price",
    "set_leg",
    "set_trailing",
    "trim",
]


def set_leg(
    world: World,
    symbol: Symbol,
    origin: Origin,
    leg: ProtectiveLeg,
    *,
    parent: ClientId | None,
) -> None:
    """Create or move a stop-loss or take-profit of the open position; a moved leg keeps its id."""
    held = world.held(symbol)
    side = held.position.side
    assert side is not None
    trigger = Trigger(price=leg.price, direction=level_direction(origin, side), by=leg.by)
    existing = find_leg(world, symbol, origin)
    if existing is None:
        create_leg(world, symbol, origin, trigger, parent=parent)
        return
    existing.trigger = trigger
    existing.parent_client_id = parent or existing.parent_client_id
    world.state.update(existing)


def set_trailing(
    world: World, symbol: Symbol, distance: Distance, activation: Price | None
) -> None:
    """Create or replace the trailing stop; without an activation price it trails at once."""
    held = world.held(symbol)
    side = held.position.side
    assert side is not None
    last = world.book(symbol).last
    trailing = Trailing(
        distance=distance, activation=activation, best=last if activation is None else None
    )
    trigger = _trailing_trigger(trailing, side)
    existing = find_leg(world, symbol, Origin.TRAILING_STOP)
    if existing is None:
        create_leg(world, symbol, Origin.TRAILING_STOP, trigger, trailing=trailing)
        return
    existing.trailing, existing.trigger = trailing, trigger
    world.state.update(existing)


def _trailing_trigger(trailing: Trailing, position: Side) -> Trigger:
    if trailing.best is None:
        assert trailing.activation is not None
        direction = level_direction(Origin.TAKE_PROFIT, position)
        return Trigger(price=trailing.activation, direction=direction, by=TriggerBy.LAST)
    level = trailing.best - trailing.distance.times(position.sign)
    direction = level_direction(Origin.TRAILING_STOP, position)
    return Trigger(price=level, direction=direction, by=TriggerBy.LAST)


def follow_position(
    world: World, order: PaperOrder, before: Position, *, is_first_fill: bool
) -> None:
    """Let protection and reduce-only orders follow the position that ``order`` just changed."""
    after = world.held(order.symbol).position
    if after.side is not before.side and before.side is not None:
        _end_legs(world, order.symbol)
    opened = after.side is order.side and before.side is not after.side
    # Only with the entry's first fill or a new position: a later fill of the same entry must not
    # undo a stop that was moved or cleared in between.
    begins = opened or (after.side is order.side and is_first_fill)
    if order.partial is None and begins:
        _attach(world, order)
    elif order.partial is not None and after.side is order.side:
        _attach_part(world, order, before, after)
    if after.side is not None:
        _resize_legs(world, order.symbol, after)
    _trim_reducing(world, order.symbol, after)


def _end_legs(world: World, symbol: Symbol) -> None:
    for leg in world.state.orders_of(symbol):
        if leg.is_protection and leg.is_waiting:
            world.state.end(leg, CancelReason.POSITION_CLOSED)


def _attach(world: World, order: PaperOrder) -> None:
    """Turn the legs inside an entry into the position's."""
    for origin, leg in (
        (Origin.STOP_LOSS, order.stop_loss),
        (Origin.TAKE_PROFIT, order.take_profit),
    ):
        if leg is not None:
            set_leg(world, order.symbol, origin, leg, parent=order.client_id)


def _attach_part(world: World, order: PaperOrder, before: Position, after: Position) -> None:
    """Let an entry's legs protect what it opened, also what a later fill of it does."""
    added = abs(after.qty) - (abs(before.qty) if before.side is after.side else ZERO_QTY)
    if order.stop_loss is not None or order.take_profit is not None:
        attach_pair(world, order, added)


def _resize_legs(world: World, symbol: Symbol, position: Position) -> None:
    """Give a leg the position's size, or one of a pair no more than that."""
    size = abs(position.qty)
    for leg in world.state.orders_of(symbol):
        if not leg.is_protection or not leg.is_waiting:
            continue
        wanted = size if leg.pair is None else min(leg.qty, size)
        if leg.qty != wanted:
            leg.qty = wanted
            world.state.update(leg)


def _trim_reducing(world: World, symbol: Symbol, position: Position) -> None:
    """Cut live reduce-only orders down to the position, and cancel those with nothing to reduce."""
    for order in world.state.orders_of(symbol):
        if order.reduce_only and order.is_live:
            trim(world, order, position)


def trim(world: World, order: PaperOrder, position: Position) -> None:
    """Cut one reduce-only order down to what it can close; cancel it when that is nothing."""
    closable = abs(position.qty) if position.side is order.side.opposite else ZERO_QTY
    if closable == ZERO_QTY:
        closed = order.is_protection
        reason = CancelReason.POSITION_CLOSED if closed else CancelReason.REDUCE_ONLY
        world.state.end(order, reason)
    elif order.left > closable:
        order.qty = order.qty_filled + closable
        world.state.update(order)


def follow_price(world: World, symbol: Symbol) -> None:
    """Move the trailing stop after the best price; the venue does not publish each step."""
    leg = find_leg(world, symbol, Origin.TRAILING_STOP)
    if leg is None or leg.trailing is None or leg.trailing.best is None:
        return
    side, last, best = leg.side.opposite, world.book(symbol).last, leg.trailing.best
    if (last > best) if side is Side.BUY else (last < best):
        _trail_from(world, leg, last)


def begin_trailing(world: World, leg: PaperOrder) -> None:
    """Start to trail: the activation price was reached."""
    _trail_from(world, leg, world.book(leg.symbol).last)


def _trail_from(world: World, leg: PaperOrder, best: Price) -> None:
    assert leg.trailing is not None
    leg.trailing = attrs.evolve(leg.trailing, best=best)
    leg.trigger = _trailing_trigger(leg.trailing, leg.side.opposite)
    world.state.keep(leg)
