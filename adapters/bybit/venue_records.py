"""The account's records, as the part of the Bybit venue that has nothing to do with trading."""

from tidegate.domain.orders import Symbol
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.ports.exchange import ExchangePort, History, TimeRange

from .records import RecordQueries

__all__ = ["RecordsOfVenue"]


class RecordsOfVenue(ExchangePort):
    """What the venue says about what became of the account."""

    records: RecordQueries

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """See :meth:`ExchangePort.closed_profits`; kept for two years."""
        return self.records.closed_profits(symbol, within)

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """See :meth:`ExchangePort.account_changes`; kept for two years."""
        return self.records.account_changes(within)
