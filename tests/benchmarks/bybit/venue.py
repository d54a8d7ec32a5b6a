"""A venue in a process of its own: bare sockets, and answers whose bytes are made beforehand.

``python -m tests.benchmarks.bybit.venue`` prints its port. For each line that it reads it prints a
verdict on what arrived since the last one; it ends with its input. Arrivals are kept while clients
are timed and judged afterwards, so that judging costs neither side anything.
"""

import base64
import hashlib
import json
import socket
import struct
import sys
import threading
import time

import attrs

from tests.benchmarks.bybit.arrivals import Arrivals
from tests.benchmarks.bybit.books import burst

__all__ = ["BURST", "ORDER_ID"]

ORDER_ID = "fd4300ae-7847-404e-b947-b46980a4d140"
BURST = b'{"op":"burst"}'
"""What a client sends to be pushed all frames of the book, from a snapshot on."""

ACK_DELAY_S = 0.02
"""A client that registers a subscription after sending it dies of an answer that comes sooner."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_LIMITS = {
    "X-Bapi-Limit": "1000000",
    "X-Bapi-Limit-Status": "999999",
    "X-Bapi-Limit-Reset-Timestamp": "1700000000000",
    "Traceid": "bc1a7d4f2f8a4a3c9f1e5d6b7a8c9d0e",
}
_RESULT = {"orderId": ORDER_ID, "orderLinkId": "tg0000000000000000-e-1"}


def _placed() -> bytes:
    fields = {"retCode": 0, "retMsg": "OK", "result": _RESULT, "retExtInfo": {}}
    body = json.dumps({**fields, "time": 1_700_000_000_000}, separators=(",", ":"))
    lines = {"Content-Type": "application/json; charset=utf-8", "Content-Length": len(body)}
    lines |= {"Connection": "keep-alive"} | _LIMITS
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    body = body.replace("1700000000000", "%d")
    return f"HTTP/1.1 200 OK\r\n{head}\r\n{body}".encode()


def _acknowledged() -> tuple[bytes, bytes]:
    fields = {"reqId": "@", "retCode": 0, "retMsg": "OK", "op": "order.create", "data": _RESULT}
    fields |= {"retExtInfo": {}, "header": _LIMITS, "connId": "cnt5leec0hvan15eukcg-2t"}
    first, _, second = json.dumps(fields, separators=(",", ":")).partition("@")
    return first.encode(), second.encode()


def _framed(text: bytes, kind: int = _TEXT) -> bytes:
    if len(text) < 126:
        return bytes((0x80 | kind, len(text))) + text
    return struct.pack(">BBH", 0x80 | kind, 126, len(text)) + text


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


PLACED = _placed()
ACK_FIRST, ACK_SECOND = _acknowledged()
FRAMES = b"".join(map(_framed, burst().frames))
LOGGED_IN = _framed(
    b'{"success":true,"retCode":0,"ret_msg":"","retMsg":"OK","op":"auth","connId":"cnt5"}'
)
PONG = _framed(b'{"success":true,"ret_msg":"pong","op":"ping"}')


class _Reader:
    """A buffered socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = b""

    def _more(self) -> None:
        data = self._sock.recv(65_536)
        if not data:
            raise EOFError
        self._data += data

    def take(self, count: int) -> bytes:
        while len(self._data) < count:
            self._more()
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def head(self) -> bytes:
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            self._more()
        return self.take(end + 4)

    def frame(self) -> tuple[int, bytes]:
        first, second = self.take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2))
        mask, data = self.take(4), self.take(length)
        key = (mask * (length // 4 + 1))[:length]
        plain = int.from_bytes(data, "big") ^ int.from_bytes(key, "big")
        return first & 0x0F, plain.to_bytes(length, "big")


class Venue:
    """Serves both interfaces on one port, with a thread for each connection."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Take connections until the process ends."""
        while True:
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._handle, args=[sock], daemon=True).start()

    def _handle(self, sock: socket.socket) -> None:
        reader = _Reader(sock)
        with sock:
            try:
                head = reader.head()
                if b"upgrade: websocket" in head.lower():
                    self._stream(sock, reader, head)
                else:
                    self._rest(sock, reader, head)
            except (EOFError, ConnectionError):
                return

    def _rest(self, sock: socket.socket, reader: _Reader, head: bytes) -> None:
        while True:
            lower = head.lower()
            start = lower.index(b"content-length:") + len(b"content-length:")
            body = reader.take(int(lower[start : lower.index(b"\r\n", start)]))
            now_ms = _now_ms()
            self.arrivals.request(now_ms, head + body)
            sock.sendall(PLACED % now_ms)
            head = reader.head()

    def _stream(self, sock: socket.socket, reader: _Reader, head: bytes) -> None:
        lower = head.lower()
        start = lower.index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
        key = head[start : head.index(b"\r\n", start)].strip()
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            kind, text = reader.frame()
            if kind == _CLOSE:
                sock.sendall(_framed(text, _CLOSE))
                return
            if kind == _PING:
                sock.sendall(_framed(text, _PONG))
            elif b'"order.create"' in text:
                self.arrivals.frame(_now_ms(), text)
                request_id = text.split(b'"reqId"', 1)[1].split(b'"', 2)[1]
                sock.sendall(_framed(ACK_FIRST + request_id + ACK_SECOND))
            else:
                self._control(sock, text)

    def _control(self, sock: socket.socket, text: bytes) -> None:
        if text == BURST:
            sock.sendall(FRAMES)
            return
        message = json.loads(text)
        match message["op"]:
            case "auth":
                self.arrivals.login(_now_ms(), text)
                sock.sendall(LOGGED_IN)
            case "subscribe":
                time.sleep(ACK_DELAY_S)
                answer = {"success": True, "ret_msg": "", "op": "subscribe"}
                answer |= {"req_id": message["req_id"], "conn_id": "cnt5"}
                sock.sendall(_framed(json.dumps(answer).encode()))
            case "ping":
                sock.sendall(PONG)
            case unknown:
                raise ValueError(f"op {unknown!r}")


def _main() -> None:
    venue = Venue()
    threading.Thread(target=venue.serve, daemon=True).start()
    print(venue.port, flush=True)  # noqa: T201
    for _ in sys.stdin:
        print(json.dumps(attrs.asdict(venue.arrivals.judged())), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
