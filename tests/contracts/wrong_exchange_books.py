"""Venues whose positions, executions and histories do not fit together."""

import attrs
from tidegate.domain.money import ZERO_MONEY, Price
from tidegate.domain.orders import Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import (
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    RejectReason,
    StreamReport,
    StreamState,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    History,
    MessageSink,
    QueryFailed,
    Rejected,
    TimeRange,
)

from .wrong_venue import Outcome, WrongVenue

__all__ = [
    "AveragesPrices",
    "EmptyIsFailure",
    "EntryIsLastPrice",
    "ExecutionNamesItself",
    "FirstFiftyOrders",
    "FundingOfTheFlat",
    "HistoryOfItsOwnTime",
    "KeepsEverySink",
    "NumbersBackward",
    "PositionsWithoutSide",
    "RefusesWhileDown",
    "SymbolNeeded",
]

_PAGE = 50


class EntryIsLastPrice(WrongVenue):
    """Shows the price of the last execution as the entry."""

    case = "test_a_reduction_leaves_the_entry_price"

    def position(self, symbol: Symbol) -> PositionReport:
        report = super().position(symbol)
        if report.entry_price is None:
            return report
        everything = TimeRange(start_ms=0, end_ms=self.now_ms())
        last = self.executions(symbol, everything).rows[-1]
        return attrs.evolve(report, entry_price=last.price)


class AveragesPrices(WrongVenue):
    """Reports an average where each execution has a price of its own."""

    case = "test_orders_and_executions_lie_on_the_grid"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        rows = tuple(attrs.evolve(r, price=Price(r.price.value / 7)) for r in found.rows)
        return attrs.evolve(found, rows=rows)


class ExecutionNamesItself(WrongVenue):
    """Gives an execution its own id where that of its order belongs."""

    case = "test_an_execution_names_its_order"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        rows = tuple(
            attrs.evolve(row, venue_id=VenueOrderId(row.execution_id)) for row in found.rows
        )
        return attrs.evolve(found, rows=rows)


class PositionsWithoutSide(WrongVenue):
    """Lists positions by their size, without their side."""

    case = "test_positions_lists_what_is_held"

    def positions(self) -> tuple[PositionReport, ...]:
        return tuple(attrs.evolve(row, qty=abs(row.qty)) for row in super().positions())


class EmptyIsFailure(WrongVenue):
    """Takes a list without rows for a failed query."""

    case = "test_an_empty_range_is_an_answer"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        if not found.rows:
            raise QueryFailed("executions: nothing came")
        return found


class SymbolNeeded(WrongVenue):
    """Knows no history of the whole account."""

    case = "test_without_a_symbol_history_is_of_the_account"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        return super().executions(Symbol("") if symbol is None else symbol, within)


class HistoryOfItsOwnTime(WrongVenue):
    """Stamps the rows of the history with the time of the query."""

    case = "test_history_and_lookup_agree"

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        found = super().order_history(symbol, within)
        late_ms = self.now_ms() + 1
        rows = tuple(attrs.evolve(row, updated_ms=late_ms) for row in found.rows)
        return attrs.evolve(found, rows=rows)


class FirstFiftyOrders(WrongVenue):
    """Asks for one page of open orders and takes it for all of them."""

    case = "test_open_orders_of_several_pages_are_all_listed"

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        return super().open_orders(symbol)[-_PAGE:]


class FundingOfTheFlat(WrongVenue):
    """Lists a settlement also where nothing was held, with a payment of nothing."""

    case = "test_who_is_flat_pays_no_funding"

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        found = super().funding_payments(symbol, within)
        held = self.positions()
        if held or found.rows or symbol is None:
            return found
        position, rate = self.position(symbol), self.fee_rates(symbol).maker
        nothing = FundingPayment(
            payment_id="settled",
            symbol=symbol,
            rate=rate,
            mark=position.mark,
            qty=position.qty,
            amount=ZERO_MONEY,
            time_ms=self.now_ms(),
        )
        return attrs.evolve(found, rows=(nothing,))


class NumbersBackward(WrongVenue):
    """Numbers position messages downward."""

    case = "test_position_messages_are_numbered_forward"

    def connect(self, sink: MessageSink) -> None:
        def tell(message: VenueMessage) -> None:
            if isinstance(message, PositionReport):
                message = attrs.evolve(message, sequence=-message.sequence)
            sink(message)

        super().connect(tell)


class KeepsEverySink(WrongVenue):
    """Adds a sink with every connect, and tells all of them."""

    case = "test_a_second_connect_replaces_the_sink"

    def __init__(self) -> None:
        super().__init__()
        self._sinks: list[MessageSink] = []

    def connect(self, sink: MessageSink) -> None:
        self._sinks.append(sink)

        def tell(message: VenueMessage) -> None:
            for one in self._sinks:
                one(message)

        super().connect(tell)


class RefusesWhileDown(WrongVenue):
    """Sends nothing while its stream is down."""

    case = "test_requests_work_while_the_stream_is_down"

    def __init__(self) -> None:
        super().__init__()
        self._state = StreamState.UP

    def connect(self, sink: MessageSink) -> None:
        def tell(message: VenueMessage) -> None:
            if isinstance(message, StreamReport):
                self._state = message.state
            sink(message)

        super().connect(tell)

    def place(self, order: Approved | Reduction) -> Outcome:
        if self._state is StreamState.UP:
            return super().place(order)
        return Rejected(
            reason=RejectReason.OTHER, code=None, message="no stream", time_ms=self.now_ms()
        )
