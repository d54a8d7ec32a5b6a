"""Liquidation and funding: what the venue does to a position by itself."""

from tidegate.domain.grid import price_down, price_up, qty_down
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol, TimeInForce
from tidegate.domain.reports import CancelReason, FundingPayment, MarginMode, Origin
from tidegate.ports.feed import FundingPoint

from .account import available, bankruptcy, liquidation_price, position_margin
from .bookkeeping import keep_payment
from .matching import crosses, execute, take
from .records import PaperOrder, PaperPosition
from .world import World

__all__ = ["forced_order", "is_beyond", "liquidate_next", "settle_funding", "settled_rate"]


def is_beyond(mark: Price, level: Price, side: Side) -> bool:
    """Tell whether the mark price has reached a liquidation price of a position of ``side``."""
    return mark <= level if side is Side.BUY else mark >= level


def liquidate_next(world: World, symbol: Symbol) -> bool:
    """Do the next step of the first liquidation whose time has come; tell whether there was one.

    A price of one symbol endangers that symbol's position, and in cross margin every other one.
    The steps, each only while the mark is still beyond the liquidation price: margin is added where
    that was asked for; the symbol's orders end; the tier is lowered by closing what is above its
    limit at the market, at once and whole or not at all; the rest is taken over at the bankruptcy
    price (Bybit help centre, liquidation process).
    """
    endangered = [world.held(symbol)]
    if world.margin_mode is MarginMode.CROSS:
        endangered += [h for s, h in world.state.positions.items() if s != symbol]
    for held in endangered:
        side = held.position.side
        if side is None or not _is_lost(world, held, side):
            continue
        _save_or_close(world, held, side)
        return True
    return False


def _save_or_close(world: World, held: PaperPosition, side: Side) -> None:
    if _add_margin(world, held, side) or _end_orders(world, held.symbol):
        return
    if not _lower_tier(world, held, side):
        _take_over(world, held, side)


def _is_lost(world: World, held: PaperPosition, side: Side) -> bool:
    level = liquidation_price(world, held)
    return level is not None and is_beyond(world.mark(held.symbol), level, side)


def _add_margin(world: World, held: PaperPosition, side: Side) -> bool:
    """Add the position's initial margin as often as is needed, up to what is available."""
    if not held.auto_add_margin or world.margin_mode is MarginMode.CROSS:
        return False
    free, before = available(world), held.extra_margin
    portion = position_margin(world, held)[0] - held.extra_margin
    while free > ZERO_MONEY and _is_lost(world, held, side):
        added = min(portion, free)
        held.extra_margin += added
        free -= added
    if held.extra_margin == before:
        return False
    world.state.position_changed(held)
    return True


def _end_orders(world: World, symbol: Symbol) -> bool:
    """Cancel the symbol's orders; the protection of the position stays with it."""
    ended = [order for order in world.state.orders_of(symbol) if not order.is_protection]
    for order in ended:
        world.state.end(order, CancelReason.BEFORE_LIQUIDATION)
    return bool(ended)


def _lower_tier(world: World, held: PaperPosition, side: Side) -> bool:
    """Close what is above the next lower tier's limit, if the market takes all of it at once."""
    excess, price = _excess(world, held), _takeover_price(world, held, side)
    book, instrument = world.book(held.symbol), world.instruments[held.symbol]
    if not ZERO_QTY < excess <= book.available(side.opposite, instrument):
        return False
    if not crosses(book, side.opposite, price):
        return False
    order = forced_order(world, held, qty=excess, price=price, origin=Origin.LIQUIDATION)
    order.time_in_force = TimeInForce.FOK
    world.state.add(order)
    return take(world, order)


def _excess(world: World, held: PaperPosition) -> Qty:
    """Return the quantity above the next lower tier's limit at mark, zero in the lowest tier."""
    instrument, mark = world.instruments[held.symbol], world.mark(held.symbol)
    value = held.position.notional(mark)
    below = [tier.notional_max for tier in instrument.tiers if tier.notional_max < value]
    if not below:
        return ZERO_QTY
    return abs(held.position.qty) - qty_down(max(below) / mark, instrument.qty_step)


def _take_over(world: World, held: PaperPosition, side: Side) -> None:
    """Close the position at the bankruptcy price.

    The price is rounded to the grid toward the entry, so that an isolated loss is never larger
    than the position's margin. The closing fee is at the taker rate.
    """
    for order in world.state.orders_of(held.symbol):
        world.state.end(order, CancelReason.BEFORE_LIQUIDATION)
    qty, price = abs(held.position.qty), _takeover_price(world, held, side)
    order = forced_order(world, held, qty=qty, price=price, origin=Origin.LIQUIDATION)
    world.state.add(order)
    execute(world, order, qty=qty, price=price, rate=world.fees.taker, is_maker=False)


def forced_order(
    world: World, held: PaperPosition, *, qty: Qty, price: Price, origin: Origin
) -> PaperOrder:
    """Return a new order of the venue's own that closes a part of a position at ``price``."""
    assert held.position.side is not None
    number, venue_id = world.next_order()
    now_ms = world.state.head.now_ms
    return PaperOrder(
        number=number,
        priority=world.next_priority(),
        venue_id=venue_id,
        client_id=None,
        symbol=held.symbol,
        side=held.position.side.opposite,
        kind=OrderKind.MARKET,
        qty=qty,
        price=price,
        created_ms=now_ms,
        updated_ms=now_ms,
        status=Status.NEW,
        origin=origin,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        last_price=world.book(held.symbol).last,
    )


def _takeover_price(world: World, held: PaperPosition, side: Side) -> Price:
    instrument = world.instruments[held.symbol]
    price = max(bankruptcy(world, held), instrument.price_min)
    tick = instrument.tick
    return price_up(price, tick) if side is Side.BUY else price_down(price, tick)


def settle_funding(world: World, point: FundingPoint) -> None:
    """Pay or receive funding for the position open at the stamp: ``size x mark x rate``.

    The rate is held within the instrument's limits; with a positive rate longs pay. In isolated
    margin what the available balance does not cover comes out of the position's margin and so
    moves its liquidation price (Bybit help centre, funding fee).
    """
    held = world.held(point.symbol)
    if held.position.is_flat:
        return
    rate, mark = settled_rate(world, point), world.mark(point.symbol)
    amount = mark * held.position.qty * rate
    shortfall = _shortfall(world, amount)
    world.state.head.wallet -= amount
    if shortfall > ZERO_MONEY:
        held.extra_margin -= shortfall
    payment = FundingPayment(
        payment_id=world.next_payment_id(),
        symbol=point.symbol,
        rate=rate,
        mark=mark,
        qty=held.position.qty,
        amount=amount,
        time_ms=world.state.head.now_ms,
    )
    world.state.add_payment(payment)
    keep_payment(world, payment)
    world.state.position_changed(held)


def settled_rate(world: World, point: FundingPoint) -> Rate:
    """Return the rate of a settlement, held within the instrument's limits."""
    instrument = world.instruments[point.symbol]
    return min(max(point.rate, instrument.funding_rate_min), instrument.funding_rate_max)


def _shortfall(world: World, amount: Money) -> Money:
    if world.margin_mode is MarginMode.CROSS or amount <= ZERO_MONEY:
        return ZERO_MONEY
    return max(amount - max(available(world), ZERO_MONEY), ZERO_MONEY)
