"""A venue that listens for clients, as a command line or a test drives it."""

from abc import ABC, abstractmethod

import attrs
from tidegate.domain.money import Money

from .exchange import VenueError

__all__ = ["ServedAccount", "VenueServerError", "VenueServerPort"]


class VenueServerError(VenueError):
    """The venue cannot be served: the message says why and what would be accepted."""


@attrs.frozen(kw_only=True)
class ServedAccount:
    """An account of the venue: its key, the secret to it, and its wallet in USDT."""

    key: str
    secret: str = attrs.field(repr=False)
    wallet: Money


class VenueServerPort(ABC):
    """Serves a simulated venue until it is stopped."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Say what is traded, and on which prices."""

    @property
    @abstractmethod
    def accounts(self) -> tuple[ServedAccount, ...]:
        """Return the accounts; whoever has a key and its secret may trade."""

    @property
    @abstractmethod
    def rest_url(self) -> str:
        """Return where REST listens, once it was started.

        Raises:
            VenueServerError: it was not started.

        """

    @property
    @abstractmethod
    def ws_url(self) -> str:
        """Return where the streams listen, once it was started.

        Raises:
            VenueServerError: it was not started.

        """

    @abstractmethod
    def start(self) -> None:
        """Return when it listens.

        Raises:
            VenueServerError: it could not listen.

        """

    @abstractmethod
    def run(self) -> None:
        """Serve until :meth:`stop`; where the market data ends, the last prices stand.

        Raises:
            FeedError: the market data cannot be used.

        """

    @abstractmethod
    def stop(self) -> None:
        """Ask :meth:`run` to end. May be called from a signal handler."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection and store. A second call is harmless."""
