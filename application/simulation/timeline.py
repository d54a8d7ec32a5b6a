"""Virtual time: what is to happen when, in one order that the plan alone decides."""

import heapq
from collections.abc import Callable

__all__ = ["START_MS", "Timeline"]

START_MS = 1_700_000_000_000
"""When every simulated world begins, UTC milliseconds."""
EVENTS_MAX = 200_000


class Timeline:
    """Events by time; those of one millisecond in the order in which they were added.

    An event may run the timeline itself: a call that blocks lets the world go on meanwhile.
    """

    def __init__(self) -> None:
        self.now_ms = START_MS
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._added = 0
        self._run = 0

    def at(self, time_ms: int, act: Callable[[], None]) -> None:
        """Add an event; one of the past happens next."""
        self._added += 1
        heapq.heappush(self._events, (max(time_ms, self.now_ms), self._added, act))

    def after(self, ms: int, act: Callable[[], None]) -> None:
        """Add an event ``ms`` milliseconds from now."""
        self.at(self.now_ms + ms, act)

    def run_until(self, time_ms: int) -> None:
        """Let everything up to and including ``time_ms`` happen; it is that time afterwards."""
        while self._events and self._events[0][0] <= time_ms:
            self._run += 1
            assert self._run <= EVENTS_MAX, f"{EVENTS_MAX} events in one world: a loop"
            happens_ms, _, act = heapq.heappop(self._events)
            self.now_ms = max(self.now_ms, happens_ms)
            act()
        self.now_ms = max(self.now_ms, time_ms)
