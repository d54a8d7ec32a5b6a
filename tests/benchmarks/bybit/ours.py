"""Our adapter, pointed at a venue on this machine."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidegate.adapters.bybit.changes import Changes
from tidegate.adapters.bybit.channels import RestChannel
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.queries import StateQueries
from tidegate.adapters.bybit.rest import RestClient
from tidegate.adapters.bybit.streams.book import OrderBook
from tidegate.adapters.bybit.streams.connection import Connection, ConnectionSpec, Handlers
from tidegate.adapters.bybit.streams.frames import Dialect
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.streams.io_thread import IoThread
from tidegate.adapters.bybit.streams.public import PublicFeed
from tidegate.adapters.bybit.streams.settings import ConnectionLimits, StreamConfig
from tidegate.adapters.bybit.streams.trade import TradeSocket
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import VenueMessage

from tests.benchmarks.bybit.arrivals import KEY, SECRET
from tests.benchmarks.bybit.books import SYMBOL
from tests.benchmarks.bybit.served import Served
from tests.benchmarks.bybit.venue import BURST

__all__ = ["book_stream", "changes", "rest_client", "trade_socket"]

WAIT_S = 30


def _hosts(venue: Served) -> Hosts:
    return Hosts.loopback(
        rest_url=venue.http_url, ws_url=venue.ws_url, kind=VenueKind.BYBIT_TESTNET
    )


@contextmanager
def rest_client(venue: Served) -> Iterator[RestClient]:
    """Yield a client of REST with a rate limiter of its own, so that no batch waits for room."""
    rest = RestClient(
        hosts=_hosts(venue),
        credentials=Credentials(KEY, SECRET),
        clock=ServerClock(SystemClock()),
    )
    try:
        yield rest
    finally:
        rest.close()


@contextmanager
def changes(venue: Served) -> Iterator[Changes]:
    """Yield what takes orders in the domain's terms."""
    with rest_client(venue) as rest:
        yield Changes(rest, RestChannel(rest), StateQueries(rest))


@contextmanager
def trade_socket(venue: Served) -> Iterator[TradeSocket]:
    """Yield the door for orders by stream."""
    hub = StreamHub(
        hosts=_hosts(venue),
        credentials=Credentials(KEY, SECRET),
        clock=SystemClock(),
        config=StreamConfig(),
    )
    try:
        socket = hub.trade_socket()
        assert socket is not None
        _wait_up(socket)
        yield socket
    finally:
        hub.close()


def _wait_up(socket: TradeSocket) -> None:
    """Wait for the authentication, which opening the stream does not."""
    never = threading.Event()
    deadline_s = time.monotonic() + WAIT_S
    while not socket.is_up:
        assert time.monotonic() < deadline_s
        never.wait(0.005)


@contextmanager
def book_stream(venue: Served, read: Callable[[OrderBook], None]) -> Iterator[Callable[[], object]]:
    """Yield an act that makes the venue push a burst; ``read`` gets the book after each frame."""
    heard: list[VenueMessage] = []
    renewed: list[str] = []
    feed = PublicFeed(
        heard.append,
        now_ms=SystemClock().now_ms,
        monotonic_ms=SystemClock().now_ms,
        age_ms_max=1_000,
        renew=lambda topic, cause: renewed.append(f"{topic}: {cause}"),
    )
    topic = feed.watch_book(Symbol(SYMBOL))
    book = feed.best(Symbol(SYMBOL))
    assert book is not None

    def take(message: dict[str, object]) -> None:
        feed.take(message)
        read(book)

    async def subscribed() -> Connection:
        spec = ConnectionSpec(
            name="books",
            url=_hosts(venue).public_url,
            dialect=Dialect.STREAM,
            signer=None,
            limits=ConnectionLimits(),
            ssl_context=None,
            now_ms=SystemClock().now_ms,
        )
        connection = Connection(spec, Handlers(on_push=take, on_unreadable=feed.unreadable))
        await connection.open()
        await connection.subscribe([topic])
        feed.went_up()
        return connection

    async def closed(connection: Connection) -> None:
        connection.close("done")
        await connection.wait_closed()

    io = IoThread("books", close_wait_ms=1_000)
    io.start()
    try:
        connection = io.run(subscribed(), wait_ms=WAIT_S * 1_000)
        yield lambda: io.soon(lambda: connection.send(BURST))
        io.run(closed(connection), wait_ms=WAIT_S * 1_000)
    finally:
        io.close()
    assert heard == []
    assert renewed == []
