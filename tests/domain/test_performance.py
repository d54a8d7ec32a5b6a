"""Performance figures: a table worked by hand, days, and what must not divide by zero."""

from itertools import pairwise

import pytest
from tidegate.domain.day import DAY_MS
from tidegate.domain.ledger import Ledger, mark_equity, opened, roll_day
from tidegate.domain.money import ZERO_MONEY, Rate, half_up
from tidegate.domain.orders import Side
from tidegate.domain.performance import Summary, Tally, daily_statistics, summary
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.statistics_r import R_BUCKETS, RBucket
from tidegate.domain.trade import CloseReason

from tests.domain.trade_samples import BTC, ETH, MINUTE_MS, SOL, TABLE, UTC_DAY, row, tally_of, usdt


def ledger_of(opening: str = "1000") -> Ledger:
    return opened(usdt(opening), 0, UTC_DAY)


@pytest.fixture(scope="module")
def golden() -> Summary:
    # Equity after each trade: 1020 1010 1021 1017 1017 1011 997 1020. High 1021, lowest after it
    # 997: a fall of 24 USDT, 24 / 1021 of the mark.
    ledger = ledger_of("1000")
    for equity in ("1020", "1010", "1021", "1017", "1017", "1011", "997", "1020"):
        ledger = mark_equity(ledger, usdt(equity))
    return summary(tally_of(TABLE), ledger)


def test_counts_of_the_table(golden: Summary) -> None:
    # Winners 1, 3, 8; losers 2, 4, 6, 7; scratch 5. 3 / 8 = 0.375.
    assert (golden.trades, golden.wins, golden.losses, golden.scratches) == (8, 3, 4, 1)
    assert golden.win_rate == Rate.of("0.375")


def test_money_of_the_table(golden: Summary) -> None:
    # net = 29.5 - 8.5 - 1 = 20 = 20 - 10 + 11 - 4 + 0 - 6 - 14 + 23; 20 / 8 = 2.5; 20 / 1000 = 0.02
    assert (golden.gross, golden.fees, golden.funding) == (usdt("29.5"), usdt("8.5"), usdt("1"))
    assert golden.slippage == usdt("2")
    assert golden.net == usdt("20")
    assert golden.expectancy == usdt("2.5")
    assert golden.return_on_opening == Rate.of("0.02")


def test_wins_against_losses_of_the_table(golden: Summary) -> None:
    # won 20 + 11 + 23 = 54, lost -10 - 4 - 6 - 14 = -34
    # profit factor 54 / 34 = 1.588235294117647...; averages 54 / 3 = 18 and -34 / 4 = -8.5;
    # payoff 18 / 8.5 = 2.117647058823529...
    assert golden.profit_factor is not None
    assert golden.payoff is not None
    assert str(half_up(golden.profit_factor.value, 15)) == "1.588235294117647"
    assert str(half_up(golden.payoff.value, 15)) == "2.117647058823529"
    assert (golden.average_win, golden.average_loss) == (usdt("18"), usdt("-8.5"))


def test_r_of_the_table(golden: Summary) -> None:
    # 2 - 1 + 1.375 + 0 - 1.2 - 3.5 + 5.75 = 3.425 over the 7 trades with a stop = 0.489285714285714
    # MAE -6.3 / 7 = -0.9, extreme -3.25; MFE 11.2 / 7 = 1.6, extreme 6.5
    assert golden.trades_with_r == 7
    assert golden.average_r is not None
    assert str(half_up(golden.average_r.value, 15)) == "0.489285714285714"
    assert golden.expectancy_r == golden.average_r
    assert (golden.best_r, golden.worst_r) == (Rate.of("5.75"), Rate.of("-3.5"))
    assert golden.adverse_r_average == Rate.of("-0.9")
    assert golden.adverse_r_extreme == Rate.of("-3.25")
    assert golden.favourable_r_average == Rate.of("1.6")
    assert golden.favourable_r_extreme == Rate.of("6.5")


