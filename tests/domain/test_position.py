"""Positions: exact books over any executions. Oracle: cash flows as integer fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.position import FLAT, Position, apply_fill

SIDES = st.sampled_from(Side)
QTYS = st.decimals(min_value=Decimal("0.001"), max_value=1000, places=3)
PRICES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**9), places=8)
EXECUTIONS = st.lists(st.tuples(SIDES, QTYS, PRICES), min_size=1, max_size=25)


def fold(*executions: tuple[Side, str, str]) -> tuple[Position, Money, Qty]:
    position, realised, closed = FLAT, ZERO_MONEY, ZERO_QTY
    for side, qty, price in executions:
        fill = apply_fill(position, side=side, qty=Qty.of(qty), price=Price.of(price))
        position, realised = fill.position, realised + fill.realised
        closed += fill.qty_closed
    return position, realised, closed


@pytest.mark.parametrize(
    ("executions", "qty", "entry", "realised", "closed"),
    [
        # 1 at 100 and 3 at 104: (100 + 312) / 4 = 103.
        ([(Side.BUY, "1", "100"), (Side.BUY, "3", "104")], "4", "103", "0", "0"),
        # Half of it out at 110: 2 x (110 - 103) = 14; the entry stays.
        (
            [(Side.BUY, "1", "100"), (Side.BUY, "3", "104"), (Side.SELL, "2", "110")],
            "2",
            "103",
            "14",
            "2",
        ),
        # Short 2 at 50, bought back at 47: 2 x 3 = 6, flat.
        ([(Side.SELL, "2", "50"), (Side.BUY, "2", "47")], "0", None, "6", "2"),
        # Long 1 at 100, sell 3 at 90: loses 10, then short 2 at 90.
        ([(Side.BUY, "1", "100"), (Side.SELL, "3", "90")], "-2", "90", "-10", "1"),
        # Short 1 at 100, buy 3 at 90: wins 10, then long 2 at 90.
        ([(Side.SELL, "1", "100"), (Side.BUY, "3", "90")], "2", "90", "10", "1"),
    ],
)
def test_executions_fold_into_position_and_profit(
    executions: list[tuple[Side, str, str]],
    qty: str,
    entry: str | None,
    realised: str,
    closed: str,
) -> None:
    position, profit, qty_closed = fold(*executions)
    assert position.qty == Qty.of(qty)
    assert position.entry_price == (None if entry is None else Price.of(entry))
    assert profit == Money.of(realised)
    assert qty_closed == Qty.of(closed)


def test_unrealised_profit_is_the_venues() -> None:
    # Venue payload: value 77.519375 at size 1.2, mark 71.1, unrealisedPnl 7.800625.
    position = Position(qty=Qty.of("1.2"), cost=Money.of("77.519375"))
    assert position.unrealised(Price.of("71.1")) == Money.of("7.800625")
    assert position.notional(Price.of("71.1")) == Money.of("85.32")
    short = Position(qty=Qty.of("-1.2"), cost=Money.of("-77.519375"))
    assert short.unrealised(Price.of("71.1")) == Money.of("-7.800625")
    assert short.notional(Price.of("71.1")) == Money.of("85.32")


def test_sides_are_named_by_the_sign() -> None:
    assert FLAT.side is None
    assert FLAT.is_flat
    assert FLAT.entry_price is None
    assert fold((Side.BUY, "1", "2"))[0].side is Side.BUY
    assert fold((Side.SELL, "1", "2"))[0].side is Side.SELL


@given(EXECUTIONS, PRICES)
@settings(deadline=None, max_examples=100)
def test_realised_and_unrealised_equal_the_cash_flows_to_the_last_digit(
    executions: list[tuple[Side, Decimal, Decimal]], mark: Decimal
) -> None:
    position, realised = FLAT, ZERO_MONEY
    cash, held = Fraction(0), Fraction(0)
    for side, qty, price in executions:
        fill = apply_fill(position, side=side, qty=Qty(qty), price=Price(price))
        position, realised = fill.position, realised + fill.realised
        cash -= side.sign * Fraction(qty) * Fraction(price)
        held += side.sign * Fraction(qty)
        books = realised + position.unrealised(Price(mark))
        assert Fraction(books.value) == cash + held * Fraction(mark)
        assert Fraction(position.qty.value) == held
        assert position.cost.sign == position.qty.sign


@given(EXECUTIONS, PRICES)
@settings(deadline=None, max_examples=60)
def test_a_closed_position_leaves_no_cost_behind(
    executions: list[tuple[Side, Decimal, Decimal]], last: Decimal
) -> None:
    position = FLAT
    for side, qty, price in executions:
        position = apply_fill(position, side=side, qty=Qty(qty), price=Price(price)).position
    if position.side is not None:
        closing = position.side.opposite
        fill = apply_fill(position, side=closing, qty=abs(position.qty), price=Price(last))
        assert fill.qty_closed == abs(position.qty)
        position = fill.position
    assert position == FLAT


def test_even_a_cost_finer_than_the_books_keep_leaves_with_the_position() -> None:
    # 1E-10 coins at 1E-10 cost 1E-20, below the 18 decimals at which a share is rounded.
    position, realised, _ = fold((Side.BUY, "1E-10", "1E-10"), (Side.SELL, "1E-10", "3E-10"))
    assert position == FLAT
    assert realised == Money.of("2E-20")


@given(SIDES, st.lists(st.tuples(QTYS, PRICES), min_size=1, max_size=10), PRICES)
@settings(deadline=None, max_examples=60)
def test_a_reduction_leaves_the_entry_price_where_it_was(
    side: Side, fills: list[tuple[Decimal, Decimal]], out: Decimal
) -> None:
    position = FLAT
    for qty, price in fills:
        position = apply_fill(position, side=side, qty=Qty(qty), price=Price(price)).position
    value = sum((Fraction(q) * Fraction(p) for q, p in fills), start=Fraction(0))
    whole = sum((Fraction(q) for q, _ in fills), start=Fraction(0))
    third = Qty(Decimal(int(position.qty.value * side.sign * 1000) // 3) / 1000)
    if third == ZERO_QTY:
        return
    fill = apply_fill(position, side=side.opposite, qty=third, price=Price(out))
    entry = fill.position.entry_price
    assert entry is not None
    # The cost moved out is rounded at 18 decimals, which the quantity left spreads.
    room = Fraction(1, 10**18) / abs(Fraction(fill.position.qty.value)) + Fraction(1, 10**40)
    assert abs(Fraction(entry.value) - value / whole) <= room


@pytest.mark.parametrize("qty", ["0", "-1"])
def test_an_execution_without_quantity_is_refused(qty: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        apply_fill(FLAT, side=Side.BUY, qty=Qty.of(qty), price=Price.of(1))


def test_the_cost_of_an_expensive_position_is_shared_out_to_eighteen_decimals() -> None:
    # A third of 30000000001: eleven digits before the point and eighteen behind it.
    position, realised, closed = fold(
        (Side.BUY, "1", "10000000000"),
        (Side.BUY, "2", "10000000000.5"),
        (Side.SELL, "1", "10000000000.5"),
    )
    assert closed == Qty.of(1)
    assert realised == Money.of("0.166666666666666667")
    assert position == Position(qty=Qty.of(2), cost=Money.of("20000000000.666666666666666667"))
