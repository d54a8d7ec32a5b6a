"""Batches of a desk with threads: calls that wait, behind a lane that a test keeps busy."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs
from tidegate.domain.core.events import Event
from tidegate.domain.orders import ClientId
from tidegate.domain.signal import Entry, Signal
from tidegate.ports.orders import (
    Placed,
)

from tests.domain.core.scenes import limit

from .bench import signal
from .threaded_bench import (
    LOOSE,
    RunnerBench,
    events_of,
)

__all__ = ["FREE", "Call", "behind_one_that_hangs", "happened", "resting", "signals"]

FREE = attrs.evolve(
    LOOSE,
    orders_per_second_max=100_000,
    orders_per_minute_max=100_000,
    orders_per_day_max=100_000,
)
T = TypeVar("T")


def signals(count: int, *, entry: Entry | None = None) -> list[Signal]:
    return [signal(f"s{number}", entry=entry or limit("64500")) for number in range(count)]


def happened(bench: RunnerBench, kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events_of(bench.state_port))


class Call(threading.Thread):
    """A call of a batch in a thread of its own, because it waits."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.found: list[object] = []

    def run(self) -> None:
        self.found.append(self._call())

    def outcome(self) -> object:
        self.join(20)
        (found,) = self.found
        return found


@contextmanager
def behind_one_that_hangs(bench: RunnerBench) -> Iterator[None]:
    """Keep the lane of entries busy: whatever comes meanwhile waits in it together."""
    bench.venue.has_entered.clear()
    bench.venue.gate.clear()
    first = Call(lambda: bench.desk.execute(signal("first", entry=limit("64500"))))
    first.start()
    assert bench.venue.has_entered.wait(10)
    bench.venue.batch_sizes.clear()
    try:
        yield
    finally:
        bench.venue.gate.set()
        assert isinstance(first.outcome(), Placed)


def resting(bench: RunnerBench, count: int) -> list[ClientId]:
    outcomes = bench.desk.orders.execute_batch(signals(count))
    placed = [outcome for outcome in outcomes if isinstance(outcome, Placed)]
    assert len(placed) == count, outcomes
    return [outcome.client_id for outcome in placed]
