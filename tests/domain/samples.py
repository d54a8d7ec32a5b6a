"""Instruments, tiers and costs that the tests of the domain share.

BTCUSDT carries the venue's own figures (Bybit V5 instruments-info sample; risk-limit rows 1, 2, 34
and 35 as observed on testnet). The deductions follow from
``MMD_n = MMD_(n-1) + limit_(n-1) x (MMR_n - MMR_(n-1))``: 300000 x 0.0017 = 510, and
242382510 - 800000000 x 0.18 = 98382510. The rows in between are left out. The other symbols are
made up: they have the grids on which rounding goes wrong.
"""

import attrs
from tidegate.domain.costs import Costs
from tidegate.domain.instrument import FeeRates, Instrument, InstrumentStatus, RiskTier
from tidegate.domain.money import ZERO_RATE, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol

__all__ = ["BTCUSDT", "COARSE", "DUST", "FEES", "FREE", "PLAIN_COSTS", "TIERS", "TINY", "tier"]


def tier(
    notional_max: str, maintenance: str, initial: str, leverage_max: str, deduction: str
) -> RiskTier:
    return RiskTier(
        notional_max=Money.of(notional_max),
        maintenance_rate=Rate.of(maintenance),
        initial_rate=Rate.of(initial),
        leverage_max=Rate.of(leverage_max),
        deduction=Money.of(deduction),
    )


TIERS = (
    tier("300000", "0.0033", "0.0066", "150.00", "0"),
    tier("2000000", "0.005", "0.01", "100.00", "510"),
    tier("800000000", "0.42", "0.6993", "1.43", "98382510"),
    tier("1200000000", "0.6", "1", "1.00", "242382510"),
)

BTCUSDT = Instrument(
    symbol=Symbol("BTCUSDT"),
    base_coin="BTC",
    quote_coin="USDT",
    status=InstrumentStatus.TRADING,
    tick=Distance.of("0.10"),
    price_min=Price.of("0.10"),
    price_max=Price.of("1999999.80"),
    qty_step=Qty.of("0.001"),
    qty_min=Qty.of("0.001"),
    qty_max_limit=Qty.of("1190.000"),
    qty_max_market=Qty.of("500.000"),
    notional_min=Money.of("5"),
    leverage_min=Rate.of("1"),
    leverage_max=Rate.of("100.00"),
    leverage_step=Rate.of("0.01"),
    funding_interval_minutes=480,
    funding_rate_min=Rate.of("-0.00375"),
    funding_rate_max=Rate.of("0.00375"),
    price_band_x=Rate.of("0.01"),
    price_band_y=Rate.of("0.02"),
    tiers=TIERS,
)

COARSE = attrs.evolve(
    BTCUSDT,
    symbol=Symbol("COARSEUSDT"),
    base_coin="COARSE",
    tick=Distance.of("5"),
    price_min=Price.of("5"),
    price_max=Price.of("1000000000"),
    qty_step=Qty.of("10"),
    qty_min=Qty.of("30"),
    qty_max_limit=Qty.of("1000"),
    qty_max_market=Qty.of("100"),
)
"""Tick 5, step 10, and a minimum of three steps."""

TINY = attrs.evolve(
    BTCUSDT,
    symbol=Symbol("TINYUSDT"),
    base_coin="TINY",
    tick=Distance.of("0.00000001"),
    price_min=Price.of("0.00000001"),
    price_max=Price.of("0.01999999"),
    qty_step=Qty.of("100"),
    qty_min=Qty.of("100"),
    qty_max_limit=Qty.of("1000000000"),
    qty_max_market=Qty.of("250000000"),
)
"""The smallest tick, with a step of 100 coins."""

DUST = attrs.evolve(BTCUSDT, symbol=Symbol("DUSTUSDT"), qty_min=Qty.of("0.005"))
"""A minimum of five steps, so that a position can be smaller than any order."""

FEES = FeeRates(taker=Rate.of("0.00055"), maker=Rate.of("0.0002"))
"""The venue's rates without a VIP level."""

PLAIN_COSTS = Costs(fees=FEES, entry_slippage=Rate.of("0.0005"), stop_slippage=Rate.of("0.001"))

FREE = Costs(
    fees=FeeRates(taker=ZERO_RATE, maker=ZERO_RATE),
    entry_slippage=ZERO_RATE,
    stop_slippage=ZERO_RATE,
)
"""No fee and no slippage."""
