"""The venue's specification of a tradable symbol."""

import enum

import attrs

from .money import Distance, Money, Price, Qty, Rate
from .orders import Symbol

__all__ = ["FeeRates", "Instrument", "InstrumentStatus", "RiskTier"]


class InstrumentStatus(enum.Enum):
    """Whether a symbol may be traded; ``REDUCE_ONLY`` stands for delivering or restricted."""

    TRADING = "trading"
    REDUCE_ONLY = "reduce_only"
    PRE_LAUNCH = "pre_launch"
    CLOSED = "closed"


@attrs.frozen(kw_only=True)
class FeeRates:
    """Fractions of notional charged on an execution; a negative maker rate is a rebate."""

    taker: Rate
    maker: Rate


@attrs.frozen(kw_only=True)
class RiskTier:
    """One row of the venue's risk-limit table (Bybit V5 market/risk-limit).

    ``notional_max`` is the largest position value of the tier; ``deduction`` is subtracted from
    the maintenance margin so that it is continuous across tiers.
    """

    notional_max: Money
    maintenance_rate: Rate
    initial_rate: Rate
    leverage_max: Rate
    deduction: Money


@attrs.frozen(kw_only=True)
class Instrument:
    """A linear perpetual: grid, limits, leverage, funding and risk tiers.

    Quantities are in base coin, prices in quote currency, ``notional_min`` in USDT. The venue's
    market and limit maxima differ. ``price_band_x`` and ``price_band_y`` are the venue's
    ``priceLimitRatioX`` and ``Y``. Tiers are ordered by ``notional_max``.

    Raises:
        ValueError: a step that is not above zero, no risk tier, or tiers out of order.

    """

    symbol: Symbol
    base_coin: str
    quote_coin: str
    status: InstrumentStatus
    tick: Distance
    price_min: Price
    price_max: Price
    qty_step: Qty
    qty_min: Qty
    qty_max_limit: Qty
    qty_max_market: Qty
    notional_min: Money
    leverage_min: Rate
    leverage_max: Rate
    leverage_step: Rate
    funding_interval_minutes: int
    funding_rate_min: Rate
    funding_rate_max: Rate
    price_band_x: Rate
    price_band_y: Rate
    tiers: tuple[RiskTier, ...]

    def __attrs_post_init__(self) -> None:
        for name in ("tick", "qty_step", "qty_min", "leverage_step"):
            amount = getattr(self, name)
            if amount.value <= 0:
                raise ValueError(f"{self.symbol} {name} is {amount}: it must be above zero")
        if not self.tiers:
            raise ValueError(f"{self.symbol} has no risk tiers: at least one is needed")
        limits = [tier.notional_max.value for tier in self.tiers]
        if limits != sorted(limits):
            raise ValueError(f"{self.symbol} risk tiers {limits} are not in ascending order")
