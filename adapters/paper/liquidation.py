"""Liquidation and funding: what the venue does to a position by itself."""

from tidegate.domain.grid import price_down, price_up
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Money, Price
from tidegate.domain.orders import OrderKind, Side, Symbol, TimeInForce
from tidegate.domain.reports import CancelReason, FundingPayment, MarginMode, Origin
from tidegate.ports.feed import FundingPoint

from .account import available, bankruptcy, liquidation_price
from .matching import execute
from .records import PaperOrder, PaperPosition
from .world import World

__all__ = ["is_beyond", "liquidate_next", "settle_funding"]


def is_beyond(mark: Price, level: Price, side: Side) -> bool:
    """Tell whether the mark price has reached a liquidation price of a position of ``side``."""
    return mark <= level if side is Side.BUY else mark >= level


def liquidate_next(world: World, symbol: Symbol) -> bool:
    """Liquidate the first position whose time has come; tell whether there was one.

    A price of one symbol endangers that symbol's position, and in cross margin every other one.
    """
    endangered = [world.held(symbol)]
    if world.config.margin_mode is MarginMode.CROSS:
        endangered += [h for s, h in world.state.positions.items() if s != symbol]
    for held in endangered:
        side = held.position.side
        if side is None:
            continue
        level = liquidation_price(world, held)
        if level is not None and is_beyond(world.mark(held.symbol), level, side):
            _take_over(world, held, side)
            return True
    return False


def _take_over(world: World, held: PaperPosition, side: Side) -> None:
    """Cancel the symbol's orders, then close the position at the bankruptcy price.

    The price is rounded to the grid toward the entry, so that an isolated loss is never larger
    than the position's margin. The closing fee is at the taker rate.
    """
    for order in world.state.orders_of(held.symbol):
        world.state.end(order, CancelReason.BEFORE_LIQUIDATION)
    number, venue_id = world.next_order()
    now_ms = world.state.head.now_ms
    price = _takeover_price(world, held, side)
    order = PaperOrder(
        number=number,
        priority=world.next_priority(),
        venue_id=venue_id,
        client_id=None,
        symbol=held.symbol,
        side=side.opposite,
        kind=OrderKind.MARKET,
        qty=abs(held.position.qty),
        price=price,
        created_ms=now_ms,
        updated_ms=now_ms,
        status=Status.NEW,
        origin=Origin.LIQUIDATION,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
    )
    world.state.add(order)
    execute(world, order, qty=order.qty, price=price, rate=world.fees.taker, is_maker=False)


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
    instrument, mark = world.instruments[point.symbol], world.mark(point.symbol)
    rate = min(max(point.rate, instrument.funding_rate_min), instrument.funding_rate_max)
    amount = mark * held.position.qty * rate
    shortfall = _shortfall(world, amount)
    world.state.head.wallet -= amount
    if shortfall > ZERO_MONEY:
        held.extra_margin -= shortfall
    world.state.add_payment(
        FundingPayment(
            payment_id=world.next_payment_id(),
            symbol=point.symbol,
            rate=rate,
            mark=mark,
            qty=held.position.qty,
            amount=amount,
            time_ms=world.state.head.now_ms,
        )
    )
    world.state.position_changed(held)


def _shortfall(world: World, amount: Money) -> Money:
    if world.config.margin_mode is MarginMode.CROSS or amount <= ZERO_MONEY:
        return ZERO_MONEY
    return max(amount - max(available(world), ZERO_MONEY), ZERO_MONEY)
