"""Instruments that ship, for replays and trials without a network.

Live trading reads its specifications and fees from the venue. These are facts of one day: Bybit
re-sets the maximum quantities twice a month and its risk tiers now and then.
"""

from collections.abc import Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.instrument import FeeRates, Instrument, InstrumentStatus, RiskTier
from tidegate.domain.money import ZERO_MONEY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol

from .errors import CatalogueError

__all__ = ["BTCUSDT", "BTCUSDT_DEMO", "NON_VIP_FEES", "SHIPPED", "instrument"]

NON_VIP_FEES = FeeRates(taker=Rate.of("0.00055"), maker=Rate.of("0.0002"))
"""Bybit's perpetual fees without a VIP level: taker 0.055 %, maker 0.02 % of notional."""

# Rows 1 and 2 of the venue's risk-limit table for BTCUSDT, as its testnet returned them on
# 2026-09-17. The rows that follow are not known here, and leaving rows out of the middle would make
# the maintenance margin negative, so a position of this specification ends at 2,000,000 USDT.
# Deduction of row 2: 0 + 300,000 x (0.005 - 0.0033) = 510, the venue's rule for continuity.
_BTC_TIERS = (
    RiskTier(
        notional_max=Money.of("300000"),
        maintenance_rate=Rate.of("0.0033"),
        initial_rate=Rate.of("0.0066"),
        leverage_max=Rate.of("150"),
        deduction=ZERO_MONEY,
    ),
    RiskTier(
        notional_max=Money.of("2000000"),
        maintenance_rate=Rate.of("0.005"),
        initial_rate=Rate.of("0.01"),
        leverage_max=Rate.of("100"),
        deduction=Money.of("510"),
    ),
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
    tiers=_BTC_TIERS,
)
"""Bybit's BTCUSDT perpetual (V5 instruments-info, the sample of its documentation)."""

BTCUSDT_DEMO = attrs.evolve(
    BTCUSDT,
    symbol=Symbol("BTCUSDT-DEMO"),
    tick=Distance.of("0.01"),
    price_min=Price.of("0.01"),
)
"""A made-up instrument for the bundled bars, whose prices have two decimals.

BTCUSDT with a tick and lowest price of 0.01 and a name that no venue lists.
"""

SHIPPED: Mapping[Symbol, Instrument] = MappingProxyType(
    {spec.symbol: spec for spec in (BTCUSDT, BTCUSDT_DEMO)}
)


def instrument(symbol: Symbol) -> Instrument:
    """Return the shipped specification of ``symbol``.

    Raises:
        CatalogueError: for any other symbol; there are no invented defaults.

    """
    try:
        return SHIPPED[symbol]
    except KeyError:
        accepted = f"{', '.join(SHIPPED)}, or one from a TOML file of your own"
        why = f"no instrument {symbol!r}; accepted: {accepted}"
        raise CatalogueError("shipped instruments", [why]) from None