def test_r_distribution_of_the_table(golden: Summary) -> None:
    filled = [
        (str(bucket.low), str(bucket.high), bucket.trades)
        for bucket in golden.r_distribution
        if bucket.trades
    ]
    assert filled == [
        ("-3.5", "-3.0", 1),  # -3.5: the lower edge belongs to the bucket
        ("-1.5", "-1.0", 1),  # -1.2
        ("-1.0", "-0.5", 1),  # -1
        ("0.0", "0.5", 1),  # 0
        ("1.0", "1.5", 1),  # 1.375
        ("2.0", "2.5", 1),  # 2
        ("5.5", "6.0", 1),  # 5.75
    ]


def test_streaks_and_holding_of_the_table(golden: Summary) -> None:
    # W L W L scratch L L W: losers 4, 6 and 7 are three in a row; 360 / 8 = 45 minutes
    assert (golden.streak_win_longest, golden.streak_loss_longest) == (1, 3)
    assert golden.streak_current == 1
    assert golden.holding_ms_average == 45 * MINUTE_MS


def test_drawdown_of_the_table(golden: Summary) -> None:
    # 24 / 1021 = 0.023506366307541...
    assert (golden.high_water, golden.drawdown_amount) == (usdt("1021"), usdt("24"))
    assert str(half_up(golden.drawdown.value, 15)) == "0.023506366307542"


def test_breakdowns_of_the_table(golden: Summary) -> None:
    assert golden.by_reason == {
        CloseReason.TARGET: 3,
        CloseReason.STOP: 1,
        CloseReason.OPERATOR: 1,
        CloseReason.SIGNAL: 1,
        CloseReason.TRAILING_STOP: 1,
        CloseReason.LIQUIDATION: 1,
    }
    # BTC 20 - 10 + 0 - 6 - 14 = -10; ETH 11 - 4 = 7; SOL 23
    assert {symbol: (s.trades, s.wins, str(s.net)) for symbol, s in golden.by_symbol.items()} == {
        BTC: (5, 1, "-10.0"),
        ETH: (2, 1, "7.0"),
        SOL: (1, 1, "23"),
    }
    # bought 20 - 10 - 14 + 23 = 19; sold 11 - 4 + 0 - 6 = 1
    assert {side: (s.trades, s.net) for side, s in golden.by_side.items()} == {
        Side.BUY: (4, usdt("19")),
        Side.SELL: (4, usdt("1")),
    }


# --- days -----------------------------------------------------------------------------------


def days_of(*equities: str) -> tuple[Ledger, Tally]:
    """Close one day at each equity after the first, which opens the books."""
    first, *rest = equities
    ledger, tally = ledger_of(first), Tally()
    for number, equity in enumerate(rest, start=1):
        ledger, closed = roll_day(
            ledger, now_ms=number * DAY_MS, equity=usdt(equity), boundary=UTC_DAY
        )
        for day in closed:
            tally = tally.book_day(day)
    return ledger, tally


def test_sharpe_and_sortino_worked_by_hand() -> None:
    # 1000 x 1.02 = 1020; x 0.99 = 1009.8; x 1.02 = 1029.996; x 1.01 = 1040.29596
    # mean 0.01; squared deviations 0.01^2 + 0.02^2 + 0.01^2 + 0
    #   = 0.0006; over n - 1 = 3: variance 0.0002, deviation sqrt(0.0002) = 0.0141421356...
    # Sharpe = 0.01 / sqrt(0.0002) x sqrt(365) = sqrt(0.0001 / 0.0002 x 365) = sqrt(182.5)
    #   = 13.5092560861...   (13.5092560861^2 = 182.50000000...)
    # downside: 0.01^2 = 0.0001 over n = 4: 0.000025, deviation 0.005
    # Sortino = 0.01 / 0.005 x sqrt(365) = 2 x 19.1049731745... = 38.2099463491...
    ledger, tally = days_of("1000", "1020", "1009.8", "1029.996", "1040.29596")
    figures = summary(tally, ledger)
    assert figures.sharpe is not None
    assert figures.sortino is not None
    assert str(half_up(figures.sharpe.value, 10)) == "13.5092560861"
    assert str(half_up(figures.sortino.value, 10)) == "38.2099463491"
    assert figures.days == 4


