"""The account's records as a venue keeps them: what one execution, payment or transfer adds.

For venues in this process. Everything is folded exactly and rounded only where it is shown: eight
decimals, half away from zero (Bybit V5 position/closed-pnl and account/transaction-log).
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import TypeVar

import attrs

from .money import EXACT, ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate, half_up
from .orders import Side, Symbol, VenueOrderId
from .position import Fill, Position
from .records import CHANGE_WORDS, AccountChange, ChangeKind, ClosedProfit
from .reports import Execution, FundingPayment, Origin

__all__ = [
    "SHOWN_DECIMALS",
    "Booking",
    "Closing",
    "booked",
    "funding_change",
    "trade_change",
    "transfer_change",
]

SHOWN_DECIMALS = 8
_FEE_QUANTUM = Decimal("1e-18")
_KINDS: Mapping[Origin, ChangeKind] = MappingProxyType(
    {
        Origin.LIQUIDATION: ChangeKind.LIQUIDATION,
        Origin.AUTO_DELEVERAGING: ChangeKind.AUTO_DELEVERAGING,
        Origin.SETTLEMENT: ChangeKind.DELIVERY,
    }
)
_COIN = "USDT"

A = TypeVar("A", Money, Price)


def _shown(amount: A) -> A:
    return type(amount)(half_up(amount.value, SHOWN_DECIMALS))


@attrs.frozen(kw_only=True)
class Closing:
    """What the closing fills of one order add up to, exactly, USDT.

    ``side`` is the order's. ``entry_value`` and ``open_fee`` are the shares of what it closed,
    ``close_fee`` is the part of its own fees for that quantity.
    """

    symbol: Symbol
    venue_id: VenueOrderId
    side: Side
    qty: Qty
    entry_value: Money
    exit_value: Money
    open_fee: Money
    close_fee: Money
    leverage: Rate
    created_ms: int
    updated_ms: int

    @property
    def profit(self) -> Money:
        """Return ``+-(exit value - entry value) - open fee - close fee``, unrounded."""
        gross = (self.exit_value - self.entry_value).times(-self.side.sign)
        return gross - self.open_fee - self.close_fee

    def joined(self, later: "Closing") -> "Closing":
        """Return this with a later fill of the same order; the leverage stays the first one's."""
        assert later.venue_id == self.venue_id, f"{later.venue_id} is not {self.venue_id}"
        return attrs.evolve(
            self,
            qty=self.qty + later.qty,
            entry_value=self.entry_value + later.entry_value,
            exit_value=self.exit_value + later.exit_value,
            open_fee=self.open_fee + later.open_fee,
            close_fee=self.close_fee + later.close_fee,
            updated_ms=later.updated_ms,
        )

    def shown(self) -> ClosedProfit:
        """Return the record as the venue shows it."""
        return ClosedProfit(
            symbol=self.symbol,
            venue_id=self.venue_id,
            side=self.side,
            qty=self.qty,
            entry=_shown(self.entry_value / self.qty),
            exit=_shown(self.exit_value / self.qty),
            profit=_shown(self.profit),
            open_fee=_shown(self.open_fee),
            close_fee=_shown(self.close_fee),
            leverage=self.leverage,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
        )


@attrs.frozen(kw_only=True)
class Booking:
    """What one execution does to the records: fees paid for what is held now, and what it closed.

    ``closing`` is ``None`` for an execution that only opened or added.
    """

    open_fees: Money
    closing: Closing | None


def booked(
    before: Position, open_fees: Money, fill: Fill, execution: Execution, *, leverage: Rate
) -> Booking:
    """Fold one execution whose effect on the position ``before`` is ``fill``.

    ``open_fees`` were paid for what ``before`` holds; a close takes out its share of them, and an
    execution that reverses the position pays for closing and for opening by quantity.
    """
    if fill.qty_closed == ZERO_QTY:
        return Booking(open_fees=open_fees + execution.fee, closing=None)
    open_fee = _part(open_fees, fill.qty_closed, abs(before.qty))
    close_fee = _part(execution.fee, fill.qty_closed, execution.qty)
    exit_value = execution.price * fill.qty_closed
    closing = Closing(
        symbol=execution.symbol,
        venue_id=execution.venue_id,
        side=execution.side,
        qty=fill.qty_closed,
        entry_value=exit_value + fill.realised.times(execution.side.sign),
        exit_value=exit_value,
        open_fee=open_fee,
        close_fee=close_fee,
        leverage=leverage,
        created_ms=execution.time_ms,
        updated_ms=execution.time_ms,
    )
    left = open_fees - open_fee + (execution.fee - close_fee)
    return Booking(open_fees=left, closing=closing)


def _part(amount: Money, qty: Qty, whole: Qty) -> Money:
    """Return the share of an amount by quantity; the whole of it is exact."""
    if qty == whole:
        return amount
    share = EXACT.divide(EXACT.multiply(amount.value, qty.value), whole.value)
    return Money(share.quantize(_FEE_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT))


def trade_change(
    change_id: str, execution: Execution, *, realised: Money, balance: Money
) -> AccountChange:
    """Return the line of an execution; ``realised`` is before fees, ``balance`` the wallet after.

    Its kind says what made the trade: an order, a liquidation, auto-deleveraging or a delivery.
    """
    return _change(
        change_id,
        _KINDS.get(execution.origin, ChangeKind.TRADE),
        symbol=execution.symbol,
        cash_flow=realised,
        fee=execution.fee,
        balance=balance,
        execution_id=execution.execution_id,
        time_ms=execution.time_ms,
    )


def funding_change(change_id: str, payment: FundingPayment, *, balance: Money) -> AccountChange:
    """Return the line of a funding payment; what was received is positive."""
    return _change(
        change_id,
        ChangeKind.FUNDING,
        symbol=payment.symbol,
        funding=-payment.amount,
        balance=balance,
        execution_id=payment.payment_id,
        time_ms=payment.time_ms,
    )


def transfer_change(
    change_id: str, amount: Money, *, balance: Money, time_ms: int
) -> AccountChange:
    """Return the line of money that came, or went when ``amount`` is below zero."""
    came = amount >= ZERO_MONEY
    return _change(
        change_id,
        ChangeKind.TRANSFER_IN if came else ChangeKind.TRANSFER_OUT,
        cash_flow=amount,
        balance=balance,
        time_ms=time_ms,
    )


def _change(
    change_id: str,
    kind: ChangeKind,
    *,
    balance: Money,
    time_ms: int,
    symbol: Symbol | None = None,
    cash_flow: Money = ZERO_MONEY,
    funding: Money = ZERO_MONEY,
    fee: Money = ZERO_MONEY,
    execution_id: str | None = None,
) -> AccountChange:
    return AccountChange(
        change_id=change_id,
        kind=kind,
        word=CHANGE_WORDS[kind],
        currency=_COIN,
        symbol=symbol,
        cash_flow=_shown(cash_flow),
        funding=_shown(funding),
        fee=_shown(fee),
        change=_shown(cash_flow + funding - fee),
        balance=_shown(balance),
        execution_id=execution_id,
        time_ms=time_ms,
    )
