"""Rows about instruments and their risk limits (Bybit V5, instruments-info and risk-limit)."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.domain.instrument import Instrument, InstrumentStatus, RiskTier

from .text import plain

__all__ = ["INSTRUMENT_STATUSES", "instrument_row", "own_instrument_row", "risk_rows"]

INSTRUMENT_STATUSES: Mapping[InstrumentStatus, str] = MappingProxyType(
    {
        InstrumentStatus.TRADING: "Trading",
        InstrumentStatus.REDUCE_ONLY: "Delivering",
        InstrumentStatus.PRE_LAUNCH: "PreLaunch",
        InstrumentStatus.CLOSED: "Closed",
    }
)
_LAUNCH_TIME_MS = "1584230400000"


def instrument_row(instrument: Instrument, *, number: int) -> dict[str, object]:
    """Return the row of an instrument; ``number`` is its ``symbolId``. Amounts keep their zeros."""
    return {
        "symbol": instrument.symbol,
        "symbolId": number,
        "contractType": "LinearPerpetual",
        "status": INSTRUMENT_STATUSES[instrument.status],
        "baseCoin": instrument.base_coin,
        "quoteCoin": instrument.quote_coin,
        "settleCoin": instrument.quote_coin,
        "symbolType": "",
        "launchTime": _LAUNCH_TIME_MS,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(_decimals(instrument)),
        "leverageFilter": {
            "minLeverage": str(instrument.leverage_min),
            "maxLeverage": str(instrument.leverage_max),
            "leverageStep": str(instrument.leverage_step),
        },
        "priceFilter": {
            "minPrice": str(instrument.price_min),
            "maxPrice": str(instrument.price_max),
            "tickSize": str(instrument.tick),
        },
        "lotSizeFilter": _lot_size(instrument),
        "unifiedMarginTrade": True,
        "fundingInterval": instrument.funding_interval_minutes,
        "upperFundingRate": str(instrument.funding_rate_max),
        "lowerFundingRate": str(instrument.funding_rate_min),
        "copyTrading": "none",
        "displayName": "",
        "forbidUplWithdrawal": False,
        "riskParameters": {
            "priceLimitRatioX": str(instrument.price_band_x),
            "priceLimitRatioY": str(instrument.price_band_y),
        },
        "isPreListing": instrument.status is InstrumentStatus.PRE_LAUNCH,
        "preListingInfo": None,
    }


def _decimals(instrument: Instrument) -> int:
    exponent = instrument.tick.value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _lot_size(instrument: Instrument) -> dict[str, str]:
    return {
        "minOrderQty": str(instrument.qty_min),
        "maxOrderQty": str(instrument.qty_max_limit),
        "maxMktOrderQty": str(instrument.qty_max_market),
        "qtyStep": str(instrument.qty_step),
        "minNotionalValue": str(instrument.notional_min),
        "postOnlyMaxOrderQty": str(instrument.qty_max_limit),
    }


def own_instrument_row(instrument: Instrument, *, number: int) -> dict[str, object]:
    """Return the row that an account asks for: whether it may use retail price improvement."""
    row = instrument_row(instrument, number=number)
    return {**row, "isPublicRpi": False, "myRpiPermission": False}


def risk_rows(instrument: Instrument) -> list[dict[str, object]]:
    """Return the tiers of one symbol as the venue does: margins as fractions, rows not sorted."""
    rows = [_risk_row(instrument, tier, number) for number, tier in enumerate(instrument.tiers, 1)]
    return rows[1::2] + rows[::2]


def _risk_row(instrument: Instrument, tier: RiskTier, number: int) -> dict[str, object]:
    is_lowest = number == 1
    return {
        "id": number,
        "symbol": instrument.symbol,
        "riskLimitValue": plain(tier.notional_max),
        "maintenanceMargin": plain(tier.maintenance_rate),
        "initialMargin": plain(tier.initial_rate),
        "isLowestRisk": int(is_lowest),
        "maxLeverage": str(tier.leverage_max),
        "mmDeduction": "" if is_lowest else plain(tier.deduction),
    }
