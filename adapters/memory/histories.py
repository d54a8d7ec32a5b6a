"""What can be asked of the scripted venue about the past. Nothing is ever forgotten."""

from collections.abc import Iterable
from typing import TypeVar

from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.orders import Symbol
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import Execution, FundingPayment, OrderReport
from tidegate.ports.exchange import Capability, History, TimeRange

from .books import Books
from .calls import MemoryCalls

__all__ = ["MemoryHistories"]

Row = TypeVar("Row", OrderReport, Execution, FundingPayment, ClosedProfit, AccountChange)


class MemoryHistories(MemoryCalls):
    """The queries of the port about a range of time."""

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return finished orders last updated within the range; none is ever forgotten.

        Outcomes and errors: see :meth:`ExchangePort.order_history`.
        """
        self.capabilities.require(Capability.HISTORY)

        def read(books: Books) -> History[OrderReport]:
            ended = (order for order in books.orders.values() if order.status in TERMINAL)
            rows = [(order.updated_ms, order) for order in ended]
            return _history(rows, symbol, within)

        return self._ask("order_history", read)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range; none is ever forgotten.

        Outcomes and errors: see :meth:`ExchangePort.executions`.
        """
        self.capabilities.require(Capability.HISTORY)
        return self._ask(
            "executions",
            lambda books: _history(
                [(row.time_ms, row) for row in books.executions], symbol, within
            ),
        )

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range; none is ever forgotten.

        Outcomes and errors: see :meth:`ExchangePort.funding_payments`.
        """
        self.capabilities.require(Capability.FUNDING)
        return self._ask(
            "funding_payments",
            lambda books: _history([(row.time_ms, row) for row in books.payments], symbol, within),
        )

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """Return the profit of closing orders last updated within the range.

        Outcomes and errors: see :meth:`AccountPort.closed_profits`.
        """
        self.capabilities.require(Capability.CLOSED_PROFITS)

        def read(books: Books) -> History[ClosedProfit]:
            rows = [(row.updated_ms, row) for row in books.records.closed_profits()]
            return _history(rows, symbol, within)

        return self._ask("closed_profits", read)

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """Return changes of the wallet within the range; none is ever forgotten.

        Outcomes and errors: see :meth:`AccountPort.account_changes`.
        """
        self.capabilities.require(Capability.ACCOUNT_CHANGES)

        def read(books: Books) -> History[AccountChange]:
            return _history([(row.time_ms, row) for row in books.records.changes], None, within)

        return self._ask("account_changes", read)


def _history(
    rows: Iterable[tuple[int, Row]], symbol: Symbol | None, within: TimeRange
) -> History[Row]:
    found = [
        (time_ms, row)
        for time_ms, row in rows
        if symbol in (None, row.symbol) and within.start_ms <= time_ms <= within.end_ms
    ]
    found.sort(key=lambda pair: pair[0])
    return History(rows=tuple(row for _, row in found), covers=within)
