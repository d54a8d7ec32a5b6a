"""The venue's own client as it is: REST and streams with nothing changed but the address."""

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from tests.adapters.v5server.bench import KEY, SECRET, Bench, Json

__all__ = [
    "ACK_DELAY_MS",
    "BTC",
    "Followed",
    "Heard",
    "followed",
    "private_stream",
    "public_stream",
    "rows",
    "session_of",
    "trade_stream",
]

ACK_DELAY_MS = 10
"""The stock client registers what it waits for after it sent it, and must not be outrun."""

WAIT_S = 20
BTC: Json = {"category": "linear", "symbol": "BTCUSDT"}


class _Here:
    """Sends a stream of the stock client to the bench instead of the internet."""

    base = ""

    def _connect(self, url: str) -> None:
        if "{SUBDOMAIN}" in url:
            url = self.base + "/v5" + url.split("/v5", 1)[1]
        cast(Any, super())._connect(url)


@contextmanager
def _opened(bench: Bench, stream: type, *kinds: str, **keys: str) -> Iterator[Any]:
    here = type("Here", (_Here, stream), {"base": bench.server.ws_url})
    opened: list[Any] = [here(*kinds, testnet=False, ping_interval=2, ping_timeout=1, **keys)]
    try:
        yield opened[0]
        assert opened[0].is_connected(), "the stream died on the way"
    finally:
        opened[0].exit()
        opened[0].wst.join(WAIT_S)
        opened.clear()
        _collect()


def _collect() -> None:
    """Collect the sockets that the stock client forgets to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def public_stream(bench: Bench) -> Any:
    """Open a public stream, within a ``with``."""
    return _opened(bench, WebSocket, "linear")


def private_stream(bench: Bench, key: str = KEY, secret: str = SECRET) -> Any:
    """Open a private stream, within a ``with``."""
    return _opened(bench, WebSocket, "private", api_key=key, api_secret=secret)


def trade_stream(bench: Bench, key: str = KEY, secret: str = SECRET) -> Any:
    """Open a trade stream, within a ``with``."""
    return _opened(bench, WebSocketTrading, api_key=key, api_secret=secret)


@contextmanager
def session_of(bench: Bench, key: str = KEY, secret: str = SECRET) -> Iterator[HTTP]:
    """Open a REST session."""
    session = HTTP(api_key=key, api_secret=secret)
    session.endpoint = bench.server.rest_url
    session.client.trust_env = False
    try:
        yield session
    finally:
        session.client.close()


def rows(answer: object) -> list[Json]:
    """Return the list of an answer that the client took for a success."""
    return cast("list[Json]", cast("Json", cast("Json", answer)["result"])["list"])


class Heard:
    """Everything that the callbacks of one topic got; any thread."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._changed = threading.Condition()
        self._messages: list[Json] = []

    def __call__(self, message: Json) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    @property
    def messages(self) -> list[Json]:
        """Every message, oldest first."""
        with self._changed:
            return list(self._messages)

    @property
    def rows(self) -> list[Json]:
        """Every row of every message, oldest first."""
        return [row for message in self.messages for row in cast("list[Json]", message["data"])]

    def wait(self, holds: Callable[[list[Json]], bool], what: str) -> list[Json]:
        """Return the rows once ``holds`` of them is true."""
        with self._changed:
            found = self._changed.wait_for(lambda: holds(self.rows), WAIT_S)
        assert found, f"{self.topic}: {what} was not heard; heard {self.rows}"
        return self.rows

    def wait_last(self, holds: Callable[[Json], bool], what: str) -> None:
        """Return once ``holds`` of the data of the last message is true."""

        def is_so() -> bool:
            return bool(self._messages) and holds(cast("Json", self._messages[-1]["data"]))

        with self._changed:
            assert self._changed.wait_for(is_so, WAIT_S), f"{self.topic}: {what} was not heard"

    def wait_message(self) -> Json:
        """Return the first message, and forget it."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self._messages), WAIT_S), self.topic
            return self._messages.pop(0)


@dataclass
class Followed:
    """A session, and everything that its account and the market say meanwhile."""

    session: HTTP
    orders: Heard = field(default_factory=lambda: Heard("order"))
    fills: Heard = field(default_factory=lambda: Heard("execution"))
    positions: Heard = field(default_factory=lambda: Heard("position"))
    wallets: Heard = field(default_factory=lambda: Heard("wallet"))
    books: Heard = field(default_factory=lambda: Heard("orderbook"))
    trades: Heard = field(default_factory=lambda: Heard("publicTrade"))
    tickers: Heard = field(default_factory=lambda: Heard("tickers"))


@contextmanager
def followed(bench: Bench) -> Iterator[Followed]:
    """Open everything; at the end no stream may have died."""
    with ExitStack() as stack:
        account = Followed(stack.enter_context(session_of(bench)))
        public = stack.enter_context(public_stream(bench))
        public.orderbook_stream(50, "BTCUSDT", account.books)
        public.trade_stream("BTCUSDT", account.trades)
        public.ticker_stream("BTCUSDT", account.tickers)
        private = stack.enter_context(private_stream(bench))
        private.order_stream(account.orders)
        private.execution_stream(account.fills)
        private.position_stream(account.positions)
        private.wallet_stream(account.wallets)
        yield account
