"""The memory of losses: stop-outs in a window, losses in a row, and their bounds."""

import pytest
from tidegate.domain.day import DAY_MS
from tidegate.domain.history import STOPS_KEPT, SymbolHistory
from tidegate.domain.ledger import book_trade, roll_day
from tidegate.domain.orders import Symbol
from tidegate.domain.trade import CloseReason

from tests.domain.trade_samples import BTC, DAY_0, ETH, UTC_DAY, books, trade, usdt


@pytest.mark.parametrize(
    ("reason", "profit", "is_stop_out"),
    [
        (CloseReason.STOP, "-1", True),
        (CloseReason.TRAILING_STOP, "-1", True),
        (CloseReason.LIQUIDATION, "-1", True),
        (CloseReason.STOP, "1", False),  # a stop moved beyond the entry
        (CloseReason.TRAILING_STOP, "0", False),
        (CloseReason.TARGET, "-1", False),
        (CloseReason.SIGNAL, "-1", False),
        (CloseReason.OPERATOR, "-1", False),
        (CloseReason.PANIC, "-1", False),
        (CloseReason.UNPROTECTED, "-1", False),
        (CloseReason.OUTSIDE, "-1", False),
    ],
)
def test_a_stop_out_is_a_stop_or_liquidation_at_a_loss(
    reason: CloseReason, profit: str, is_stop_out: bool
) -> None:
    history = book_trade(books(), trade(profit, reason=reason)).history
    assert history.stops_in_window(DAY_0 + 2_000, 10_000) == int(is_stop_out)
    assert (history.last_loss_ms is not None) == profit.startswith("-")


def test_a_profit_that_costs_turned_into_a_loss_is_a_loss() -> None:
    history = book_trade(books(), trade("1", fees="1.5")).history
    assert history.stop_times == (DAY_0 + 1_000,)
    assert history.of(BTC).losses_in_row == 1


def test_a_stop_out_leaves_the_window_when_it_is_as_old_as_the_window() -> None:
    history = book_trade(books(), trade("-1", closed_ms=10_000)).history
    assert history.stops_in_window(10_000, 5_000) == 1
    assert history.stops_in_window(14_999, 5_000) == 1
    assert history.stops_in_window(15_000, 5_000) == 0


def test_losses_in_a_row_are_counted_for_each_symbol_alone() -> None:
    # BTC -1, ETH -1, BTC -1, BTC 0 (scratch: no change), ETH +1 (ends the row), BTC -1
    ledger = books()
    steps = [(BTC, "-1"), (ETH, "-1"), (BTC, "-1"), (BTC, "0"), (ETH, "1"), (BTC, "-1")]
    for number, (symbol, profit) in enumerate(steps):
        ledger = book_trade(ledger, trade(profit, symbol=symbol, closed_ms=DAY_0 + number))
    assert ledger.history.of(BTC) == SymbolHistory(losses_in_row=3, last_loss_ms=DAY_0 + 5)
    assert ledger.history.of(ETH) == SymbolHistory(losses_in_row=0, last_loss_ms=DAY_0 + 1)
    assert ledger.history.of(Symbol("XRPUSDT")) == SymbolHistory()
    assert ledger.history.last_loss_ms == DAY_0 + 5


def test_a_late_report_of_an_older_loss_does_not_move_the_last_loss_back() -> None:
    ledger = book_trade(books(), trade("-1", closed_ms=DAY_0 + 900))
    ledger = book_trade(ledger, trade("-1", closed_ms=DAY_0 + 300))
    assert ledger.history.last_loss_ms == DAY_0 + 900
    assert ledger.history.of(BTC) == SymbolHistory(losses_in_row=2, last_loss_ms=DAY_0 + 900)
    assert ledger.history.stop_times == (DAY_0 + 300, DAY_0 + 900)


def test_only_the_latest_stop_outs_are_kept() -> None:
    ledger = books()
    for number in range(STOPS_KEPT + 10):
        ledger = book_trade(ledger, trade("-1", closed_ms=DAY_0 + number))
    assert ledger.history.stop_times == tuple(DAY_0 + n for n in range(10, STOPS_KEPT + 10))
    assert ledger.history.stops_in_window(DAY_0 + 1_000, DAY_MS) == STOPS_KEPT
    assert ledger.history.of(BTC).losses_in_row == STOPS_KEPT + 10


def test_the_turn_of_the_day_forgets_no_loss() -> None:
    ledger = book_trade(books(), trade("-1"))
    rolled, _ = roll_day(ledger, now_ms=DAY_0 + DAY_MS, equity=usdt("999"), boundary=UTC_DAY)
    assert rolled.history == ledger.history
