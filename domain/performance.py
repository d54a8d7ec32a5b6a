"""Performance of the desk: folded trade by trade and day by day, in bounded memory.

A :class:`Tally` is a frozen value that grows with the number of symbols, never with the number of
trades. :func:`summary` turns it into figures. Amounts are USDT, times milliseconds; a ratio that
would divide by zero is ``None``. Trades count when they are finished: what open ones have realised
and paid so far is in the ledger alone.
"""

from collections.abc import Iterable, Mapping

import attrs

from .ledger import DayClosed, Ledger
from .money import ZERO_MONEY, Money, Rate
from .orders import Side, Symbol
from .risk.verdict import Rule
from .statistics_days import NO_DAYS, DaySums
from .statistics_r import NO_R, RBucket, RSums
from .statistics_trades import NO_STREAK, NO_TRADES, Streaks, TradeSums
from .trade import ClosedTrade, CloseReason

__all__ = ["DailyStatistics", "Summary", "Tally", "daily_statistics", "summary"]


@attrs.frozen(kw_only=True)
class Tally:
    """Everything that a summary needs of finished trades, closed days and judged plans."""

    overall: TradeSums = NO_TRADES
    by_symbol: Mapping[Symbol, TradeSums] = attrs.field(factory=dict)
    by_side: Mapping[Side, TradeSums] = attrs.field(factory=dict)
    by_reason: Mapping[CloseReason, int] = attrs.field(factory=dict)
    r: RSums = NO_R
    streaks: Streaks = NO_STREAK
    daily: DaySums = NO_DAYS
    refusals: Mapping[Rule, int] = attrs.field(factory=dict)
    refused: int = 0
    approved: int = 0

    def book_trade(self, trade: ClosedTrade) -> "Tally":
        """Return the tally with one more finished trade; streaks follow the order of calls."""
        by_symbol = self.by_symbol.get(trade.symbol, NO_TRADES).with_trade(trade)
        by_side = self.by_side.get(trade.side, NO_TRADES).with_trade(trade)
        return attrs.evolve(
            self,
            overall=self.overall.with_trade(trade),
            by_symbol={**self.by_symbol, trade.symbol: by_symbol},
            by_side={**self.by_side, trade.side: by_side},
            by_reason={**self.by_reason, trade.reason: self.by_reason.get(trade.reason, 0) + 1},
            r=self.r.with_trade(trade),
            streaks=self.streaks.with_outcome(trade.net.sign),
        )

    def book_day(self, day: DayClosed) -> "Tally":
        """Return the tally with one more closed day; flat days count."""
        return attrs.evolve(self, daily=self.daily.with_day(day))

    def book_refusal(self, rules: Iterable[Rule]) -> "Tally":
        """Return the tally with one more refused plan; each rule that failed counts once."""
        refusals, failed = dict(self.refusals), frozenset(rules)
        # In the order of the rules: that of a set is another one in each process.
        for rule in (rule for rule in Rule if rule in failed):
            refusals[rule] = refusals.get(rule, 0) + 1
        return attrs.evolve(self, refusals=refusals, refused=self.refused + 1)

    def book_approval(self) -> "Tally":
        """Return the tally with one more approved plan."""
        return attrs.evolve(self, approved=self.approved + 1)


