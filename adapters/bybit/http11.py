"""One HTTP/1.1 exchange on one connection, under one deadline for the whole of it.

Only what an API client needs: identity and chunked bodies, keep-alive, bounded sizes. It is here
because the outcome of an order depends on *where* an exchange broke off, and because a total
deadline must also end an answer that trickles in byte by byte.
"""

import socket
import ssl
import time
from collections.abc import Mapping

import attrs

__all__ = ["BrokenExchange", "HttpAnswer", "HttpConnection", "monotonic_ms"]

_HEAD_BYTES_MAX = 65_536
_BODY_BYTES_MAX = 64 * 1_048_576
_READ_BYTES = 65_536
_OK_MIN = 200
_EMPTY_STATUSES = (204, 304)
_SPLIT = b"\r\n\r\n"


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


class HttpConnection:
    """An open connection. One exchange at a time; after :class:`BrokenExchange` it is of no use."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""
        self.used_ms = monotonic_ms()

    @classmethod
    def open(
        cls, host: str, port: int, *, timeout_ms: int, tls: ssl.SSLContext | None
    ) -> "HttpConnection":
        """Connect, with TLS when a context is given.

        Raises:
            OSError: no connection came about within ``timeout_ms``; nothing was sent.

        """
        deadline_ms = monotonic_ms() + timeout_ms
        sock = socket.create_connection((host, port), timeout=timeout_ms / 1_000)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock.settimeout(max(deadline_ms - monotonic_ms(), 1) / 1_000)
                sock = tls.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def is_alive(self) -> bool:
        """Tell whether an idle connection may be used: neither closed nor holding stray bytes."""
        if self._rest:
            return False
        try:
            self._sock.settimeout(0)
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def exchange(self, request: bytes, *, deadline_ms: int) -> HttpAnswer:
        """Send a whole request and read its whole answer before ``deadline_ms``.

        Raises:
            BrokenExchange: it did not come to that.

        """
        try:
            self._allow_until(deadline_ms)
            self._sock.sendall(request)
            answer = self._read_answer(deadline_ms)
        except TimeoutError:
            raise BrokenExchange("no answer in time") from None
        except OSError as error:
            raise BrokenExchange(f"the connection broke: {type(error).__name__}") from None
        self.used_ms = monotonic_ms()
        return answer

    def close(self) -> None:
        """Close at once; a thread that waits on this connection gets :class:`BrokenExchange`."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._rest = b""
        self._sock.close()

    def _allow_until(self, deadline_ms: int) -> None:
        left_ms = deadline_ms - monotonic_ms()
        if left_ms <= 0:
            raise TimeoutError
        self._sock.settimeout(left_ms / 1_000)

    def _more(self, deadline_ms: int) -> bytes:
        self._allow_until(deadline_ms)
        data = self._sock.recv(_READ_BYTES)
        if not data:
            raise BrokenExchange("the connection was closed before the answer was whole")
        return data

    def _read_answer(self, deadline_ms: int) -> HttpAnswer:
        status, version, headers = self._read_head(deadline_ms)
        while status < _OK_MIN:
            status, version, headers = self._read_head(deadline_ms)
        wants_close = headers.get("connection", "").lower() == "close" or version == b"HTTP/1.0"
        body = b""
        if status not in _EMPTY_STATUSES:
            if "chunked" in headers.get("transfer-encoding", "").lower():
                body = self._read_chunks(deadline_ms)
            elif "content-length" in headers:
                body = self._read_exactly(_length(headers["content-length"]), deadline_ms)
            else:
                wants_close = True
                body = self._read_to_end(deadline_ms)
        return HttpAnswer(status=status, headers=headers, body=body, is_reusable=not wants_close)

    def _read_head(self, deadline_ms: int) -> tuple[int, bytes, dict[str, str]]:
        data = self._rest
        while (end := data.find(_SPLIT)) < 0:
            if len(data) > _HEAD_BYTES_MAX:
                raise BrokenExchange(f"headers of more than {_HEAD_BYTES_MAX} bytes")
            data += self._more(deadline_ms)
        self._rest = data[end + len(_SPLIT) :]
        first, *lines = data[:end].split(b"\r\n")
        version, _, tail = first.partition(b" ")
        digits = tail[:3]
        if not version.startswith(b"HTTP/1.") or not digits.isdigit() or len(digits) != len("200"):
            raise BrokenExchange("what came back is not HTTP")
        return int(digits), version, _headers(lines)

    def _read_exactly(self, count: int, deadline_ms: int) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < count:
            data = self._more(deadline_ms)
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self._rest = whole[count:]
        return whole[:count]

    def _read_line(self, deadline_ms: int) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > _HEAD_BYTES_MAX:
                raise BrokenExchange(f"a line of more than {_HEAD_BYTES_MAX} bytes")
            self._rest += self._more(deadline_ms)
        line, self._rest = self._rest[:end], self._rest[end + 2 :]
        return line

    def _read_chunks(self, deadline_ms: int) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := _chunk_size(self._read_line(deadline_ms)):
            total += size
            if total > _BODY_BYTES_MAX:
                raise BrokenExchange(f"a body of more than {_BODY_BYTES_MAX} bytes")
            parts.append(self._read_exactly(size, deadline_ms))
            if self._read_line(deadline_ms):
                raise BrokenExchange("a chunk that does not end where it said")
        while self._read_line(deadline_ms):
            total += 1
            if total > _BODY_BYTES_MAX:
                raise BrokenExchange("trailers without an end")
        return b"".join(parts)

    def _read_to_end(self, deadline_ms: int) -> bytes:
        parts, total = [self._rest], len(self._rest)
        self._rest = b""
        while total <= _BODY_BYTES_MAX:
            self._allow_until(deadline_ms)
            data = self._sock.recv(_READ_BYTES)
            if not data:
                return b"".join(parts)
            parts.append(data)
            total += len(data)
        raise BrokenExchange(f"a body of more than {_BODY_BYTES_MAX} bytes")


def _headers(lines: list[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        found[name.strip().lower()] = value.strip()
    return found


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > _BODY_BYTES_MAX:
        raise BrokenExchange(f"a body of {text[:20]} bytes: at most {_BODY_BYTES_MAX} are accepted")
    return int(text)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not 1 <= len(digits) <= 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise BrokenExchange("a chunk without a readable size")
    return int(digits, 16)
