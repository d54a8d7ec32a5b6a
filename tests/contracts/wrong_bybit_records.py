"""Adapters of Bybit that read the account's records and the market wrongly, each in one way."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import attrs
from tidegate.adapters.bybit.rest import Call
from tidegate.adapters.bybit.wire.fields import Row
from tidegate.adapters.bybit.wire.records import account_change
from tidegate.domain.market import FundingRate
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import Bar, OrderReport
from tidegate.ports.exchange import History, TimeRange

from .wrong_adapter import WrongAdapter

__all__ = [
    "BarsOfOneQuestion",
    "BarsWithoutItsOwnPrice",
    "EveryRecordIsKept",
    "EveryUnfilledOrderIsKept",
    "LogOfOneCategory",
    "LogOfOnePage",
    "RatesOfOneQuestion",
]


class _AsksOnce(WrongAdapter):
    """Asks for the log with one question."""

    more: ClassVar[Mapping[str, object]]

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        times = {"startTime": str(within.start_ms), "endTime": str(within.end_ms)}
        asked = {"accountType": "UNIFIED", "currency": "USDT", "limit": "50", **times, **self.more}
        rows = Row.of("log", self.rest.query(Call.TRANSACTION_LOG, asked).result).rows("list")
        read = tuple(account_change(row.fields) for row in reversed(rows))
        return History(rows=read, covers=within)


class LogOfOnePage(_AsksOnce):
    """Leaves the cursor of ``transaction-log`` alone."""

    case = "test_records_of_several_pages_are_whole"
    more: ClassVar[Mapping[str, object]] = MappingProxyType({})


class LogOfOneCategory(_AsksOnce):
    """Asks for category ``linear``, to which no transfer belongs."""

    case = "test_a_transfer_is_in_the_log_as_one[500]"
    more: ClassVar[Mapping[str, object]] = MappingProxyType({"category": "linear"})


class EveryRecordIsKept(WrongAdapter):
    """Says that what it was asked for is what it covers."""

    case = "test_what_a_venue_forgot_is_told"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        return attrs.evolve(found, covers=within, is_complete=True)


class EveryUnfilledOrderIsKept(WrongAdapter):
    """Takes the two years of orders with fills for those of all orders."""

    case = "test_an_order_that_a_venue_forgot_is_told"

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        found = super().order_history(symbol, within)
        return attrs.evolve(found, covers=within, is_complete=True)


class BarsOfOneQuestion(WrongAdapter):
    """Asks ``market/kline`` once, for the newest thousand."""

    case = "test_bars_of_several_pages_are_whole"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        found = super().bars(symbol, interval_ms=interval_ms, within=within, by=by)
        return attrs.evolve(found, rows=found.rows[-1_000:])


class BarsWithoutItsOwnPrice(WrongAdapter):
    """Asks ``market/kline`` for every price."""

    case = "test_bars_of_another_price_are_of_that_price[MARK]"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        del by
        return super().bars(symbol, interval_ms=interval_ms, within=within)


class RatesOfOneQuestion(WrongAdapter):
    """Asks ``market/funding/history`` once."""

    case = "test_funding_rates_of_several_pages_are_whole"

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        found = super().funding_rates(symbol, within)
        return attrs.evolve(found, rows=found.rows[-200:])
