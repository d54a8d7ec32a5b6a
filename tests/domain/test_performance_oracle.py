"""Performance figures against a recount of every trade and day in fractions."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.day import DAY_MS
from tidegate.domain.ledger import DayClosed
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Side
from tidegate.domain.performance import Tally
from tidegate.domain.statistics_trades import TradeSums
from tidegate.domain.trade import ClosedTrade, CloseReason

from tests.domain.trade_samples import BTC, ETH, SOL, row, tally_of, usdt

CENTS = st.integers(min_value=-100_000, max_value=100_000)
COSTS = st.integers(min_value=-500, max_value=2_000)
TRADES = st.lists(
    st.builds(
        lambda symbol, side, money, risk, excursions, reason, minutes: row(
            symbol,
            side,
            " ".join(f"{amount}e-2" for amount in money),
            None if risk is None else f"{risk}e-2",
            f"{-excursions[0]}e-2 {excursions[1]}e-2",
            reason,
            minutes,
        ),
        st.sampled_from([BTC, ETH, SOL]),
        st.sampled_from(Side),
        st.tuples(CENTS, COSTS, COSTS, COSTS),
        st.none() | st.integers(min_value=1, max_value=50_000),
        st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)),
        st.sampled_from(CloseReason),
        st.integers(min_value=0, max_value=10_000),
    ),
    max_size=15,
)


def fraction(amount: Money | Rate) -> Fraction:
    return Fraction(amount.value)


def net_of(trade: ClosedTrade) -> Fraction:
    return fraction(trade.profit) - fraction(trade.fees) - fraction(trade.funding)


def rounded(value: Fraction) -> Fraction:
    """Round half to even at 18 decimals, as documented."""
    return Fraction(round(value * 10**18), 10**18)


def is_close(actual: Money | Rate | None, expected: Fraction | None) -> bool:
    if actual is None or expected is None:
        return actual is None and expected is None
    return abs(fraction(actual) - expected) <= abs(expected) / 10**50


def longest(signs: Sequence[int], wanted: int) -> int:
    best = run = 0
    for sign in signs:
        run = run + 1 if sign == wanted else run if sign == 0 else 0
        best = max(best, run)
    return best


def agrees(sums: TradeSums, trades: Sequence[ClosedTrade]) -> None:
    nets = [net_of(trade) for trade in trades]
    won = [net for net in nets if net > 0]
    lost = [net for net in nets if net < 0]
    assert (sums.trades, sums.wins, sums.losses) == (len(nets), len(won), len(lost))
    assert fraction(sums.net) == sum(nets)
    assert (fraction(sums.won), fraction(sums.lost)) == (sum(won), sum(lost))
    assert fraction(sums.gross) == sum(fraction(trade.profit) for trade in trades)
    assert fraction(sums.fees) == sum(fraction(trade.fees) for trade in trades)
    assert fraction(sums.funding) == sum(fraction(trade.funding) for trade in trades)
    assert fraction(sums.slippage) == sum(fraction(trade.slippage) for trade in trades)
    assert is_close(sums.win_rate, Fraction(len(won), len(nets)) if nets else None)
    assert is_close(sums.expectancy, sum(nets, Fraction(0)) / len(nets) if nets else None)
    assert is_close(sums.average_win, sum(won, Fraction(0)) / len(won) if won else None)
    assert is_close(sums.average_loss, sum(lost, Fraction(0)) / len(lost) if lost else None)
    assert is_close(
        sums.profit_factor, sum(won, Fraction(0)) / -sum(lost, Fraction(0)) if lost else None
    )


@given(trades=TRADES)
@settings(deadline=None, max_examples=60)
def test_a_tally_is_what_a_recount_of_all_trades_gives(trades: list[ClosedTrade]) -> None:
    tally = tally_of(trades)
    agrees(tally.overall, trades)
    for symbol in (BTC, ETH, SOL):
        of_symbol = [trade for trade in trades if trade.symbol == symbol]
        agrees(tally.by_symbol.get(symbol, TradeSums()), of_symbol)
    for side in Side:
        agrees(tally.by_side.get(side, TradeSums()), [t for t in trades if t.side is side])
    assert tally.by_reason == {
        reason: count
        for reason in CloseReason
        if (count := sum(trade.reason is reason for trade in trades))
    }
    signs = [(net > 0) - (net < 0) for net in map(net_of, trades)]
    assert tally.streaks.longest_win == longest(signs, 1)
    assert tally.streaks.longest_loss == longest(signs, -1)


@given(trades=TRADES)
@settings(deadline=None, max_examples=60)
def test_figures_in_r_are_what_a_recount_gives(trades: list[ClosedTrade]) -> None:
    sums = tally_of(trades).r
    risks = [(t, fraction(t.risk)) for t in trades if t.risk is not None]
    results = [rounded(net_of(t) / risk) for t, risk in risks]
    adverse = [rounded(fraction(t.worst) / risk) for t, risk in risks]
    favourable = [rounded(fraction(t.best) / risk) for t, risk in risks]
    assert sums.trades == len(results)
    assert fraction(sums.total) == sum(results)
    assert is_close(sums.best, max(results, default=None))
    assert is_close(sums.worst, min(results, default=None))
    assert fraction(sums.adverse) == sum(adverse)
    assert fraction(sums.favourable) == sum(favourable)
    assert is_close(sums.adverse_extreme, min(adverse, default=None))
    assert is_close(sums.favourable_extreme, max(favourable, default=None))
    for bucket in sums.distribution:
        held = [
            result
            for result in results
            if (bucket.low is None or result >= fraction(bucket.low))
            and (bucket.high is None or result < fraction(bucket.high))
        ]
        assert bucket.trades == len(held)


@given(data=st.data(), trades=TRADES)
@settings(deadline=None, max_examples=50)
def test_the_order_of_trades_matters_to_streaks_alone(
    data: st.DataObject, trades: list[ClosedTrade]
) -> None:
    one, other = tally_of(trades), tally_of(data.draw(st.permutations(trades)))
    assert one.overall == other.overall
    assert one.r == other.r
    assert (one.by_symbol, one.by_side, one.by_reason) == (
        other.by_symbol,
        other.by_side,
        other.by_reason,
    )


DAYS = st.lists(
    st.tuples(st.integers(min_value=1, max_value=10**7), st.integers(-(10**6), 10**6)), max_size=12
)


def closed_day(opening: int, profit: int) -> DayClosed:
    return DayClosed(
        label="2024-02-28",
        start_ms=0,
        end_ms=DAY_MS,
        opening_equity=usdt(f"{opening}e-2"),
        closing_equity=usdt(f"{opening + profit}e-2"),
    )


def squared_ratio(returns: Sequence[Fraction], variance: Fraction) -> Fraction | None:
    if len(returns) < 2 or variance == 0:
        return None
    return (sum(returns, Fraction(0)) / len(returns)) ** 2 * 365 / variance


@given(days=DAYS)
@settings(deadline=None, max_examples=80)
def test_ratios_are_what_their_definitions_give(days: list[tuple[int, int]]) -> None:
    tally = Tally()
    for opening, profit in days:
        tally = tally.book_day(closed_day(opening, profit))
    returns = [rounded(Fraction(profit, opening)) for opening, profit in days]
    count = max(len(returns), 1)
    mean = sum(returns, Fraction(0)) / count
    spread = sum(((value - mean) ** 2 for value in returns), Fraction(0))
    falls = sum((value**2 for value in returns if value < 0), Fraction(0))
    for actual, variance in (
        (tally.daily.sharpe, spread / max(count - 1, 1)),
        (tally.daily.sortino, falls / count),
    ):
        expected = squared_ratio(returns, variance)
        if expected is None:
            assert actual is None
        else:
            assert actual is not None
            assert actual.sign == (mean > 0) - (mean < 0)
            assert abs(fraction(actual) ** 2 - expected) <= expected / 10**50
