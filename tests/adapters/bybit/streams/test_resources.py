"""Nothing is left behind: no thread, no descriptor, no task, whatever the venue does meanwhile."""

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.adapters.bybit.streams.bench import BTC, PRIVATE, Ear, hub_on, limits, ticker_message
from tests.adapters.bybit.streams.scripted import WAIT_S, ScriptedVenue

CYCLES = 100


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _told(count: int) -> Callable[[Ear], bool]:
    return lambda ear: len(ear.states()) == count


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors through /proc")
def test_a_hundred_lives_leave_no_thread_and_no_descriptor() -> None:
    with ScriptedVenue() as venue:
        before = (threading.active_count(), _descriptors())
        for _ in range(CYCLES):
            with hub_on(venue) as hub:
                hub.trade_socket()
                hub.open(Ear(), [BTC])
                assert hub.wait_up(10_000)
        assert venue.until(lambda: all(one.transport is None for one in venue.sessions))
        assert (threading.active_count(), _descriptors()) == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors through /proc")
def test_a_hundred_reconnections_leave_no_thread_and_no_descriptor() -> None:
    with ScriptedVenue() as venue, hub_on(venue, config=limits(connect_wait_ms=2_000)) as hub:
        ear = Ear()
        hub.open(ear, [BTC])
        assert hub.wait_up(10_000)
        before = (threading.active_count(), _descriptors())
        for number in range(CYCLES):
            venue.abort(PRIVATE)
            assert ear.until(_told(3 + 2 * number))
        assert (threading.active_count(), _descriptors()) == before


def test_closing_twice_is_harmless_and_a_closed_hub_says_so() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        hub.close()
        hub.close()
        with pytest.raises(RuntimeError, match="closed"):
            hub.open(Ear(), [])
        with pytest.raises(RuntimeError, match="not open"):
            hub.watch(BTC)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from freeing what was forgotten."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_closing_in_the_middle_of_a_handshake_frees_the_socket_at_once() -> None:
    """A listener that accepts and says nothing: the handshake hangs when the hub is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ScriptedVenue() as hosts:
        hosts.private_url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v5/private"
        began_s = time.monotonic()
        with hub_on(hosts, config=limits(connect_wait_ms=60_000)) as hub:
            hub.open(Ear(), [])
            accepted, _ = listener.accept()
            accepted.settimeout(WAIT_S)
            assert accepted.recv(65_536).startswith(b"GET /v5/private")
        with accepted:
            assert accepted.recv(65_536) == b""
        assert time.monotonic() - began_s < WAIT_S


def test_the_sockets_are_gone_when_close_returns() -> None:
    with ScriptedVenue() as venue:
        with hub_on(venue) as hub:
            hub.open(Ear(), [BTC])
            assert hub.wait_up(10_000)
        assert venue.until(lambda: all(one.transport is None for one in venue.sessions))


def test_streams_run_over_tls_with_the_given_trust_only() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with ScriptedVenue(tls=server, snapshots={"tickers.BTCUSDT": [ticker_message()]}) as venue:
        assert venue.public_url.startswith("wss://")
        with hub_on(venue, ssl_context=trusting) as hub:
            hub.open(Ear(), [BTC])
            assert hub.wait_up(10_000)
        with hub_on(venue, ssl_context=ssl.create_default_context()) as hub:
            ear = Ear()
            hub.open(ear, [BTC])
            assert ear.until(lambda ear: len(ear.states()) == 1)
            assert not hub.wait_up(1)
