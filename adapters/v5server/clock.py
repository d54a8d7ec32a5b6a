"""The server's clock: wall time plus what a test advanced it by."""

import time
from collections.abc import Callable

__all__ = ["ServerClock", "wall_ms"]


def wall_ms() -> int:
    """Return the time of this machine, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class ServerClock:
    """UTC milliseconds that never go back, whatever the machine's clock does."""

    def __init__(self, wall: Callable[[], int] = wall_ms) -> None:
        self._wall = wall
        self._offset_ms = 0
        self._last_ms = 0

    def now_ms(self) -> int:
        """Return the present time; never less than the time returned before."""
        self._last_ms = max(self._last_ms, self._wall() + self._offset_ms)
        return self._last_ms

    def advance(self, ms: int) -> int:
        """Let ``ms`` pass at once, and return the new time.

        Raises:
            ValueError: ``ms`` is negative; time goes forward only.

        """
        if ms < 0:
            raise ValueError(f"the clock was to advance by {ms} ms: zero or more is accepted")
        self._offset_ms += ms
        return self.now_ms()

    def catch_up(self, ms: int) -> None:
        """Go on from ``ms`` if that is later than now, as a venue that was stored earlier needs."""
        behind = ms - self.now_ms()
        if behind > 0:
            self.advance(behind)
