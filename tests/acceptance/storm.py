"""What storms of threads trade: a few instruments at prices that stand, and limits for one rule."""

from fractions import Fraction

import attrs
from tidegate.domain.money import Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits

from tests.application.threaded_bench import ETH
from tests.domain.samples import BTCUSDT

__all__ = ["EXPOSURE_MAX", "INSTRUMENTS", "LIMITS", "PRICES"]

PRICES = {"BTCUSDT": "65000", "ETHUSDT": "3500", "XBTUSDT": "64000", "XETHUSDT": "3000"}
INSTRUMENTS = (
    BTCUSDT,
    ETH,
    attrs.evolve(BTCUSDT, symbol=Symbol("XBTUSDT"), base_coin="XBT"),
    attrs.evolve(ETH, symbol=Symbol("XETHUSDT"), base_coin="XETH"),
)
EXPOSURE_MAX = Fraction(1, 2)
"""Below one, so that a fee lowers the limit by less than the fill frees of the worst price."""

LIMITS = RiskLimits(
    exposure_max=Rate.of("0.5"),
    market_age_ms_max=3_600_000,
    loss_cooldown_ms=0,
    orders_per_second_max=1_000_000,
    orders_per_minute_max=1_000_000,
    orders_per_day_max=1_000_000,
    pending_orders_max=1_000,
    symbol_losses_in_row_max=1_000_000,
    day_loss_max=Rate.of("0.2"),
)
