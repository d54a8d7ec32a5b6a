"""A position as the fold of its executions, with exact books.

The cost of a position is kept as one amount, not as a price: an average price is a quotient and
cannot be exact. A reduction moves a share of the cost out, rounded once at 18 decimals, so at every
moment ``realised + unrealised`` equals the sum of the cash flows to the last digit.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from .money import EXACT, ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from .orders import Side

__all__ = ["FLAT", "Fill", "Position", "apply_fill"]

_COST_QUANTUM = Decimal("1e-18")


@attrs.frozen(kw_only=True)
class Position:
    """A one-way position. ``qty`` is signed; ``cost`` has its sign: quantity times entry price."""

    qty: Qty = ZERO_QTY
    cost: Money = ZERO_MONEY

    @property
    def side(self) -> Side | None:
        """Return the side of the position, ``None`` when flat."""
        if self.qty == ZERO_QTY:
            return None
        return Side.BUY if self.qty > ZERO_QTY else Side.SELL

    @property
    def is_flat(self) -> bool:
        """Tell whether nothing is held."""
        return self.qty == ZERO_QTY

    @property
    def entry_price(self) -> Price | None:
        """Return the volume-weighted entry price, ``None`` when flat."""
        return None if self.is_flat else self.cost / self.qty

    def notional(self, mark: Price) -> Money:
        """Return the unsigned value of the position at ``mark``, USDT."""
        return mark * abs(self.qty)

    def unrealised(self, mark: Price) -> Money:
        """Return the profit at ``mark``, before fees: size x (mark - entry) x direction."""
        return mark * self.qty - self.cost


FLAT = Position()


@attrs.frozen(kw_only=True)
class Fill:
    """What one execution did: the new position, the profit realised and the quantity closed."""

    position: Position
    realised: Money
    qty_closed: Qty


def apply_fill(position: Position, *, side: Side, qty: Qty, price: Price) -> Fill:
    """Fold one execution of unsigned ``qty`` into a position; it may close and reverse it.

    Entry is volume-weighted and unchanged by reductions; realised profit is
    ``closed x (exit - entry) x direction``, before fees (Bybit V5 ``execPnl``).

    Raises:
        ValueError: the quantity is not above zero.

    """
    if qty <= ZERO_QTY:
        raise ValueError(f"an execution of quantity {qty}: must be above zero")
    signed = qty.times(side.sign)
    if position.is_flat or position.side is side:
        grown = Position(qty=position.qty + signed, cost=position.cost + price * signed)
        return Fill(position=grown, realised=ZERO_MONEY, qty_closed=ZERO_QTY)
    closed = min(qty, abs(position.qty))
    cost_out = _share_of_cost(position, closed)
    proceeds = price * closed.times(-side.sign)
    remaining = Position(qty=position.qty + closed.times(side.sign), cost=position.cost - cost_out)
    beyond = qty - closed
    if beyond > ZERO_QTY:
        reversed_qty = beyond.times(side.sign)
        remaining = Position(qty=reversed_qty, cost=price * reversed_qty)
    return Fill(position=remaining, realised=proceeds - cost_out, qty_closed=closed)


def _share_of_cost(position: Position, closed: Qty) -> Money:
    held = abs(position.qty)
    if closed == held:
        return position.cost
    share = EXACT.divide(EXACT.multiply(position.cost.value, closed.value), held.value)
    return Money(share.quantize(_COST_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT))
