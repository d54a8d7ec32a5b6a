"""Venues whose records of the account contradict what happened."""

from collections import Counter

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Money, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.records import AccountChange, ChangeKind, ClosedProfit
from tidegate.domain.reports import Execution, OrderReport
from tidegate.ports.exchange import History, TimeRange

from .wrong_venue import WrongVenue

__all__ = [
    "BalanceWithoutFees",
    "CloseFeeOfTheOrder",
    "CutsAPageOfRecords",
    "CutsAWeekOfRecords",
    "ForgetsCancelledInSilence",
    "ForgetsRecordsInSilence",
    "FundingInProfit",
    "FundingSignInLog",
    "LiquidationIsATrade",
    "LogOfWhatCloses",
    "OpeningFeeAtOnce",
    "OpeningIsAClosing",
    "ProfitOfEachFill",
    "ProfitWithoutFees",
    "RecordsDescending",
    "SideOfThePosition",
    "TransferIsATrade",
]

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_KEPT_MS = 730 * _DAY_MS
_PAGE = 50


def _with_fees(row: ClosedProfit, *, open_fee: Money, close_fee: Money) -> ClosedProfit:
    """Return a row with other fees, and the profit that fits them."""
    more = open_fee + close_fee - row.open_fee - row.close_fee
    return attrs.evolve(row, open_fee=open_fee, close_fee=close_fee, profit=row.profit - more)


class ProfitWithoutFees(WrongVenue):
    """Shows the difference of the prices as the profit."""

    case = "test_a_closed_profit_is_the_difference_less_both_fees"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        rows = (attrs.evolve(r, profit=r.profit + r.open_fee + r.close_fee) for r in found.rows)
        return attrs.evolve(found, rows=tuple(rows))


class SideOfThePosition(WrongVenue):
    """Takes the side of the record for that of the position."""

    case = "test_a_short_that_was_bought_back_cheaper_made_a_profit"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        rows = tuple(attrs.evolve(row, side=row.side.opposite) for row in found.rows)
        return attrs.evolve(found, rows=rows)


class OpeningIsAClosing(WrongVenue):
    """Lists every order that filled, with a loss of its fee where it opened."""

    case = "test_what_opens_has_no_closed_profit"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        closing = {row.venue_id for row in found.rows}
        fills = super().executions(symbol, within).rows
        opened = tuple(_of_fill(self, fill) for fill in fills if fill.venue_id not in closing)
        return attrs.evolve(found, rows=opened + found.rows)


def _of_fill(venue: WrongVenue, fill: Execution) -> ClosedProfit:
    return ClosedProfit(
        symbol=fill.symbol,
        venue_id=fill.venue_id,
        side=fill.side,
        qty=fill.qty,
        entry=fill.price,
        exit=fill.price,
        profit=-fill.fee,
        open_fee=ZERO_MONEY,
        close_fee=fill.fee,
        leverage=venue.position(fill.symbol).leverage,
        created_ms=fill.time_ms,
        updated_ms=fill.time_ms,
    )


class OpeningFeeAtOnce(WrongVenue):
    """Charges the whole opening fee to the first order that closes something."""

    case = "test_a_part_that_closes_carries_its_share_of_the_opening_fee"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        fees = sum((row.open_fee for row in found.rows), start=ZERO_MONEY)
        rows = (
            _with_fees(row, open_fee=ZERO_MONEY if number else fees, close_fee=row.close_fee)
            for number, row in enumerate(found.rows)
        )
        return attrs.evolve(found, rows=tuple(rows))


class ProfitOfEachFill(WrongVenue):
    """Has a record for each fill of a closing order."""

    case = "test_an_order_that_closes_in_parts_is_one_record"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        fills = Counter(fill.venue_id for fill in super().executions(symbol, within).rows)
        rows = (
            attrs.evolve(row, qty=Qty(row.qty.value / fills[row.venue_id]))
            for row in found.rows
            for _ in range(fills[row.venue_id])
        )
        return attrs.evolve(found, rows=tuple(rows))


class CloseFeeOfTheOrder(WrongVenue):
    """Charges all fees of an order to what it closed, also where it opened as well."""

    case = "test_an_order_that_reverses_closed_only_what_was_held"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        fees: dict[str, Money] = {}
        for fill in super().executions(symbol, within).rows:
            fees[fill.venue_id] = fees.get(fill.venue_id, ZERO_MONEY) + fill.fee
        rows = (
            _with_fees(row, open_fee=row.open_fee, close_fee=fees[row.venue_id])
            for row in found.rows
        )
        return attrs.evolve(found, rows=tuple(rows))