def test_a_losing_desk_has_negative_ratios() -> None:
    # returns -0.01 and -0.03: mean -0.02; variance 2 x 0.01^2 / 1 = 0.0002
    # Sharpe = -0.02 / sqrt(0.0002) x sqrt(365) = -sqrt(0.0004 / 0.0002 x 365) = -sqrt(730)
    # downside (0.0001 + 0.0009) / 2 = 0.0005; Sortino = -sqrt(0.0004 / 0.0005 x 365) = -sqrt(292)
    ledger, tally = days_of("1000", "990", "960.3")
    figures = summary(tally, ledger)
    assert figures.sharpe is not None
    assert figures.sortino is not None
    assert str(half_up(figures.sharpe.value, 8)) == "-27.01851217"
    assert str(half_up(figures.sortino.value, 8)) == "-17.08800749"


@pytest.mark.parametrize(
    ("equities", "has_sharpe", "has_sortino"),
    [
        (("1000",), False, False),
        (("1000", "900"), False, False),  # one day
        (("1000", "1000", "1000"), False, False),  # no deviation
        (("1000", "1100", "1210"), False, False),  # the same return twice
        (("1000", "1100", "1200"), True, False),  # no losing day
        (("1000", "900", "810"), False, True),  # the same loss twice
        (("1000", "900", "1000"), True, True),
    ],
)
def test_ratios_need_two_days_and_a_deviation(
    equities: tuple[str, ...], has_sharpe: bool, has_sortino: bool
) -> None:
    ledger, tally = days_of(*equities)
    figures = summary(tally, ledger)
    assert (figures.sharpe is not None) == has_sharpe
    assert (figures.sortino is not None) == has_sortino


def test_a_day_without_opening_equity_counts_but_has_no_return() -> None:
    _, tally = days_of("0", "100", "110", "99")
    assert (tally.daily.days, tally.daily.returned) == (3, 2)
    assert tally.daily.profit == usdt("99")


def test_daily_statistics_worked_by_hand() -> None:
    # profits +20, -10, 0, +5: sum 15, average 3.75
    ledger, tally = days_of("1000", "1020", "1010", "1010", "1015")
    daily = daily_statistics(ledger)
    assert [day.profit for day in daily.rows] == [usdt("20"), usdt("-10"), usdt("0"), usdt("5")]
    assert (daily.days_closed, daily.days_up, daily.days_down) == (4, 2, 1)
    assert (daily.profit, daily.average_profit) == (usdt("15"), usdt("3.75"))
    assert (daily.best, daily.worst) == (usdt("20"), usdt("-10"))
    assert (daily.sharpe, daily.sortino) == (tally.daily.sharpe, tally.daily.sortino)
    assert daily.is_complete


def test_daily_statistics_say_when_older_days_are_not_among_the_rows() -> None:
    ledger, _ = roll_day(ledger_of(), now_ms=500 * DAY_MS, equity=usdt("1"), boundary=UTC_DAY)
    daily = daily_statistics(ledger)
    assert (len(daily.rows), daily.days_closed, daily.is_complete) == (400, 500, False)


def test_books_without_a_closed_day_have_no_daily_figures() -> None:
    daily = daily_statistics(ledger_of())
    assert daily.rows == ()
    for figure in (daily.average_profit, daily.best, daily.worst, daily.sharpe, daily.sortino):
        assert figure is None
    assert daily.is_complete


# --- nothing divides by zero ----------------------------------------------------------------


def test_a_desk_without_trades_has_no_ratios() -> None:
    figures = summary(Tally(), ledger_of("0"))
    assert figures.trades == figures.trades_with_r == figures.days == 0
    assert figures.net == ZERO_MONEY
    for ratio in (
        figures.win_rate,
        figures.expectancy,
        figures.profit_factor,
        figures.payoff,
        figures.average_win,
        figures.average_loss,
        figures.return_on_opening,
        figures.average_r,
        figures.best_r,
        figures.worst_r,
        figures.adverse_r_average,
        figures.adverse_r_extreme,
        figures.favourable_r_average,
        figures.favourable_r_extreme,
        figures.sharpe,
        figures.sortino,
        figures.holding_ms_average,
    ):
        assert ratio is None


