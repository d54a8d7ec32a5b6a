"""The ledger beside the venue's closed profit: order by order, and day by day.

A venue's record may come late, and rounds: what was closed within the lag is not judged yet, and
what is apart by no more than the tolerance is equal (Bybit V5 position/closed-pnl rounds half away
from zero at eight decimals). What is left is a difference, with both figures.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from .closings import Closing, Closings
from .day import DayBoundary, day_label, day_start_ms
from .money import ZERO_MONEY, Money, Qty
from .orders import Symbol, VenueOrderId
from .records import ClosedProfit

__all__ = ["ClosedDay", "ProfitComparison", "ProfitDifference", "Window", "compare_profits"]

_EDGE_MS = 1_000
"""How far the venue's clock may be from ours, where a row of the venue is taken for ours or not."""


@attrs.frozen(kw_only=True)
class ProfitDifference:
    """One closing order on which ledger and venue differ; ``None`` where one of them lacks it.

    Profits are less both fees, without funding, in USDT.
    """

    symbol: Symbol
    venue_id: VenueOrderId
    qty_ours: Qty | None
    qty_venue: Qty | None
    ours: Money | None
    venue: Money | None
    time_ms: int

    @property
    def text(self) -> str:
        """Say both figures."""
        return (
            f"{self.symbol}: closing order {self.venue_id}: the ledger has "
            f"{_figure(self.qty_ours, self.ours)}, the venue {_figure(self.qty_venue, self.venue)}"
        )


def _figure(qty: Qty | None, profit: Money | None) -> str:
    return "nothing" if qty is None else f"{profit} USDT for {qty}"


@attrs.frozen(kw_only=True)
class ClosedDay:
    """A day's sums over the closing orders that were compared.

    ``ours`` and ``venue`` are less fees and without funding; ``fees`` and ``funding`` are the
    ledger's, positive when paid.
    """

    label: str
    orders: int
    ours: Money
    venue: Money
    fees: Money
    funding: Money


@attrs.frozen(kw_only=True)
class ProfitComparison:
    """What was compared: from ``since_ms`` to ``until_ms``, both ends included.

    ``waiting`` is how many closing orders are younger than the lag. ``is_complete`` is false where
    the venue keeps less than was asked for.
    """

    since_ms: int
    until_ms: int
    orders: int
    waiting: int
    days: tuple[ClosedDay, ...]
    differences: tuple[ProfitDifference, ...]
    is_complete: bool = True


@attrs.frozen(kw_only=True)
class Window:
    """Which of the venue's rows were read, and how they are judged.

    ``until_ms`` is when they were asked for. A row is judged once it is older than ``lag_ms``.
    """

    since_ms: int
    until_ms: int
    lag_ms: int
    tolerance: Money
    day: DayBoundary
    is_complete: bool = True

    @property
    def judged_until_ms(self) -> int:
        """Return up to when a closing must be in the venue's records."""
        return self.until_ms - self.lag_ms


def compare_profits(
    closings: Closings, rows: Iterable[ClosedProfit], window: Window
) -> ProfitComparison:
    """Compare what both sides must have: everything in the window that is older than the lag.

    A venue's row of an order that began to close before the window, or before the kept closings, is
    left out: the ledger's row of it may lack a part.
    """
    since_ms = max(window.since_ms, closings.since_ms)
    venue = {row.venue_id: row for row in rows}
    ours = {key: row for key, row in closings.rows.items() if row.last_ms >= since_ms}
    waiting = [row for row in ours.values() if row.last_ms > window.judged_until_ms]
    compared = {
        key: row
        for key, row in ours.items()
        if row.first_ms >= since_ms and row.last_ms <= window.judged_until_ms
    }
    differences = [
        *_differing(compared, venue, window.tolerance),
        *_unknown(closings, venue, since_ms, window),
    ]
    return ProfitComparison(
        since_ms=since_ms,
        until_ms=window.until_ms,
        orders=len(compared),
        waiting=len(waiting),
        days=_days(compared, venue, window.day),
        differences=tuple(sorted(differences, key=lambda row: (row.time_ms, row.venue_id))),
        is_complete=window.is_complete,
    )


def _differing(
    ours: Mapping[VenueOrderId, Closing],
    venue: Mapping[VenueOrderId, ClosedProfit],
    tolerance: Money,
) -> Iterator[ProfitDifference]:
    for key, row in ours.items():
        theirs = venue.get(key)
        is_whole = theirs is not None and theirs.qty == row.qty
        if theirs is not None and is_whole and abs(theirs.profit - row.profit) <= tolerance:
            continue
        yield ProfitDifference(
            symbol=row.symbol,
            venue_id=key,
            qty_ours=row.qty,
            qty_venue=None if theirs is None else theirs.qty,
            ours=row.profit,
            venue=None if theirs is None else theirs.profit,
            time_ms=row.last_ms,
        )


def _unknown(
    closings: Closings,
    venue: Mapping[VenueOrderId, ClosedProfit],
    since_ms: int,
    window: Window,
) -> Iterator[ProfitDifference]:
    for key, row in venue.items():
        is_young = row.updated_ms > window.judged_until_ms
        if key in closings.rows or is_young or row.created_ms < since_ms + _EDGE_MS:
            continue
        yield ProfitDifference(
            symbol=row.symbol,
            venue_id=key,
            qty_ours=None,
            qty_venue=row.qty,
            ours=None,
            venue=row.profit,
            time_ms=row.updated_ms,
        )


def _days(
    ours: Mapping[VenueOrderId, Closing],
    venue: Mapping[VenueOrderId, ClosedProfit],
    day: DayBoundary,
) -> tuple[ClosedDay, ...]:
    sums: dict[int, ClosedDay] = {}
    for key, row in ours.items():
        start_ms = day_start_ms(row.last_ms, day)
        known = sums.get(start_ms) or ClosedDay(
            label=day_label(start_ms, day),
            orders=0,
            ours=ZERO_MONEY,
            venue=ZERO_MONEY,
            fees=ZERO_MONEY,
            funding=ZERO_MONEY,
        )
        theirs = venue.get(key)
        sums[start_ms] = attrs.evolve(
            known,
            orders=known.orders + 1,
            ours=known.ours + row.profit,
            venue=known.venue if theirs is None else known.venue + theirs.profit,
            fees=known.fees + row.open_fee + row.close_fee,
            funding=known.funding + row.funding,
        )
    return tuple(sums[start_ms] for start_ms in sorted(sums))
