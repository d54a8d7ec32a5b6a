"""A live session, as a command line or a program drives it: start, trade until stopped, report."""

from abc import ABC, abstractmethod

import attrs
from tidegate.domain.core.state import Books
from tidegate.domain.performance import Summary

from .notifier import NotifierPort

__all__ = ["LiveReport", "LiveSessionPort"]


@attrs.frozen(kw_only=True)
class LiveReport:
    """How a live session ended.

    ``summary`` is over the whole journal, ``None`` before the account was opened. ``bars`` and
    ``wishes`` count what the strategy saw and asked for in this process, ``too_late`` the entries
    that it asked for so long after a bar that they were not traded. ``stopped_by`` names the signal
    that stopped it, ``None`` where something else did. ``events_lost`` counts what listeners
    missed.
    """

    summary: Summary | None
    books: Books
    journal_version: int
    was_resumed: bool
    bars: int
    wishes: int
    too_late: int
    stopped_by: str | None
    events_lost: int


class LiveSessionPort(ABC):
    """One strategy on one symbol of one venue."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What is traded, by which strategy, in which mode, and at which address."""

    @property
    @abstractmethod
    def base_coin(self) -> str:
        """The coin that quantities count."""

    @property
    @abstractmethod
    def state_folder(self) -> str:
        """Where the journal is."""

    @property
    @abstractmethod
    def resumes(self) -> bool:
        """Whether the journal holds an earlier part."""

    @abstractmethod
    def listen(self, name: str, listener: NotifierPort) -> None:
        """Tell ``listener`` every event after its journal write, on a thread of its own.

        A listener that is slow or fails loses events and delays nothing; what was lost is counted.
        """

    @abstractmethod
    def run(self) -> LiveReport:
        """Start, trade until :meth:`stop` or a signal, and stop in order; once only.

        In the main thread SIGINT and SIGTERM stop it, and a second one exits at once.

        Raises:
            PreflightFailed: a check failed, and nothing was started.
            VenueError: the venue gave no usable answer at the start.
            StateError: the journal cannot be used, or belongs to another venue or account.
            SessionError: the strategy failed, or the desk did: positions keep their stops on the
                venue, and the next start reconciles.

        """

    @abstractmethod
    def stop(self) -> None:
        """Ask :meth:`run` to end. Any thread and signal handler may call."""

    @abstractmethod
    def close(self) -> None:
        """Release what was opened. A second call is harmless."""
