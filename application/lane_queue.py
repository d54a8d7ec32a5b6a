"""The queue of one lane, which hands out several orders together where a batch may carry them."""

import queue

from tidegate.domain.core.effects import AmendOrder, Cancel, Effect, Place

__all__ = ["LaneQueue"]


class LaneQueue:
    """Effects in the order in which they came. Anyone puts; one thread takes.

    Entries that wait one after the other are taken together, and so are changes and cancels. An
    urgent order is taken alone: it waits for nothing that goes with it. So is the change of a
    conditional order, which no batch can carry.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Effect | None] = queue.SimpleQueue()
        self._beyond: list[Effect | None] = []

    @property
    def waiting(self) -> int:
        """How many wait; a number of the moment."""
        return self._queue.qsize() + len(self._beyond)

    def put(self, effect: Effect | None) -> None:
        """Add an effect; ``None`` ends the lane once everything before it was taken."""
        self._queue.put(effect)

    def take(self, *, batch_size_max: int) -> tuple[Effect, ...]:
        """Wait for the next effect and take what may go along with it; empty at the end."""
        first = self._beyond.pop() if self._beyond else self._queue.get()
        if first is None:
            return ()
        taken = [first]
        while len(taken) < batch_size_max and _may_be_joined(first):
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None or not _goes_with(first, following):
                self._beyond.append(following)
                break
            taken.append(following)
        return tuple(taken)


def _may_be_joined(effect: Effect) -> bool:
    match effect:
        case Place(urgent=urgent):
            return not urgent
        case AmendOrder(conditional=conditional):
            return not conditional
        case Cancel():
            return True
        case _:
            return False


def _goes_with(first: Effect, following: Effect) -> bool:
    return type(first) is type(following) and _may_be_joined(following)
