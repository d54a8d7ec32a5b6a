"""Connecting to a host by its name under one deadline: looking the name up, and every address.

The system's lookup cannot be given a deadline, so it runs in a thread of its own; one that hangs is
waited for by the next caller instead of being begun once more.
"""

import socket
import threading
import time
from concurrent.futures import Future
from typing import Any

__all__ = ["Dial"]

_Address = tuple[Any, Any, int, str, Any]


class Dial:
    """The way to one host. Any thread may call.

    An address that does not answer gets its share of the time that is left, and no more. When a
    lookup does not answer within half of the time, the last known addresses are used.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self._port = port
        self._lock = threading.Lock()
        self._lookup: Future[list[_Address]] | None = None
        self._known: list[_Address] = []

    def connect(self, timeout_ms: int) -> socket.socket:
        """Return a connection that came about within ``timeout_ms``.

        Raises:
            OSError: none did; the last address's error.
            TimeoutError: the time was over before every address was tried.

        """
        deadline_s = time.monotonic() + timeout_ms / 1_000
        addresses = self._addresses(deadline_s)
        trouble: OSError = OSError(f"{self.host} has no address")
        for tried, address in enumerate(addresses):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"no connection to {self.host} within {timeout_ms} ms")
            try:
                return _connected(address, left_s / (len(addresses) - tried))
            except OSError as error:
                trouble = error
        raise trouble

    def _addresses(self, deadline_s: float) -> list[_Address]:
        numeric = self._numeric()
        if numeric is not None:
            return numeric
        with self._lock:
            if self._lookup is None:
                self._lookup = self._begun()
            lookup, known = self._lookup, self._known
        left_s = max(deadline_s - time.monotonic(), 0)
        try:
            return lookup.result(left_s / 2 if known else left_s)
        except OSError:
            # A lookup that failed, or did not end in time: both are errors of the system.
            if known:
                return known
            raise

    def _numeric(self) -> list[_Address] | None:
        """Return the address of a host that is one already; that needs no lookup."""
        try:
            return socket.getaddrinfo(
                self.host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        except (socket.gaierror, UnicodeError):
            return None

    def _begun(self) -> "Future[list[_Address]]":
        lookup: Future[list[_Address]] = Future()
        threading.Thread(
            target=self._look_up, args=(lookup,), name="tidegate-lookup", daemon=True
        ).start()
        return lookup

    def _look_up(self, lookup: "Future[list[_Address]]") -> None:
        try:
            found = socket.getaddrinfo(self.host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._ended(self._known)
            lookup.set_exception(OSError(f"{self.host} has no address: {error}"))
        else:
            self._ended(found)
            lookup.set_result(found)

    def _ended(self, known: list[_Address]) -> None:
        with self._lock:
            self._lookup, self._known = None, known


def _connected(address: _Address, timeout_s: float) -> socket.socket:
    family, kind, protocol, _, where = address
    one = socket.socket(family, kind, protocol)
    try:
        one.settimeout(timeout_s)
        one.connect(where)
    except BaseException:
        one.close()
        raise
    return one
