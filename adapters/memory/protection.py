"""The protective orders that the venue keeps for a position.

One stop-loss, one take-profit and one trailing stop per position, each for its whole size (Bybit V5
position/trading-stop, Full mode): the venue resizes them with the position and removes them when it
closes. They are conditional reduce-only market orders without a client id.
"""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_DISTANCE, ZERO_MONEY, ZERO_QTY, Distance, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.position import Position
from tidegate.domain.reports import CancelReason, OrderReport, Origin

from .books import LEG_ORIGINS, Books, Quote, Trail

__all__ = [
    "clear_leg",
    "end_part",
    "follow",
    "price_of",
    "put_leg",
    "start_trail",
    "trail",
    "trigger_direction",
]


def price_of(quote: Quote, by: TriggerBy) -> Price:
    """Return the price that a trigger watches."""
    match by:
        case TriggerBy.LAST:
            return quote.last
        case TriggerBy.MARK:
            return quote.mark
        case TriggerBy.INDEX:
            return quote.index


def trigger_direction(origin: Origin, position: Side) -> TriggerDirection:
    """Return where the price must go: against the position for stops, with it for targets."""
    rises = (position is Side.BUY) is (origin is Origin.TAKE_PROFIT)
    return TriggerDirection.RISES_TO if rises else TriggerDirection.FALLS_TO


def put_leg(
    books: Books,
    symbol: Symbol,
    origin: Origin,
    leg: ProtectiveLeg,
    *,
    parent: ClientId | None = None,
) -> None:
    """Create the position's leg of kind ``origin``, or move the one that it has."""
    position = books.position(symbol)
    side = position.side
    assert side is not None, f"{symbol} is flat: a leg needs a position"
    trigger = Trigger(price=leg.price, direction=trigger_direction(origin, side), by=leg.by)
    present = books.leg(symbol, origin)
    if present is not None:
        if present.trigger != trigger:
            books.put(attrs.evolve(present, trigger=trigger))
        return
    books.put(
        OrderReport(
            symbol=symbol,
            venue_id=books.next_order_id(),
            client_id=None,
            parent_client_id=parent,
            side=side.opposite,
            kind=OrderKind.MARKET,
            status=Status.UNTRIGGERED,
            origin=origin,
            qty=abs(position.qty),
            qty_filled=ZERO_QTY,
            value_filled=ZERO_MONEY,
            trigger=trigger,
            reduce_only=True,
            created_ms=books.now_ms(),
            updated_ms=books.now_ms(),
        )
    )


def clear_leg(books: Books, symbol: Symbol, origin: Origin, reason: CancelReason) -> None:
    """Deactivate the leg of kind ``origin``, if there is one."""
    leg = books.leg(symbol, origin)
    if leg is not None:
        books.put(attrs.evolve(leg, status=Status.DEACTIVATED, cancel_reason=reason))
    if origin is Origin.TRAILING_STOP:
        books.trails.pop(symbol, None)


def follow(books: Books, order: OrderReport, *, before: Position, filled_before: Qty) -> None:
    """Bring the legs in line after an execution of ``order`` changed its symbol's position.

    What travelled inside the order arms with its first fill. A later fill leaves legs that were
    moved meanwhile alone, and arms them again only where the position has none.
    """
    after = books.position(order.symbol)
    if after.side is not before.side:
        is_leg = order.origin in LEG_ORIGINS
        reason = CancelReason.SIBLING_TRIGGERED if is_leg else CancelReason.POSITION_CLOSED
        for origin in LEG_ORIGINS:
            clear_leg(books, order.symbol, origin, reason)
        for part in books.parts(order.symbol):
            end_part(books, part, CancelReason.POSITION_CLOSED)
    if after.side is order.side:
        for origin, leg in _carried(order):
            if filled_before == ZERO_QTY or books.leg(order.symbol, origin) is None:
                put_leg(books, order.symbol, origin, leg, parent=order.client_id)
    for origin in LEG_ORIGINS:
        held = books.leg(order.symbol, origin)
        if held is not None and held.qty != abs(after.qty):
            books.put(attrs.evolve(held, qty=abs(after.qty)))
    _trim_parts(books, order.symbol, abs(after.qty))


def _trim_parts(books: Books, symbol: Symbol, held: Qty) -> None:
    for part in books.parts(symbol):
        if part.qty > held:
            books.put(attrs.evolve(part, qty=held))


def end_part(books: Books, part: OrderReport, reason: CancelReason) -> None:
    """Deactivate a waiting leg for a part of a position."""
    books.put(attrs.evolve(part, status=Status.DEACTIVATED, cancel_reason=reason))


def _carried(order: OrderReport) -> tuple[tuple[Origin, ProtectiveLeg], ...]:
    legs = ((Origin.STOP_LOSS, order.stop_loss), (Origin.TAKE_PROFIT, order.take_profit))
    return tuple((origin, leg) for origin, leg in legs if leg is not None)


def start_trail(books: Books, symbol: Symbol, distance: Distance, activation: Price | None) -> None:
    """Start a trailing stop; without an activation price it trails at once."""
    assert distance > ZERO_DISTANCE, f"a trailing distance of {distance}: must be above zero"
    clear_leg(books, symbol, Origin.TRAILING_STOP, CancelReason.BY_USER)
    books.trails[symbol] = Trail(distance=distance, activation=activation)
    trail(books, symbol)


def trail(books: Books, symbol: Symbol) -> None:
    """Let the trailing stop follow the last price; it only ever moves with the position.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    plan, side = books.trails.get(symbol), books.position(symbol).side
    if plan is None or side is None:
        return
    last = books.quote(symbol).last
    if plan.activation is not None:
        if not _is_beyond(last, plan.activation, side):
            return
        plan = attrs.evolve(plan, activation=None)
        books.trails[symbol] = plan
    stop = last - plan.distance if side is Side.BUY else last + plan.distance
    present = books.leg(symbol, Origin.TRAILING_STOP)
    trigger = None if present is None else present.trigger
    if trigger is not None and not _is_beyond(stop, trigger.price, side):
        return
    put_leg(books, symbol, Origin.TRAILING_STOP, ProtectiveLeg(price=stop))


def _is_beyond(price: Price, mark: Price, side: Side) -> bool:
    return price >= mark if side is Side.BUY else price <= mark
