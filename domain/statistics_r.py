"""Results in R: multiples of the money at risk when the entry filled.

One R value is rounded once, half to even, at 18 decimals; from there on every sum is exact, so it
does not depend on the order of the trades.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from .money import EXACT, ZERO_RATE, Money, Rate
from .trade import ClosedTrade

__all__ = ["NO_R", "R_BUCKETS", "R_BUCKET_WIDTH", "R_HIGHEST", "R_LOWEST", "RBucket", "RSums"]

R_BUCKET_WIDTH = Rate(Decimal("0.5"))
"""Width of a bucket of the R distribution."""
R_LOWEST = Rate(Decimal(-5))
"""Below this lies the first bucket, which is open downward."""
R_HIGHEST = Rate(Decimal(15))
"""From this on lies the last bucket, which is open upward."""
_INNER_BUCKETS = 40
R_BUCKETS = _INNER_BUCKETS + 2
"""Number of buckets: forty of half an R from -5 R to 15 R, and the two open ones."""

_QUANTUM = Decimal("1e-18")


@attrs.frozen(kw_only=True)
class RBucket:
    """Trades with ``low <= R < high``; the outermost buckets are open (``None``)."""

    low: Rate | None
    high: Rate | None
    trades: int


@attrs.frozen(kw_only=True)
class RSums:
    """Sums over the trades that had a stop. Excursions are of the price profit, before costs.

    ``adverse`` is the sum of the worst excursions (at or below zero), ``favourable`` of the best
    (at or above). Extremes are ``None`` without such a trade.
    """

    trades: int = 0
    total: Rate = ZERO_RATE
    best: Rate | None = None
    worst: Rate | None = None
    adverse: Rate = ZERO_RATE
    adverse_extreme: Rate | None = None
    favourable: Rate = ZERO_RATE
    favourable_extreme: Rate | None = None
    counts: tuple[int, ...] = (0,) * R_BUCKETS

    def with_trade(self, trade: ClosedTrade) -> "RSums":
        """Return the sums with one more trade; one without a stop changes nothing."""
        result = _in_r(trade, trade.net)
        adverse, favourable = _in_r(trade, trade.worst), _in_r(trade, trade.best)
        if result is None or adverse is None or favourable is None:
            return self
        index = _bucket_of(result)
        counts = self.counts
        return RSums(
            trades=self.trades + 1,
            total=self.total + result,
            best=_higher(self.best, result),
            worst=_lower(self.worst, result),
            adverse=self.adverse + adverse,
            adverse_extreme=_lower(self.adverse_extreme, adverse),
            favourable=self.favourable + favourable,
            favourable_extreme=_higher(self.favourable_extreme, favourable),
            counts=(*counts[:index], counts[index] + 1, *counts[index + 1 :]),
        )

    @property
    def average(self) -> Rate | None:
        """Return the average R, which is the expectancy of a trade in R."""
        return _average(self.total, self.trades)

    @property
    def adverse_average(self) -> Rate | None:
        """Return the average maximum adverse excursion."""
        return _average(self.adverse, self.trades)

    @property
    def favourable_average(self) -> Rate | None:
        """Return the average maximum favourable excursion."""
        return _average(self.favourable, self.trades)

    @property
    def distribution(self) -> tuple[RBucket, ...]:
        """Return every bucket in ascending order, empty ones too."""
        return tuple(
            RBucket(low=_edge(index - 1), high=_edge(index), trades=count)
            for index, count in enumerate(self.counts)
        )


NO_R = RSums()


def _in_r(trade: ClosedTrade, amount: Money) -> Rate | None:
    multiple = trade.in_r(amount)
    if multiple is None:
        return None
    return Rate(multiple.value.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT))


def _bucket_of(result: Rate) -> int:
    if result < R_LOWEST:
        return 0
    if result >= R_HIGHEST:
        return R_BUCKETS - 1
    # From the lowest edge on the distance is not negative, so truncation rounds down.
    return 1 + int(((result - R_LOWEST) / R_BUCKET_WIDTH).value)


def _edge(index: int) -> Rate | None:
    if not 0 <= index <= _INNER_BUCKETS:
        return None
    return R_LOWEST + R_BUCKET_WIDTH.times(index)


def _average(total: Rate, count: int) -> Rate | None:
    return total / Rate.of(count) if count else None


def _lower(known: Rate | None, then: Rate) -> Rate:
    return then if known is None else min(known, then)


def _higher(known: Rate | None, then: Rate) -> Rate:
    return then if known is None else max(known, then)
