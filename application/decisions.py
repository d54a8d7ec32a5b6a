"""What became of a signal: the decision recorded for it, and the venue's answer."""

import threading
from typing import assert_never

from tidegate.domain.core.events import (
    EntryIntended,
    Event,
    LeverageRefused,
    OrderAcknowledged,
    OrderLapsed,
    OrderRefused,
    OrderUnknown,
    OrderUpdated,
    SignalRefused,
)
from tidegate.domain.core.state import Books
from tidegate.domain.lifecycle import Status
from tidegate.domain.orders import ClientId
from tidegate.ports.desk import OpenOutcome, Placed, Refused, Rejected, Unresolved

__all__ = ["Decision", "Decisions"]


class Decision:
    """Collects the events that concern one signal. Written by the writer, read by the caller."""

    def __init__(self, signal_id: str, key: str) -> None:
        self.signal_id = signal_id
        self.key = key
        self.intended: EntryIntended | None = None
        self.refused: SignalRefused | None = None
        self.rejected: OrderRefused | None = None
        self.leverage_refused: LeverageRefused | None = None
        self.last_status: Status | None = None

    @property
    def is_decided(self) -> bool:
        """Tell whether the core has decided: an entry is intended, or the signal refused."""
        return self.intended is not None or self.refused is not None

    def _status(self, books: Books, order_id: ClientId) -> Status | None:
        """Return the order's status, the last one seen where the books keep it no more.

        They keep a bounded number of finished orders: a caller that wakes late may find it gone.
        """
        order = books.order(order_id)
        return self.last_status if order is None else order.status

    def waits_for(self, event: LeverageRefused) -> bool:
        """Tell whether the entry needs the leverage that was refused."""
        if self.intended is None:
            return False
        signal = self.intended.signal
        return (signal.symbol, signal.leverage) == (event.symbol, event.leverage)

    def is_settled(self, books: Books, order_id: ClientId) -> bool:
        """Tell whether the outcome is known."""
        if self.refused is not None:
            return True
        if self.intended is None:
            return False
        return self._status(books, order_id) not in {None, Status.INTENDED}

    def outcome(self, books: Books, order_id: ClientId) -> OpenOutcome:
        """Say what became of the signal, once settled."""
        if self.refused is not None:
            return Refused(
                breaches=self.refused.breaches,
                missing=self.refused.missing,
                fault=self.refused.fault,
                largest=self.refused.largest,
            )
        status = self._status(books, order_id)
        assert self.intended is not None, f"signal {self.signal_id} is settled without a decision"
        assert status is not None, f"{order_id} was intended and nothing became of it"
        if status is Status.UNKNOWN:
            return Unresolved(client_id=order_id, cause="the venue did not answer in time")
        if status in {Status.REJECTED, Status.LAPSED}:
            return self._rejection(order_id)
        return Placed(ticket=self.intended.ticket, client_id=order_id)

    def _rejection(self, order_id: ClientId) -> Rejected:
        if self.rejected is not None:
            return Rejected(
                client_id=order_id, reason=self.rejected.reason, message=self.rejected.message
            )
        why = "the order never arrived"
        if self.leverage_refused is not None:
            why = f"leverage: {self.leverage_refused.message}"
        return Rejected(client_id=order_id, reason=None, message=why)


class Decisions:
    """The signals whose callers are waiting; bounded by their threads and their batches.

    One decision is recorded for each request, in the order in which the requests were handed over:
    of several with one key, the first that is undecided has it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, list[Decision]] = {}
        self._by_order: dict[ClientId, Decision] = {}

    def expect(self, signal_id: str, key: str) -> Decision:
        """Begin to collect for a signal."""
        decision = Decision(signal_id, key)
        with self._lock:
            self._by_key.setdefault(key, []).append(decision)
        return decision

    def forget(self, decision: Decision) -> None:
        """Stop collecting."""
        with self._lock:
            alike = self._by_key[decision.key]
            alike.remove(decision)
            if not alike:
                del self._by_key[decision.key]
            if decision.intended is not None:
                self._by_order.pop(decision.intended.order.client_id, None)

    def take(self, event: Event, _: int) -> None:
        """Give one journaled event to whom it concerns."""
        with self._lock:
            match event:
                case EntryIntended():
                    self._intended(event)
                case SignalRefused():
                    decision = self._undecided(event.trade_key)
                    if decision is not None:
                        decision.refused = event
                case LeverageRefused():
                    for decision in self._by_order.values():
                        if decision.waits_for(event):
                            decision.leverage_refused = event
                case _:
                    self._follow(event)

    def _intended(self, event: EntryIntended) -> None:
        decision = self._undecided(event.trade_key)
        if decision is not None:
            decision.intended = event
            self._by_order[event.order.client_id] = decision

    def _undecided(self, key: str) -> Decision | None:
        alike = self._by_key.get(key, ())
        return next((one for one in alike if not one.is_decided), None)

    def _follow(self, event: Event) -> None:
        match event:
            case (
                OrderRefused()
                | OrderAcknowledged()
                | OrderUpdated()
                | OrderUnknown()
                | OrderLapsed()
            ):
                decision = self._by_order.get(event.client_id)
                if decision is not None:
                    _note(decision, event)
            case _:
                return


_News = OrderRefused | OrderAcknowledged | OrderUpdated | OrderUnknown | OrderLapsed


def _note(decision: Decision, event: _News) -> None:
    """Keep the status of the signal's entry."""
    match event:
        case OrderRefused():
            decision.rejected = event
            decision.last_status = Status.REJECTED
        case OrderAcknowledged():
            decision.last_status = Status.ACKNOWLEDGED
        case OrderUpdated():
            decision.last_status = event.status
        case OrderUnknown():
            decision.last_status = Status.UNKNOWN
        case OrderLapsed():
            decision.last_status = Status.LAPSED
        case _:
            assert_never(event)
