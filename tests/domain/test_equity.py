"""Figures of equity are compared only on the same ground; what is moved is no profit."""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.day import DayBoundary
from tidegate.domain.equity import AT_OPENING, BY_LEDGER, Anchor, EquitySource
from tidegate.domain.ledger import (
    Ledger,
    book_fill,
    book_transfer,
    day_profit,
    is_new_mark,
    mark_equity,
    opened,
)
from tidegate.domain.money import ZERO_MONEY, Money, Rate

NOON_MS = 1_700_049_600_000
BY_VENUE = Anchor(source=EquitySource.VENUE)


def fresh() -> Ledger:
    return opened(Money.of("10000"), NOON_MS, DayBoundary())


def usdt(text: str) -> Money:
    return Money.of(text)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (AT_OPENING, BY_LEDGER, True),
        (BY_LEDGER, BY_LEDGER, True),
        (BY_LEDGER, BY_VENUE, False),
        (AT_OPENING, BY_VENUE, False),
        (BY_VENUE, BY_VENUE, True),
        (BY_LEDGER, attrs.evolve(BY_LEDGER, basis=1), False),
        (attrs.evolve(AT_OPENING, basis=1), attrs.evolve(BY_LEDGER, basis=1), True),
    ],
)
def test_which_figures_may_be_compared(one: Anchor, other: Anchor, *, agree: bool) -> None:
    assert one.agrees_with(other) is agree
    assert other.agrees_with(one) is agree


def test_a_fall_from_a_mark_of_another_ground_is_none_and_a_new_mark_begins() -> None:
    before = mark_equity(fresh(), usdt("12000"))
    assert before.high_water_anchor == BY_LEDGER
    shown = mark_equity(before, usdt("3000"), BY_VENUE)
    assert (shown.high_water, shown.high_water_anchor) == (usdt("3000"), BY_VENUE)
    assert (shown.deepest_fall, shown.deepest_drawdown) == (ZERO_MONEY, Rate.of("0"))
    assert is_new_mark(shown, usdt("3000")), "the books' own equity is of another ground"
    again = mark_equity(shown, usdt("9000"))
    assert (again.high_water, again.high_water_anchor) == (usdt("9000"), BY_LEDGER)
    fallen = mark_equity(again, usdt("8000"))
    assert (fallen.high_water, fallen.deepest_fall) == (usdt("9000"), usdt("1000"))


def test_a_mark_says_where_it_comes_from_until_a_higher_one_does() -> None:
    assert fresh().high_water_anchor == AT_OPENING
    assert mark_equity(fresh(), usdt("9000")).high_water_anchor == AT_OPENING
    assert mark_equity(fresh(), usdt("10001")).high_water_anchor == BY_LEDGER


# 10000, then 12000 at its highest and 9000 now: a quarter below. With 3000 more the wallet that is
# a quarter below stands below 16000; with 6000 less below 4000.
@pytest.mark.parametrize(("amount", "mark"), [("3000", "16000"), ("-6000", "4000")])
def test_a_transfer_keeps_the_share_by_which_equity_is_below_its_mark(
    amount: str, mark: str
) -> None:
    before = mark_equity(mark_equity(fresh(), usdt("12000")), usdt("9000"))
    after = book_transfer(before, amount=usdt(amount), equity_before=usdt("9000"))
    assert after.high_water == usdt(mark)
    assert after.wallet == before.wallet + usdt(amount)
    assert (after.transfers, after.basis) == (usdt(amount), 1)
    assert after.high_water_anchor.agrees_with(after.anchor)
    equity = usdt("9000") + usdt(amount)
    assert mark_equity(after, equity).deepest_drawdown == Rate.of("0.25")
    assert day_profit(after, equity) == day_profit(before, usdt("9000"))
    assert (after.realised, after.today.realised) == (before.realised, before.today.realised)


@pytest.mark.parametrize(("before", "amount"), [("9000", "-9000"), ("9000", "-9500"), ("0", "50")])
def test_where_there_is_no_proportion_a_new_mark_begins(before: str, amount: str) -> None:
    moved = book_transfer(fresh(), amount=usdt(amount), equity_before=usdt(before))
    assert moved.high_water == usdt(before) + usdt(amount)
    assert moved.deepest_fall == ZERO_MONEY


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.decimals(min_value=-2_000, max_value=2_000, places=6), min_size=1, max_size=12),
    st.decimals(min_value=-900, max_value=900, places=8),
)
def test_whatever_is_moved_is_in_the_wallet_and_in_no_profit(
    amounts: list[Decimal], realised: Decimal
) -> None:
    ledger = book_fill(fresh(), realised=Money(realised), fee=usdt("1"))
    profit = day_profit(ledger, ledger.wallet)
    for amount in amounts:
        ledger = book_transfer(ledger, amount=Money(amount), equity_before=ledger.wallet)
    total = sum((Money(amount) for amount in amounts), ZERO_MONEY)
    assert ledger.wallet == usdt("9999") + Money(realised) + total
    assert day_profit(ledger, ledger.wallet) == profit
    assert ledger.basis == len(amounts)
