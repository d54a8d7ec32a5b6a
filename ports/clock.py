"""Time and randomness as arguments."""

from abc import ABC, abstractmethod

__all__ = ["ClockPort", "KeyPort"]


class ClockPort(ABC):
    """The only source of time. A replay sets it from its data."""

    @abstractmethod
    def now_ms(self) -> int:
        """Return the time in UTC milliseconds; it never goes back within one process."""


class KeyPort(ABC):
    """The only source of unique keys for trades and operator requests."""

    @abstractmethod
    def key(self, cause: str) -> str:
        """Return 16 characters of ``0-9a-z``, unique across processes, machines and restarts.

        A live implementation draws them at random. A replay derives them from its seed and
        ``cause``, so that a resumed run gives the same ids as an uninterrupted one.
        """
