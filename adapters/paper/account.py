"""Wallet, margin and the reports about them.

Isolated: a position's margin is based on its entry and set aside from the wallet; unrealised profit
is not available. Cross: margin is based on the mark price, and unrealised profit counts.
Formulas in ``tidegate.domain.margin``.
"""

from functools import lru_cache

from tidegate.domain.instrument import RiskTier
from tidegate.domain.margin import (
    bankruptcy_price,
    initial_margin,
    liquidation_price_cross,
    liquidation_price_isolated,
    maintenance_margin,
    notional_allowed,
    order_cost,
    reachable,
    tier_for,
)
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol
from tidegate.domain.position import Position
from tidegate.domain.reports import AccountReport, MarginMode, Origin, PositionReport

from .records import PaperOrder, PaperPosition
from .world import World

__all__ = [
    "available",
    "bankruptcy",
    "can_afford",
    "liquidation_price",
    "opening_notional",
    "opens",
    "position_margin",
    "report_account",
    "report_position",
    "risked_notional",
]


def _is_isolated(world: World) -> bool:
    return world.margin_mode is MarginMode.ISOLATED


def _basis(world: World, held: PaperPosition) -> Price:
    entry = held.position.entry_price
    assert entry is not None
    return entry if _is_isolated(world) else world.mark(held.symbol)


def position_margin(world: World, held: PaperPosition) -> tuple[Money, Money]:
    """Return initial margin (with what was added by hand) and maintenance margin, USDT."""
    side = held.position.side
    if side is None:
        return ZERO_MONEY, ZERO_MONEY
    qty, basis = abs(held.position.qty), _basis(world, held)
    taker = world.fees.taker
    initial = initial_margin(side=side, qty=qty, basis=basis, leverage=held.leverage, taker=taker)
    maintenance = maintenance_margin(
        side=side,
        qty=qty,
        mark=world.mark(held.symbol),
        basis=basis,
        leverage=held.leverage,
        tier=_tier(world, held),
        taker=taker,
    )
    return initial + held.extra_margin, maintenance


def _tier(world: World, held: PaperPosition) -> RiskTier:
    notional = held.position.notional(world.mark(held.symbol))
    opening = opening_notional(world, held.symbol)
    return tier_for(world.instruments[held.symbol].tiers, notional + opening)


def _opening_parts(world: World, symbol: Symbol) -> list[tuple[PaperOrder, Qty]]:
    """Return the live orders that may open or add, each with the quantity that does.

    Orders against the position first use up the position, oldest first. Conditional and reduce-only
    orders need no margin.
    """
    orders = [o for o in world.state.orders_of(symbol) if not o.reduce_only and not o.is_waiting]
    if not orders:
        return []
    position = world.held(symbol).position
    offset, parts = abs(position.qty), []
    for order in orders:
        left = order.left
        if position.side is order.side.opposite:
            used = min(offset, left)
            left, offset = left - used, offset - used
        if left > ZERO_QTY:
            parts.append((order, left))
    return parts


def opening_notional(world: World, symbol: Symbol) -> Money:
    """Return the value at mark of what waiting orders may open, USDT."""
    parts = _opening_parts(world, symbol)
    if not parts:
        return ZERO_MONEY
    qty = sum((part for _, part in parts), ZERO_QTY)
    return world.mark(symbol) * qty


def _expected_price(world: World, order: PaperOrder) -> Price:
    if order.kind is OrderKind.LIMIT:
        assert order.price is not None
        return order.price
    instrument = world.instruments[order.symbol]
    return world.book(order.symbol).taker_price(order.side, instrument, world.config.slippage)


def _order_margin(world: World, symbol: Symbol) -> Money:
    leverage, total = world.held(symbol).leverage, ZERO_MONEY
    for order, qty in _opening_parts(world, symbol):
        price = _expected_price(world, order)
        total += _order_cost(order.side, qty, price, leverage, world.fees.taker)
    return total


@lru_cache(maxsize=4096)
def _order_cost(side: Side, qty: Qty, price: Price, leverage: Rate, taker: Rate) -> Money:
    """Return an order's cost: asked with every request, it changes with the order only."""
    return order_cost(side=side, qty=qty, price=price, leverage=leverage, taker=taker)


def _active(world: World) -> list[PaperPosition]:
    with_orders = {order.symbol for order in world.state.orders.values()}
    return [
        held
        for symbol, held in world.state.positions.items()
        if not held.position.is_flat or symbol in with_orders
    ]


def _unrealised(world: World) -> Money:
    total = ZERO_MONEY
    for symbol, held in world.state.positions.items():
        if not held.position.is_flat:
            total += held.position.unrealised(world.mark(symbol))
    return total


def _margins(world: World) -> tuple[Money, Money]:
    initial = maintenance = ZERO_MONEY
    for held in _active(world):
        of_position, needed = position_margin(world, held)
        initial += of_position + _order_margin(world, held.symbol)
        maintenance += needed
    return initial, maintenance


def available(world: World) -> Money:
    """Return what may still be used as margin: below zero when nothing may."""
    initial, _ = _margins(world)
    balance = world.state.head.wallet
    return balance - initial if _is_isolated(world) else balance + _unrealised(world) - initial


def opens(world: World, order: PaperOrder) -> bool:
    """Tell whether ``order``, which is among the orders already, may open or add."""
    return any(part is order for part, _ in _opening_parts(world, order.symbol))


def risked_notional(world: World, symbol: Symbol) -> tuple[Money, Money]:
    """Return the value at mark of the position and of what may open, and the most allowed, USDT.

    The most is what the risk tiers allow at the symbol's leverage.
    """
    held, tiers = world.held(symbol), world.instruments[symbol].tiers
    value = held.position.notional(world.mark(symbol)) + opening_notional(world, symbol)
    return value, notional_allowed(tiers, held.leverage)


