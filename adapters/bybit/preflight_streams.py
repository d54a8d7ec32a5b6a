"""The streams, opened for a moment before trading, to see them come up and say something."""

import ssl
import threading
import time
from collections.abc import Iterable

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Ticker, VenueMessage
from tidegate.ports.clock import ClockPort

from .credentials import Credentials
from .hosts import Hosts
from .streams.hub import StreamHub
from .streams.settings import StreamConfig

__all__ = ["HubProbe"]


class HubProbe:
    """Opens the same streams that trading uses, on connections of their own, and closes them."""

    def __init__(
        self,
        *,
        hosts: Hosts,
        credentials: Credentials | None,
        clock: ClockPort,
        config: StreamConfig,
        symbols: Iterable[Symbol],
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = hosts
        self._credentials = credentials
        self._clock = clock
        self._config = config
        self._symbols = frozenset(symbols)
        self._ssl_context = ssl_context

    def private(self, timeout_ms: int) -> str | None:
        """Authenticate and subscribe to the account's topics."""
        hub = self._hub(self._credentials)
        try:
            hub.open(_nobody, ())
            if hub.wait_up(timeout_ms):
                return None
            return f"it was not up within {timeout_ms:,} ms: connect, authenticate, subscribe"
        finally:
            hub.close()

    def public(self, timeout_ms: int) -> str | None:
        """Subscribe to the symbols' prices and wait for the first ones."""
        hub, heard = self._hub(None), _Heard(self._symbols)
        ends_s = time.monotonic() + timeout_ms / 1_000
        try:
            hub.open(heard.take, sorted(self._symbols))
            if not hub.wait_up(timeout_ms):
                return f"it was not up within {timeout_ms:,} ms: connect, subscribe"
            silent = heard.wait(max(0, ends_s - time.monotonic()))
            if not silent:
                return None
            return f"no price of {', '.join(sorted(silent))} came within {timeout_ms:,} ms"
        finally:
            hub.close()

    def _hub(self, credentials: Credentials | None) -> StreamHub:
        return StreamHub(
            hosts=self._hosts,
            credentials=credentials,
            clock=self._clock,
            config=self._config,
            ssl_context=self._ssl_context,
        )


class _Heard:
    """Which symbols' prices have come. Filled on the streams' thread."""

    def __init__(self, symbols: frozenset[Symbol]) -> None:
        self._left = set(symbols)
        self._changed = threading.Condition()

    def take(self, message: VenueMessage) -> None:
        """Take a message; only prices count."""
        if isinstance(message, Ticker):
            with self._changed:
                self._left.discard(message.symbol)
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> frozenset[Symbol]:
        """Wait for all; returns those that are still silent."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left, timeout_s)
            return frozenset(self._left)


def _nobody(message: VenueMessage) -> None:
    """Nobody trades yet: what an account says now is asked again at the start."""
    del message
