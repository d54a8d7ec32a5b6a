"""How evidence is written: in full, rounded away from a limit, whatever the caller's arithmetic."""

from collections.abc import Callable
from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.risk import wording

ROWS: list[tuple[str, Callable[[], str], str]] = [
    # Amounts in full, however long.
    ("usdt", lambda: wording.usdt(Money.of("0.0000000000001")), "0.0000000000001 USDT"),
    ("usdt", lambda: wording.usdt(Money.of("-12.50")), "-12.5 USDT"),
    ("usdt", lambda: wording.usdt(Money.of("1E+3")), "1000 USDT"),
    ("usdt", lambda: wording.usdt(Money.of("-0.00")), "0 USDT"),
    # Eight decimals: one in the ninth moves the eighth up, or is left out.
    ("above", lambda: wording.usdt_above(Money.of("1.000000001")), "1.00000001 USDT"),
    ("above", lambda: wording.usdt_above(Money.of("1.00000001")), "1.00000001 USDT"),
    ("above", lambda: wording.usdt_above(Money.of("-1.000000009")), "-1 USDT"),
    ("below", lambda: wording.usdt_below(Money.of("1.000000009")), "1 USDT"),
    ("below", lambda: wording.usdt_below(Money.of("1.00000001")), "1.00000001 USDT"),
    ("below", lambda: wording.usdt_below(Money.of("-1.000000001")), "-1.00000001 USDT"),
    # Four decimals of a per cent, which are six of the fraction.
    ("percent", lambda: wording.percent(Rate.of("0.0212345678")), "2.12345678 %"),
    ("percent above", lambda: wording.percent_above(Rate.of("0.25000001")), "25.0001 %"),
    ("percent above", lambda: wording.percent_above(Rate.of("0.250001")), "25.0001 %"),
    ("percent below", lambda: wording.percent_below(Rate.of("0.02999999")), "2.9999 %"),
    ("percent below", lambda: wording.percent_below(Rate.of("0.029999")), "2.9999 %"),
    ("percent below", lambda: wording.percent_below(Rate.of("-0.00000001")), "-0.0001 %"),
    ("multiple", lambda: wording.multiple(Rate.of("1.50"), "R"), "1.5 R"),
    ("multiple below", lambda: wording.multiple_below(Rate.of("1.49999"), "R"), "1.4999 R"),
    ("multiple below", lambda: wording.multiple_below(Rate.of("1.4999"), "x"), "1.4999 x"),
    ("seconds", lambda: wording.seconds(1), "0.001 s"),
    ("seconds", lambda: wording.seconds(-1_500), "-1.5 s"),
    ("coins", lambda: wording.coins(Qty.of("0.500"), "BTC"), "0.5 BTC"),
    ("price", lambda: wording.price(Price.of("64000.10")), "64000.1 USDT"),
    ("whole", lambda: wording.whole(Decimal("1200.00")), "1200"),
]


@pytest.mark.parametrize(("_name", "write", "text"), ROWS)
def test_evidence_is_written_in_full_or_rounded_away_from_its_limit(
    _name: str, write: Callable[[], str], text: str
) -> None:
    assert write() == text


@pytest.mark.parametrize(("_name", "write", "text"), ROWS)
def test_the_arithmetic_of_the_callers_thread_changes_no_word(
    _name: str, write: Callable[[], str], text: str
) -> None:
    with localcontext(Context(prec=2, rounding=ROUND_UP)):
        assert write() == text


# Thirty digits: more than the default arithmetic of a thread holds.
LONG = "123456789012345678901234567890"


def test_a_long_amount_is_written_to_its_last_digit() -> None:
    amount, many = Money.of(f"{LONG}.25"), Rate.of(LONG)
    assert wording.usdt(amount) == f"{LONG}.25 USDT"
    assert wording.usdt_above(amount) == f"{LONG}.25 USDT"
    assert wording.usdt_below(amount) == f"{LONG}.25 USDT"
    assert wording.percent(many) == f"{LONG}00 %"
    assert wording.percent_above(many) == f"{LONG}00 %"
    assert wording.percent_below(many) == f"{LONG}00 %"
    assert wording.multiple_below(many, "x") == f"{LONG} x"
    assert wording.coins(Qty.of(LONG), "BTC") == f"{LONG} BTC"
