"""One HTTP/1.1 exchange on one connection, under one deadline for the whole of it.

The standard library reads the answer. What is here is what it leaves open and an order depends on:
where an exchange broke off, one deadline that also ends an answer which trickles in byte by byte,
and whether a kept connection may be used once more.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs

from .connecting import Dial

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["BrokenExchange", "HttpAnswer", "HttpConnection", "monotonic_ms"]

_BODY_BYTES_MAX = 64 * 1_048_576
_READ_BYTES = 65_536


class BrokenExchange(Exception):
    """The exchange ended without a whole answer; the text says how."""


@attrs.frozen(kw_only=True)
class HttpAnswer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_reusable: bool


def monotonic_ms() -> int:
    """Return a time that only moves forward, for deadlines."""
    return time.monotonic_ns() // 1_000_000


class _Incoming(io.RawIOBase):
    """What a socket receives, until ``deadline_ms``; with no deadline, only what is there now."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline_ms: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read some bytes; ``None`` when none are there and there is no deadline to wait for."""
        if self.deadline_ms is not None:
            allow_until(self.sock, self.deadline_ms)
            return self.sock.recv_into(buffer)
        self.sock.settimeout(0)
        try:
            return self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None


class _Kept(io.BufferedReader):
    """A reader that outlives the answers read from it: each of them closes what it reads from."""

    def close(self) -> None:
        """Stay open; the connection closes the socket itself."""


class _Readable:
    """What :class:`http.client.HTTPResponse` asks of a socket."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return self._reader


def allow_until(sock: socket.socket, deadline_ms: int) -> None:
    """Let the next call on ``sock`` take until ``deadline_ms``."""
    left_ms = deadline_ms - monotonic_ms()
    if left_ms <= 0:
        raise TimeoutError
    sock.settimeout(left_ms / 1_000)


class HttpConnection:
    """An open connection. One exchange at a time; after :class:`BrokenExchange` it is of no use."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._incoming = _Incoming(sock)
        self._reader = _Kept(self._incoming, _READ_BYTES)
        self.used_ms = monotonic_ms()

    @classmethod
    def open(cls, dial: Dial, *, timeout_ms: int, tls: ssl.SSLContext | None) -> "HttpConnection":
        """Connect, with TLS when a context is given.

        Raises:
            OSError: no connection came about within ``timeout_ms``; nothing was sent.

        """
        deadline_ms = monotonic_ms() + timeout_ms
        sock = dial.connect(timeout_ms)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock.settimeout(max(deadline_ms - monotonic_ms(), 1) / 1_000)
                sock = tls.wrap_socket(sock, server_hostname=dial.host)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def is_alive(self) -> bool:
        """Tell whether an idle connection may be used: neither closed nor holding stray bytes."""
        self._incoming.deadline_ms = None
        buffer = bytearray(1)
        try:
            return not self._reader.peek(1) and self._incoming.readinto(buffer) is None
        except (OSError, ValueError):
            return False

    def exchange(self, request: bytes, *, deadline_ms: int) -> HttpAnswer:
        """Send a whole request and read its whole answer before ``deadline_ms``.

        Raises:
            BrokenExchange: it did not come to that.

        """
        try:
            allow_until(self._sock, deadline_ms)
            self._sock.sendall(request)
            self._incoming.deadline_ms = deadline_ms
            answer = self._read_answer()
        except TimeoutError:
            raise BrokenExchange("no answer in time") from None
        except http.client.HTTPException as error:
            raise BrokenExchange(f"the answer cannot be read: {type(error).__name__}") from None
        except (OSError, ValueError) as error:
            # A value error comes from a TLS socket that another thread closed meanwhile.
            raise BrokenExchange(f"the connection broke: {type(error).__name__}") from None
        self.used_ms = monotonic_ms()
        return answer

    def _read_answer(self) -> HttpAnswer:
        with self._begun() as response:
            body = response.read(_BODY_BYTES_MAX + 1)
        if len(body) > _BODY_BYTES_MAX:
            raise BrokenExchange(f"a body of more than {_BODY_BYTES_MAX} bytes")
        if response.length:  # A read with a bound does not complain of an end that comes too early.
            raise BrokenExchange("the connection was closed before the answer was whole")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(
            status=response.status,
            headers=headers,
            body=body,
            is_reusable=not response.will_close,
        )

    def _begun(self) -> http.client.HTTPResponse:
        """Read heads up to the one that is no interim answer."""
        source = cast("socket.socket", _Readable(self._reader))
        while True:
            response = http.client.HTTPResponse(source)
            response.begin()
            if response.status >= http.HTTPStatus.OK:
                return response

    def close(self) -> None:
        """Close at once; a thread that waits on this connection gets :class:`BrokenExchange`."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self.used_ms = 0
        self._sock.close()
