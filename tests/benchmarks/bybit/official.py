"""The official client, pointed at a venue on this machine."""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from tests.benchmarks.bybit.arrivals import KEY, SECRET
from tests.benchmarks.bybit.books import SYMBOL, TOPIC, burst
from tests.benchmarks.bybit.venue import BURST

__all__ = ["book_stream", "registering_first", "rest_session", "stock", "trade_stream"]

ATTEMPTS_MAX = 10
WAIT_S = 10
PING_TIMEOUT_S = 1
"""How long its reader may outlive a closed stream; the default is ten seconds."""

_SHARED: dict[str, Any] = {"testnet": False, "ping_timeout": PING_TIMEOUT_S}


def stock() -> Any:
    """Return the class for orders by stream as it is: it registers a request after sending it."""
    return WebSocketTrading


def registering_first() -> Any:
    """Return the class with its order of steps mended, so that no answer is lost."""

    def send(
        self: Any, operation: str, callback: Any, request: Any, error_callback: Any = None
    ) -> None:
        request_id = str(uuid.uuid4())
        self._set_callback(request_id, callback, error_callback)
        header = {"X-BAPI-TIMESTAMP": _timestamp_ms()}
        message = {"reqId": request_id, "header": header, "op": operation, "args": [request]}
        self.ws.send(json.dumps(message))

    return type("RegisteringFirst", (WebSocketTrading,), {"_send_order_operation": send})


def _timestamp_ms() -> int:
    from pybit import _helpers

    return int(_helpers.generate_timestamp())


@contextmanager
def rest_session(url: str) -> Iterator[Any]:
    """Yield a session of REST."""
    session = HTTP(api_key=KEY, api_secret=SECRET)
    session.endpoint = url
    try:
        yield session
    finally:
        session.client.close()


@contextmanager
def trade_stream(kind: Any, ws_url: str) -> Iterator[Any]:
    """Yield a stream that takes orders; what it logs of answers that it loses is left out."""
    log = logging.getLogger("pybit")
    level = log.level
    log.setLevel(logging.ERROR)
    stream = _pointed(kind, ws_url)(api_key=KEY, api_secret=SECRET, **_SHARED)
    try:
        yield stream
    finally:
        _end(stream)
        log.setLevel(level)


class _Heard:
    """Counts the messages of a burst that only shows that the stream is alive."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.all = threading.Event()

    def __call__(self, _: dict[str, Any]) -> None:
        self._left -= 1
        if not self._left:
            self.all.set()


@contextmanager
def book_stream(
    ws_url: str, take: Callable[[dict[str, Any]], None]
) -> Iterator[Callable[[], None]]:
    """Yield an act that makes the venue push a burst to ``take``.

    An answer that comes before the client has registered its subscription ends the client: then
    another one is made.
    """
    for _ in range(ATTEMPTS_MAX):
        heard = _Heard(len(burst().frames))
        stream = _pointed(WebSocket, ws_url)(channel_type="linear", **_SHARED)

        def push(stream: Any = stream) -> None:
            stream.ws.send(BURST.decode())

        try:
            stream.orderbook_stream(50, SYMBOL, heard)
            push()
            if heard.all.wait(WAIT_S):
                stream.callback_directory[TOPIC] = take
                yield push
                return
        finally:
            _end(stream)
    raise AssertionError(f"the official client died {ATTEMPTS_MAX} times of its own subscription")


def _pointed(kind: Any, ws_url: str) -> Any:
    def connect(self: Any, url: str) -> None:
        kind._connect(self, f"{ws_url}/v5{url.split('/v5', 1)[1]}" if "{" in url else url)

    return type("Pointed", (kind,), {"_connect": connect})


def _end(stream: Any) -> None:
    stream.exit()
    stream.wst.join(WAIT_S)
    assert not stream.wst.is_alive()
