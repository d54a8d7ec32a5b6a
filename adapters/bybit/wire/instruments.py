"""Instrument rows and risk-limit rows to :class:`Instrument`."""

from collections.abc import Mapping
from decimal import Decimal

from tidegate.domain.instrument import FeeRates, Instrument, RiskTier
from tidegate.domain.money import EXACT, Money, Rate
from tidegate.domain.orders import Symbol

from .fields import Row, Unreadable, rows_of
from .words import INSTRUMENT_STATUSES

__all__ = ["fee_rates", "instrument", "risk_tiers"]

_SETTLE = "USDT"
_CONTRACT = "LinearPerpetual"
_HUNDRED = Decimal(100)
_TOLERANCE = Decimal("0.1")


def instrument(value: Mapping[str, object], *, tiers: tuple[RiskTier, ...]) -> Instrument:
    """Read one row of ``instruments-info``; only USDT perpetuals are readable.

    Raises:
        Unreadable: a needed field is missing or not understood, or contradicts another one.

    """
    row = Row.of("instrument", value)
    if row.text("contractType") != _CONTRACT:
        raise row.unreadable("contractType")
    if row.text("settleCoin") != _SETTLE:
        raise row.unreadable("settleCoin")
    price, lot = row.row("priceFilter"), row.row("lotSizeFilter")
    leverage, risk = row.row("leverageFilter"), row.row("riskParameters")
    try:
        return Instrument(
            symbol=Symbol(row.text("symbol")),
            base_coin=row.text("baseCoin"),
            quote_coin=row.text("quoteCoin"),
            status=row.one_of("status", INSTRUMENT_STATUSES),
            tick=price.distance("tickSize"),
            price_min=price.price("minPrice"),
            price_max=price.price("maxPrice"),
            qty_step=lot.qty("qtyStep"),
            qty_min=lot.qty("minOrderQty"),
            qty_max_limit=lot.qty("maxOrderQty"),
            qty_max_market=lot.qty("maxMktOrderQty"),
            notional_min=lot.money("minNotionalValue"),
            leverage_min=leverage.rate("minLeverage"),
            leverage_max=leverage.rate("maxLeverage"),
            leverage_step=leverage.rate("leverageStep"),
            funding_interval_minutes=_interval(row),
            funding_rate_min=row.rate("lowerFundingRate"),
            funding_rate_max=row.rate("upperFundingRate"),
            price_band_x=risk.rate("priceLimitRatioX"),
            price_band_y=risk.rate("priceLimitRatioY"),
            tiers=tiers,
        )
    except ValueError as error:
        raise Unreadable(row.source, "the row", str(error)) from None


def _interval(row: Row) -> int:
    minutes = row.integer("fundingInterval")
    if minutes <= 0:
        raise row.unreadable("fundingInterval")
    return minutes


def risk_tiers(values: object) -> tuple[RiskTier, ...]:
    """Read the rows of ``risk-limit`` in ascending order of their limit, whatever order they have.

    Raises:
        Unreadable: there is none, or one is not understood.

    """
    tiers = sorted(
        (_tier(row) for row in rows_of("risk limit", values)), key=lambda tier: tier.notional_max
    )
    if not tiers:
        raise Unreadable("risk limit", "the list", "empty")
    return tuple(tiers)


def _tier(row: Row) -> RiskTier:
    leverage = row.rate("maxLeverage")
    initial, maintenance = _margin(row, "initialMargin"), _margin(row, "maintenanceMargin")
    unit = _unit(row, initial, leverage.value)
    tier = RiskTier(
        notional_max=row.money("riskLimitValue"),
        maintenance_rate=Rate(EXACT.divide(maintenance, unit)),
        initial_rate=Rate(EXACT.divide(initial, unit)),
        leverage_max=leverage,
        deduction=row.amount_or_zero(Money, "mmDeduction"),
    )
    if not Rate.of(0) < tier.maintenance_rate < tier.initial_rate:
        raise row.unreadable("maintenanceMargin")
    return tier


def _unit(row: Row, initial: Decimal, leverage: Decimal) -> Decimal:
    """Return what a margin of 1 is written as: 1 or 100.

    The documentation's sample is in per cent and the venue answers fractions, so the unit is found
    by ``initial margin = 1 / leverage``, which holds within rounding.
    """
    product = EXACT.multiply(initial, leverage)
    for unit in (Decimal(1), _HUNDRED):
        if abs(EXACT.subtract(EXACT.divide(product, unit), Decimal(1))) <= _TOLERANCE:
            return unit
    raise row.unreadable("initialMargin")


def _margin(row: Row, name: str) -> Decimal:
    """Return a margin that is written as text or, in the documentation, as a number."""
    value = row.fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return row.rate(name).value
    return Row(row.source, {name: repr(value)}).rate(name).value


def fee_rates(value: Mapping[str, object]) -> FeeRates:
    """Read one row of ``account/fee-rate``.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("fee rate", value)
    return FeeRates(taker=row.rate("takerFeeRate"), maker=row.rate("makerFeeRate"))
