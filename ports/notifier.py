"""Where events of interest to people are sent."""

from abc import ABC, abstractmethod

from tidegate.domain.core.events import Event

__all__ = ["NotifierPort"]


class NotifierPort(ABC):
    """A listener. It is called outside the writer; what it raises is counted and reported."""

    @abstractmethod
    def notify(self, event: Event, *, time_ms: int) -> None:
        """Take one event that has been journaled."""
