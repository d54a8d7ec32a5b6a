"""The instruments that ship: the venue's facts and nothing invented."""

import pytest
from tidegate.adapters.catalogue import (
    BTCUSDT,
    BTCUSDT_DEMO,
    NON_VIP_FEES,
    SHIPPED,
    CatalogueError,
    instrument,
)
from tidegate.adapters.catalogue.checks import instrument_problems
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import Symbol


def test_btcusdt_has_the_figures_of_the_venues_documentation() -> None:
    # Bybit V5 market/instruments-info, BTCUSDT sample: tick 0.10, price 0.10 to 1999999.80, step
    # and minimum 0.001, maximum 1190.000 (market 500.000), notional 5, leverage 1 to 100.00 by
    # 0.01, funding each 480 min within 0.00375 either way, price band X 0.01, Y 0.02.
    spec = instrument(Symbol("BTCUSDT"))
    assert spec is BTCUSDT
    assert [str(v) for v in (spec.tick, spec.price_min, spec.price_max)] == [
        "0.10", "0.10", "1999999.80",
    ]  # fmt: skip
    assert [str(v) for v in (spec.qty_step, spec.qty_min)] == ["0.001", "0.001"]
    assert [str(v) for v in (spec.qty_max_limit, spec.qty_max_market)] == ["1190.000", "500.000"]
    assert str(spec.notional_min) == "5"
    assert [str(v) for v in (spec.leverage_min, spec.leverage_max, spec.leverage_step)] == [
        "1", "100.00", "0.01",
    ]  # fmt: skip
    assert spec.funding_interval_minutes == 480
    assert [str(v) for v in (spec.funding_rate_min, spec.funding_rate_max)] == [
        "-0.00375", "0.00375",
    ]  # fmt: skip
    assert [str(v) for v in (spec.price_band_x, spec.price_band_y)] == ["0.01", "0.02"]


def test_the_risk_tiers_are_the_two_that_are_known_and_the_margin_is_continuous() -> None:
    # Bybit V5 market/risk-limit: 300000 / 0.0033 / 0.0066 / 150.00 and 2000000 / 0.005 / 0.01 /
    # 100.00; at 300,000 both rules give 990: 300000 x 0.0033 = 300000 x 0.005 - 510.
    rows = [
        [
            str(v)
            for v in (
                tier.notional_max,
                tier.maintenance_rate,
                tier.initial_rate,
                tier.leverage_max,
                tier.deduction,
            )
        ]
        for tier in BTCUSDT.tiers
    ]
    assert rows == [
        ["300000", "0.0033", "0.0066", "150", "0"],
        ["2000000", "0.005", "0.01", "100", "510"],
    ]
    low, high = BTCUSDT.tiers
    boundary = low.notional_max
    assert boundary * low.maintenance_rate == boundary * high.maintenance_rate - high.deduction


def test_the_demo_instrument_fits_prices_of_two_decimals_under_a_name_of_its_own() -> None:
    spec = instrument(Symbol("BTCUSDT-DEMO"))
    assert spec is BTCUSDT_DEMO
    assert str(spec.tick) == "0.01"
    assert spec.tiers == BTCUSDT.tiers


@pytest.mark.parametrize("spec", SHIPPED.values(), ids=str)
def test_shipped_specifications_do_not_contradict_themselves(spec: Instrument) -> None:
    assert instrument_problems(spec) == ()
    assert SHIPPED[spec.symbol] is spec


def test_the_fees_are_those_without_a_vip_level() -> None:
    assert (str(NON_VIP_FEES.taker), str(NON_VIP_FEES.maker)) == ("0.00055", "0.0002")


def test_an_unknown_symbol_is_an_error_and_not_a_default() -> None:
    with pytest.raises(CatalogueError, match="no instrument 'ETHUSDT'; accepted: BTCUSDT, "):
        instrument(Symbol("ETHUSDT"))
