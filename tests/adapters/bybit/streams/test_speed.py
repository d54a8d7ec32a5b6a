"""What our streams cost against the official client's, on the same frames from one venue.

All in processor time of this process, in turn, so that a noisy machine has little say. Noise only
adds: orders, which switch threads often, are compared by their best rounds. The bounds are the
design's targets.
"""

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tidegate.adapters.bybit.streams.connection import Connection, ConnectionSpec, Handlers
from tidegate.adapters.bybit.streams.frames import Dialect
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.streams.io_thread import IoThread
from tidegate.adapters.bybit.streams.public import PublicFeed
from tidegate.adapters.bybit.streams.trade import TradeAnswer

from tests.adapters.bybit.streams.bench import BTC, QUICK, Ear, Signs, WallClock
from tests.adapters.bybit.streams.blast import FRAMES

pybit_socket = pytest.importorskip("pybit.unified_trading")

pytestmark = pytest.mark.benchmark

WAIT_S = 60
ROUNDS = 5
REQUESTS = 60


class _Hosts:
    def __init__(self, base: str) -> None:
        self.public_url = f"{base}/v5/public/linear"
        self.private_url = f"{base}/v5/private"
        self.trade_url = f"{base}/v5/trade"


@pytest.fixture
def venue() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.adapters.bybit.streams.blast"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def _client(base: str, kind: Any) -> Any:
    """Return the official client's class with its addresses pointed at ``base``."""

    def connect(self: Any, url: str) -> None:
        kind._connect(self, f"{base}/v5{url.split('/v5', 1)[1]}" if "{" in url else url)

    return type("Pointed", (kind,), {"_connect": connect})


def _our_books_s(base: str) -> float:
    done = threading.Event()
    count = 0
    feed = PublicFeed(
        Ear(), now_ms=lambda: 1, monotonic_ms=lambda: 1, age_ms_max=1, renew=lambda *_: None
    )
    topic = feed.watch_book(BTC)

    def take(message: dict[str, object]) -> None:
        nonlocal count
        feed.take(message)
        book = feed.best(BTC)
        assert book is not None
        assert book.best_bid() is not None
        count += 1
        if count == FRAMES:
            done.set()

    async def subscribed() -> Connection:
        spec = ConnectionSpec(
            name="books", url=_Hosts(base).public_url, dialect=Dialect.STREAM, signer=None,
            limits=QUICK.connection, ssl_context=None, now_ms=lambda: 1,
        )  # fmt: skip
        connection = Connection(spec, Handlers(on_push=take, on_unreadable=lambda _: None))
        await connection.open()
        await connection.subscribe([topic])
        return connection

    io = IoThread("books", close_wait_ms=1_000)
    io.start()
    began_s = time.process_time()
    connection = io.run(subscribed(), wait_ms=10_000)
    assert done.wait(WAIT_S)
    spent_s = time.process_time() - began_s
    io.soon(lambda: connection.close("done"))
    io.close()
    return spent_s


def _their_books_s(base: str) -> float:
    done = threading.Event()
    count = 0

    def take(message: dict[str, Any]) -> None:
        nonlocal count
        assert message["data"]["b"][0] is not None
        count += 1
        if count == FRAMES:
            done.set()

    socket = _client(base, pybit_socket.WebSocket)(testnet=False, channel_type="linear")
    began_s = time.process_time()
    socket.orderbook_stream(50, "BTCUSDT", take)
    assert done.wait(WAIT_S)
    spent_s = time.process_time() - began_s
    socket.exit()
    return spent_s


def _spent_s(times: int, act: Callable[[], object]) -> float:
    """Return the processor time of this process, which a loaded machine leaves alone."""
    began_s = time.process_time()
    for _ in range(times):
        act()
    return time.process_time() - began_s


def test_a_book_costs_a_quarter_of_the_official_clients(venue: str) -> None:
    """Fifty levels, eight changed in each frame; the best level is read after each."""
    ratios = [_our_books_s(venue) / _their_books_s(venue) for _ in range(ROUNDS)]
    assert statistics.median(ratios) <= 0.25


def test_an_order_by_stream_takes_less_than_the_official_clients(venue: str) -> None:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "0.001"}
    theirs = _client(venue, pybit_socket.WebSocketTrading)(
        testnet=False,
        api_key="key",
        api_secret="made up for a venue of our own",  # noqa: S106
    )
    answered = threading.Event()

    def ask_theirs() -> None:
        answered.clear()
        theirs.place_order(lambda _: answered.set(), **order)
        # An answer that comes before the client has registered it is lost: that is its defect.
        answered.wait(0.03)

    hub = StreamHub(hosts=_Hosts(venue), credentials=Signs(), clock=WallClock(), config=QUICK)
    with contextlib.closing(hub):
        socket = hub.trade_socket()
        assert socket is not None
        deadline_s = time.monotonic() + WAIT_S
        while not socket.is_up and time.monotonic() < deadline_s:
            threading.Event().wait(0.01)

        def ask_ours() -> None:
            answer = socket.send("order.create", order, deadline_ms=10_000)
            assert isinstance(answer, TradeAnswer)

        pairs = [(_spent_s(REQUESTS, ask_ours), _spent_s(REQUESTS, ask_theirs)) for _ in range(12)]
    theirs.exit()
    ours_s, theirs_s = (min(spent) for spent in zip(*pairs, strict=True))
    assert ours_s / theirs_s <= 0.7
