"""Lanes: threads that run effects against the exchange port, each kind in one of its own.

Each thread has a bounded queue: a close waits behind no cancel, no stop, no question and no entry.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import Effect
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import ExchangePort

from .batching import perform_all
from .lane_book import LANE_QUEUE_MAX, LANES, LaneBook

__all__ = ["LANE_QUEUE_MAX", "LaneHost", "Lanes"]

_LOG = logging.getLogger(__name__)


class LaneHost(ABC):
    """Whom lanes work for. Every method is called in a lane's thread."""

    @abstractmethod
    def deliver(self, item: given.Input) -> None:
        """Take what an effect brought back."""

    @abstractmethod
    def objection(self, effect: Effect) -> str | None:
        """Say why ``effect`` must not leave any more, ``None`` when it may.

        Asked when its turn comes: while it waited behind a slow request its entry may have been
        cancelled, or the desk halted.
        """

    @abstractmethod
    def lane_failed(self, fault: BaseException) -> None:
        """Take a fault that no adapter may have: our own bug."""

    @abstractmethod
    def effect_done(self) -> None:
        """Note that an effect has run and all that it brought back was delivered."""


class Lanes:
    """Worker threads, each with a bounded queue, so that what hangs holds up its own kind alone.

    Panic takes inventories and sends what they demand. Closes, stops and cancels have a lane each:
    a close is reduce-only, so it may overtake both, and a stop may overtake a cancel. Closes have a
    few lanes: a symbol's keep their order, and one that hangs delays no other symbol. Questions for
    one order or position do not wait for a reading of the whole activity.

    Entries that wait one after the other leave as one batch, and so do changes and cancels, up to
    what the venue takes at once. Each is asked for its objection before, and has its own answer.
    """

    def __init__(
        self,
        port: ExchangePort,
        clock: ClockPort,
        host: LaneHost,
        *,
        queue_max: int = LANE_QUEUE_MAX,
    ) -> None:
        self._port = port
        self._clock = clock
        self._host = host
        self._book = LaneBook(
            host.objection,
            batch_size_max=port.capabilities.batch_size_max,
            queue_max=queue_max,
        )
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"tidegate-{name}", daemon=True)
            for name in LANES
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_s: float) -> bool:
        """Let the workers finish what is queued; tell whether all ended in time."""
        self._book.end()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_idle(self) -> bool:
        """Tell whether every effect has run and all that it brought back was delivered."""
        return self._book.is_idle

    def submit(self, effect: Effect) -> bool:
        """Queue an effect in its lane; see :meth:`LaneBook.submit`."""
        return self._book.submit(effect)

    def _work(self, lane: str) -> None:
        while effects := self._book.take(lane):
            try:
                self._run(effects)
            except BaseException as fault:  # noqa: BLE001 - whatever it is, the writer must know
                self._host.lane_failed(fault)
            self._book.finished(effects)
            for _ in effects:
                self._host.effect_done()

    def _run(self, effects: Sequence[Effect]) -> None:
        """Tell of those that stay, and send the others together."""
        leaving: list[Effect] = []
        for effect in effects:
            staying = self._book.staying(effect)
            if staying is None:
                leaving.append(effect)
            else:
                self._deliver(staying)
        self._deliver(perform_all(leaving, self._port, self._clock))

    def _deliver(self, results: Sequence[given.Input]) -> None:
        for result in results:
            self._host.deliver(result)
