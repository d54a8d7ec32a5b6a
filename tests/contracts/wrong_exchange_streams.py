"""Venues whose stream tells too much, too little, too early, or in another order."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Price
from tidegate.domain.orders import Reduction
from tidegate.domain.reports import (
    Execution,
    OrderReport,
    PositionReport,
    StreamReport,
    StreamState,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, MessageSink

from .wrong_venue import Outcome, WrongVenue

__all__ = [
    "AcknowledgesLate",
    "DownAtFirst",
    "FilledOnAcknowledgement",
    "FillsFromOrders",
    "RenumberedPositions",
    "SilentAfterOutage",
    "TellsAfterClosing",
    "UpTooEarly",
]


class FillsFromOrders(WrongVenue):
    """Makes an execution of every message that an order is filled, and ignores executions."""

    case = "test_a_filled_order_told_twice_is_one_fill"

    def connect(self, sink: MessageSink) -> None:
        heard: list[VenueMessage] = []

        def tell(message: VenueMessage) -> None:
            heard.append(message)
            if isinstance(message, Execution):
                return
            sink(message)
            if isinstance(message, OrderReport) and message.status is Status.FILLED:
                sink(_execution_of(message, len(heard)))

        super().connect(tell)


def _execution_of(order: OrderReport, number: int) -> Execution:
    return Execution(
        execution_id=f"{order.venue_id}-{number}",
        symbol=order.symbol,
        venue_id=order.venue_id,
        client_id=order.client_id,
        side=order.side,
        qty=order.qty_filled,
        price=Price(order.value_filled.value / order.qty_filled.value),
        fee=ZERO_MONEY,
        is_maker=False,
        time_ms=order.updated_ms,
    )


class RenumberedPositions(WrongVenue):
    """Numbers position messages as they arrive, so that the latest to come looks newest."""

    case = "test_an_older_position_message_is_known_by_its_number"

    def connect(self, sink: MessageSink) -> None:
        heard: list[PositionReport] = []

        def tell(message: VenueMessage) -> None:
            if isinstance(message, PositionReport):
                heard.append(message)
                message = attrs.evolve(message, sequence=len(heard))
            sink(message)

        super().connect(tell)


class FilledOnAcknowledgement(WrongVenue):
    """Tells an order as filled as soon as the venue has acknowledged it."""

    case = "test_a_resting_and_a_cancelled_order_are_told"

    def __init__(self) -> None:
        super().__init__()
        self._told: MessageSink | None = None

    def connect(self, sink: MessageSink) -> None:
        self._told = sink
        super().connect(sink)

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        report = self.find_order(order.order.symbol, order.order.client_id)
        if self._told is not None and isinstance(outcome, Accepted) and report is not None:
            self._told(attrs.evolve(report, status=Status.FILLED, qty_filled=report.qty))
        return outcome


class SilentAfterOutage(WrongVenue):
    """Comes back after an outage without subscribing again."""

    case = "test_the_stream_goes_on_after_an_outage"

    def connect(self, sink: MessageSink) -> None:
        downs: list[StreamReport] = []

        def tell(message: VenueMessage) -> None:
            if isinstance(message, StreamReport):
                if message.state is StreamState.DOWN:
                    downs.append(message)
                sink(message)
            elif not downs:
                sink(message)

        super().connect(tell)


class UpTooEarly(WrongVenue):
    """Says that the stream is up before it is subscribed: the first messages are missed."""

    case = "test_nothing_is_missed_once_the_stream_is_told_to_be_up"

    def connect(self, sink: MessageSink) -> None:
        missing: list[int] = []

        def tell(message: VenueMessage) -> None:
            if isinstance(message, StreamReport):
                missing[:] = [1, 2] if message.state is StreamState.UP else []
                sink(message)
            elif missing:
                missing.pop()
            else:
                sink(message)

        super().connect(tell)


class AcknowledgesLate(WrongVenue):
    """Tells an order as live after its fills, since the acknowledgement came after them."""

    case = "test_the_told_life_of_an_order_is_legal"

    def __init__(self) -> None:
        super().__init__()
        self._told: MessageSink | None = None

    def connect(self, sink: MessageSink) -> None:
        self._told = sink
        super().connect(sink)

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        report = self.find_order(order.order.symbol, order.order.client_id)
        if self._told is not None and isinstance(outcome, Accepted) and report is not None:
            self._told(attrs.evolve(report, status=Status.NEW))
        return outcome


class DownAtFirst(WrongVenue):
    """Tells a start as an outage that is over."""

    case = "test_a_new_stream_is_not_told_to_be_down"

    def connect(self, sink: MessageSink) -> None:
        sink(StreamReport(state=StreamState.DOWN, time_ms=self.now_ms()))
        super().connect(sink)


class TellsAfterClosing(WrongVenue):
    """Leaves its stream open when it is closed."""

    case = "test_closing_ends_the_stream"

    def close(self) -> None:
        """Forgets to."""
