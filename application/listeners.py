"""Telling the world what happened, outside the writer.

Each listener has a thread and a bounded queue of its own. A slow one loses events once its queue is
full, a failing one loses the event that it failed on; both are counted, and neither delays an order
or another listener. The journal has everything; a listener that must not miss anything reads it.
"""

import logging
import queue
import threading
from collections.abc import Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.core.events import Event
from tidegate.ports.notifier import NotifierPort

__all__ = ["LISTENER_QUEUE_MAX", "EventHub", "ListenerReport"]

LISTENER_QUEUE_MAX = 10_000
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ListenerReport:
    """How a listener has fared: events delivered, failed on, and dropped for a full queue."""

    delivered: int
    failed: int
    dropped: int


class _Worker:
    def __init__(self, name: str, listener: NotifierPort, queue_max: int) -> None:
        self._listener = listener
        self._queue: queue.Queue[tuple[Event, int] | None] = queue.Queue(queue_max)
        self._thread = threading.Thread(
            target=self._work, name=f"tidegate-listener-{name}", daemon=True
        )
        self._name = name
        self._delivered = self._failed = self._dropped = 0

    def start(self) -> None:
        self._thread.start()

    def offer(self, event: Event, time_ms: int) -> None:
        try:
            self._queue.put_nowait((event, time_ms))
        except queue.Full:
            self._dropped += 1

    def stop(self, timeout_s: int) -> None:
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            _LOG.error("listener %s is stuck: it is left behind", self._name)
            return
        self._thread.join(timeout_s)

    def report(self) -> ListenerReport:
        return ListenerReport(delivered=self._delivered, failed=self._failed, dropped=self._dropped)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            event, time_ms = item
            try:
                self._listener.notify(event, time_ms=time_ms)
            except Exception:  # noqa: BLE001 - a listener's fault is its own; it is counted
                self._failed += 1
                _LOG.exception("listener %s failed on %s", self._name, type(event).__name__)
            else:
                self._delivered += 1


class EventHub:
    """Hands journaled events to any number of named listeners."""

    def __init__(self, *, queue_max: int = LISTENER_QUEUE_MAX) -> None:
        self._queue_max = queue_max
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        self._ended: dict[str, _Worker] = {}

    def add(self, name: str, listener: NotifierPort) -> None:
        """Start telling ``listener``; a name is taken once.

        Raises:
            ValueError: there is a listener of that name.

        """
        with self._lock:
            if name in self._workers:
                raise ValueError(f"listener {name!r} is there already: choose another name")
            worker = _Worker(name, listener, self._queue_max)
            self._workers[name] = worker
        worker.start()

    def take(self, event: Event, time_ms: int) -> None:
        """Queue an event for every listener; never blocks."""
        for worker in tuple(self._workers.values()):
            worker.offer(event, time_ms)

    def reports(self) -> Mapping[str, ListenerReport]:
        """Return how each listener has fared; those that were stopped are among them."""
        every = {**self._ended, **self._workers}
        return MappingProxyType({name: worker.report() for name, worker in every.items()})

    def stop(self, *, timeout_s: int = 5) -> None:
        """Let each listener finish what is queued, within the time given to each."""
        with self._lock:
            workers, self._workers = dict(self._workers), {}
            self._ended.update(workers)
        for worker in workers.values():
            worker.stop(timeout_s)
