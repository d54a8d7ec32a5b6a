"""The stock client of the venue, pointed here by its one hook, sees what it expects."""

import gc
import queue
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from pybit.unified_trading import WebSocket, WebSocketTrading
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.ws_session import StreamKind

from .bench import KEY, SECRET, Bench, Json
from .raw_stream import order_params

WAIT_S = 10


class _Here:
    """Sends a pybit stream to the bench instead of the internet."""

    base = ""

    def _connect(self, url: str) -> None:
        if "{SUBDOMAIN}" in url:
            url = self.base + "/v5" + url.split("/v5", 1)[1]
        cast(Any, super())._connect(url)


def _at(bench: Bench, stream: type) -> Any:
    return type("Here", (_Here, stream), {"base": bench.server.ws_url})


@contextmanager
def streams(bench: Bench) -> Iterator[tuple[Any, Any, Any]]:
    """A public, a private and a trade stream of the stock client."""
    keys = {"api_key": KEY, "api_secret": SECRET}
    quick = {"testnet": False, "ping_interval": 2, "ping_timeout": 1}
    opened = [
        _at(bench, WebSocket)("linear", **quick),
        _at(bench, WebSocket)("private", **keys, **quick),
        _at(bench, WebSocketTrading)(**keys, **quick),
    ]
    try:
        yield opened[0], opened[1], opened[2]
    finally:
        for stream in opened:
            stream.exit()
        for stream in opened:
            stream.wst.join(WAIT_S)
        opened.clear()
        _collect()


def _collect() -> None:
    """Collect the sockets that the stock client forgets to close when it comes back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Heard:
    """What callbacks got, to be waited for."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Json] = queue.SimpleQueue()

    def __call__(self, message: Json) -> None:
        self._queue.put(message)

    def next(self) -> Json:
        return self._queue.get(timeout=WAIT_S)


def test_stock_pybit_trades_and_hears_of_it() -> None:
    with Bench(ack_delay_ms=10) as bench:
        bench.price("60000")
        with streams(bench) as (public, private, trade):
            book, orders, fills, acks = Heard(), Heard(), Heard(), Heard()
            public.orderbook_stream(50, "BTCUSDT", book)
            private.order_stream(orders)
            private.execution_stream(fills)
            assert book.next()["topic"] == "orderbook.50.BTCUSDT"
            trade.place_order(acks, **order_params(orderLinkId="by-pybit"))
            assert acks.next()["retCode"] == 0
            assert cast(list[Json], fills.next()["data"])[0]["orderLinkId"] == "by-pybit"
            assert cast(list[Json], orders.next()["data"])[0]["orderLinkId"] == "by-pybit"


def test_stock_pybit_comes_back_after_a_reset_and_hears_again() -> None:
    with Bench(ack_delay_ms=10) as bench:
        bench.price("60000")
        with streams(bench) as (public, private, _):
            trades, orders = Heard(), Heard()
            public.trade_stream("BTCUSDT", trades)
            private.order_stream(orders)
            control = Control(bench.server.call)
            assert control.abort_streams(StreamKind.PUBLIC) == 1
            assert control.close_streams(StreamKind.PRIVATE) == 1
            wait_for_subscribers(bench)
            bench.price("60010")
            bench.client().post("/v5/order/create", **order_params())
            assert trades.next()["topic"] == "publicTrade.BTCUSDT"
            assert orders.next()["topic"] == "order"


def wait_for_subscribers(bench: Bench) -> None:
    """Return when both streams are there again with a subscription."""
    for _ in range(1_000):
        if bench.server.call(
            lambda exchange: all(
                any(session.topics for session in exchange.pushes.sessions(kind))
                for kind in (StreamKind.PUBLIC, StreamKind.PRIVATE)
            )
        ):
            return
        pause()
    raise AssertionError("the streams did not come back")


def pause() -> None:
    """Let ten milliseconds pass."""
    try:
        queue.SimpleQueue[None]().get(timeout=0.01)
    except queue.Empty:
        return
