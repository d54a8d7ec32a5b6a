"""Closed profit and the log's lines, worked by hand, and what must hold for any trades."""

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.domain.bookkeeping import (
    Closing,
    booked,
    funding_change,
    trade_change,
    transfer_change,
)
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.position import FLAT, apply_fill
from tidegate.domain.records import ChangeKind
from tidegate.domain.reports import Execution, FundingPayment, Origin

BTC = Symbol("BTCUSDT")
TAKER = Rate.of("0.00055")
LEVERAGE = Rate.of(10)
BUY, SELL = Side.BUY, Side.SELL

Trade = tuple[str, Side, str, str]
"""Order, side, quantity, price."""


def _execution(number: int, trade: Trade) -> Execution:
    order, side, qty, price = trade
    return Execution(
        execution_id=f"x{number}",
        symbol=BTC,
        venue_id=VenueOrderId(order),
        client_id=None,
        side=side,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Price.of(price) * Qty.of(qty) * TAKER,
        is_maker=False,
        time_ms=1_000 * number,
    )


def _fold(trades: Sequence[Trade]) -> tuple[dict[str, Closing], Money, Money]:
    """Return what each order closed, the fees of what is held, and all realised before fees."""
    position, open_fees, realised = FLAT, ZERO_MONEY, ZERO_MONEY
    closings: dict[str, Closing] = {}
    for number, trade in enumerate(trades, 1):
        execution = _execution(number, trade)
        fill = apply_fill(position, side=execution.side, qty=execution.qty, price=execution.price)
        booking = booked(position, open_fees, fill, execution, leverage=LEVERAGE)
        position, open_fees = fill.position, booking.open_fees
        realised += fill.realised
        if booking.closing is not None:
            known = closings.get(trade[0])
            joined = booking.closing if known is None else known.joined(booking.closing)
            closings[trade[0]] = joined
    return closings, open_fees, realised


# Fees are value x 0.00055.
#  long   0.2 @ 60000: fee 6.6.   sell 0.05 @ 61000: gross  50, open 1.65, close 1.6775
#                                 sell 0.15 @ 59000: gross -150, open 4.95, close 4.8675
#  short  0.1 @ 60000: fee 3.3.   buy  0.1  @ 58000: gross 200, open 3.3,  close 3.19
#  turn   0.1 @ 50000: fee 2.75.  sell 0.3  @ 50000: gross 0, fee 8.25 of which a third closes
GOLDEN = [
    (
        [("in", BUY, "0.2", "60000"), ("out", SELL, "0.05", "61000")],
        ("46.6725", "1.65", "1.6775", "60000", "61000"),
    ),
    (
        [("in", BUY, "0.2", "60000"), ("a", SELL, "0.05", "61000"), ("out", SELL, "0.15", "59000")],
        ("-159.8175", "4.95", "4.8675", "60000", "59000"),
    ),
    (
        [("in", SELL, "0.1", "60000"), ("out", BUY, "0.1", "58000")],
        ("193.51", "3.3", "3.19", "60000", "58000"),
    ),
    (
        [("in", BUY, "0.1", "50000"), ("out", SELL, "0.3", "50000")],
        ("-5.5", "2.75", "2.75", "50000", "50000"),
    ),
    # Entries at 50000 and 53000 make one of 51500; two fills of an order an exit of 52000.
    (
        [
            ("in", BUY, "0.1", "50000"),
            ("in", BUY, "0.1", "53000"),
            ("out", SELL, "0.1", "51000"),
            ("out", SELL, "0.1", "53000"),
        ],
        ("88.615", "5.665", "5.72", "51500", "52000"),
    ),
]


@pytest.mark.parametrize(("trades", "wanted"), GOLDEN)
def test_a_closed_profit_worked_by_hand(
    trades: list[Trade], wanted: tuple[str, str, str, str, str]
) -> None:
    closings, _, _ = _fold(trades)
    shown = closings["out"].shown()
    profit, open_fee, close_fee, entry, exit_price = wanted
    assert (shown.profit, shown.open_fee) == (Money.of(profit), Money.of(open_fee))
    assert shown.close_fee == Money.of(close_fee)
    assert (shown.entry, shown.exit) == (Price.of(entry), Price.of(exit_price))
    assert (shown.side, shown.leverage) == (trades[-1][1], LEVERAGE)


