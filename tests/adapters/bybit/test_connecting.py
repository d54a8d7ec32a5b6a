"""Connecting takes no longer than it may, however many addresses a host has and none answers."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from picows.url import parse_url
from tidegate.adapters.bybit.connecting import Dial
from tidegate.adapters.bybit.http11 import BrokenExchange, HttpConnection, monotonic_ms
from tidegate.adapters.bybit.streams.dialing import Dialler

WAIT_MS = 600
HOST = "venue.example"
REAL = socket.getaddrinfo


def _entry(address: Any) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)


@contextlib.contextmanager
def _silent(count: int) -> Iterator[list[Any]]:
    """Give addresses that take no more connections: each one's queue is full."""
    with contextlib.ExitStack() as stack:
        entries = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(3):
                queued = stack.enter_context(socket.socket())
                queued.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    queued.connect(listener.getsockname())
            entries.append(_entry(listener.getsockname()))
        yield entries


class Names:
    """The system's lookup of names, which does what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: list[Any] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *rest: Any, **named: Any) -> list[Any]:
        if host != HOST or named.get("flags"):
            return REAL(host, port, *rest, **named)
        self.asked += 1
        assert self.may_answer.wait(10)
        if not self.entries:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.entries


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    one = Names(monkeypatch)
    yield one
    one.may_answer.set()
    for thread in threading.enumerate():
        if thread.name == "tidegate-lookup":
            thread.join(10)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_all_addresses_together_have_one_deadline(names: Names) -> None:
    with _silent(4) as names.entries:
        begun_ms = monotonic_ms()
        with pytest.raises(OSError, match=r".*"):
            HttpConnection.open(Dial(HOST, 443), timeout_ms=WAIT_MS, tls=None)
        assert monotonic_ms() - begun_ms < 3 * WAIT_MS


def test_a_dead_address_leaves_time_for_the_next(names: Names, listening: socket.socket) -> None:
    with _silent(1) as silent:
        names.entries = [*silent, _entry(listening.getsockname())]
        with Dial(HOST, 443).connect(WAIT_MS) as sock:
            assert sock.getpeername() == listening.getsockname()


def test_a_stream_does_not_spend_all_its_time_on_a_dead_address(
    names: Names, listening: socket.socket
) -> None:
    async def dialled() -> socket.socket:
        return await asyncio.wait_for(Dialler(WAIT_MS).dial(url), 10 * WAIT_MS / 1_000)

    url = parse_url(f"ws://{HOST}:443/v5")
    with _silent(1) as silent:
        names.entries = [*silent, _entry(listening.getsockname())]
        with asyncio.run(dialled()) as sock:
            assert sock.getpeername() == listening.getsockname()
        names.entries = silent * 4
        begun_ms = monotonic_ms()
        with pytest.raises(OSError, match=r".*"):
            asyncio.run(dialled())
        assert monotonic_ms() - begun_ms < 3 * WAIT_MS


def test_a_lookup_that_hangs_ends_with_the_deadline_and_is_not_begun_again(names: Names) -> None:
    names.may_answer.clear()
    dial = Dial(HOST, 443)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            dial.connect(100)
    assert names.asked == 1


def test_known_addresses_serve_while_a_lookup_hangs_or_fails(
    names: Names, listening: socket.socket
) -> None:
    dial = Dial(HOST, 443)
    names.entries = [_entry(listening.getsockname())]
    dial.connect(WAIT_MS).close()
    names.entries = []
    dial.connect(WAIT_MS).close()
    names.may_answer.clear()
    dial.connect(WAIT_MS).close()
    assert names.asked == 3


def test_a_name_without_an_address_is_an_error_of_the_system(names: Names) -> None:
    with pytest.raises(OSError, match=HOST):
        Dial(HOST, 443).connect(WAIT_MS)
    with pytest.raises(OSError, match="no address"):
        Dial("x" * 100 + ".example", 443).connect(WAIT_MS)


def test_an_address_needs_no_lookup(names: Names, listening: socket.socket) -> None:
    host, port = listening.getsockname()
    Dial(host, port).connect(WAIT_MS).close()
    assert names.asked == 0
    assert "tidegate-lookup" not in {thread.name for thread in threading.enumerate()}


class Unwrapped(socket.socket):
    """A TLS socket that another thread has closed, as the standard library behaves then."""

    def sendall(self, *_: object) -> None:
        raise ValueError("Write on closed or unwrapped SSL socket.")

    def recv_into(self, *_: object) -> int:
        raise ValueError("Read on closed or unwrapped SSL socket.")


def test_a_tls_socket_closed_by_another_thread_is_a_broken_connection() -> None:
    with Unwrapped() as sock:
        connection = HttpConnection(sock)
        assert not connection.is_alive()
        with pytest.raises(BrokenExchange, match="ValueError"):
            connection.exchange(b"x", deadline_ms=int(time.monotonic() * 1_000) + 1_000)
        connection.close()
