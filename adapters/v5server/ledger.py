"""What an account's executions, funding payments and transfers add up to, in their order.

A venue keeps executions; the rows that Bybit derives from them (closed profit, the transaction log,
realised profit and fees of orders and positions) are folded here, so they agree by construction.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Qty, Rate
from tidegate.domain.orders import Symbol, VenueOrderId
from tidegate.domain.position import FLAT, Position, apply_fill
from tidegate.domain.reports import Execution, FundingPayment

__all__ = [
    "NEVER_TRADED",
    "AccountLedger",
    "Booked",
    "Entry",
    "Moved",
    "OrderBooks",
    "Paid",
    "SymbolBooks",
]

NEVER_TRADED = -1
"""The ``seq`` of a position that never had an execution (Bybit V5, position/list)."""


@attrs.frozen(kw_only=True)
class Booked:
    """One execution and what it did; amounts in USDT.

    ``profit`` is before fees. ``entry_value`` and ``open_fee`` are the shares of the quantity that
    it closed, ``close_fee`` the part of its own fee for that quantity. ``order_filled`` is the
    cumulative quantity of its order, ``wallet`` the balance after it.
    """

    seq: int
    execution: Execution
    qty_closed: Qty
    profit: Money
    entry_value: Money
    open_fee: Money
    close_fee: Money
    order_filled: Qty
    position: Position
    wallet: Money


@attrs.frozen(kw_only=True)
class Paid:
    """One funding payment, and the balance after it."""

    seq: int
    payment: FundingPayment
    position: Position
    wallet: Money


@attrs.frozen(kw_only=True)
class Moved:
    """Money that came (positive) or went by transfer, and the balance after it."""

    seq: int
    amount: Money
    time_ms: int
    wallet: Money


Entry = Booked | Paid | Moved


@attrs.frozen(kw_only=True)
class SymbolBooks:
    """One symbol's position as the executions add up to.

    ``open_fees`` were paid for what is held. ``realised_now`` belongs to the position that is held
    or was held last, ``realised_ever`` to all; both after fees and funding.
    """

    position: Position = FLAT
    open_fees: Money = ZERO_MONEY
    realised_now: Money = ZERO_MONEY
    realised_ever: Money = ZERO_MONEY
    first_ms: int = 0
    opened_ms: int = 0
    updated_ms: int = 0
    seq: int = NEVER_TRADED


@attrs.frozen(kw_only=True)
class OrderBooks:
    """What the executions of one order add up to; ``closed_profit`` is after fees."""

    qty: Qty = ZERO_QTY
    fee: Money = ZERO_MONEY
    closed_profit: Money = ZERO_MONEY


_NO_BOOKS = SymbolBooks()
_NO_FILLS = OrderBooks()


class AccountLedger:
    """The fold of one account. ``wallet`` is the balance before the first entry."""

    def __init__(self, wallet: Money) -> None:
        self._wallet = wallet
        self._entries: list[Entry] = []
        self._symbols: dict[Symbol, SymbolBooks] = {}
        self._orders: dict[VenueOrderId, OrderBooks] = {}

    @classmethod
    def of_history(
        cls, wallet_now: Money, happened: Iterable[Execution | FundingPayment]
    ) -> "AccountLedger":
        """Fold what happened before; the wallet before it is what it must have been."""
        rows = sorted(happened, key=lambda row: row.time_ms)
        trial = cls(ZERO_MONEY)
        trial.add_all(rows)
        ledger = cls(wallet_now - trial.wallet)
        ledger.add_all(rows)
        return ledger

    @property
    def wallet(self) -> Money:
        """Return the balance after the last entry, USDT."""
        return self._wallet

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return every entry, oldest first."""
        return tuple(self._entries)

    @property
    def symbols(self) -> Mapping[Symbol, SymbolBooks]:
        """Return the books of every symbol that ever traded."""
        return MappingProxyType(self._symbols)

    def symbol(self, symbol: Symbol) -> SymbolBooks:
        """Return the books of one symbol, empty ones when it never traded."""
        return self._symbols.get(symbol, _NO_BOOKS)

    def order(self, venue_id: VenueOrderId) -> OrderBooks:
        """Return what the executions of one order add up to."""
        return self._orders.get(venue_id, _NO_FILLS)

    def add_all(self, rows: Iterable[Execution | FundingPayment]) -> None:
        """Fold rows in their order."""
        for row in rows:
            if isinstance(row, Execution):
                self.book(row)
            else:
                self.pay(row)

    def book(self, execution: Execution) -> Booked:
        """Fold one execution."""
        before = self.symbol(execution.symbol)
        fill = apply_fill(
            before.position, side=execution.side, qty=execution.qty, price=execution.price
        )
        closed_share = fill.qty_closed / execution.qty
        close_fee = execution.fee * closed_share
        held = abs(before.position.qty)
        open_fee = ZERO_MONEY
        if fill.qty_closed > ZERO_QTY:
            open_fee = before.open_fees * (fill.qty_closed / held)
        exit_value = execution.price * fill.qty_closed
        direction = -execution.side.sign
        entry_value = exit_value - fill.realised.times(direction)
        self._wallet += fill.realised - execution.fee
        booked = Booked(
            seq=self._next_seq(),
            execution=execution,
            qty_closed=fill.qty_closed,
            profit=fill.realised,
            entry_value=entry_value,
            open_fee=open_fee,
            close_fee=close_fee,
            order_filled=self.order(execution.venue_id).qty + execution.qty,
            position=fill.position,
            wallet=self._wallet,
        )
        self._entries.append(booked)
        self._book_order(booked)
        self._book_symbol(booked, before)
        return booked

    def _book_order(self, booked: Booked) -> None:
        execution = booked.execution
        before = self.order(execution.venue_id)
        profit = booked.profit - booked.open_fee - booked.close_fee
        self._orders[execution.venue_id] = OrderBooks(
            qty=booked.order_filled,
            fee=before.fee + execution.fee,
            closed_profit=before.closed_profit + profit,
        )

    def _book_symbol(self, booked: Booked, before: SymbolBooks) -> None:
        execution = booked.execution
        opens_anew = booked.position.side not in (None, before.position.side)
        realised = booked.profit - execution.fee
        opening_fee = execution.fee - booked.close_fee
        self._symbols[execution.symbol] = SymbolBooks(
            position=booked.position,
            open_fees=before.open_fees - booked.open_fee + opening_fee,
            realised_now=-opening_fee if opens_anew else before.realised_now + realised,
            realised_ever=before.realised_ever + realised,
            first_ms=before.first_ms or execution.time_ms,
            opened_ms=execution.time_ms if opens_anew else before.opened_ms,
            updated_ms=execution.time_ms,
            seq=booked.seq,
        )

    def pay(self, payment: FundingPayment) -> Paid:
        """Fold one funding payment."""
        before = self.symbol(payment.symbol)
        self._wallet -= payment.amount
        paid = Paid(
            seq=self._next_seq(),
            payment=payment,
            position=before.position,
            wallet=self._wallet,
        )
        self._entries.append(paid)
        self._symbols[payment.symbol] = attrs.evolve(
            before,
            realised_now=before.realised_now - payment.amount,
            realised_ever=before.realised_ever - payment.amount,
            updated_ms=payment.time_ms,
            seq=paid.seq,
        )
        return paid

    def move(self, amount: Money, *, time_ms: int) -> Moved:
        """Fold a transfer to the account, or from it when ``amount`` is negative."""
        self._wallet += amount
        moved = Moved(seq=self._next_seq(), amount=amount, time_ms=time_ms, wallet=self._wallet)
        self._entries.append(moved)
        return moved

    def _next_seq(self) -> int:
        return len(self._entries) + 1

    def fee_rate(self, execution: Execution) -> Rate:
        """Return the rate that an execution was charged."""
        return execution.fee / (execution.price * execution.qty)
