"""The venue's own limits on an order, checked before it leaves (Bybit V5 instruments-info)."""

import enum

import attrs

from .grid import is_on_grid, price_down, price_up, qty_down, qty_up
from .instrument import Instrument
from .margin import leverage_allowed
from .money import EXACT, ZERO_QTY, ZERO_RATE, Money, Price, Qty, Rate
from .orders import OrderKind, OrderRequest

__all__ = ["VenueFault", "VenueRule", "leverage_faults", "split_close", "venue_faults"]


class VenueRule(enum.Enum):
    """A limit that the venue sets for a symbol."""

    PRICE_TICK = "tick size"
    PRICE_RANGE = "price range"
    QTY_STEP = "quantity step"
    QTY_MIN = "minimum quantity"
    QTY_MAX_LIMIT = "maximum quantity of a limit order"
    QTY_MAX_MARKET = "maximum quantity of a market order"
    NOTIONAL_MIN = "minimum notional"
    LEVERAGE_RANGE = "leverage range"
    LEVERAGE_STEP = "leverage step"
    LEVERAGE_TIER = "leverage of the risk tier"


@attrs.frozen(kw_only=True)
class VenueFault:
    """A limit that is not kept: the value seen, the limit and what would be accepted."""

    rule: VenueRule
    observed: str
    limit: str
    remedy: str


def venue_faults(
    order: OrderRequest, instrument: Instrument, reference: Price
) -> tuple[VenueFault, ...]:
    """Return every limit of the venue that ``order`` does not keep.

    ``reference`` is the current price, at which a market order is valued. An order that only
    reduces is exempt from the minimum notional; at market also from the minimum quantity, so that
    dust can always be closed.

    Raises:
        ValueError: when ``instrument`` is that of another symbol.

    """
    if order.symbol != instrument.symbol:
        raise ValueError(f"order for {order.symbol} checked against {instrument.symbol}")
    faults: list[VenueFault | None] = []
    for name, price in _prices(order):
        faults.append(_price_range(name, price, instrument))
        faults.append(_price_tick(name, price, instrument))
    faults.append(_qty_step(order.qty, instrument))
    faults.append(_qty_min(order, instrument))
    faults.append(_qty_max(order, instrument))
    faults.append(_notional_min(order, instrument, reference))
    return tuple(fault for fault in faults if fault is not None)


def leverage_faults(
    leverage: Rate, instrument: Instrument, *, notional: Money
) -> tuple[VenueFault, ...]:
    """Return every limit that ``leverage`` breaks for a position and orders of ``notional``."""
    spec = instrument
    faults: list[VenueFault] = []
    if not spec.leverage_min <= leverage <= spec.leverage_max:
        faults.append(
            VenueFault(
                rule=VenueRule.LEVERAGE_RANGE,
                observed=f"leverage {leverage}",
                limit=f"from {spec.leverage_min} to {spec.leverage_max}",
                remedy="choose a leverage in that range",
            )
        )
    if EXACT.remainder(leverage.value, spec.leverage_step.value) != 0:
        faults.append(
            VenueFault(
                rule=VenueRule.LEVERAGE_STEP,
                observed=f"leverage {leverage}",
                limit=f"a multiple of {spec.leverage_step}",
                remedy=f"choose a multiple of {spec.leverage_step}",
            )
        )
    allowed = leverage_allowed(spec.tiers, notional)
    if leverage > allowed:
        faults.append(
            VenueFault(
                rule=VenueRule.LEVERAGE_TIER,
                observed=f"leverage {leverage} for {notional} USDT",
                limit=f"at most {allowed}" if allowed > ZERO_RATE else "no tier is that large",
                remedy="lower the leverage, or take a smaller position",
            )
        )
    return tuple(faults)


