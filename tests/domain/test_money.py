"""Amounts: exact in any thread, never mixed up, never from a float."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.money import (
    EXACT,
    ONE,
    ZERO_MONEY,
    Amount,
    Distance,
    Money,
    Price,
    Qty,
    Rate,
    exact,
    half_up,
)

KINDS: tuple[type[Amount], ...] = (Price, Qty, Money, Rate, Distance)
LONG = "123456789012345678901234567890.123456789012345678"
AMOUNTS = st.decimals(
    min_value=Decimal(-(10**20)), max_value=Decimal(10**20), allow_nan=False, places=18
)


@pytest.mark.parametrize("value", [0.1, 1.0, float("nan"), True, None, b"1", [1]])
def test_only_text_integers_and_decimals_are_read(value: Any) -> None:
    with pytest.raises(TypeError, match="accepted: Decimal, int or text"):
        exact(value)


@pytest.mark.parametrize("value", ["", " ", "abc", "1,5", "--1", "0x10"])
def test_text_that_is_no_number_is_refused_with_the_value(value: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        Money.of(value)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-inf", Decimal("NaN")])
def test_what_is_not_finite_is_refused(value: Decimal | str) -> None:
    with pytest.raises(ValueError, match="is not finite"):
        Price.of(value)


def test_text_that_is_no_number_is_refused_in_a_context_without_traps() -> None:
    with decimal.localcontext() as context:
        context.clear_traps()
        with pytest.raises(ValueError, match="abc"):
            Money.of("abc")


def test_each_operator_gives_the_kind_that_it_means() -> None:
    price, qty, money = Price.of(200), Qty.of(4), Money.of(50)
    rate, distance = Rate.of(2), Distance.of(8)
    table: list[tuple[Amount, Amount]] = [
        (price + distance, Price.of(208)),
        (price - distance, Price.of(192)),
        (price - Price.of(150), Distance.of(50)),
        (price * qty, Money.of(800)),
        (price * rate, Distance.of(400)),
        (distance * qty, Money.of(32)),
        (distance * rate, Distance.of(16)),
        (distance / Distance.of(2), Rate.of(4)),
        (distance / price, Rate.of("0.04")),
        (distance / rate, Distance.of(4)),
        (qty * rate, Qty.of(8)),
        (qty / Qty.of(8), Rate.of("0.5")),
        (qty / rate, Qty.of(2)),
        (money * rate, Money.of(100)),
        (money / Money.of(100), Rate.of("0.5")),
        (money / price, Qty.of("0.25")),
        (money / distance, Qty.of("6.25")),
        (money / rate, Money.of(25)),
        (money / qty, Price.of("12.5")),
        (rate * rate, Rate.of(4)),
        (rate / Rate.of(8), Rate.of("0.25")),
        (-money, Money.of(-50)),
        (abs(Money.of(-50)), money),
        (qty.times(-3), Qty.of(-12)),
    ]
    for seen, wanted in table:
        assert seen == wanted
        assert type(seen) is type(wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_the_same_value_are_not_equal(kind: type[Amount]) -> None:
    assert [other.of(1) == kind.of(1) for other in KINDS] == [other is kind for other in KINDS]


def test_equal_amounts_are_equal_however_they_are_written() -> None:
    assert Price.of("1.50") == Price.of("1.5") == Price.of(Decimal("15E-1"))
    assert len({Price.of("1.50"), Price.of("1.5")}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_amount_has_no_truth_value(kind: type[Amount]) -> None:
    with pytest.raises(TypeError, match="compare it with zero"):
        bool(kind.of(0))


def test_an_amount_is_shown_without_an_exponent() -> None:
    assert str(Price.of("1E-8")) == "0.00000001"
    assert str(Money.of("1E+9")) == "1000000000"
    assert repr(Qty.of("-0.10")) == "Qty('-0.10')"


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        # Venue payloads: closedPnl, cumExecFee and an exact execFee (Bybit V5).
        ("-0.435825275", 8, "-0.43582528"),
        ("0.067391445", 8, "0.06739145"),
        ("0.00468105", 8, "0.00468105"),
        ("0.5", 0, "1"),
        ("-0.5", 0, "-1"),
        ("2.5", 0, "3"),
        ("2.4999999999999999999999999999999999", 0, "2"),
        ("123456789012345678901234567890.125", 2, "123456789012345678901234567890.13"),
    ],
)
def test_amounts_are_shown_rounded_half_away_from_zero(value: str, places: int, shown: str) -> None:
    assert str(half_up(Decimal(value), places)) == shown


OPERATIONS: dict[str, Callable[[Decimal, Decimal], Amount]] = {
    "add": lambda a, b: Money(a) + Money(b),
    "subtract": lambda a, b: Money(a) - Money(b),
    "negate": lambda a, _: -Money(a),
    "abs": lambda a, _: abs(Money(a)),
    "multiply": lambda a, b: Money(a) * Rate(b),
    "divide": lambda a, b: Money(a) / Rate(b),
    "times": lambda a, _: Money(a).times(-7),
    "price": lambda a, b: Price(a) - Price(b),
    "shown": lambda a, _: Money(half_up(a, 12)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_result_does_not_depend_on_the_context_of_the_thread(name: str) -> None:
    a, b = Decimal(LONG), Decimal("-98765432109876543210.000000000000000001")
    wanted = OPERATIONS[name](a, b)
    with decimal.localcontext(decimal.Context(prec=5, rounding=decimal.ROUND_UP)):
        assert OPERATIONS[name](a, b) == wanted
    assert len(str(wanted.value).strip("-0.")) > 28


def test_a_sign_can_be_turned_without_losing_a_digit() -> None:
    amount = Money.of(LONG)
    assert str(-amount) == f"-{LONG}"
    assert str(abs(-amount)) == LONG


@given(AMOUNTS, AMOUNTS)
@settings(deadline=None, max_examples=100)
def test_sums_and_products_are_exact(a: Decimal, b: Decimal) -> None:
    assert Fraction((Money(a) + Money(b)).value) == Fraction(a) + Fraction(b)
    assert Fraction((Money(a) - Money(b)).value) == Fraction(a) - Fraction(b)
    assert Money(a) - Money(a) == ZERO_MONEY
    short = Decimal(int(b)) / 1000
    assert Fraction((Money(a) * Rate(short)).value) == Fraction(a) * Fraction(short)


@given(AMOUNTS, AMOUNTS)
@settings(deadline=None, max_examples=60)
def test_amounts_order_as_their_values_do(a: Decimal, b: Decimal) -> None:
    assert (Money(a) < Money(b)) is (a < b)
    assert (Money(a) <= Money(b)) is (a <= b)
    assert (Money(a) > Money(b)) is (a > b)
    assert (Money(a) >= Money(b)) is (a >= b)
    assert Money(a).sign == (a > 0) - (a < 0)


def test_division_by_zero_raises_whatever_the_thread_traps() -> None:
    with decimal.localcontext() as context:
        context.clear_traps()
        with pytest.raises(decimal.DivisionByZero):
            Money.of(1) / Rate.of(0)


def test_an_amount_cannot_be_changed() -> None:
    one: Any = ONE
    with pytest.raises(AttributeError):
        one.value = Decimal(2)
    assert ONE.value == 1
    assert EXACT.prec == 60


@pytest.mark.parametrize(
    "text", ["1e999999999", "1e-999999999", "-1e30", "0e999999999", "9" * 5_000]
)
def test_a_number_that_would_fill_the_memory_as_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="out of range; accepted: at most 30 places before"):
        Rate.of(text)


def test_a_number_at_the_edge_of_the_range_is_taken() -> None:
    assert str(Rate.of("9" * 30)) == "9" * 30
    assert len(str(Rate.of("1e-1000"))) == 1_002
    assert exact("1e999") == Decimal("1e999")


def test_what_follows_from_given_amounts_may_be_larger_and_is_read_again() -> None:
    largest = Price.of("9" * 30) * Qty.of("9" * 30)
    assert exact(str(largest.value)) == largest.value
