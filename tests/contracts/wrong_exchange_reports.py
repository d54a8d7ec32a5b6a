"""Venues that misreport what happened."""

from typing import cast

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    Reduction,
    Symbol,
    VenueOrderId,
)
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    Origin,
    PositionReport,
    Ticker,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    History,
    MessageSink,
    QueryFailed,
    TimeRange,
)

from .wrong_venue import Outcome, WrongVenue

__all__ = [
    "AcknowledgedIsFilled",
    "AnonymousLiquidation",
    "ClientIdDropped",
    "EquityWithoutOpenProfit",
    "ErrorIsEmpty",
    "ErrorIsNotFound",
    "ExecutionTwice",
    "FloatPrice",
    "FreshExecutionIds",
    "FundingSign",
    "HistoryDescending",
    "HistoryEndExcluded",
    "HistoryShort",
    "NewestFirst",
    "SilentExecutions",
    "StopLeftBehind",
    "StopOfFirstSize",
    "UnsignedPosition",
]


class ErrorIsEmpty(WrongVenue):
    """Answers a failed query with an empty list."""

    case = "test_an_error_is_never_an_empty_answer[open_orders]"

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        try:
            return super().open_orders(symbol)
        except QueryFailed:
            return ()


class ErrorIsNotFound(WrongVenue):
    """Answers a failed look-up with "no such order", after which it would be sent again."""

    case = "test_an_error_is_never_an_empty_answer[find_order]"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        try:
            return super().find_order(symbol, client_id)
        except QueryFailed:
            return None


class FloatPrice(WrongVenue):
    """Reads prices with a JSON parser that makes floats of them."""

    case = "test_amounts_are_exact_decimals"

    def ticker(self, symbol: Symbol) -> Ticker:
        ticker = super().ticker(symbol)
        return attrs.evolve(ticker, last=cast(Price, float(ticker.last.value)))


class StopOfFirstSize(WrongVenue):
    """Reports the stop with the quantity that it had at first."""

    case = "test_a_stop_follows_the_size_of_the_position"

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[VenueOrderId, Qty] = {}

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        orders = super().open_orders(symbol)
        return tuple(attrs.evolve(o, qty=self._first.setdefault(o.venue_id, o.qty)) for o in orders)

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        self.open_orders()
        return outcome


class StopLeftBehind(WrongVenue):
    """Goes on listing stops of positions that are gone."""

    case = "test_protection_is_gone_when_the_position_is"

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[VenueOrderId, OrderReport] = {}

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        live = {order.venue_id: order for order in super().open_orders(symbol)}
        stops = {key: o for key, o in live.items() if o.origin is Origin.STOP_LOSS}
        self._seen.update(stops)
        return tuple({**self._seen, **live}.values())

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        self.open_orders()
        return outcome


class FundingSign(WrongVenue):
    """Takes the sign of the transaction log, where a payment is negative."""

    case = "test_a_long_pays_a_positive_funding_rate"

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        found = super().funding_payments(symbol, within)
        rows = tuple(attrs.evolve(row, amount=-row.amount) for row in found.rows)
        return History(rows=rows, covers=found.covers)


class AcknowledgedIsFilled(WrongVenue):
    """Takes an acknowledgement for a fill."""

    case = "test_an_acknowledgement_is_not_a_fill"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        order = super().find_order(symbol, client_id)
        if order is None or order.status is not Status.NEW:
            return order
        return attrs.evolve(order, status=Status.FILLED, qty_filled=order.qty)


class UnsignedPosition(WrongVenue):
    """Reports the size of a position without its side."""

    case = "test_long_is_positive_and_short_negative"

    def position(self, symbol: Symbol) -> PositionReport:
        report = super().position(symbol)
        return attrs.evolve(report, qty=abs(report.qty))


class HistoryShort(WrongVenue):
    """Loses the last row of a page."""

    case = "test_executions_are_ascending_and_complete"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=found.rows[:-1])


class HistoryDescending(WrongVenue):
    """Hands rows on in the venue's own order, newest first."""

    case = "test_executions_are_ascending_and_complete"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=found.rows[::-1])


class HistoryEndExcluded(WrongVenue):
    """Takes the end of a range for exclusive."""

    case = "test_a_range_includes_both_of_its_ends"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        end_ms = max(within.start_ms, within.end_ms - 1)
        short = TimeRange(start_ms=within.start_ms, end_ms=end_ms)
        return attrs.evolve(super().executions(symbol, short), covers=within)


class ClientIdDropped(WrongVenue):
    """Leaves the client id out of executions."""

    case = "test_every_report_carries_the_client_id"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(
            found, rows=tuple(attrs.evolve(row, client_id=None) for row in found.rows)
        )


class ExecutionTwice(WrongVenue):
    """Joins two pages that overlap."""

    case = "test_no_execution_is_listed_twice"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=(*found.rows, *found.rows[-1:]))


class NewestFirst(WrongVenue):
    """Lists open orders in the venue's order, newest first."""

    case = "test_open_orders_come_oldest_first"

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        return super().open_orders(symbol)[::-1]


class SilentExecutions(WrongVenue):
    """Listens to the order topic and not to the execution topic."""

    case = "test_a_fill_is_told_in_full"

    def connect(self, sink: MessageSink) -> None:
        def tell(message: VenueMessage) -> None:
            if not isinstance(message, Execution):
                sink(message)

        super().connect(tell)


class FreshExecutionIds(WrongVenue):
    """Numbers executions as they arrive, so that a repeated one looks new."""

    case = "test_a_repeated_execution_keeps_its_id"

    def connect(self, sink: MessageSink) -> None:
        heard: list[VenueMessage] = []

        def tell(message: VenueMessage) -> None:
            heard.append(message)
            if isinstance(message, Execution):
                message = attrs.evolve(message, execution_id=f"{len(heard)}")
            sink(message)

        super().connect(tell)


class EquityWithoutOpenProfit(WrongVenue):
    """Takes the wallet for the equity."""

    case = "test_equity_is_wallet_plus_open_profit"

    def account(self) -> AccountReport:
        account = super().account()
        return attrs.evolve(account, equity=account.wallet)


class AnonymousLiquidation(WrongVenue):
    """Reports a liquidation as an ordinary execution."""

    case = "test_a_liquidation_is_reported_as_one"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        rows = tuple(attrs.evolve(row, origin=Origin.USER) for row in found.rows)
        return attrs.evolve(found, rows=rows)
