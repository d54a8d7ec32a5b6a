"""What a closing order earned: golden rows from the venue, and nothing lost over any executions."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.closings import CLOSINGS_KEPT, NO_CLOSINGS, Closing, Closings
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.position import FLAT, Position, apply_fill
from tidegate.domain.reports import Execution, FundingPayment

BTC = Symbol("BTCUSDT")
Row = tuple[str, Side, str, str, str]
BUY, SELL = Side.BUY, Side.SELL


def execution(number: int, row: Row, symbol: Symbol = BTC) -> Execution:
    order, side, qty, price, fee = row
    return Execution(
        execution_id=f"e{number}",
        symbol=symbol,
        venue_id=VenueOrderId(order),
        client_id=None,
        side=side,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Money.of(fee),
        is_maker=False,
        time_ms=1_000 + number,
    )


def paid(amount: str, symbol: Symbol = BTC) -> FundingPayment:
    return FundingPayment(
        payment_id=f"f{amount}",
        symbol=symbol,
        rate=Rate.of("0.0001"),
        mark=Price.of("100"),
        qty=Qty.of("1"),
        amount=Money.of(amount),
        time_ms=1,
    )


def folded(*items: Row | FundingPayment) -> tuple[Closings, Position]:
    closings, position = NO_CLOSINGS, FLAT
    for number, item in enumerate(items):
        if isinstance(item, FundingPayment):
            closings = closings.book_funding(item)
            continue
        made = execution(number, item)
        fill = apply_fill(position, side=made.side, qty=made.qty, price=made.price)
        closings, position = closings.book_fill(made, position, fill), fill.position
    return closings, position


def only(closings: Closings) -> Closing:
    (row,) = closings.rows.values()
    return row


def test_a_closing_order_of_the_venue_comes_out_to_the_last_digit() -> None:
    # -0.43582528 = 55.563 - 55.9375 - 0.00055 x (55.563 + 55.9375), half up at eight decimals:
    # the venue's own row for a quantity of 1 bought at 55.9375 and sold at 55.563.
    fee_in, fee_out = "0.030765625", "0.03055965"
    row = only(
        folded(("in", BUY, "1", "55.9375", fee_in), ("out", SELL, "1", "55.563", fee_out))[0]
    )
    shown = row.profit.value.quantize(Decimal("1e-8"), rounding=ROUND_HALF_UP)
    assert shown == Decimal("-0.43582528")
    assert (row.venue_id, row.side, row.fills) == ("out", SELL, 1)


def test_a_partial_close_takes_its_share_of_opening_fees_and_funding() -> None:
    # 4 in for a fee of 2; 1 out takes 0.5, and then 3 take 1.5. Funding of 0.8 comes before the
    # first close (0.2 and 0.6), another 0.3 after it (all of it to the second).
    closings, position = folded(
        ("in", BUY, "4", "100", "2"),
        paid("0.8"),
        ("one", SELL, "1", "110", "0.1"),
        paid("0.3"),
        ("rest", SELL, "3", "90", "0.2"),
    )
    one, rest = closings.rows.values()
    assert (one.qty, one.realised) == (Qty.of("1"), Money.of("10"))
    assert (one.open_fee, one.close_fee) == (Money.of("0.5"), Money.of("0.1"))
    assert (one.funding, one.profit) == (Money.of("0.2"), Money.of("9.4"))
    assert (rest.realised, rest.open_fee, rest.close_fee) == tuple(
        map(Money.of, ("-30", "1.5", "0.2"))
    )
    assert (rest.funding, rest.profit) == (Money.of("0.9"), Money.of("-31.7"))
    assert position.is_flat
    assert closings.held == {}


def test_fills_of_one_closing_order_are_one_row() -> None:
    closings, _ = folded(
        ("in", SELL, "3", "100", "0.3"),
        ("out", BUY, "1", "90", "0.1"),
        ("out", BUY, "2", "95", "0.2"),
    )
    row = only(closings)
    assert (row.qty, row.fills, row.realised) == (Qty.of("3"), 2, Money.of("20"))
    assert (row.first_ms, row.last_ms) == (1_001, 1_002)


def test_an_order_that_reverses_closes_with_a_part_of_its_fee_and_opens_with_the_rest() -> None:
    closings, position = folded(
        ("in", BUY, "1", "100", "0.1"),
        ("turn", SELL, "4", "110", "0.8"),
        ("out", BUY, "3", "105", "0.3"),
    )
    turn, out = closings.rows.values()
    assert (turn.qty, turn.open_fee, turn.close_fee) == (
        Qty.of("1"),
        Money.of("0.1"),
        Money.of("0.2"),
    )
    assert (out.open_fee, out.close_fee, out.realised) == tuple(map(Money.of, ("0.6", "0.3", "15")))
    assert position.is_flat


def test_what_only_opens_closes_nothing_and_symbols_are_kept_apart() -> None:
    eth = Symbol("ETHUSDT")
    closings, position = folded(("in", BUY, "1", "100", "0.1"))
    assert closings.rows == {}
    other = execution(9, ("x", SELL, "2", "50", "0.4"), eth)
    fill = apply_fill(FLAT, side=SELL, qty=Qty.of("2"), price=Price.of("50"))
    both = closings.book_fill(other, FLAT, fill).book_funding(paid("0.7", eth))
    assert {symbol: held.fees for symbol, held in both.held.items()} == {
        BTC: Money.of("0.1"),
        eth: Money.of("0.4"),
    }
    assert both.held[BTC].funding == ZERO_MONEY
    assert both.held[eth].funding == Money.of("0.7")
    assert position.qty == Qty.of("1")


def test_funding_of_a_position_that_is_not_held_belongs_to_no_closing() -> None:
    assert NO_CLOSINGS.book_funding(paid("1")) is NO_CLOSINGS


def test_the_oldest_rows_go_first_and_it_is_known_since_when_all_are_kept() -> None:
    rows: list[Row] = []
    for number in range(CLOSINGS_KEPT + 2):
        rows += [("in", BUY, "1", "100", "0"), (f"out{number}", SELL, "1", "100", "0")]
    closings, _ = folded(*rows)
    assert len(closings.rows) == CLOSINGS_KEPT
    assert next(iter(closings.rows)) == "out2"
    # The last one dropped is the second, closed by the fourth execution: 1000 + 3, and all after.
    assert closings.since_ms == 1_004


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(Side),
        st.decimals(min_value=Decimal("0.001"), max_value=9, places=3).map(str),
        st.decimals(min_value=Decimal("0.1"), max_value=999, places=1).map(str),
        st.decimals(min_value=Decimal("-0.01"), max_value=1, places=8).map(str),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=100)
@given(FILLS)
def test_no_fee_is_lost_and_none_is_counted_twice(fills: list[Row]) -> None:
    closings, position = folded(*fills)
    rows = closings.rows.values()
    booked = sum((row.open_fee + row.close_fee for row in rows), ZERO_MONEY)
    held = sum((part.fees for part in closings.held.values()), ZERO_MONEY)
    # An exact oracle: shares are rounded at 18 decimals, and the last close takes the rest.
    total = sum(Fraction(fee) for *_, fee in fills)
    assert abs(Fraction((booked + held).value) - total) == 0
    assert (closings.held == {}) == position.is_flat
    assert sum((row.qty for row in rows), ZERO_QTY) >= ZERO_QTY
    realised = sum((row.realised for row in rows), ZERO_MONEY)
    cash = sum(
        (Fraction(price) * Fraction(qty) * -side.sign for _, side, qty, price, _ in fills),
        Fraction(0),
    )
    assert Fraction(realised.value) == cash + Fraction(position.cost.value)


@pytest.mark.parametrize("share", ["1", "3", "7"])
def test_thirds_and_sevenths_add_up(share: str) -> None:
    parts = int(share)
    rows: list[Row] = [("in", BUY, share, "100", "1")]
    rows += [(f"o{n}", SELL, "1", "101", "0") for n in range(parts)]
    closings, _ = folded(*rows)
    fees = sum((row.open_fee for row in closings.rows.values()), ZERO_MONEY)
    assert fees == Money.of("1")
