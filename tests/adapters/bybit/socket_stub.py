"""A peer that does with a connection exactly what a test says, byte by byte."""

import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from typing import Self

import orjson

__all__ = ["Act", "Peer", "SocketStub", "answer", "ok"]

WAIT_S = 10


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def ok(result: object = None, *, time_ms: int = 0, headers: str = "") -> bytes:
    """The venue's success."""
    fields = {"retCode": 0, "retMsg": "OK", "result": result or {}, "retExtInfo": {}}
    body = {**fields, "time": time_ms} if time_ms else fields
    return answer(orjson.dumps(body), headers=headers)


class Peer:
    """One accepted connection, seen from the other side."""

    def __init__(self, sock: socket.socket, requests: list[bytes]) -> None:
        self._sock = sock
        self._requests = requests
        sock.settimeout(WAIT_S)

    def read(self) -> bytes:
        """Read one whole request and return it; empty when the client closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._sock.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += self._sock.recv(65_536)
        whole = head + b"\r\n\r\n" + body
        self._requests.append(whole)
        return whole

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def serve(self, data: bytes) -> None:
        """Answer every request with the same bytes until the client closes."""
        while self.read():
            self.send(data)

    def wait_for_close(self) -> None:
        """Return when the client has closed."""
        while self._sock.recv(65_536):
            continue

    def reset(self) -> None:
        """Break the connection off so that the client gets a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Act = Callable[[Peer], None]


class SocketStub:
    """Listens on loopback; the n-th connection is handled by the n-th act, the last one repeats."""

    def __init__(self, *acts: Act) -> None:
        self._acts = acts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            sock.close()
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            act = self._acts[min(self.connections, len(self._acts) - 1)]
            self.connections += 1
            self._open.append(sock)
            self._start(partial(self._handle, sock, act))

    def _handle(self, sock: socket.socket, act: Act) -> None:
        try:
            act(Peer(sock, self.requests))
        except OSError:
            sock.close()
        finally:
            sock.close()
