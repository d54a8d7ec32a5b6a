"""A paper session, as a command line or a test drives it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import attrs
from tidegate.domain.core.events import Event
from tidegate.domain.core.state import Books
from tidegate.domain.performance import Summary

__all__ = ["ExitAtOnce", "Progress", "SessionError", "SessionPort", "SessionReport"]

Progress = Callable[[int, int], None]
"""Called with (items done, items in all) after each item of market data."""


class SessionError(Exception):
    """The session cannot run; the message says why and what would be accepted."""


class ExitAtOnce(SystemExit):
    """Whoever drives a session ends the process now; no exit that a strategy asks for is one."""


@attrs.frozen(kw_only=True)
class SessionReport:
    """How a session ended. ``items_done`` counts this process alone, ``cursor`` all of them.

    ``is_complete`` is false when it was stopped before the end of its data.
    """

    summary: Summary
    books: Books
    items_done: int
    cursor: int
    items_total: int
    was_resumed: bool
    is_complete: bool
    journal_version: int


class SessionPort(ABC):
    """One strategy on one feed against one simulated venue."""

    @abstractmethod
    def listen(self, listener: Callable[[Event, int], None]) -> None:
        """Call ``listener`` with each event and its time (ms), after its journal write."""

    @abstractmethod
    def run(self, progress: Progress) -> SessionReport:
        """Run to the end of the data or until :meth:`stop`; a stopped session can be resumed.

        Raises:
            SessionError: the data is empty, or is not what the session was begun with; or the
                strategy failed: the journal is closed as after a stop, and can be resumed.
            StateError: a store cannot be read or written, or is of another account.
            VenueError: the venue gave no usable answer, or has stopped.

        """

    @abstractmethod
    def stop(self) -> None:
        """Ask :meth:`run` to end after the present item. May be called from a signal handler."""

    @abstractmethod
    def close(self) -> None:
        """Release venue and stores. A second call is harmless."""
