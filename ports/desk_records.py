"""What the venue's records say, as a desk hands it out: orders, fills, profits, the wallet."""

from abc import ABC, abstractmethod

from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import Execution, FundingPayment, OrderReport

from .exchange import History, TimeRange

__all__ = ["DeskRecordsPort"]


class DeskRecordsPort(ABC):
    """Queries of the venue's records. Any thread may call; nothing changes at the desk.

    A range of time is always given, and an answer says what it covers: ``is_complete`` is false
    where the venue does not keep all of it. ``None`` for a symbol means every symbol.

    Raises:
        NotSupported: the venue lacks the query.
        QueryFailed: there is no usable answer; it is never an empty one.

    """

    @abstractmethod
    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every order that is not finished, the venue's own and foreign ones included."""

    @abstractmethod
    def order(
        self,
        symbol: Symbol,
        *,
        client_id: ClientId | None = None,
        venue_id: VenueOrderId | None = None,
    ) -> OrderReport | None:
        """Return one order, finished or not, by exactly one of its ids; ``None``: there is none.

        Raises:
            ValueError: neither id was given, or both.

        """

    @abstractmethod
    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return finished orders last updated within the range, ascending."""

    @abstractmethod
    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range, ascending."""

    @abstractmethod
    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range, ascending; what was paid is positive."""

    @abstractmethod
    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """Return the profit of every closing order last updated within the range, ascending."""

    @abstractmethod
    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """Return every change of the account's USDT within the range, ascending."""
