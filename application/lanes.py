"""Lanes: threads that run effects against the exchange port, each kind in one of its own.

Each thread has a bounded queue: a close waits behind no cancel, no stop, no question and no entry.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import assert_never

from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadActivity,
    ReadInstrument,
    ReadPosition,
    ReadRecords,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from tidegate.domain.orders import ClientId, Role, Symbol
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import ExchangePort

from .batching import perform_all
from .close_lanes import CloseLanes
from .lane_queue import LaneQueue
from .withholding import withheld

__all__ = ["LANE_QUEUE_MAX", "LaneHost", "Lanes"]

LANE_QUEUE_MAX = 10_000
CLOSE_LANES = 4
"""How many symbols' closes may hang at the venue before those of another wait: one fewer."""
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
        self._queue_max = queue_max
        self._lock = threading.Lock()
        self._unfinished = 0
        self._queries: set[Effect] = set()
        self._places: dict[ClientId, Place] = {}
        self._leverage: dict[Symbol, SetLeverage] = {}
        self._closes = CloseLanes(CLOSE_LANES)
        self._batch_size_max = port.capabilities.batch_size_max
        self._queues = {name: LaneQueue() for name in _LANES}
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"tidegate-{name}", daemon=True)
            for name, lane in self._queues.items()
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_s: float) -> bool:
        """Let the workers finish what is queued; tell whether all ended in time."""
        for lane in self._queues.values():
            lane.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_idle(self) -> bool:
        """Tell whether every effect has run and all that it brought back was delivered."""
        with self._lock:
            return self._unfinished == 0

    def submit(self, effect: Effect) -> bool:
        """Queue an effect in its lane, from one thread only; false when the lane is full.

        A query that waits already is not queued twice, nor is a leverage that waits as the last one
        of its symbol: its answer is for every entry. A cancel ends an order that still waits: the
        venue could not find it, and would get it afterwards.
        """
        with self._lock:
            if effect in self._queries or self._leverage_waits(effect):
                return True
            lane = self._queues[self._lane_of(effect)]
            if lane.waiting >= self._queue_max:
                return False
            self._note(effect)
            self._unfinished += 1
        lane.put(effect)
        return True

    def _leverage_waits(self, effect: Effect) -> bool:
        return isinstance(effect, SetLeverage) and self._leverage.get(effect.symbol) == effect

    def _lane_of(self, effect: Effect) -> str:
        lane = _lane_of(effect)
        return lane if lane != _CLOSES else _close_lane(self._closes.lane_for(_symbol(effect)))

    def _note(self, effect: Effect) -> None:
        """Remember what is looked for while it waits, and where closes are."""
        if isinstance(effect, Place):
            self._places[effect.order.order.client_id] = effect
        elif isinstance(effect, SetLeverage):
            self._leverage[effect.symbol] = effect
        elif isinstance(effect, _QUERIES):
            self._queries.add(effect)
        if _lane_of(effect) == _CLOSES:
            symbol = _symbol(effect)
            self._closes.began(symbol, self._closes.lane_for(symbol))

    def _work(self, lane: LaneQueue) -> None:
        while effects := lane.take(batch_size_max=self._batch_size_max):
            try:
                self._run(effects)
            except BaseException as fault:  # noqa: BLE001 - whatever it is, the writer must know
                self._host.lane_failed(fault)
            with self._lock:
                self._unfinished -= len(effects)
                for effect in effects:
                    if _lane_of(effect) == _CLOSES:
                        self._closes.ended(_symbol(effect))
            for _ in effects:
                self._host.effect_done()

    def _run(self, effects: Sequence[Effect]) -> None:
        """Tell of those that stay, and send the others together."""
        leaving: list[Effect] = []
        for effect in effects:
            staying = self._staying(effect)
            if staying is None:
                leaving.append(effect)
            else:
                self._deliver(staying)
        self._deliver(perform_all(leaving, self._port, self._clock))

    def _deliver(self, results: Sequence[given.Input]) -> None:
        for result in results:
            self._host.deliver(result)

    def _staying(self, effect: Effect) -> Sequence[given.Input] | None:
        """Return what is told of an effect that does not leave; ``None``: it does."""
        match effect:
            case Place():
                if self._take_place(effect.order.order.client_id) is None:
                    return ()
            case Cancel():
                place = self._take_place(effect.client_id)
                if place is not None:
                    return withheld(place, "it was cancelled before it was sent")
            case SetLeverage():
                with self._lock:
                    if self._leverage.get(effect.symbol) is effect:
                        del self._leverage[effect.symbol]
            case _:
                with self._lock:
                    self._queries.discard(effect)
        objection = self._host.objection(effect)
        return None if objection is None else withheld(effect, objection)

    def _take_place(self, client_id: ClientId | None) -> Place | None:
        """Take an order that still waits: whoever takes it, its send or its cancel, ends it."""
        with self._lock:
            return None if client_id is None else self._places.pop(client_id, None)


_CLOSES = "closes"


def _close_lane(number: int) -> str:
    return f"{_CLOSES}-{number + 1}"


_LANES = (
    "panic",
    *(_close_lane(number) for number in range(CLOSE_LANES)),
    "stops",
    "cancels",
    "entries",
    "reads",
    "activity",
)
_QUERIES = (
    FindOrder,
    ReadPosition,
    ReadInstrument,
    ReadActivity,
    ReadRecords,
    TakeInventory,
)


def _lane_of(effect: Effect) -> str:
    match effect:
        case TakeInventory():
            return "panic"
        case Place(urgent=True):
            return "panic" if effect.order.order.purpose.role is Role.PANIC else _CLOSES
        case SetStop() | SetProtection():
            return "stops"
        case Cancel():
            return "cancels"
        case AmendOrder(urgent=True):
            return _CLOSES
        case Place() | AmendOrder() | SetLeverage() | ApplySetting():
            return "entries"
        case FindOrder() | ReadPosition() | ReadInstrument():
            return "reads"
        case ReadActivity() | ReadRecords():
            return "activity"
        case _:
            assert_never(effect)


def _symbol(effect: Effect) -> Symbol:
    """Return the symbol of what closes or reduces."""
    match effect:
        case Place():
            return effect.order.order.symbol
        case AmendOrder():
            return effect.symbol
        case _:
            raise AssertionError(f"{type(effect).__name__} is no close")
