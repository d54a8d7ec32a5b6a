"""What must hold between the fields of a specification that a person wrote."""

from collections.abc import Iterator

from tidegate.domain.grid import is_on_grid
from tidegate.domain.instrument import Instrument, RiskTier
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_RATE, Money, Price, Qty, Rate

__all__ = ["instrument_problems"]

_ZERO_PRICE = Price.of(0)
_ROUNDING = Money.of(1)


def instrument_problems(spec: Instrument) -> tuple[str, ...]:
    """Return what contradicts itself in a specification, nothing when all is well.

    Among tiers the maintenance rate lies below the initial rate and both below one: rates in per
    cent are found so. The deduction follows the venue's rule, the one before plus its limit times
    the step of the maintenance rate, which keeps the margin continuous; a venue that rounds it may
    be off by one USDT. A table with rows left out of its middle is found so.
    """
    return (*_bounds(spec), *_grid(spec), *_rates(spec), *_tiers(spec.tiers))


def _bounds(spec: Instrument) -> Iterator[str]:
    pairs: tuple[tuple[str, Price | Qty | Rate, str, Price | Qty | Rate], ...] = (
        ("price_min", spec.price_min, "price_max", spec.price_max),
        ("qty_min", spec.qty_min, "qty_max_limit", spec.qty_max_limit),
        ("qty_min", spec.qty_min, "qty_max_market", spec.qty_max_market),
        ("leverage_min", spec.leverage_min, "leverage_max", spec.leverage_max),
        ("funding_rate_min", spec.funding_rate_min, "funding_rate_max", spec.funding_rate_max),
    )
    for low_name, low, high_name, high in pairs:
        if low.value > high.value:
            yield f"{low_name} {low} is above {high_name} {high}; accepted: not above"
    if spec.price_min <= _ZERO_PRICE:
        yield f"price_min {spec.price_min}; accepted: above zero"
    if spec.notional_min < ZERO_MONEY:
        yield f"notional_min {spec.notional_min}; accepted: zero or more"
    if spec.leverage_min < ONE:
        yield f"leverage_min {spec.leverage_min}; accepted: 1 or more"
    if spec.funding_interval_minutes <= 0:
        yield f"funding_interval_minutes {spec.funding_interval_minutes}; accepted: above zero"


def _grid(spec: Instrument) -> Iterator[str]:
    for name, qty in (
        ("qty_min", spec.qty_min),
        ("qty_max_limit", spec.qty_max_limit),
        ("qty_max_market", spec.qty_max_market),
    ):
        if qty.sign >= 0 and not is_on_grid(qty, spec.qty_step):
            yield f"{name} {qty}; accepted: a whole number of steps of {spec.qty_step}"


def _rates(spec: Instrument) -> Iterator[str]:
    for name, rate in (("price_band_x", spec.price_band_x), ("price_band_y", spec.price_band_y)):
        if not ZERO_RATE < rate < ONE:
            yield f"{name} {rate}; accepted: a fraction above 0 and below 1"
    for name, rate in (
        ("funding_rate_min", spec.funding_rate_min),
        ("funding_rate_max", spec.funding_rate_max),
    ):
        if abs(rate) >= ONE:
            yield f"{name} {rate}; accepted: a fraction between -1 and 1"


def _tiers(tiers: tuple[RiskTier, ...]) -> Iterator[str]:
    deduction, limit_before, rate_before = ZERO_MONEY, ZERO_MONEY, ZERO_RATE
    for number, tier in enumerate(tiers, start=1):
        if not ZERO_RATE < tier.maintenance_rate < tier.initial_rate <= ONE:
            yield (
                f"tiers[{number}] maintenance_rate {tier.maintenance_rate}, initial_rate "
                f"{tier.initial_rate}; accepted: fractions, the first above 0 and below the "
                "second, the second at most 1 (0.01 is one per cent)"
            )
        if tier.leverage_max < ONE:
            yield f"tiers[{number}] leverage_max {tier.leverage_max}; accepted: 1 or more"
        if tier.notional_max <= limit_before:
            yield (
                f"tiers[{number}] notional_max {tier.notional_max}; accepted: above {limit_before}"
            )
        step = tier.maintenance_rate - rate_before
        expected: Money = deduction + limit_before * step
        if abs(tier.deduction - expected) > _ROUNDING:
            yield (
                f"tiers[{number}] deduction {tier.deduction}; accepted: {expected} = {deduction} "
                f"+ {limit_before} x {step}, give or take {_ROUNDING}"
            )
        deduction, limit_before, rate_before = (
            tier.deduction,
            tier.notional_max,
            tier.maintenance_rate,
        )
