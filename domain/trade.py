"""A finished trade: from flat to flat in one symbol."""

import enum

import attrs

from .money import ZERO_MONEY, Money, Price, Qty, Rate
from .orders import Side, Symbol

__all__ = ["CloseReason", "ClosedTrade"]


class CloseReason(enum.Enum):
    """What ended a trade: the order whose execution made the position flat."""

    STOP = "stop"
    TARGET = "target"
    TRAILING_STOP = "trailing stop"
    SIGNAL = "signal"
    OPERATOR = "operator"
    PANIC = "panic"
    UNPROTECTED = "unprotected"
    LIQUIDATION = "liquidation"
    OUTSIDE = "outside"


@attrs.frozen(kw_only=True)
class ClosedTrade:
    """The books of one trade, USDT. ``fees`` and ``funding`` are positive when paid.

    ``profit`` is the price profit before costs. ``risk`` is the money at risk when the entry
    filled (one R), ``None`` when the trade had no stop. ``slippage`` is what executions cost
    against their decision prices; it is inside ``profit`` already. Excursions are of the price
    profit at mark while the trade was open: ``worst`` at or below zero, ``best`` at or above.
    """

    trade_key: str
    symbol: Symbol
    side: Side
    qty: Qty
    opened_ms: int
    closed_ms: int
    entry_price: Price
    exit_price: Price
    profit: Money
    fees: Money
    funding: Money
    slippage: Money
    risk: Money | None
    worst: Money = ZERO_MONEY
    best: Money = ZERO_MONEY
    reason: CloseReason

    @property
    def net(self) -> Money:
        """Return profit after fees and funding."""
        return self.profit - self.fees - self.funding

    def in_r(self, amount: Money) -> Rate | None:
        """Express an amount in R, ``None`` when the trade had no stop."""
        return None if self.risk is None or self.risk.sign == 0 else amount / self.risk