def can_afford(world: World, order: PaperOrder) -> bool:
    """Tell whether margin and risk limit carry ``order``, which is among the orders already."""
    if not opens(world, order):
        return True
    value, allowed = risked_notional(world, order.symbol)
    return value <= allowed and available(world) >= ZERO_MONEY


def liquidation_price(world: World, held: PaperPosition) -> Price | None:
    """Return the mark price that ends the position, ``None`` when no price does."""
    side = held.position.side
    if side is None:
        return None
    instrument = world.instruments[held.symbol]
    tier, taker = _tier(world, held), world.fees.taker
    if _is_isolated(world):
        price = _isolated_level(held.position, held.leverage, tier, taker, held.extra_margin)
        return reachable(price, price_min=instrument.price_min, price_max=instrument.price_max)
    others_unrealised, others_maintenance = _others(world, held)
    entry = held.position.entry_price
    assert entry is not None
    return liquidation_price_cross(
        side=side,
        qty=abs(held.position.qty),
        entry=entry,
        leverage=held.leverage,
        tier=tier,
        taker=taker,
        wallet=world.state.head.wallet,
        others_unrealised=others_unrealised,
        others_maintenance=others_maintenance,
        price_min=instrument.price_min,
        price_max=instrument.price_max,
    )


@lru_cache(maxsize=256)
def _isolated_level(
    position: Position, leverage: Rate, tier: RiskTier, taker: Rate, extra_margin: Money
) -> Price:
    """Return the isolated liquidation price: asked at every price, it changes with a fill only."""
    side, entry = position.side, position.entry_price
    assert side is not None
    assert entry is not None
    return liquidation_price_isolated(
        side=side,
        qty=abs(position.qty),
        entry=entry,
        leverage=leverage,
        tier=tier,
        taker=taker,
        extra_margin=extra_margin,
    )


def _others(world: World, held: PaperPosition) -> tuple[Money, Money]:
    unrealised = maintenance = ZERO_MONEY
    for symbol, other in world.state.positions.items():
        if other is not held and not other.position.is_flat:
            unrealised += other.position.unrealised(world.mark(symbol))
            maintenance += position_margin(world, other)[1]
    return unrealised, maintenance


def bankruptcy(world: World, held: PaperPosition) -> Price:
    """Return the takeover price: where the margin of the position, closing fee paid, is gone.

    Isolated: ``E (1 -+ 1/L) -+ X / (S (1 -+ f))`` with X the margin added by hand, so that the loss
    with the fee is the position's margin exactly. Cross: where ``wallet + others' unrealised -
    others' maintenance`` is gone. Unrounded; the sign ``-+`` is minus for a long.
    """
    side, entry = held.position.side, held.position.entry_price
    assert side is not None
    assert entry is not None
    qty, per_price = abs(held.position.qty), ONE - world.fees.taker.times(side.sign)
    if _is_isolated(world):
        base = bankruptcy_price(side=side, entry=entry, leverage=held.leverage)
        shift = held.extra_margin / (qty * per_price)
        return base - Distance(shift.value).times(side.sign)
    unrealised, maintenance = _others(world, held)
    buffer = world.state.head.wallet + unrealised - maintenance
    return (entry * qty - buffer.times(side.sign)) / (qty * per_price)


def report_position(world: World, symbol: Symbol) -> PositionReport:
    """Return the venue's view of one position; prices must be known."""
    held, book = world.held(symbol), world.book(symbol)
    initial, maintenance = position_margin(world, held)
    waiting = [o for o in world.state.orders_of(symbol) if o.is_protection and o.is_waiting]
    legs = {order.origin: order for order in waiting if order.pair is None}
    trailing = legs.get(Origin.TRAILING_STOP)
    return PositionReport(
        symbol=symbol,
        qty=held.position.qty,
        entry_price=held.position.entry_price,
        mark=book.mark,
        leverage=held.leverage,
        liquidation_price=liquidation_price(world, held),
        stop_loss=_trigger_price(legs.get(Origin.STOP_LOSS)),
        take_profit=_trigger_price(legs.get(Origin.TAKE_PROFIT)),
        trailing_distance=None if trailing is None else _distance(trailing),
        initial_margin=initial,
        maintenance_margin=maintenance,
        unrealised=held.position.unrealised(book.mark),
        auto_add_margin=held.auto_add_margin,
        sequence=held.sequence,
        time_ms=world.state.head.now_ms,
    )


def _trigger_price(leg: PaperOrder | None) -> Price | None:
    return None if leg is None or leg.trigger is None else leg.trigger.price


def _distance(leg: PaperOrder) -> Distance | None:
    return None if leg.trailing is None else leg.trailing.distance


def report_account(world: World) -> AccountReport:
    """Return the balances; account-wide margin rates exist in cross margin only."""
    wallet = world.state.head.wallet
    equity = wallet + _unrealised(world)
    initial, maintenance = _margins(world)
    in_cross = not _is_isolated(world)
    return AccountReport(
        wallet=wallet,
        equity=equity,
        available=(equity if in_cross else wallet) - initial,
        initial_margin_rate=_share(initial, equity) if in_cross else None,
        maintenance_margin_rate=_share(maintenance, equity) if in_cross else None,
        margin_mode=world.margin_mode,
        time_ms=world.state.head.now_ms,
    )


def _share(margin: Money, equity: Money) -> Rate | None:
    return margin / equity if equity > ZERO_MONEY else None
