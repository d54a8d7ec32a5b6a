"""What each closing order earned, worked out again from plain records of what crossed.

Nothing here comes from the code under test. A fill that reduces takes its share, by quantity, of
the opening fees and of the funding that were paid for what was held. The profit of an order is what
its fills realised, less those shares of the opening fees and less its own fees, shown as the venue
does: half away from zero at eight decimals (Bybit V5 position/closed-pnl).
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

__all__ = ["Booked", "Closed", "Paid", "closing_orders"]

_UNIT = 10**8
_ZERO = Fraction(0)


class Booked(NamedTuple):
    """One execution; ``sign`` is 1 for a purchase and -1 for a sale."""

    order_id: str
    sign: int
    qty: str
    price: str
    fee: str


class Paid(NamedTuple):
    """One funding settlement, positive when paid."""

    amount: str


class Closed(NamedTuple):
    """One closing order: profit less both fees as the venue shows it, and funding beside it."""

    qty: Fraction
    profit: Fraction
    funding: Fraction


def _shown(amount: Fraction) -> Fraction:
    units = abs(amount) * _UNIT
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(whole if amount >= 0 else -whole, _UNIT)


def closing_orders(records: Iterable[Booked | Paid]) -> dict[str, Closed]:
    """Fold the records of one symbol in their order; no fill may turn a position around."""
    held = cost = fees = funding = _ZERO
    orders: dict[str, tuple[Fraction, Fraction, Fraction]] = {}
    for record in records:
        if isinstance(record, Paid):
            funding += Fraction(record.amount)
            continue
        qty, price, fee = Fraction(record.qty), Fraction(record.price), Fraction(record.fee)
        if held * record.sign >= 0:
            held += record.sign * qty
            cost += record.sign * qty * price
            fees += fee
            continue
        part = qty / abs(held)
        assert part <= 1, f"{record} turns a position of {held} around"
        realised = -record.sign * qty * price - cost * part
        before = orders.get(record.order_id, (_ZERO, _ZERO, _ZERO))
        orders[record.order_id] = (
            before[0] + qty,
            before[1] + realised - fees * part - fee,
            before[2] + funding * part,
        )
        held += record.sign * qty
        cost, fees, funding = (amount * (1 - part) for amount in (cost, fees, funding))
    return {name: Closed(row[0], _shown(row[1]), row[2]) for name, row in orders.items()}