class FundingInProfit(WrongVenue):
    """Takes the funding that was paid out of the profit of the order that closed."""

    case = "test_funding_is_no_part_of_a_closed_profit"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        paid = super().funding_payments(symbol, within).rows
        funding = sum((payment.amount for payment in paid), start=ZERO_MONEY)
        if not found.rows:
            return found
        last = attrs.evolve(found.rows[-1], profit=found.rows[-1].profit - funding)
        return attrs.evolve(found, rows=(*found.rows[:-1], last))


class BalanceWithoutFees(WrongVenue):
    """Counts the cash and the funding of a line as its change, and leaves its fee out."""

    case = "test_the_log_adds_up_to_the_wallet"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        rows = tuple(attrs.evolve(r, change=r.cash_flow + r.funding) for r in found.rows)
        return attrs.evolve(found, rows=rows)


class LogOfWhatCloses(WrongVenue):
    """Leaves out of the log what brought no cash."""

    case = "test_every_execution_is_in_the_log_once_with_its_fee"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        rows = tuple(row for row in found.rows if row.cash_flow != ZERO_MONEY)
        return attrs.evolve(found, rows=rows)


class FundingSignInLog(WrongVenue):
    """Writes what was paid as funding where what was received belongs."""

    case = "test_funding_in_the_log_is_what_was_received"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        rows = tuple(attrs.evolve(row, funding=-row.funding) for row in found.rows)
        return attrs.evolve(found, rows=rows)


class TransferIsATrade(WrongVenue):
    """Knows one kind of cash in its log."""

    case = "test_a_transfer_is_in_the_log_as_one[500]"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        rows = (
            row if row.kind is ChangeKind.FUNDING else attrs.evolve(row, kind=ChangeKind.TRADE)
            for row in found.rows
        )
        return attrs.evolve(found, rows=tuple(rows))


class LiquidationIsATrade(WrongVenue):
    """Takes a liquidation for an order of the account's owner."""

    case = "test_a_liquidation_is_named_in_the_log"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        rows = (
            attrs.evolve(row, kind=ChangeKind.TRADE) if row.kind is ChangeKind.LIQUIDATION else row
            for row in found.rows
        )
        return attrs.evolve(found, rows=tuple(rows))


class RecordsDescending(WrongVenue):
    """Hands closed profits out as the venue does: newest first."""

    case = "test_records_are_ascending_and_both_ends_count"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        found = super().closed_profits(symbol, within)
        return attrs.evolve(found, rows=found.rows[::-1])


class CutsAPageOfRecords(WrongVenue):
    """Takes one page of the log for all of it."""

    case = "test_records_of_several_pages_are_whole"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        return attrs.evolve(found, rows=found.rows[-_PAGE:])


class CutsAWeekOfRecords(WrongVenue):
    """Asks for the last seven days whatever the range is, and says that it covers all of it."""

    case = "test_records_reach_further_back_than_a_week"

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        start_ms = max(within.start_ms, within.end_ms - _WEEK_MS)
        week = TimeRange(start_ms=start_ms, end_ms=within.end_ms)
        return attrs.evolve(super().closed_profits(symbol, week), covers=within)


class ForgetsRecordsInSilence(WrongVenue):
    """Keeps records for two years, and never says so."""

    case = "test_what_a_venue_forgot_is_told"

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        found = super().account_changes(within)
        oldest_ms = self.now_ms() - _KEPT_MS
        rows = tuple(row for row in found.rows if row.time_ms >= oldest_ms)
        return attrs.evolve(found, rows=rows)


class ForgetsCancelledInSilence(WrongVenue):
    """Keeps orders that ended without a fill for a day, and never says so."""

    case = "test_an_order_that_a_venue_forgot_is_told"

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        found = super().order_history(symbol, within)
        oldest_ms = self.now_ms() - _DAY_MS
        rows = tuple(
            row
            for row in found.rows
            if row.status is not Status.CANCELLED or row.updated_ms >= oldest_ms
        )
        return attrs.evolve(found, rows=rows)
