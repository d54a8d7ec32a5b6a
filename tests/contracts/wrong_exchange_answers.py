"""Venues that answer questions from somewhere else than the venue, or from a part of it."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price
from tidegate.domain.orders import ClientId, Side, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    OrderReport,
    PositionReport,
    Ticker,
    VenueMessage,
)
from tidegate.ports.exchange import (
    Done,
    History,
    MessageSink,
    PositionStop,
    Rejected,
    TimeRange,
    Unknown,
)

from tests.domain.samples import BTCUSDT

from .wrong_venue import WrongVenue

__all__ = [
    "AvailableIsWallet",
    "BidAndAskSwapped",
    "EndedHasNoVenueId",
    "FeeAsCredit",
    "FirstPageOnly",
    "FrozenTicker",
    "FundingIsTrade",
    "LastWeekOnly",
    "LiveQueryAlone",
    "PartIsWhole",
    "PositionFromStream",
    "StopAsRequested",
    "TickerFromStream",
    "TrailLost",
]

_PAGE = 100
_WEEK_MS = 7 * 86_400_000


class LiveQueryAlone(WrongVenue):
    """Looks for an order among the open ones only: what is filled was never sent."""

    case = "test_an_order_is_found_live_and_in_history"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        live = self.open_orders(symbol)
        return next((order for order in live if order.client_id == client_id), None)


class PartIsWhole(WrongVenue):
    """Reads an order that has fills as filled."""

    case = "test_a_resting_order_fills_in_parts"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        order = super().find_order(symbol, client_id)
        if order is None or order.status is not Status.PARTIALLY_FILLED:
            return order
        return attrs.evolve(order, status=Status.FILLED, qty_filled=order.qty)


class FeeAsCredit(WrongVenue):
    """Takes the sign of fees from the wallet's view, where what is paid is negative."""

    case = "test_a_taker_pays_the_taker_rate"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=tuple(attrs.evolve(r, fee=-r.fee) for r in found.rows))


class FirstPageOnly(WrongVenue):
    """Asks for one page of executions and takes it for all of them."""

    case = "test_a_history_of_several_pages_is_whole"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=found.rows[-_PAGE:])


class LastWeekOnly(WrongVenue):
    """Cuts a long range to the week that one question may span, and claims to cover all of it."""

    case = "test_history_reaches_further_back_than_a_week"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        start_ms = max(within.start_ms, within.end_ms - _WEEK_MS)
        week = TimeRange(start_ms=start_ms, end_ms=within.end_ms)
        return attrs.evolve(super().executions(symbol, week), covers=within)


class FundingIsTrade(WrongVenue):
    """Reads the funding rows of the execution list as executions."""

    case = "test_funding_is_no_execution"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        settled = self.funding_payments(symbol, within).rows
        extra = tuple(
            Execution(
                execution_id=row.payment_id,
                symbol=row.symbol,
                venue_id=VenueOrderId(row.payment_id),
                client_id=None,
                side=Side.BUY if row.qty.sign > 0 else Side.SELL,
                qty=abs(row.qty),
                price=row.mark,
                fee=row.amount,
                is_maker=False,
                time_ms=row.time_ms,
            )
            for row in settled
        )
        return attrs.evolve(found, rows=found.rows + extra)


class AvailableIsWallet(WrongVenue):
    """Reports the whole wallet as available, whatever positions lock."""

    case = "test_an_open_position_locks_margin"

    def account(self) -> AccountReport:
        account = super().account()
        return attrs.evolve(account, available=account.wallet)


class TrailLost(WrongVenue):
    """Leaves the trailing distance out of position reports."""

    case = "test_a_trailing_stop_follows_and_never_retreats"

    def position(self, symbol: Symbol) -> PositionReport:
        return attrs.evolve(super().position(symbol), trailing_distance=None)


class StopAsRequested(WrongVenue):
    """Shows the stop that was asked for last, for as long as there is a position."""

    case = "test_a_stop_that_is_gone_is_not_shown"

    def __init__(self) -> None:
        super().__init__()
        self._asked: Price | None = None

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        outcome = super().set_position_stop(stop)
        if isinstance(outcome, Done) and stop.stop_loss is not None:
            self._asked = stop.stop_loss if stop.stop_loss.sign else None
        return outcome

    def position(self, symbol: Symbol) -> PositionReport:
        report = super().position(symbol)
        if not report.qty.sign:
            self._asked = None
        shown = report.stop_loss if self._asked is None else self._asked
        return attrs.evolve(report, stop_loss=shown)


class BidAndAskSwapped(WrongVenue):
    """Reads the two sides of the book the wrong way round."""

    case = "test_the_ticker_is_in_order"

    def ticker(self, symbol: Symbol) -> Ticker:
        ticker, tick = super().ticker(symbol), BTCUSDT.tick
        return attrs.evolve(ticker, bid=ticker.ask + tick, ask=ticker.bid)


class FrozenTicker(WrongVenue):
    """Asks for prices once, and hands them out again with the time of now."""

    case = "test_the_ticker_follows_the_market"

    def __init__(self) -> None:
        super().__init__()
        self._first: Ticker | None = None

    def ticker(self, symbol: Symbol) -> Ticker:
        if self._first is None:
            self._first = super().ticker(symbol)
        return attrs.evolve(self._first, time_ms=self.now_ms())


class TickerFromStream(WrongVenue):
    """Answers with the prices that were pushed last, however long ago that was."""

    case = "test_queries_are_fresh_while_the_stream_is_down"

    def __init__(self) -> None:
        super().__init__()
        self._pushed: Ticker | None = None

    def connect(self, sink: MessageSink) -> None:
        def tell(message: VenueMessage) -> None:
            if isinstance(message, Ticker):
                self._pushed = message
            sink(message)

        super().connect(tell)

    def ticker(self, symbol: Symbol) -> Ticker:
        if self._pushed is None:
            self._pushed = super().ticker(symbol)
        return attrs.evolve(self._pushed, time_ms=self.now_ms())


class PositionFromStream(WrongVenue):
    """Answers with the position that was pushed last, whatever its number."""

    case = "test_a_query_heeds_no_message_that_came_late"

    def __init__(self) -> None:
        super().__init__()
        self._pushed: PositionReport | None = None

    def connect(self, sink: MessageSink) -> None:
        def tell(message: VenueMessage) -> None:
            if isinstance(message, PositionReport):
                self._pushed = message
            sink(message)

        super().connect(tell)

    def position(self, symbol: Symbol) -> PositionReport:
        if self._pushed is None:
            return super().position(symbol)
        return self._pushed


class EndedHasNoVenueId(WrongVenue):
    """Looks for a venue id among the orders that are open."""

    case = "test_an_order_is_found_by_the_venue_s_id_too"

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        return next((o for o in self.open_orders(symbol) if o.venue_id == venue_id), None)
