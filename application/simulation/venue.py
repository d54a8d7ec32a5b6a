"""The venue of a simulation: the scripted one, reached over a network that misbehaves."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import attrs
from tidegate.adapters.memory.amending import amend
from tidegate.adapters.memory.books import Books
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.faults import Refusal
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind
from tidegate.adapters.memory.requests import set_leverage, set_position_stop
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import ClientId, Reduction, Symbol
from tidegate.domain.reports import Execution, FundingPayment, OrderReport, RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.account import PositionStop
from tidegate.ports.batches import Outcome
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Done,
    History,
    MessageSink,
    Rejected,
    TimeRange,
    Unknown,
)

from .names import Fault
from .network import FINAL_MS, Network
from .plan import CallDraw
from .timeline import Timeline

__all__ = ["SimulatedVenue", "WorldClock"]

T = TypeVar("T")
Answer = TypeVar("Answer", Accepted, Done)
Row = TypeVar("Row", Execution, FundingPayment)
UNANSWERED_MS = 400
_ARRIVALS: Mapping[Fault, Arrival] = MappingProxyType(
    {
        Fault.REQUEST_LOST: Arrival.LOST,
        Fault.REQUEST_TOO_LATE: Arrival.LOST,
        Fault.REQUEST_LATE: Arrival.LATE,
        Fault.ANSWER_LOST: Arrival.REACHED,
    }
)


@attrs.frozen
class WorldClock(ClockPort):
    """The true time of a simulated world."""

    timeline: Timeline

    def now_ms(self) -> int:
        """See :meth:`ClockPort.now_ms`."""
        return self.timeline.now_ms


class SimulatedVenue(MemoryVenue):
    """A scripted venue whose calls and messages go over a :class:`Network`.

    ``placing`` is told of each order that reaches it, before it takes effect; ``shown`` of the rows
    of its history that a query returns.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[Symbol, Instrument],
        fees: FeeRates,
        wallet: Money,
        timeline: Timeline,
        network: Network,
    ) -> None:
        super().__init__(
            instruments=instruments,
            fees=fees,
            wallet=wallet,
            options=MemoryOptions(not_found_final_ms=FINAL_MS),
            clock=WorldClock(timeline),
        )
        self._timeline = timeline
        self._network = network
        self.placing: Callable[[Approved | Reduction], None] = lambda _: None
        self.shown: Callable[[Sequence[Execution | FundingPayment]], None] = lambda _: None

    @property
    def truth(self) -> Books:
        """The venue's own books, for whoever judges; the desk never sees them."""
        return self._shared.books

    def connect(self, sink: MessageSink) -> None:
        """Deliver messages over the network from now on."""
        super().connect(self._network.connect(sink))

    def close(self) -> None:
        """End the stream of a process that is gone."""
        self._network.disconnect()
        super().close()

    # What the network does to calls

    def _ask(self, name: str, read: Callable[[Books], T]) -> T:
        return self._network.ask(name, lambda: super(SimulatedVenue, self)._ask(name, read))

    def _request(
        self, kind: RequestKind, act: Callable[[Books], Answer | Refusal]
    ) -> Answer | Rejected | Unknown:
        def do(call: CallDraw) -> Answer | Rejected | Unknown:
            self._plan_fault(kind, call)
            return super(SimulatedVenue, self)._request(kind, act)

        return self._network.send(do)

    def _batch(
        self,
        kind: RequestKind,
        item_kind: RequestKind,
        acts: Sequence[Callable[[Books], Accepted | Refusal]],
    ) -> tuple[Outcome, ...]:
        def do(call: CallDraw) -> tuple[Outcome, ...]:
            self._plan_fault(kind, call)
            return super(SimulatedVenue, self)._batch(kind, item_kind, acts)

        return self._network.send(do)

    def _plan_fault(self, kind: RequestKind, call: CallDraw) -> None:
        fault = self._network.fault_of(call, is_query=False)
        if fault is None:
            return
        if fault is Fault.REQUEST_LATE and not self._network.is_in_time(call):
            fault = Fault.REQUEST_TOO_LATE
        self._network.count(fault)
        if fault is Fault.REQUEST_REFUSED:
            self.script.reject_next(RejectReason.OTHER, request=kind)
            return
        self._network.wait_ms = UNANSWERED_MS
        self.script.time_out_next(_ARRIVALS[fault], request=kind)
        if fault is Fault.REQUEST_LATE:
            self._timeline.after(call.late_ms, self._arrive)

    def _arrive(self) -> None:
        self.script.arrive()

    # What somebody does in the app: it goes by no network of the desk's

    def clear_stop(self, stop: PositionStop) -> None:
        """Take the stop of a position away."""
        with self._shared.turn() as books:
            set_position_stop(books, stop)

    def lever(self, symbol: Symbol, leverage: Rate) -> bool:
        """Set a leverage; tells whether it is another one now."""
        with self._shared.turn() as books:
            done = set_leverage(books, symbol, leverage)
        return isinstance(done, Done) and not done.was_already

    def change(self, change: Amendment) -> bool:
        """Change an order; tells whether the venue did."""
        with self._shared.turn() as books:
            return isinstance(amend(books, change), Accepted)

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        """Take an order, as :class:`MemoryVenue` does, and let the judge see it.

        Outcomes and errors: see :meth:`ExchangePort.place`.
        """
        self.placing(order)
        return super().place(order)

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        """Take several orders, as :class:`MemoryVenue` does, and let the judge see them.

        Outcomes and errors: see :meth:`ExchangePort.place_batch`.
        """
        for order in orders:
            self.placing(order)
        return super().place_batch(orders)

    # A history that is a little behind

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Find an order; one that has just ended may be in neither list for a moment."""
        found = super().find_order(symbol, client_id)
        if found is None or self.truth.is_live(found):
            return found
        if found.updated_ms <= self._seen_ms():
            return found
        self._network.count(Fault.HISTORY_LAGS)
        return None

    def _seen_ms(self) -> int:
        return self._timeline.now_ms - self._network.lag_ms

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions; the youngest may not be shown yet.

        Outcomes and errors: see :meth:`ExchangePort.executions`.
        """
        return self._behind(super().executions(symbol, within))

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements; the youngest may not be shown yet.

        Outcomes and errors: see :meth:`ExchangePort.funding_payments`.
        """
        return self._behind(super().funding_payments(symbol, within))

    def _behind(self, found: History[Row]) -> History[Row]:
        seen_ms = self._seen_ms()
        rows = tuple(row for row in found.rows if row.time_ms <= seen_ms)
        if len(rows) < len(found.rows):
            self._network.count(Fault.HISTORY_LAGS)
        self.shown(rows)
        return attrs.evolve(found, rows=rows)
