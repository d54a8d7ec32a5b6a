"""The venue's limits on an order: each at its edge, and closes that can always be made."""

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.instrument import Instrument
from tidegate.domain.ladder import total
from tidegate.domain.limits_venue import VenueRule, leverage_faults, split_close, venue_faults
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    Trigger,
    TriggerDirection,
)

from .samples import BTCUSDT, COARSE, DUST, TINY

MARKET = OrderRequest(
    client_id=ClientId("a"),
    symbol=BTCUSDT.symbol,
    side=Side.BUY,
    qty=Qty.of("0.010"),
    kind=OrderKind.MARKET,
    purpose=Purpose(Role.ENTRY),
)
LIMIT = attrs.evolve(MARKET, kind=OrderKind.LIMIT, price=Price.of(64000))
CLOSE = attrs.evolve(MARKET, reduce_only=True, purpose=Purpose(Role.CLOSE))
RUNG = attrs.evolve(LIMIT, reduce_only=True, purpose=Purpose(Role.TAKE_PROFIT, 1))
REFERENCE = Price.of(64000)


def stop(price: str) -> ProtectiveLeg:
    return ProtectiveLeg(price=Price.of(price))


def rising(price: str) -> Trigger:
    return Trigger(price=Price.of(price), direction=TriggerDirection.RISES_TO)


@pytest.mark.parametrize("order", [MARKET, LIMIT, CLOSE, RUNG])
def test_an_order_within_every_limit_has_no_fault(order: OrderRequest) -> None:
    assert venue_faults(order, BTCUSDT, REFERENCE) == ()


@pytest.mark.parametrize(
    ("order", "changes", "rule", "observed", "remedy"),
    [
        (LIMIT, {"price": Price.of("64000.05")}, VenueRule.PRICE_TICK, "price", "64000.10"),
        (MARKET, {"stop_loss": stop("63000.01")}, VenueRule.PRICE_TICK, "stop-loss", "63000.00"),
        (MARKET, {"take_profit": stop("65000.01")}, VenueRule.PRICE_TICK, "take-profit", "65000"),
        (MARKET, {"trigger": rising("65000.01")}, VenueRule.PRICE_TICK, "trigger", "65000.10"),
        (LIMIT, {"price": Price.of("1999999.90")}, VenueRule.PRICE_RANGE, "price", "range"),
        (MARKET, {"stop_loss": stop("0")}, VenueRule.PRICE_RANGE, "stop-loss 0", "range"),
        (MARKET, {"stop_loss": stop("-5")}, VenueRule.PRICE_RANGE, "stop-loss -5", "range"),
        (MARKET, {"qty": Qty.of("0.0105")}, VenueRule.QTY_STEP, "0.0105 BTC", "0.010 or 0.011"),
        (MARKET, {"qty": Qty.of("500.001")}, VenueRule.QTY_MAX_MARKET, "500.001 BTC", "500.000"),
        (LIMIT, {"qty": Qty.of("1190.001")}, VenueRule.QTY_MAX_LIMIT, "1190.001 BTC", "1190.000"),
        (CLOSE, {"qty": Qty.of("500.001")}, VenueRule.QTY_MAX_MARKET, "500.001 BTC", "several"),
    ],
)
def test_a_limit_that_is_not_kept_is_named_with_value_and_remedy(
    order: OrderRequest,
    changes: dict[str, Any],
    rule: VenueRule,
    observed: str,
    remedy: str,
) -> None:
    faults = venue_faults(attrs.evolve(order, **changes), BTCUSDT, REFERENCE)
    assert [fault.rule for fault in faults] == [rule]
    assert observed in faults[0].observed
    assert remedy in faults[0].remedy
    assert faults[0].limit


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (MARKET, {"qty": Qty.of("500.000")}),
        (LIMIT, {"qty": Qty.of("1190.000")}),
        (LIMIT, {"price": Price.of("1999999.80")}),
        (LIMIT, {"price": Price.of("5000.00"), "qty": Qty.of("0.001")}),
    ],
)
def test_a_value_at_the_limit_passes(order: OrderRequest, changes: dict[str, Any]) -> None:
    assert venue_faults(attrs.evolve(order, **changes), BTCUSDT, REFERENCE) == ()


@pytest.mark.parametrize(
    ("order", "rules"),
    [
        (MARKET, [VenueRule.QTY_MIN]),
        (LIMIT, [VenueRule.QTY_MIN]),
        (RUNG, [VenueRule.QTY_MIN]),
        (CLOSE, []),
    ],
)
def test_dust_can_always_be_closed_at_market(order: OrderRequest, rules: list[VenueRule]) -> None:
    dust = attrs.evolve(order, symbol=DUST.symbol, qty=Qty.of("0.004"))
    assert [fault.rule for fault in venue_faults(dust, DUST, REFERENCE)] == rules


