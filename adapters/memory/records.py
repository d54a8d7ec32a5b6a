"""The scripted venue's records: closed profit by order, and every change of the wallet."""

import attrs
from tidegate.domain.bookkeeping import (
    Closing,
    booked,
    funding_change,
    trade_change,
    transfer_change,
)
from tidegate.domain.money import ZERO_MONEY, Money, Rate
from tidegate.domain.orders import Symbol, VenueOrderId
from tidegate.domain.position import Fill, Position
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import Execution, FundingPayment

__all__ = ["Records"]


@attrs.define
class Records:
    """What the account's own records say; none is ever forgotten, oldest change first."""

    changes: list[AccountChange] = attrs.field(factory=list)
    _open_fees: dict[Symbol, Money] = attrs.field(factory=dict)
    _closings: dict[VenueOrderId, Closing] = attrs.field(factory=dict)

    def closed_profits(self) -> list[ClosedProfit]:
        """Return the profit of every closing order, in the order of their last fills."""
        return [closing.shown() for closing in self._closings.values()]

    def add_execution(
        self, execution: Execution, *, before: Position, fill: Fill, leverage: Rate, balance: Money
    ) -> None:
        """Keep what an execution did; ``balance`` is the wallet after it."""
        symbol = execution.symbol
        fees = self._open_fees.get(symbol, ZERO_MONEY)
        booking = booked(before, fees, fill, execution, leverage=leverage)
        self._open_fees[symbol] = booking.open_fees
        if booking.closing is not None:
            known = self._closings.pop(execution.venue_id, None)
            closing = booking.closing if known is None else known.joined(booking.closing)
            self._closings[execution.venue_id] = closing
        self.changes.append(
            trade_change(self._next_id(), execution, realised=fill.realised, balance=balance)
        )

    def add_payment(self, payment: FundingPayment, *, balance: Money) -> None:
        """Keep a funding payment; ``balance`` is the wallet after it."""
        self.changes.append(funding_change(self._next_id(), payment, balance=balance))

    def add_transfer(self, amount: Money, *, balance: Money, time_ms: int) -> None:
        """Keep money that came, or went when below zero."""
        self.changes.append(
            transfer_change(self._next_id(), amount, balance=balance, time_ms=time_ms)
        )

    def _next_id(self) -> str:
        return f"change-{len(self.changes) + 1}"
