"""What each closing order earned, as a venue counts it: with its share of the opening fees.

A position keeps the fees and the funding that were paid for what is held. A fill that reduces it
takes a share of both along, by quantity, rounded once at 18 decimals; the last one takes the rest,
so nothing is lost. Profit is that of Bybit V5 position/closed-pnl: ``exit value - entry value``, by
direction, less opening and closing fees; funding is not in it and stands beside it. Amounts are
USDT, positive when paid for fees and funding.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

import attrs

from .money import EXACT, ZERO_MONEY, ZERO_QTY, Money, Qty
from .orders import Side, Symbol, VenueOrderId
from .position import Fill, Position
from .reports import Execution, FundingPayment

__all__ = ["CLOSINGS_KEPT", "NO_CLOSINGS", "Closing", "Closings", "Held"]

CLOSINGS_KEPT = 512
"""How many closing orders are kept; the oldest go first, and the journal has the rest."""
_QUANTUM = Decimal("1e-18")


@attrs.frozen(kw_only=True)
class Held:
    """What was paid so far for the position that is held, and is not yet closed."""

    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY


@attrs.frozen(kw_only=True)
class Closing:
    """What one order closed. ``realised`` is before costs; times are of its closing fills."""

    symbol: Symbol
    venue_id: VenueOrderId
    side: Side
    qty: Qty = ZERO_QTY
    realised: Money = ZERO_MONEY
    open_fee: Money = ZERO_MONEY
    close_fee: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    fills: int = 0
    first_ms: int
    last_ms: int

    @property
    def profit(self) -> Money:
        """Return the profit less both fees, without funding: the venue's closed profit."""
        return self.realised - self.open_fee - self.close_fee


@attrs.frozen(kw_only=True)
class Closings:
    """The last :data:`CLOSINGS_KEPT` closing orders by the venue's id, in order of first closing.

    Every closing order whose last fill is after ``since_ms`` is here.
    """

    rows: Mapping[VenueOrderId, Closing] = attrs.field(factory=lambda: MappingProxyType({}))
    held: Mapping[Symbol, Held] = attrs.field(factory=lambda: MappingProxyType({}))
    since_ms: int = 0

    def book_fill(self, execution: Execution, before: Position, fill: Fill) -> "Closings":
        """Fold an execution; ``before`` is the position it met, ``fill`` what it did to it."""
        closed, opened = fill.qty_closed, execution.qty - fill.qty_closed
        close_fee = _share(execution.fee, closed, execution.qty)
        known = self.held.get(execution.symbol, Held())
        part = Held(
            fees=_share(known.fees, closed, abs(before.qty)),
            funding=_share(known.funding, closed, abs(before.qty)),
        )
        left = Held(
            fees=known.fees - part.fees + (execution.fee - close_fee),
            funding=known.funding - part.funding,
        )
        kept = attrs.evolve(self, held=_with_held(self.held, execution.symbol, left, fill))
        if closed == ZERO_QTY:
            return kept
        assert opened >= ZERO_QTY, f"execution {execution.execution_id} closed more than it filled"
        return kept._with_closed(execution, fill, part, close_fee)

    def book_funding(self, payment: FundingPayment) -> "Closings":
        """Fold a funding payment into what the held position has paid."""
        known = self.held.get(payment.symbol)
        if known is None:
            return self
        paid = attrs.evolve(known, funding=known.funding + payment.amount)
        return attrs.evolve(self, held=MappingProxyType({**self.held, payment.symbol: paid}))

    def _with_closed(
        self, execution: Execution, fill: Fill, part: Held, close_fee: Money
    ) -> "Closings":
        order_id = execution.venue_id
        row = self.rows.get(order_id) or Closing(
            symbol=execution.symbol,
            venue_id=order_id,
            side=execution.side,
            first_ms=execution.time_ms,
            last_ms=execution.time_ms,
        )
        grown = attrs.evolve(
            row,
            qty=row.qty + fill.qty_closed,
            realised=row.realised + fill.realised,
            open_fee=row.open_fee + part.fees,
            close_fee=row.close_fee + close_fee,
            funding=row.funding + part.funding,
            fills=row.fills + 1,
            first_ms=min(row.first_ms, execution.time_ms),
            last_ms=max(row.last_ms, execution.time_ms),
        )
        rows, since_ms = {**self.rows, order_id: grown}, self.since_ms
        while len(rows) > CLOSINGS_KEPT:
            oldest = rows.pop(next(iter(rows)))
            since_ms = max(since_ms, oldest.last_ms + 1)
        return attrs.evolve(self, rows=MappingProxyType(rows), since_ms=since_ms)


NO_CLOSINGS = Closings()


def _share(amount: Money, part: Qty, whole: Qty) -> Money:
    """Return the part of an amount that belongs to ``part`` of ``whole``; all of it for all."""
    if part == ZERO_QTY:
        return ZERO_MONEY
    if part == whole:
        return amount
    share = EXACT.divide(EXACT.multiply(amount.value, part.value), whole.value)
    return Money(share.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT))


def _with_held(
    held: Mapping[Symbol, Held], symbol: Symbol, left: Held, fill: Fill
) -> Mapping[Symbol, Held]:
    """Return what is held after a fill; a flat position has paid nothing."""
    others = {name: paid for name, paid in held.items() if name != symbol}
    return MappingProxyType(others if fill.position.is_flat else {**others, symbol: left})
