"""Sums over daily returns, and the Sharpe and Sortino ratios that follow from them.

One daily return is rounded once, half to even, at 18 decimals; its square and every sum are then
exact, so nothing cancels and the order of the days does not matter.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from .ledger import DayClosed
from .money import EXACT, ZERO, ZERO_MONEY, Money, Rate

__all__ = ["DAYS_PER_YEAR", "NO_DAYS", "DaySums"]

DAYS_PER_YEAR = 365
"""Perpetual futures trade every day of the year."""

_QUANTUM = Decimal("1e-18")


@attrs.frozen(kw_only=True)
class DaySums:
    """Sums over closed days. ``returned`` counts those with a return (opening equity above zero).

    ``returns`` and ``squares`` are sums of returns and of their squares, ``downside_squares`` of
    the squares of negative ones.
    """

    days: int = 0
    days_up: int = 0
    days_down: int = 0
    profit: Money = ZERO_MONEY
    best: Money | None = None
    worst: Money | None = None
    returned: int = 0
    returns: Decimal = ZERO
    squares: Decimal = ZERO
    downside_squares: Decimal = ZERO

    def with_day(self, day: DayClosed) -> "DaySums":
        """Return the sums with one more day."""
        profit = day.profit
        counted = attrs.evolve(
            self,
            days=self.days + 1,
            days_up=self.days_up + (profit > ZERO_MONEY),
            days_down=self.days_down + (profit < ZERO_MONEY),
            profit=self.profit + profit,
            best=profit if self.best is None else max(self.best, profit),
            worst=profit if self.worst is None else min(self.worst, profit),
        )
        rate = day.return_rate
        return counted if rate is None else counted._with_return(rate)

    def _with_return(self, rate: Rate) -> "DaySums":
        value = rate.value.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT)
        square = EXACT.multiply(value, value)
        downside = square if value < ZERO else ZERO
        return attrs.evolve(
            self,
            returned=self.returned + 1,
            returns=EXACT.add(self.returns, value),
            squares=EXACT.add(self.squares, square),
            downside_squares=EXACT.add(self.downside_squares, downside),
        )

    @property
    def average_profit(self) -> Money | None:
        """Return the average profit of a day, ``None`` without any."""
        return self.profit / Rate.of(self.days) if self.days else None

    @property
    def sharpe(self) -> Rate | None:
        """Return the yearly Sharpe ratio: mean / sample deviation x sqrt(365), risk-free zero.

        The variance is ``(n x squares - returns^2) / (n x (n - 1))``. ``None`` with fewer than two
        returns or without deviation. Source: W. F. Sharpe, "The Sharpe Ratio", 1994.
        """
        if self.returned < 2:
            return None
        n = Decimal(self.returned)
        scaled = EXACT.subtract(
            EXACT.multiply(n, self.squares), EXACT.multiply(self.returns, self.returns)
        )
        variance = EXACT.divide(scaled, EXACT.multiply(n, EXACT.subtract(n, Decimal(1))))
        return self._yearly(variance)

    @property
    def sortino(self) -> Rate | None:
        """Return the yearly Sortino ratio: mean / downside deviation x sqrt(365), target zero.

        The downside deviation is ``sqrt(sum of squared negative returns / n)`` over all n returns.
        ``None`` with fewer than two returns or without a negative one. Source: F. A. Sortino and
        L. N. Price, "Performance Measurement in a Downside Risk Framework", 1994.
        """
        if self.returned < 2:
            return None
        return self._yearly(EXACT.divide(self.downside_squares, Decimal(self.returned)))

    def _yearly(self, variance: Decimal) -> Rate | None:
        if variance == ZERO:
            return None
        mean = EXACT.divide(self.returns, Decimal(self.returned))
        yearly_mean = EXACT.multiply(mean, EXACT.sqrt(Decimal(DAYS_PER_YEAR)))
        return Rate(EXACT.divide(yearly_mean, EXACT.sqrt(variance)))


NO_DAYS = DaySums()
