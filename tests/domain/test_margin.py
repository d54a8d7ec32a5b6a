"""Margin and liquidation: golden figures of the venue, and the equations that they solve.

The equations are checked with integer fractions, written out again from the definitions.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.instrument import RiskTier
from tidegate.domain.margin import (
    bankruptcy_price,
    fee_to_close,
    initial_margin,
    leverage_allowed,
    liquidation_price_cross,
    liquidation_price_isolated,
    maintenance_added,
    maintenance_margin,
    notional_allowed,
    order_cost,
    reachable,
    tier_for,
)
from tidegate.domain.money import ZERO_MONEY, ZERO_RATE, Money, Price, Qty, Rate, half_up
from tidegate.domain.orders import Side

from .samples import TIERS, tier

TAKER = Rate.of("0.00055")
SIDES = st.sampled_from(Side)
HALF_PERCENT = tier("1000000", "0.005", "0.01", "100", "0")
PRICE_MIN, PRICE_MAX = Price.of("0.10"), Price.of("1999999.80")
TOLERANCE = Fraction(1, 10**30)


def places(low: str, high: str, digits: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=digits)


QTYS, ENTRIES, LEVERAGES = (
    places("0.001", "1000", 3),
    places("1", "200000", 2),
    places("1", "100", 2),
)
RATES, DEDUCTIONS = places("0.001", "0.3", 4), places("0", "100000", 2)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "19698.49"), (Side.SELL, "20298.51")])
def test_the_isolated_liquidation_price_is_the_venues(side: Side, price: str) -> None:
    # 20000 x (1 - 1/50) / (1 - 0.005) = 19600 / 0.995; 20400 / 1.005 for a short.
    seen = liquidation_price_isolated(
        side=side,
        qty=Qty.of(1),
        entry=Price.of(20000),
        leverage=Rate.of(50),
        tier=HALF_PERCENT,
        taker=TAKER,
    )
    assert str(half_up(seen.value, 2)) == price


@pytest.mark.parametrize(
    ("side", "price"),
    [
        # Taker 0.2, extra 80, deduction 10, size 2: long 19600 - (80 / 0.8 + 10) / 2 = 19545.
        (Side.BUY, Fraction(19545) / Fraction("0.995")),
        # Extra 80 / 1.2: short 20400 + (80 / 1.2 + 10) / 2.
        (Side.SELL, (20400 + (Fraction(80) / Fraction("1.2") + 10) / 2) / Fraction("1.005")),
    ],
)
def test_extra_margin_and_the_deduction_move_liquidation_away(side: Side, price: Fraction) -> None:
    seen = liquidation_price_isolated(
        side=side,
        qty=Qty.of(2),
        entry=Price.of(20000),
        leverage=Rate.of(50),
        tier=tier("1000000", "0.005", "0.01", "100", "10"),
        taker=Rate.of("0.2"),
        extra_margin=Money.of(80),
    )
    assert abs(Fraction(seen.value) - price) < TOLERANCE


def test_bankruptcy_is_where_the_margin_is_gone() -> None:
    # 20000 x (1 -+ 1/50); the fee to close 2 there at 0.055 %: 2 x 19600 x 0.00055 = 21.56.
    long = bankruptcy_price(side=Side.BUY, entry=Price.of(20000), leverage=Rate.of(50))
    short = bankruptcy_price(side=Side.SELL, entry=Price.of(20000), leverage=Rate.of(50))
    assert (long, short) == (Price.of(19600), Price.of(20400))
    assert fee_to_close(qty=Qty.of(2), bankruptcy=long, taker=TAKER) == Money.of("21.56")


@pytest.mark.parametrize(("side", "added"), [(Side.BUY, "221.56"), (Side.SELL, "222.44")])
def test_an_entry_adds_its_rate_and_the_fee_to_close_and_no_deduction(
    side: Side, added: str
) -> None:
    # 2 at 20000: 0.5 % of 40000 is 200, and the fee at 19600 or 20400; nothing of the 100 is off.
    assert maintenance_added(
        side=side,
        qty=Qty.of(2),
        price=Price.of(20000),
        leverage=Rate.of(50),
        tier=tier("1000000", "0.005", "0.01", "100", "100"),
        taker=TAKER,
    ) == Money.of(added)


def test_margins_agree_with_the_venues_payload() -> None:
    # Long 1.2 worth 77.519375 at leverage 6: positionIM 12.95542633, positionMM 0.81072399.
    # 77.519375/6 + 77.519375 x 5/6 x 0.00055; and 1 % of the value plus the same fee. The venue
    # starts from a rounded average, so it differs after the sixth decimal.
    entry = Money.of("77.519375") / Qty.of("1.2")
    margin = initial_margin(
        side=Side.BUY, qty=Qty.of("1.2"), basis=entry, leverage=Rate.of(6), taker=TAKER
    )
    maintained = maintenance_margin(
        side=Side.BUY,
        qty=Qty.of("1.2"),
        mark=entry,
        basis=entry,
        leverage=Rate.of(6),
        tier=tier("1000", "0.01", "0.02", "50", "0"),
        taker=TAKER,
    )
    assert abs(margin - Money.of("12.95542633")) < Money.of("0.0000008")
    assert abs(maintained - Money.of("0.81072399")) < Money.of("0.0000008")


@pytest.mark.parametrize(
    ("side", "margin", "maintained", "cost"),
    [
        # Long 2 at 20000, leverage 50, taker 0.00055: 800 + 2 x 19600 x 0.00055 = 821.56. At mark
        # 21000 with 0.5 % less 100: 210 - 100 + 21.56. Order: 821.56 + 40000 x 0.00055 = 843.56.
        (Side.BUY, "821.56", "131.56", "843.56"),
        # Short: the fee is 2 x 20400 x 0.00055 = 22.44.
        (Side.SELL, "822.44", "132.44", "844.44"),
    ],
)
def test_margins_worked_by_hand(side: Side, margin: str, maintained: str, cost: str) -> None:
    qty, entry, leverage = Qty.of(2), Price.of(20000), Rate.of(50)
    assert initial_margin(
        side=side, qty=qty, basis=entry, leverage=leverage, taker=TAKER
    ) == Money.of(margin)
    assert maintenance_margin(
        side=side,
        qty=qty,
        mark=Price.of(21000),
        basis=entry,
        leverage=leverage,
        tier=tier("1000000", "0.005", "0.01", "100", "100"),
        taker=TAKER,
    ) == Money.of(maintained)
    assert order_cost(side=side, qty=qty, price=entry, leverage=leverage, taker=TAKER) == Money.of(
        cost
    )


@given(
    side=SIDES,
    qty=QTYS,
    entry=ENTRIES,
    leverage=LEVERAGES,
    rate=RATES,
    deduction=DEDUCTIONS,
    extra=places("0", "100000", 2),
)
@settings(deadline=None, max_examples=100)
def test_at_the_isolated_liquidation_price_margin_equals_its_maintenance(
    side: Side,
    qty: Decimal,
    entry: Decimal,
    leverage: Decimal,
    rate: Decimal,
    deduction: Decimal,
    extra: Decimal,
) -> None:
    price = liquidation_price_isolated(
        side=side,
        qty=Qty(qty),
        entry=Price(entry),
        leverage=Rate(leverage),
        tier=tier("1", str(rate), "1", "1", str(deduction)),
        taker=TAKER,
        extra_margin=Money(extra),
    )
    s, e, lev, f = Fraction(qty), Fraction(entry), Fraction(leverage), Fraction(TAKER.value)
    p, x, sign = Fraction(price.value), Fraction(extra), side.sign
    # Bankruptcy B: the margin for losses, S E / L + X with the fee that B itself costs, is gone:
    # S E / L + S B0 f + X - S B f = S (E - B) for a long, with B0 the bankruptcy without X.
    first = e * (1 - sign / lev)
    bankruptcy = first - sign * x / (s * (1 - sign * f))
    held = s * e / lev + s * first * f + x
    assert held - s * bankruptcy * f == s * (e - bankruptcy) * sign
    margin = held + s * (p - e) * sign
    maintained = s * p * Fraction(rate) - Fraction(deduction) + s * bankruptcy * f
    assert abs(margin - maintained) < TOLERANCE


@given(
    side=SIDES,
    qty=QTYS,
    entry=ENTRIES,
    leverage=LEVERAGES,
    rate=RATES,
    deduction=DEDUCTIONS,
    wallet=places("1", "1000000", 2),
    others=places("-10000", "10000", 2),
    needed=places("0", "10000", 2),
)
@settings(deadline=None, max_examples=100)
def test_at_the_cross_liquidation_price_the_account_equals_its_maintenance(
    side: Side,
    qty: Decimal,
    entry: Decimal,
    leverage: Decimal,
    rate: Decimal,
    deduction: Decimal,
    wallet: Decimal,
    others: Decimal,
    needed: Decimal,
) -> None:
    price = liquidation_price_cross(
        side=side,
        qty=Qty(qty),
        entry=Price(entry),
        leverage=Rate(leverage),
        tier=tier("1", str(rate), "1", "1", str(deduction)),
        taker=TAKER,
        wallet=Money(wallet),
        others_unrealised=Money(others),
        others_maintenance=Money(needed),
        price_min=Price.of(-(10**12)),
        price_max=Price.of(10**12),
    )
    assert price is not None
    s, p = Fraction(qty), Fraction(price.value)
    fee = s * p * (1 - side.sign / Fraction(leverage)) * Fraction(TAKER.value)
    equity = Fraction(wallet) + Fraction(others) + s * (p - Fraction(entry)) * side.sign
    maintained = Fraction(needed) + s * p * Fraction(rate) - Fraction(deduction) + fee
    assert abs(equity - maintained) < TOLERANCE


@pytest.mark.parametrize(
    ("side", "wallet", "liquidated"),
    [(Side.BUY, "1000", True), (Side.BUY, "20000", False), (Side.SELL, "2000000", False)],
)
def test_an_account_that_outlasts_every_price_is_never_liquidated(
    side: Side, wallet: str, liquidated: bool
) -> None:
    price = liquidation_price_cross(
        side=side,
        qty=Qty.of(1),
        entry=Price.of(20000),
        leverage=Rate.of(10),
        tier=HALF_PERCENT,
        taker=TAKER,
        wallet=Money.of(wallet),
        others_unrealised=ZERO_MONEY,
        others_maintenance=ZERO_MONEY,
        price_min=PRICE_MIN,
        price_max=PRICE_MAX,
    )
    assert (price is not None) is liquidated


def test_a_price_outside_the_range_is_never_reached() -> None:
    for price, kept in (("0.10", True), ("0.09", False), ("1999999.80", True), ("2000000", False)):
        seen = reachable(Price.of(price), price_min=PRICE_MIN, price_max=PRICE_MAX)
        assert (seen is not None) is kept


@pytest.mark.parametrize(
    ("notional", "row", "leverage"),
    [
        ("0", 0, "150"),
        ("300000", 0, "150"),
        ("300000.01", 1, "100"),
        ("2000000", 1, "100"),
        ("800000000", 2, "1.43"),
        ("1200000000", 3, "1"),
    ],
)
def test_a_value_at_a_tiers_limit_is_inside_it(notional: str, row: int, leverage: str) -> None:
    assert tier_for(TIERS, Money.of(notional)) is TIERS[row]
    assert leverage_allowed(TIERS, Money.of(notional)) == Rate.of(leverage)


def test_above_the_last_tier_its_rates_apply_and_nothing_can_be_opened() -> None:
    beyond = Money.of("1200000000.01")
    assert tier_for(TIERS, beyond) is TIERS[3]
    assert leverage_allowed(TIERS, beyond) == ZERO_RATE


@pytest.mark.parametrize(
    ("leverage", "notional"),
    [
        ("150.01", "0"),
        ("150", "300000"),
        ("100.01", "300000"),
        ("100", "2000000"),
        ("1.44", "2000000"),
        ("1.43", "800000000"),
        ("1", "1200000000"),
    ],
)
def test_the_largest_value_is_the_limit_of_the_highest_tier_that_allows_the_leverage(
    leverage: str, notional: str
) -> None:
    assert notional_allowed(TIERS, Rate.of(leverage)) == Money.of(notional)


@pytest.mark.parametrize(("lower", "upper"), [(TIERS[0], TIERS[1]), (TIERS[2], TIERS[3])])
def test_maintenance_margin_is_continuous_between_neighbouring_tiers(
    lower: RiskTier, upper: RiskTier
) -> None:
    def margin(of: RiskTier) -> Money:
        return maintenance_margin(
            side=Side.BUY,
            qty=Qty.of(1),
            mark=lower.notional_max / Qty.of(1),
            basis=Price.of(1000),
            leverage=Rate.of(1),
            tier=of,
            taker=TAKER,
        )

    assert margin(lower) == margin(upper)


def test_margin_of_a_meaningless_position_is_an_error() -> None:
    with pytest.raises(ValueError, match="leverage 0"):
        bankruptcy_price(side=Side.BUY, entry=Price.of(1), leverage=Rate.of(0))
    for qty in ("0", "-1"):
        with pytest.raises(ValueError, match=f"position of {qty}"):
            liquidation_price_isolated(
                side=Side.BUY,
                qty=Qty.of(qty),
                entry=Price.of(1),
                leverage=Rate.of(1),
                tier=HALF_PERCENT,
                taker=TAKER,
            )
