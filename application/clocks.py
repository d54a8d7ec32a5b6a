"""Clocks and keys: real ones, and ones that a replay derives from its data and seed."""

import hashlib
import secrets
import threading
import time

from tidegate.domain.core.ids import KEY_LENGTH
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.venue import SimulatedVenuePort

__all__ = ["RandomKeys", "SeededKeys", "SystemClock", "VenueClock"]

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class SystemClock(ClockPort):
    """The machine's UTC time, kept from going back within this process. Any thread may ask."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """See :meth:`ClockPort.now_ms`."""
        with self._lock:
            self._last_ms = max(self._last_ms, time.time_ns() // 1_000_000)
            return self._last_ms


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
