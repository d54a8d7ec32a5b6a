"""The venue's clock, as far as it can be told from this side of the network.

The venue refuses a request that is stamped a second or more ahead of its own clock, whatever the
receive window (Bybit V5 "Authentication"), so requests are stamped in venue time.
"""

import threading

import attrs
from tidegate.ports.clock import ClockPort

__all__ = ["ServerClock"]

_BOUNDS_MS_MAX = 60_000
"""How long a narrower measurement keeps a wider one out: two clocks drift apart."""


@attrs.frozen
class _Bounds:
    """The venue's clock minus ours lies in here; measured at ``at_ms`` of our clock."""

    low_ms: int
    high_ms: int
    at_ms: int

    @property
    def middle_ms(self) -> int:
        return (self.low_ms + self.high_ms) // 2

    @property
    def width_ms(self) -> int:
        return self.high_ms - self.low_ms


class ServerClock(ClockPort):
    """Our own clock plus the offset that the venue's answers show. Any thread may use it.

    A time that the venue stamped between a send and its answer bounds the offset from both sides;
    the middle is the estimate, wrong by half a round trip at most. Narrow measurements replace wide
    ones; one that contradicts the known bounds replaces them at once, since a clock was set. Time
    steps back here when a measurement shows that the estimate was ahead: a stamp must be right.
    """

    def __init__(self, local: ClockPort) -> None:
        self._local = local
        self._lock = threading.Lock()
        self._bounds: _Bounds | None = None

    def now_ms(self) -> int:
        """Return venue time; our own before the first measurement."""
        return self._local.now_ms() + self.offset_ms

    def local_ms(self) -> int:
        """Return our own time, for :meth:`note`."""
        return self._local.now_ms()

    @property
    def offset_ms(self) -> int:
        """The venue's clock minus ours."""
        bounds = self._bounds
        return 0 if bounds is None else bounds.middle_ms

    @property
    def is_known(self) -> bool:
        """Tell whether the offset was ever measured."""
        return self._bounds is not None

    def note(self, venue_ms: int, *, sent_ms: int, received_ms: int) -> None:
        """Take a time that the venue stamped between ``sent_ms`` and ``received_ms`` of ours.

        Both clocks count whole milliseconds, so each bound is one wider.
        """
        if received_ms < sent_ms:
            return
        found = _Bounds(venue_ms - received_ms - 1, venue_ms - sent_ms + 1, received_ms)
        with self._lock:
            known = self._bounds
            if known is None or _replaces(found, known):
                self._bounds = found

    def forget(self) -> None:
        """Drop what is known, so that the next answer alone tells the offset."""
        with self._lock:
            self._bounds = None


def _replaces(found: _Bounds, known: _Bounds) -> bool:
    is_contradiction = found.low_ms > known.high_ms or found.high_ms < known.low_ms
    is_old = found.at_ms - known.at_ms > _BOUNDS_MS_MAX
    return is_contradiction or is_old or found.width_ms <= known.width_ms