def split_close(qty: Qty, instrument: Instrument) -> tuple[Qty, ...]:
    """Split a close of unsigned ``qty`` into market orders of at most the market maximum.

    The parts add up to ``qty`` exactly. A last part below the venue's minimum quantity is filled
    up from the one before it, so only a position that is itself dust makes a part below it.

    Raises:
        ValueError: when ``qty`` is not above zero.

    """
    if qty <= ZERO_QTY:
        raise ValueError(f"a close of {qty}: an unsigned quantity above zero is needed")
    step = instrument.qty_step
    largest = qty_down(instrument.qty_max_market, step)
    if qty <= largest:
        return (qty,)
    full = int(EXACT.divide_int(qty.value, largest.value))
    rest = qty - largest.times(full)
    if rest == ZERO_QTY:
        return (largest,) * full
    missing = qty_up(instrument.qty_min, step) - rest
    if missing <= ZERO_QTY:
        return (*((largest,) * full), rest)
    return (*((largest,) * (full - 1)), largest - missing, rest + missing)


def _prices(order: OrderRequest) -> tuple[tuple[str, Price], ...]:
    """Return every price that the order carries, with its name."""
    named = (
        ("price", order.price),
        ("trigger price", None if order.trigger is None else order.trigger.price),
        ("stop-loss", None if order.stop_loss is None else order.stop_loss.price),
        ("take-profit", None if order.take_profit is None else order.take_profit.price),
    )
    return tuple((name, price) for name, price in named if price is not None)


def _price_range(name: str, price: Price, spec: Instrument) -> VenueFault | None:
    if spec.price_min <= price <= spec.price_max:
        return None
    return VenueFault(
        rule=VenueRule.PRICE_RANGE,
        observed=f"{name} {price}",
        limit=f"from {spec.price_min} to {spec.price_max}",
        remedy="give a price in that range",
    )


def _price_tick(name: str, price: Price, spec: Instrument) -> VenueFault | None:
    if price.sign < 0 or is_on_grid(price, spec.tick):
        return None
    return VenueFault(
        rule=VenueRule.PRICE_TICK,
        observed=f"{name} {price}",
        limit=f"a multiple of {spec.tick}",
        remedy=f"give {price_down(price, spec.tick)} or {price_up(price, spec.tick)}",
    )


def _qty_step(qty: Qty, spec: Instrument) -> VenueFault | None:
    if is_on_grid(qty, spec.qty_step):
        return None
    return VenueFault(
        rule=VenueRule.QTY_STEP,
        observed=f"{qty} {spec.base_coin}",
        limit=f"a multiple of {spec.qty_step} {spec.base_coin}",
        remedy=f"give {qty_down(qty, spec.qty_step)} or {qty_up(qty, spec.qty_step)}",
    )


def _qty_min(order: OrderRequest, spec: Instrument) -> VenueFault | None:
    is_close_at_market = order.reduce_only and order.kind is OrderKind.MARKET
    if is_close_at_market or order.qty >= spec.qty_min:
        return None
    return VenueFault(
        rule=VenueRule.QTY_MIN,
        observed=f"{order.qty} {spec.base_coin}",
        limit=f"at least {spec.qty_min} {spec.base_coin}",
        remedy=f"give {qty_up(spec.qty_min, spec.qty_step)} or more",
    )


def _qty_max(order: OrderRequest, spec: Instrument) -> VenueFault | None:
    is_market = order.kind is OrderKind.MARKET
    largest = spec.qty_max_market if is_market else spec.qty_max_limit
    if order.qty <= largest:
        return None
    return VenueFault(
        rule=VenueRule.QTY_MAX_MARKET if is_market else VenueRule.QTY_MAX_LIMIT,
        observed=f"{order.qty} {spec.base_coin}",
        limit=f"at most {largest} {spec.base_coin}",
        remedy=f"give {qty_down(largest, spec.qty_step)} or less, or several orders",
    )


def _notional_min(order: OrderRequest, spec: Instrument, reference: Price) -> VenueFault | None:
    if order.reduce_only:
        return None
    price = reference if order.trigger is None else order.trigger.price
    price = price if order.price is None else order.price
    value = price * order.qty
    if value >= spec.notional_min:
        return None
    step = spec.qty_step
    remedy = "give a larger quantity"
    if price.sign > 0:
        remedy = f"give {qty_up(spec.notional_min / price, step)} {spec.base_coin} or more"
    return VenueFault(
        rule=VenueRule.NOTIONAL_MIN,
        observed=f"{value} USDT",
        limit=f"at least {spec.notional_min} USDT",
        remedy=remedy,
    )
