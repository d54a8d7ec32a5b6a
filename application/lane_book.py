"""What waits in which lane, without a thread: shared by the lanes and by a run in virtual time.

A request is looked at again when its turn comes: while it waited it may have been cancelled.
"""

import threading
from collections.abc import Callable, Sequence
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

from .close_lanes import CloseLanes
from .lane_queue import LaneQueue
from .withholding import withheld

__all__ = ["CLOSE_LANES", "LANES", "LANE_QUEUE_MAX", "LaneBook"]

LANE_QUEUE_MAX = 10_000
CLOSE_LANES = 4
"""How many symbols' closes may hang at the venue before those of another wait: one fewer."""


class LaneBook:
    """The lanes' queues and what is known of them; any thread may call.

    ``objection`` says why an effect must not leave any more, ``None`` when it may.
    """

    def __init__(
        self,
        objection: Callable[[Effect], str | None],
        *,
        batch_size_max: int,
        queue_max: int = LANE_QUEUE_MAX,
    ) -> None:
        self._objection = objection
        self._queue_max = queue_max
        self._batch_size_max = batch_size_max
        self._lock = threading.Lock()
        self._unfinished = 0
        self._queries: set[Effect] = set()
        self._places: dict[ClientId, Place] = {}
        self._leverage: dict[Symbol, SetLeverage] = {}
        self._closes = CloseLanes(CLOSE_LANES)
        self._queues = {name: LaneQueue() for name in LANES}

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

    def end(self) -> None:
        """Let every lane end once what waits in it was taken."""
        for lane in self._queues.values():
            lane.put(None)

    def waiting(self, lane: str) -> int:
        """How many effects wait in a lane; a number of the moment."""
        return self._queues[lane].waiting

    def take(self, lane: str) -> tuple[Effect, ...]:
        """Wait for the next effect of a lane and take what may go along; empty at the end."""
        return self._queues[lane].take(batch_size_max=self._batch_size_max)

    def finished(self, effects: Sequence[Effect]) -> None:
        """Note that effects have run, or stayed, and that what they brought was delivered."""
        with self._lock:
            self._unfinished -= len(effects)
            for effect in effects:
                if _lane_of(effect) == _CLOSES:
                    self._closes.ended(_symbol(effect))

    def staying(self, effect: Effect) -> Sequence[given.Input] | None:
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
        objection = self._objection(effect)
        return None if objection is None else withheld(effect, objection)

    def _take_place(self, client_id: ClientId | None) -> Place | None:
        """Take an order that still waits: whoever takes it, its send or its cancel, ends it."""
        with self._lock:
            return None if client_id is None else self._places.pop(client_id, None)


_CLOSES = "closes"


def _close_lane(number: int) -> str:
    return f"{_CLOSES}-{number + 1}"


LANES = (
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
