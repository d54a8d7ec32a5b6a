"""Listeners are told outside the writer, and none can hurt it or another."""

import threading

import pytest
from tidegate.application.listeners import EventHub, ListenerReport
from tidegate.domain.core.events import Event, PanicReset
from tidegate.ports.notifier import NotifierPort

EVENT = PanicReset(time_ms=5)


class Recorder(NotifierPort):
    def __init__(self, enough: int) -> None:
        self.seen: list[tuple[Event, int]] = []
        self.done = threading.Event()
        self._enough = enough

    def notify(self, event: Event, *, time_ms: int) -> None:
        self.seen.append((event, time_ms))
        if len(self.seen) >= self._enough:
            self.done.set()


class Broken(NotifierPort):
    def notify(self, event: Event, *, time_ms: int) -> None:
        raise ValueError(f"cannot bear {event} at {time_ms}")


class Stuck(NotifierPort):
    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def notify(self, event: Event, *, time_ms: int) -> None:
        self.last = (event, time_ms)
        self.entered.set()
        self.release.wait(30)


def test_every_listener_gets_every_event_in_order() -> None:
    hub, listener = EventHub(), Recorder(3)
    hub.add("page", listener)
    for time_ms in (1, 2, 3):
        hub.take(EVENT, time_ms)
    assert listener.done.wait(10)
    assert listener.seen == [(EVENT, 1), (EVENT, 2), (EVENT, 3)]
    hub.stop()


def test_a_failing_listener_is_counted_and_does_not_keep_others_from_theirs() -> None:
    hub, listener = EventHub(), Recorder(2)
    hub.add("broken", Broken())
    hub.add("page", listener)
    hub.take(EVENT, 1)
    hub.take(EVENT, 2)
    assert listener.done.wait(10)
    workers = hub.reports()
    hub.stop()
    assert workers["page"].dropped == 0
    assert [time_ms for _, time_ms in listener.seen] == [1, 2]


def test_a_failure_is_counted_once_per_event() -> None:
    hub = EventHub()
    hub.add("broken", Broken())
    hub.take(EVENT, 1)
    worker_reports = hub.reports
    hub.take(EVENT, 2)
    deadline = threading.Event()
    for _ in range(200):
        if worker_reports()["broken"].failed == 2:
            break
        deadline.wait(0.05)
    assert worker_reports()["broken"] == ListenerReport(delivered=0, failed=2, dropped=0)
    hub.stop()


def test_a_stuck_listener_drops_only_its_own_events_and_take_never_blocks() -> None:
    hub, stuck, listener = EventHub(queue_max=2), Stuck(), Recorder(2)
    hub.add("stuck", stuck)
    hub.take(EVENT, 0)
    assert stuck.entered.wait(10)
    hub.add("page", listener)
    for time_ms in range(1, 3):
        hub.take(EVENT, time_ms)
    assert listener.done.wait(10)
    hub.take(EVENT, 3)
    assert hub.reports()["stuck"].dropped == 1
    stuck.release.set()
    hub.stop()


def test_a_name_is_taken_once() -> None:
    hub = EventHub()
    hub.add("page", Recorder(1))
    with pytest.raises(ValueError, match="'page' is there already"):
        hub.add("page", Recorder(1))
    hub.stop()


def test_a_stopped_hub_has_told_everything_and_takes_nothing_more() -> None:
    hub, listener = EventHub(), Recorder(100)
    hub.add("page", listener)
    for time_ms in range(50):
        hub.take(EVENT, time_ms)
    hub.stop()
    hub.take(EVENT, 99)
    assert len(listener.seen) == 50
    assert hub.reports() == {"page": ListenerReport(delivered=50, failed=0, dropped=0)}
