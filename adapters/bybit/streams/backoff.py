"""When a stream may connect again: growing pauses with chance in them, and a bounded rate."""

from collections import deque
from collections.abc import Callable

from .settings import RetryLimits

__all__ = ["Backoff", "ConnectionBudget"]


class Backoff:
    """The pause before each further attempt of one stream.

    The n-th pause in a row lies between half of and the whole of ``pause_ms_min`` doubled n times,
    at most ``pause_ms_max``, so that many clients that lost one venue do not return together.
    """

    def __init__(self, limits: RetryLimits, random: Callable[[], float]) -> None:
        self._limits = limits
        self._random = random
        self._failures = 0

    def next_pause_ms(self) -> int:
        """Return the pause before the next attempt, and count the failure that led to it."""
        # After 20 doublings the longest pause was reached in any case; the number stays small.
        whole_ms = self._limits.pause_ms_min << min(self._failures, 20)
        whole_ms = min(whole_ms, self._limits.pause_ms_max)
        self._failures += 1
        return whole_ms - int(whole_ms / 2 * self._random())

    def was_up_for(self, up_ms: int) -> None:
        """Begin a new row of failures when the connection that ended was a stable one."""
        if up_ms >= self._limits.stable_ms:
            self._failures = 0


class ConnectionBudget:
    """How many connections all streams of one hub may still make within the window."""

    def __init__(self, limits: RetryLimits, monotonic_ms: Callable[[], int]) -> None:
        self._limits = limits
        self._monotonic_ms = monotonic_ms
        self._made: deque[int] = deque()

    def wait_ms(self) -> int:
        """Return how long to wait until the next connection may be made; 0 for at once."""
        now_ms = self._monotonic_ms()
        while self._made and self._made[0] <= now_ms - self._limits.window_ms:
            self._made.popleft()
        if len(self._made) < self._limits.connections_max:
            return 0
        return self._made[0] + self._limits.window_ms - now_ms

    def spend(self) -> None:
        """Count one connection."""
        self._made.append(self._monotonic_ms())