@pytest.mark.parametrize(
    ("order", "changes", "is_enough"),
    [
        # 400000 coins at the reference of 0.000012 are 4.8 USDT; the limit is 5.
        (MARKET, {}, False),
        # Exactly 5 USDT at the order's own limit.
        (LIMIT, {"price": Price.of("0.0000125")}, True),
        (LIMIT, {"price": Price.of("0.00001249")}, False),
        # A conditional market order fills near its trigger.
        (MARKET, {"trigger": rising("0.0000125")}, True),
        (CLOSE, {}, True),
        (RUNG, {"price": Price.of("0.00001249")}, True),
    ],
)
def test_the_minimum_notional_is_for_orders_that_open(
    order: OrderRequest, changes: dict[str, Any], is_enough: bool
) -> None:
    small = attrs.evolve(order, symbol=TINY.symbol, qty=Qty.of(400000), **changes)
    faults = venue_faults(small, TINY, Price.of("0.000012"))
    assert [fault.rule for fault in faults] == ([] if is_enough else [VenueRule.NOTIONAL_MIN])


def test_the_remedy_for_a_small_notional_is_a_quantity_that_passes() -> None:
    small = attrs.evolve(MARKET, symbol=TINY.symbol, qty=Qty.of(400000))
    fault = venue_faults(small, TINY, Price.of("0.000012"))[0]
    assert fault.remedy == "give 416700 TINY or more"
    assert venue_faults(attrs.evolve(small, qty=Qty.of(416700)), TINY, Price.of("0.000012")) == ()


def test_every_limit_that_is_not_kept_is_reported() -> None:
    bad = attrs.evolve(
        LIMIT, price=Price.of("2000000.05"), qty=Qty.of("1190.0005"), stop_loss=stop("63000.01")
    )
    assert [fault.rule for fault in venue_faults(bad, BTCUSDT, REFERENCE)] == [
        VenueRule.PRICE_RANGE,
        VenueRule.PRICE_TICK,
        VenueRule.PRICE_TICK,
        VenueRule.QTY_STEP,
        VenueRule.QTY_MAX_LIMIT,
    ]


def test_an_order_is_checked_against_its_own_symbol() -> None:
    other = attrs.evolve(MARKET, symbol=Symbol("ETHUSDT"))
    with pytest.raises(ValueError, match="ETHUSDT checked against BTCUSDT"):
        venue_faults(other, BTCUSDT, REFERENCE)


@pytest.mark.parametrize(
    ("leverage", "notional", "rules"),
    [
        ("1", "1000", []),
        ("100", "2000000", []),
        ("12.34", "1000", []),
        ("0.99", "1000", [VenueRule.LEVERAGE_RANGE]),
        ("100.01", "1000", [VenueRule.LEVERAGE_RANGE]),
        ("12.345", "1000", [VenueRule.LEVERAGE_STEP]),
        ("100", "2000000.01", [VenueRule.LEVERAGE_TIER]),
        ("1", "1200000000.01", [VenueRule.LEVERAGE_TIER]),
        (
            "150.005",
            "1000",
            [VenueRule.LEVERAGE_RANGE, VenueRule.LEVERAGE_STEP, VenueRule.LEVERAGE_TIER],
        ),
    ],
)
def test_leverage_keeps_range_step_and_tier(
    leverage: str, notional: str, rules: list[VenueRule]
) -> None:
    faults = leverage_faults(Rate.of(leverage), BTCUSDT, notional=Money.of(notional))
    assert [fault.rule for fault in faults] == rules
    assert all(leverage in fault.observed and fault.remedy for fault in faults)


@pytest.mark.parametrize(
    ("spec", "qty", "parts"),
    [
        (BTCUSDT, "0.010", ["0.010"]),
        (BTCUSDT, "500.000", ["500.000"]),
        (BTCUSDT, "500.001", ["500.000", "0.001"]),
        (BTCUSDT, "1500", ["500.000", "500.000", "500.000"]),
        # Market maximum 100, minimum 30: a rest of 10 is filled up from the part before it.
        (COARSE, "110", ["80", "30"]),
        (COARSE, "130", ["100", "30"]),
        (COARSE, "220", ["100", "90", "30"]),
        # A position that is itself dust is one part.
        (COARSE, "10", ["10"]),
    ],
)
def test_a_close_above_the_market_maximum_is_split(
    spec: Instrument, qty: str, parts: list[str]
) -> None:
    assert split_close(Qty.of(qty), spec) == tuple(Qty.of(part) for part in parts)


@given(
    spec=st.sampled_from([BTCUSDT, COARSE, DUST, TINY]),
    steps=st.integers(min_value=1, max_value=10_000_000),
)
@settings(deadline=None, max_examples=60)
def test_the_parts_of_a_close_add_up_and_each_can_be_sent(spec: Instrument, steps: int) -> None:
    qty = spec.qty_step.times(steps % (int((spec.qty_max_market / spec.qty_step).value) * 7) or 1)
    parts = split_close(qty, spec)
    assert total(parts) == qty
    assert all(ZERO_QTY < part <= spec.qty_max_market for part in parts)
    if qty >= spec.qty_min:
        assert all(part >= spec.qty_min for part in parts)


@pytest.mark.parametrize("qty", ["0", "-1"])
def test_a_close_of_nothing_is_an_error(qty: str) -> None:
    with pytest.raises(ValueError, match=f"a close of {qty}"):
        split_close(Qty.of(qty), BTCUSDT)
