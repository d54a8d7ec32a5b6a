"""Time that stands still until the script advances the venue."""

import attrs
from tidegate.ports.clock import ClockPort

__all__ = ["StandingClock"]


@attrs.frozen
class StandingClock(ClockPort):
    """A clock that always shows the same time, UTC milliseconds."""

    time_ms: int

    def now_ms(self) -> int:
        """Return the time."""
        return self.time_ms
