"""Rounding to tick and step, in every direction, for every grid. Oracle: integer fractions."""

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.grid import (
    entry_trigger,
    is_on_grid,
    limit_price,
    price_down,
    price_up,
    protective_stop,
    qty_down,
    qty_up,
    take_profit,
)
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import Side, TriggerDirection

TICKS = ("0.5", "5", "10", "0.05", "0.00000001", "1.0", "0.10", "0.25", "0.001", "1E+1")
STEPS = st.sampled_from([Decimal(tick) for tick in TICKS])
VALUES = st.decimals(
    min_value=0, max_value=Decimal(10**9), allow_nan=False, allow_infinity=False, places=10
)


@pytest.mark.parametrize(
    ("value", "tick", "down", "up"),
    [
        ("100.3", "0.5", "100.0", "100.5"),
        ("100.5", "0.5", "100.5", "100.5"),
        ("64003", "5", "64000", "64005"),
        ("64003", "10", "64000", "64010"),
        ("0.07", "0.05", "0.05", "0.10"),
        ("0.000000019", "0.00000001", "0.00000001", "0.00000002"),
        ("7.9", "1.0", "7", "8"),
        ("999999999.999999999", "0.00000001", "999999999.99999999", "1000000000"),
        ("0.04", "0.05", "0", "0.05"),
        ("0", "5", "0", "0"),
    ],
)
def test_prices_round_to_the_neighbours_on_the_grid(
    value: str, tick: str, down: str, up: str
) -> None:
    assert price_down(Price.of(value), Distance.of(tick)) == Price.of(down)
    assert price_up(Price.of(value), Distance.of(tick)) == Price.of(up)


@given(VALUES, STEPS)
@settings(deadline=None, max_examples=100)
def test_rounding_down_gives_the_highest_step_not_above(value: Decimal, step: Decimal) -> None:
    wanted = math.floor(Fraction(value) / Fraction(step)) * Fraction(step)
    assert Fraction(price_down(Price(value), Distance(step)).value) == wanted
    assert Fraction(qty_down(Qty(value), Qty(step)).value) == wanted


@given(VALUES, STEPS)
@settings(deadline=None, max_examples=100)
def test_rounding_up_gives_the_lowest_step_not_below(value: Decimal, step: Decimal) -> None:
    wanted = math.ceil(Fraction(value) / Fraction(step)) * Fraction(step)
    assert Fraction(price_up(Price(value), Distance(step)).value) == wanted
    assert Fraction(qty_up(Qty(value), Qty(step)).value) == wanted


@given(VALUES, STEPS)
@settings(deadline=None, max_examples=100)
def test_a_value_is_on_the_grid_when_it_is_a_whole_number_of_steps(
    value: Decimal, step: Decimal
) -> None:
    assert is_on_grid(Price(value), Distance(step)) is (
        (Fraction(value) / Fraction(step)).denominator == 1
    )
    assert is_on_grid(price_down(Price(value), Distance(step)), Distance(step))
    assert is_on_grid(qty_up(Qty(value), Qty(step)), Qty(step))


@given(VALUES, STEPS)
@settings(deadline=None, max_examples=100)
def test_no_direction_ever_turns_against_the_trader(value: Decimal, step: Decimal) -> None:
    price, tick = Price(value), Distance(step)
    # A stop moves toward the entry: up for a long, down for a short.
    assert price <= protective_stop(price, tick, position=Side.BUY) < price + tick
    assert price - tick < protective_stop(price, tick, position=Side.SELL) <= price
    # A target moves toward the entry: down for a long, up for a short.
    assert price - tick < take_profit(price, tick, position=Side.BUY) <= price
    assert price <= take_profit(price, tick, position=Side.SELL) < price + tick
    # A trigger never fires earlier.
    rises, falls = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO
    assert price <= entry_trigger(price, tick, direction=rises) < price + tick
    assert price - tick < entry_trigger(price, tick, direction=falls) <= price
    # A limit is never worse.
    assert price - tick < limit_price(price, tick, side=Side.BUY) <= price
    assert price <= limit_price(price, tick, side=Side.SELL) < price + tick


@given(VALUES, STEPS)
@settings(deadline=None, max_examples=60)
def test_rounding_does_not_depend_on_the_context_of_the_thread(
    value: Decimal, step: Decimal
) -> None:
    price, tick = Price(value), Distance(step)
    wanted = (price_down(price, tick), price_up(price, tick), is_on_grid(price, tick))
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        assert (price_down(price, tick), price_up(price, tick), is_on_grid(price, tick)) == wanted


@pytest.mark.parametrize("step", ["0", "-0.1"])
def test_a_step_that_is_not_above_zero_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match="not positive"):
        price_down(Price.of(1), Distance.of(step))


def test_a_negative_amount_is_refused_not_rounded_to_the_wrong_side() -> None:
    with pytest.raises(ValueError, match="-7 is negative"):
        qty_down(Qty.of(-7), Qty.of(2))


@pytest.mark.parametrize("value", ["1e70", "1e999"])
def test_any_number_of_steps_is_counted_to_the_last(value: str) -> None:
    step = Decimal("0.0000001")
    assert is_on_grid(Qty(Decimal(value)), Qty(step))
    assert qty_down(Qty(Decimal(value)), Qty(step)) == Qty(Decimal(value))
    third = qty_down(Qty(Decimal(value)), Qty(Decimal("0.3")))
    assert Fraction(third.value) == math.floor(Fraction(value) / Fraction("0.3")) * Fraction("0.3")
    assert not is_on_grid(Qty(Decimal(value)), Qty(Decimal("0.3")))
