"""What became of an operator's request: the events that were recorded for its key."""

import threading
from typing import TypeVar

from tidegate.domain.core.events import (
    AmendIntended,
    AmendRejected,
    AmendSettled,
    CancelRequested,
    Event,
    MassCancelEnded,
    OrderIntended,
    OrderRefused,
    RequestRefused,
)
from tidegate.domain.orders import ClientId, OrderRequest
from tidegate.ports.orders import Refused

__all__ = ["Request", "Requests"]


class Request:
    """Collects the events that concern one key. Written by the writer, read by the caller."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.refused: Refused | None = None
        self.orders: dict[ClientId, OrderRequest] = {}
        self.rejected: dict[ClientId, OrderRefused] = {}
        self.amendment: AmendIntended | None = None
        self.amend_rejected: AmendRejected | None = None
        self.settled: AmendSettled | None = None
        self.cancels: tuple[ClientId, ...] | None = None
        self.mass_cancel: MassCancelEnded | None = None

    @property
    def names(self) -> frozenset[ClientId]:
        """The orders that this request is about, as far as it is recorded."""
        changed = () if self.amendment is None else (self.amendment.client_id,)
        return frozenset((*self.orders, *changed))

    def take(self, event: Event) -> None:
        """Keep an event that concerns this request."""
        match event:
            case RequestRefused() if event.key == self.key:
                self.refused = Refused(
                    breaches=event.breaches,
                    missing=event.missing,
                    fault=event.fault,
                    largest=event.largest,
                )
            case OrderIntended() if event.trade_key == self.key:
                self.orders[event.order.client_id] = event.order
            case AmendIntended() if event.key == self.key:
                self.amendment = event
            case CancelRequested() if event.key == self.key:
                self.cancels = event.client_ids
            case MassCancelEnded() if event.key == self.key:
                self.mass_cancel = event
            case OrderRefused() if event.client_id in self.orders:
                self.rejected[event.client_id] = event
            case AmendRejected() if self._is_amended(event.client_id):
                self.amend_rejected = event
            case AmendSettled() if self._is_amended(event.client_id):
                self.settled = event
            case _:
                return

    def _is_amended(self, client_id: ClientId) -> bool:
        return self.amendment is not None and self.amendment.client_id == client_id


class Requests:
    """The requests whose callers are waiting; bounded by their threads and their batches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, list[Request]] = {}
        self._by_order: dict[ClientId, list[Request]] = {}

    def expect(self, key: str) -> Request:
        """Begin to collect for a key."""
        request = Request(key)
        with self._lock:
            self._by_key.setdefault(key, []).append(request)
        return request

    def forget(self, request: Request) -> None:
        """Stop collecting."""
        with self._lock:
            _drop(self._by_key, request.key, request)
            for name in request.names:
                _drop(self._by_order, name, request)

    def take(self, event: Event, _: int) -> None:
        """Give one journaled event to whom it concerns."""
        with self._lock:
            for request in self._concerned(event):
                known = request.names
                request.take(event)
                for name in request.names - known:
                    self._by_order.setdefault(name, []).append(request)

    def _concerned(self, event: Event) -> tuple[Request, ...]:
        match event:
            case RequestRefused() | AmendIntended() | CancelRequested() | MassCancelEnded():
                found = self._by_key.get(event.key, ())
            case OrderIntended():
                found = self._by_key.get(event.trade_key, ())
            case OrderRefused() | AmendRejected() | AmendSettled():
                found = self._by_order.get(event.client_id, ())
            case _:
                found = ()
        return tuple(found)


_Id = TypeVar("_Id", bound=str)


def _drop(lists: dict[_Id, list[Request]], name: _Id, request: Request) -> None:
    lists[name].remove(request)
    if not lists[name]:
        del lists[name]