@attrs.frozen(kw_only=True)
class Summary:
    """The figures of a desk. See :class:`~.statistics_trades.TradeSums` for those of trades.

    ``gross`` is the price profit before costs; ``net`` is ``gross - fees - funding``; ``slippage``
    is inside ``gross`` already. ``return_on_opening`` is ``net`` over the opening wallet.
    ``average_loss``, ``worst_r`` and the adverse excursions are signed. Figures in R are over the
    ``trades_with_r`` that had a stop. ``drawdown`` (a fraction) and ``drawdown_amount`` (USDT) are
    the deepest falls from the high-water mark, open positions at mark. ``streak_current`` is
    positive for wins and negative for losses. ``refused`` counts plans, ``refusals`` failed rules.
    """

    trades: int
    wins: int
    losses: int
    scratches: int
    win_rate: Rate | None
    expectancy: Money | None
    profit_factor: Rate | None
    payoff: Rate | None
    average_win: Money | None
    average_loss: Money | None
    gross: Money
    fees: Money
    funding: Money
    slippage: Money
    net: Money
    opening: Money
    return_on_opening: Rate | None
    trades_with_r: int
    average_r: Rate | None
    best_r: Rate | None
    worst_r: Rate | None
    adverse_r_average: Rate | None
    adverse_r_extreme: Rate | None
    favourable_r_average: Rate | None
    favourable_r_extreme: Rate | None
    r_distribution: tuple[RBucket, ...]
    high_water: Money
    drawdown: Rate
    drawdown_amount: Money
    days: int
    sharpe: Rate | None
    sortino: Rate | None
    streak_win_longest: int
    streak_loss_longest: int
    streak_current: int
    holding_ms_average: int | None
    by_reason: Mapping[CloseReason, int]
    by_symbol: Mapping[Symbol, TradeSums]
    by_side: Mapping[Side, TradeSums]
    approved: int
    refused: int
    refusals: Mapping[Rule, int]

    @property
    def expectancy_r(self) -> Rate | None:
        """Return the expectancy in R, which is the average R."""
        return self.average_r


def summary(tally: Tally, ledger: Ledger) -> Summary:
    """Work out every figure; the ledger gives the opening wallet and the drawdown."""
    overall, r = tally.overall, tally.r
    return Summary(
        trades=overall.trades,
        wins=overall.wins,
        losses=overall.losses,
        scratches=overall.scratches,
        win_rate=overall.win_rate,
        expectancy=overall.expectancy,
        profit_factor=overall.profit_factor,
        payoff=overall.payoff,
        average_win=overall.average_win,
        average_loss=overall.average_loss,
        gross=overall.gross,
        fees=overall.fees,
        funding=overall.funding,
        slippage=overall.slippage,
        net=overall.net,
        opening=ledger.opening,
        return_on_opening=_return_on(ledger.opening, overall.net),
        trades_with_r=r.trades,
        average_r=r.average,
        best_r=r.best,
        worst_r=r.worst,
        adverse_r_average=r.adverse_average,
        adverse_r_extreme=r.adverse_extreme,
        favourable_r_average=r.favourable_average,
        favourable_r_extreme=r.favourable_extreme,
        r_distribution=r.distribution,
        high_water=ledger.high_water,
        drawdown=ledger.deepest_drawdown,
        drawdown_amount=ledger.deepest_fall,
        days=tally.daily.days,
        sharpe=tally.daily.sharpe,
        sortino=tally.daily.sortino,
        streak_win_longest=tally.streaks.longest_win,
        streak_loss_longest=tally.streaks.longest_loss,
        streak_current=tally.streaks.current,
        holding_ms_average=overall.holding_ms_average,
        by_reason=tally.by_reason,
        by_symbol=tally.by_symbol,
        by_side=tally.by_side,
        approved=tally.approved,
        refused=tally.refused,
        refusals=tally.refusals,
    )


def _return_on(opening: Money, net: Money) -> Rate | None:
    return net / opening if opening > ZERO_MONEY else None


@attrs.frozen(kw_only=True)
class DailyStatistics:
    """The closed days that the ledger keeps, oldest first, and figures over exactly those.

    ``days_closed`` counts every day since the books were opened: when it is larger than the number
    of rows, the older rows are in the state store. Best and worst are the profits of single days.
    """

    rows: tuple[DayClosed, ...]
    days_closed: int
    days_up: int
    days_down: int
    profit: Money
    average_profit: Money | None
    best: Money | None
    worst: Money | None
    sharpe: Rate | None
    sortino: Rate | None

    @property
    def is_complete(self) -> bool:
        """Tell whether the rows reach back to the opening of the books."""
        return len(self.rows) == self.days_closed


def daily_statistics(ledger: Ledger) -> DailyStatistics:
    """Work out the figures of the kept days; the open day is not among them."""
    sums = NO_DAYS
    for day in ledger.days:
        sums = sums.with_day(day)
    return DailyStatistics(
        rows=ledger.days,
        days_closed=ledger.days_closed,
        days_up=sums.days_up,
        days_down=sums.days_down,
        profit=sums.profit,
        average_profit=sums.average_profit,
        best=sums.best,
        worst=sums.worst,
        sharpe=sums.sharpe,
        sortino=sums.sortino,
    )