def test_the_times_of_a_record_are_those_of_its_first_and_last_fill() -> None:
    closings, _, _ = _fold(GOLDEN[-1][0])
    shown = closings["out"].shown()
    assert (shown.created_ms, shown.updated_ms) == (3_000, 4_000)


def test_what_turned_a_position_pays_the_rest_of_its_fee_for_the_new_one() -> None:
    _, open_fees, _ = _fold(GOLDEN[3][0])
    assert open_fees == Money.of("5.5")


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0.000000005", "0.00000001"),
        ("-0.000000005", "-0.00000001"),
        ("0.0000000049", "0"),
        ("1.234567894999", "1.23456789"),
    ],
)
def test_amounts_are_shown_at_eight_decimals_half_away_from_zero(exact: str, shown: str) -> None:
    change = transfer_change("c", Money.of(exact), balance=Money.of(exact), time_ms=1)
    assert (change.change, change.balance) == (Money.of(shown), Money.of(shown))
    closings, _, _ = _fold(GOLDEN[0][0])
    closing = attrs.evolve(
        closings["out"],
        entry_value=ZERO_MONEY,
        exit_value=Money.of(exact),
        open_fee=ZERO_MONEY,
        close_fee=ZERO_MONEY,
    )
    assert closing.shown().profit == Money.of(shown)


_TRADES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from([BUY, SELL]),
        st.integers(1, 40).map(lambda n: str(Qty.of(n) * Rate.of("0.001"))),
        st.integers(1_000, 9_000).map(lambda n: str(Price.of(n).value / 10)),
    ),
    min_size=1,
    max_size=25,
)


@given(_TRADES)
def test_nothing_is_lost_between_profits_and_fees(trades: list[Trade]) -> None:
    """All closed profit and the fees of what is held add up to realised less all fees, exactly.

    An order has one side: its name carries it here.
    """
    named = [(f"{order}{side.value}", side, qty, price) for order, side, qty, price in trades]
    closings, open_fees, realised = _fold(named)
    fees = sum((_execution(1, trade).fee for trade in named), start=ZERO_MONEY)
    profits = sum((closing.profit for closing in closings.values()), start=ZERO_MONEY)
    assert profits - open_fees == realised - fees
    assert all(closing.qty > ZERO_QTY for closing in closings.values())


ORIGINS = [
    (Origin.USER, ChangeKind.TRADE, "TRADE"),
    (Origin.STOP_LOSS, ChangeKind.TRADE, "TRADE"),
    (Origin.LIQUIDATION, ChangeKind.LIQUIDATION, "LIQUIDATION"),
    (Origin.AUTO_DELEVERAGING, ChangeKind.AUTO_DELEVERAGING, "ADL"),
    (Origin.SETTLEMENT, ChangeKind.DELIVERY, "DELIVERY"),
]


@pytest.mark.parametrize(("origin", "kind", "word"), ORIGINS)
def test_the_kind_of_a_line_says_what_made_the_trade(
    origin: Origin, kind: ChangeKind, word: str
) -> None:
    execution = attrs.evolve(_execution(1, ("in", BUY, "0.1", "50000")), origin=origin)
    line = trade_change("c", execution, realised=Money.of(7), balance=Money.of(100))
    assert (line.kind, line.word, line.execution_id) == (kind, word, "x1")
    assert (line.cash_flow, line.fee, line.funding) == (Money.of(7), execution.fee, ZERO_MONEY)
    assert line.change == Money.of("4.25")


def test_funding_paid_is_below_zero_in_the_log() -> None:
    payment = FundingPayment(
        payment_id="f1",
        symbol=BTC,
        rate=Rate.of("0.0001"),
        mark=Price.of("0.3676"),
        qty=Qty.of(100),
        amount=Money.of("0.003676"),
        time_ms=5,
    )
    line = funding_change("c", payment, balance=Money.of("9.996324"))
    assert (line.funding, line.change) == (Money.of("-0.003676"), Money.of("-0.003676"))
    assert (line.kind, line.word, line.symbol) == (ChangeKind.FUNDING, "SETTLEMENT", BTC)
    assert (line.execution_id, line.time_ms) == ("f1", 5)


@pytest.mark.parametrize(("text", "word"), [("5", "TRANSFER_IN"), ("-5", "TRANSFER_OUT")])
def test_a_transfer_says_which_way_it_went(text: str, word: str) -> None:
    line = transfer_change("c", Money.of(text), balance=Money.of(20), time_ms=1)
    assert (line.word, line.symbol, line.cash_flow) == (word, None, Money.of(text))
