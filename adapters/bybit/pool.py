"""Keep-alive connections to one host, shared by threads: one request on each at a time."""

import ssl
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import attrs

from .connecting import Dial
from .http11 import BrokenExchange, HttpAnswer, HttpConnection, monotonic_ms

__all__ = ["Broken", "ConnectionPool", "Unsent"]


@attrs.frozen
class Unsent:
    """No byte of the request left."""

    cause: str


@attrs.frozen
class Broken:
    """Some of the request may have left, and no whole answer came."""

    cause: str


class ConnectionPool:
    """At most ``size_max`` connections. Any thread may call; :meth:`close` ends waiting calls.

    A kept connection is checked before it is used again and thrown away when the other end closed
    it, so a request is not risked on it. When it dies during the exchange all the same, only a
    request that changes nothing is sent again.
    """

    def __init__(
        self,
        url: str,
        *,
        size_max: int,
        connect_timeout_ms: int,
        idle_ms_max: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self._dial = Dial(self.host, parts.port or (443 if is_tls else 80))
        self._tls = (tls or ssl.create_default_context()) if is_tls else None
        self._connect_timeout_ms = connect_timeout_ms
        self._idle_ms_max = idle_ms_max
        self._slots = threading.Semaphore(size_max)
        self._lock = threading.Lock()
        self._idle: list[HttpConnection] = []
        self._busy: set[HttpConnection] = set()
        self._is_closed = False

    def exchange(
        self, request: Callable[[], bytes], *, deadline_ms: int, may_repeat: bool
    ) -> HttpAnswer | Unsent | Broken:
        """Send one request before ``deadline_ms`` (monotonic) and return what came of it.

        ``request`` gives its bytes; it is called when the connection is there, for each attempt:
        what it stamps is not older for the wait.

        ``HttpAnswer``: a whole answer, whatever its status; ``Unsent``: nothing left; ``Broken``:
        it may have arrived.
        """
        left_s = max(deadline_ms - monotonic_ms(), 0) / 1_000
        if not self._slots.acquire(timeout=left_s):
            return Unsent("every connection is busy")
        try:
            outcome, was_kept = self._exchange_once(request, deadline_ms, may_keep=True)
            if isinstance(outcome, Broken) and was_kept and may_repeat:
                outcome, _ = self._exchange_once(request, deadline_ms, may_keep=False)
            return outcome
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close everything; a second call is harmless, and later requests are not sent."""
        with self._lock:
            self._is_closed = True
            connections = [*self._idle, *self._busy]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _exchange_once(
        self, request: Callable[[], bytes], deadline_ms: int, *, may_keep: bool
    ) -> tuple[HttpAnswer | Unsent | Broken, bool]:
        """Return the outcome, and whether it was tried on a connection that was used before."""
        kept = self._take() if may_keep else None
        connection = kept if kept is not None else self._open(deadline_ms)
        if isinstance(connection, Unsent):
            return connection, False
        is_reusable = False
        try:
            answer = connection.exchange(request(), deadline_ms=deadline_ms)
            is_reusable = answer.is_reusable
        except BrokenExchange as error:
            return Broken(str(error)), kept is not None
        finally:
            self._give_back(connection, is_reusable=is_reusable)
        return answer, kept is not None

    def _take(self) -> HttpConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
                self._busy.add(connection)
            is_young = monotonic_ms() - connection.used_ms <= self._idle_ms_max
            if is_young and connection.is_alive():
                return connection
            self._give_back(connection, is_reusable=False)

    def _open(self, deadline_ms: int) -> HttpConnection | Unsent:
        if self._is_closed:
            return Unsent("the adapter is closed")
        left_ms = min(deadline_ms - monotonic_ms(), self._connect_timeout_ms)
        if left_ms <= 0:
            return Unsent("no time was left to connect")
        try:
            connection = HttpConnection.open(self._dial, timeout_ms=left_ms, tls=self._tls)
        except OSError as error:
            return Unsent(f"no connection to {self.host}: {type(error).__name__}")
        with self._lock:
            if not self._is_closed:
                self._busy.add(connection)
                return connection
        connection.close()
        return Unsent("the adapter is closed")

    def _give_back(self, connection: HttpConnection, *, is_reusable: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if is_reusable and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()