def test_without_a_losing_trade_there_is_no_profit_factor() -> None:
    figures = summary(tally_of(TABLE[:1]), ledger_of())
    assert figures.profit_factor is None
    assert figures.payoff is None
    assert figures.average_loss is None
    assert figures.average_win == usdt("20")


def test_without_a_winning_trade_the_profit_factor_is_zero() -> None:
    figures = summary(tally_of(TABLE[1:2]), ledger_of())
    assert figures.profit_factor == Rate.of(0)
    assert figures.payoff is None


def test_trades_without_a_stop_leave_the_figures_in_r_alone() -> None:
    figures = summary(tally_of(TABLE[3:4]), ledger_of())
    assert (figures.trades, figures.trades_with_r) == (1, 0)
    assert figures.average_r is None


# --- the distribution -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "low", "high"),
    [
        ("-5.000001", None, "-5.0"),
        ("-5", "-5.0", "-4.5"),
        ("-0.5", "-0.5", "0.0"),
        ("-0.000001", "-0.5", "0.0"),
        ("0", "0.0", "0.5"),
        ("0.499999", "0.0", "0.5"),
        ("0.5", "0.5", "1.0"),
        ("14.999999", "14.5", "15.0"),
        ("15", "15.0", None),
        ("1000", "15.0", None),
    ],
)
def test_a_result_falls_into_the_bucket_that_holds_it(
    net: str, low: str | None, high: str | None
) -> None:
    trade = row(BTC, Side.BUY, f"{net} 0 0 0", "1", "0 0", CloseReason.STOP, 1)
    (bucket,) = [b for b in tally_of([trade]).r.distribution if b.trades]
    expected_low = None if low is None else Rate.of(low)
    expected_high = None if high is None else Rate.of(high)
    assert bucket == RBucket(low=expected_low, high=expected_high, trades=1)


def test_buckets_join_without_a_gap() -> None:
    buckets = Tally().r.distribution
    assert len(buckets) == R_BUCKETS
    assert buckets[0].low is buckets[-1].high is None
    for lower, upper in pairwise(buckets):
        assert lower.high == upper.low
        assert lower.high is not None


# --- judged plans ---------------------------------------------------------------------------


def test_refusals_are_counted_by_rule_and_plans_once() -> None:
    tally = Tally().book_refusal((Rule.EXPOSURE, Rule.DAY_LOSS)).book_refusal((Rule.EXPOSURE,))
    tally = tally.book_approval().book_approval().book_approval()
    figures = summary(tally, ledger_of())
    assert (figures.approved, figures.refused) == (3, 2)
    assert figures.refusals == {Rule.EXPOSURE: 2, Rule.DAY_LOSS: 1}


def test_a_rule_that_is_named_twice_in_one_refusal_counts_once() -> None:
    assert Tally().book_refusal([Rule.EXPOSURE, Rule.EXPOSURE]).refusals == {Rule.EXPOSURE: 1}


def test_a_booking_leaves_the_earlier_tally_as_it_was() -> None:
    before = tally_of(TABLE[:3]).book_refusal([Rule.EXPOSURE])
    copy = tally_of(TABLE[:3]).book_refusal([Rule.EXPOSURE])
    tally_of(TABLE)
    before.book_trade(TABLE[0])
    before.book_refusal([Rule.EXPOSURE, Rule.PANIC])
    before.book_approval()
    assert before == copy


def test_memory_does_not_grow_with_trades() -> None:
    tally = tally_of(TABLE)
    for _ in range(200):
        for trade in TABLE:
            tally = tally.book_trade(trade)
    assert (len(tally.by_symbol), len(tally.by_side), len(tally.by_reason)) == (3, 2, 6)
    assert len(tally.r.counts) == R_BUCKETS
    assert tally.overall.trades == 201 * len(TABLE)


def test_a_refusal_counts_its_rules_in_the_order_of_the_rules_in_every_process() -> None:
    rules = tuple(Rule)
    tally = Tally().book_refusal(reversed(rules))
    assert tuple(tally.refusals) == rules
