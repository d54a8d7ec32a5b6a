"""The venue's records through the desk: asked for, never made up from the desk's own books."""

from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import Execution, FundingPayment, OrderReport
from tidegate.ports.desk_records import DeskRecordsPort
from tidegate.ports.exchange import ExchangePort, History, TimeRange

__all__ = ["DeskRecords"]


class DeskRecords(DeskRecordsPort):
    """The records of one venue."""

    def __init__(self, port: ExchangePort) -> None:
        self._port = port

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """See :meth:`DeskRecordsPort.open_orders`."""
        return self._port.open_orders(symbol)

    def order(
        self,
        symbol: Symbol,
        *,
        client_id: ClientId | None = None,
        venue_id: VenueOrderId | None = None,
    ) -> OrderReport | None:
        """See :meth:`DeskRecordsPort.order`."""
        if client_id is not None and venue_id is None:
            return self._port.find_order(symbol, client_id)
        if venue_id is not None and client_id is None:
            return self._port.find_by_venue_id(symbol, venue_id)
        raise ValueError(
            f"an order of {symbol} by client id {client_id!r} and venue id {venue_id!r}: exactly "
            "one of them is needed"
        )

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """See :meth:`DeskRecordsPort.order_history`."""
        return self._port.order_history(symbol, within)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """See :meth:`DeskRecordsPort.executions`."""
        return self._port.executions(symbol, within)

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """See :meth:`DeskRecordsPort.funding_payments`."""
        return self._port.funding_payments(symbol, within)

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """See :meth:`DeskRecordsPort.closed_profits`."""
        return self._port.closed_profits(symbol, within)

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """See :meth:`DeskRecordsPort.account_changes`."""
        return self._port.account_changes(within)
