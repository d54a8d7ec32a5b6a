"""Clocks and keys: real ones, and ones that a replay derives from its data and seed."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

from tidegate.domain.core.ids import KEY_LENGTH
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.venue import SimulatedVenuePort

__all__ = ["RandomKeys", "SeededKeys", "SystemClock", "VenueClock"]

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLEW_PARTS = 1_000
"""A difference to the machine's clock is made up by at most one part in so many of what passes."""
_PASSING: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock(ClockPort):
    """UTC time that flows evenly, whatever is done to the machine's clock. Any thread may ask.

    The machine's time is read once, at the start; from there the time that really passed is added.
    A machine's clock that is set back or forward, by hand or by a time service, therefore moves no
    deadline. The difference is made up slowly: at most one part in a thousand of what passes.
    """

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        passing_ns: Callable[[], int] | None = None,
    ) -> None:
        self._wall_ns = wall_ns
        self._passing_ns = _passing_ns if passing_ns is None else passing_ns
        self._lock = threading.Lock()
        self._read_ns = self._passing_ns()
        self._now_ns = self._wall_ns()

    def now_ms(self) -> int:
        """See :meth:`ClockPort.now_ms`."""
        with self._lock:
            read_ns = self._passing_ns()
            passed_ns, self._read_ns = read_ns - self._read_ns, read_ns
            self._now_ns += passed_ns
            behind_ns, most_ns = self._wall_ns() - self._now_ns, passed_ns // _SLEW_PARTS
            self._now_ns += max(-most_ns, min(most_ns, behind_ns))
            return self._now_ns // 1_000_000


def _passing_ns() -> int:
    """Return a count that nobody can set; where the system has one, it runs while suspended."""
    return time.clock_gettime_ns(_PASSING) if _PASSING is not None else time.monotonic_ns()


class VenueClock(ClockPort):
    """The time of a simulated venue: that of its data."""

    def __init__(self, venue: SimulatedVenuePort) -> None:
        self._venue = venue

    def now_ms(self) -> int:
        """See :meth:`ClockPort.now_ms`."""
        return self._venue.now_ms()


class RandomKeys(KeyPort):
    """Keys of 82 random bits."""

    def key(self, cause: str) -> str:
        """See :meth:`KeyPort.key`; ``cause`` plays no part."""
        del cause
        return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


class SeededKeys(KeyPort):
    """Keys that follow from a seed and the cause: a resumed replay gives the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def key(self, cause: str) -> str:
        """See :meth:`KeyPort.key`."""
        digest = hashlib.blake2b(f"{self._seed}:{cause}".encode(), digest_size=16).digest()
        number = int.from_bytes(digest, "big")
        letters = []
        for _ in range(KEY_LENGTH):
            number, letter = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[letter])
        return "".join(letters)
