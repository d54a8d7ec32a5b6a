"""Sums over finished trades: counts, money and streaks, exact and of constant size."""

import attrs

from .money import ZERO_MONEY, Money, Rate
from .trade import ClosedTrade

__all__ = ["NO_STREAK", "NO_TRADES", "Streaks", "TradeSums"]


@attrs.frozen(kw_only=True)
class TradeSums:
    """Money in USDT over some trades; the ratios are ``None`` where they would divide by zero.

    A trade wins or loses by its net result and is a scratch at exactly zero. ``gross`` is the
    price profit before costs, ``fees`` and ``funding`` are positive when paid, ``slippage`` is
    inside ``gross`` already. ``won`` is the net of winning trades, ``lost`` of losing ones, at or
    below zero. The order of bookings does not matter.
    """

    wins: int = 0
    losses: int = 0
    scratches: int = 0
    won: Money = ZERO_MONEY
    lost: Money = ZERO_MONEY
    gross: Money = ZERO_MONEY
    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    slippage: Money = ZERO_MONEY
    holding_ms: int = 0

    def with_trade(self, trade: ClosedTrade) -> "TradeSums":
        """Return the sums with one more trade."""
        net = trade.net
        sign = net.sign
        return TradeSums(
            wins=self.wins + (sign > 0),
            losses=self.losses + (sign < 0),
            scratches=self.scratches + (sign == 0),
            won=self.won + net if sign > 0 else self.won,
            lost=self.lost + net if sign < 0 else self.lost,
            gross=self.gross + trade.profit,
            fees=self.fees + trade.fees,
            funding=self.funding + trade.funding,
            slippage=self.slippage + trade.slippage,
            holding_ms=self.holding_ms + trade.closed_ms - trade.opened_ms,
        )

    @property
    def trades(self) -> int:
        """Return how many trades there were."""
        return self.wins + self.losses + self.scratches

    @property
    def net(self) -> Money:
        """Return gross - fees - funding, which equals won + lost."""
        return self.gross - self.fees - self.funding

    @property
    def win_rate(self) -> Rate | None:
        """Return wins over all trades, scratches included."""
        return _per(self.wins, self.trades)

    @property
    def expectancy(self) -> Money | None:
        """Return the average net result of a trade."""
        return _average(self.net, self.trades)

    @property
    def average_win(self) -> Money | None:
        """Return the average net result of a winning trade."""
        return _average(self.won, self.wins)

    @property
    def average_loss(self) -> Money | None:
        """Return the average net result of a losing trade, below zero."""
        return _average(self.lost, self.losses)

    @property
    def profit_factor(self) -> Rate | None:
        """Return won over the size of lost, ``None`` without a losing trade."""
        return self.won / -self.lost if self.losses else None

    @property
    def payoff(self) -> Rate | None:
        """Return the average win over the size of the average loss."""
        won, lost = self.average_win, self.average_loss
        return None if won is None or lost is None else won / -lost

    @property
    def holding_ms_average(self) -> int | None:
        """Return the average time from entry to exit, rounded down to a millisecond."""
        return self.holding_ms // self.trades if self.trades else None


NO_TRADES = TradeSums()


def _average(total: Money, count: int) -> Money | None:
    return total / Rate.of(count) if count else None


def _per(part: int, whole: int) -> Rate | None:
    return Rate.of(part) / Rate.of(whole) if whole else None


@attrs.frozen(kw_only=True)
class Streaks:
    """Trades in a row with the same outcome, in the order in which they were booked.

    ``current`` is positive for wins and negative for losses. A scratch neither extends nor ends a
    streak.
    """

    current: int = 0
    longest_win: int = 0
    longest_loss: int = 0

    def with_outcome(self, sign: int) -> "Streaks":
        """Return the streaks after a trade whose net result has ``sign`` (-1, 0 or 1)."""
        if sign == 0:
            return self
        current = self.current + sign if self.current * sign > 0 else sign
        return Streaks(
            current=current,
            longest_win=max(self.longest_win, current),
            longest_loss=max(self.longest_loss, -current),
        )


NO_STREAK = Streaks()
