"""A hub against a scripted venue, an ear that hears, and the rows that the venue pushes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.streams.settings import ConnectionLimits, RetryLimits, StreamConfig
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode, StreamReport, StreamState, VenueMessage
from tidegate.ports.clock import ClockPort

from tests.adapters.bybit.streams.scripted import WAIT_S, ScriptedVenue

BTC = Symbol("BTCUSDT")
PUBLIC, PRIVATE, TRADE = "/v5/public/linear", "/v5/private", "/v5/trade"
QUICK = StreamConfig(
    connection=ConnectionLimits(connect_wait_ms=2_000, answer_wait_ms=2_000),
    retry=RetryLimits(pause_ms_min=10, pause_ms_max=100, stable_ms=1),
)


class WallClock(ClockPort):
    """The machine's time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Signs:
    """A signer whose signature the scripted venue does not check."""

    def auth_args(self, expires_ms: int) -> tuple[str, int, str]:
        return "key", expires_ms, "signature"


class Ear:
    """A sink that keeps what it heard and can be waited on."""

    def __init__(self) -> None:
        self._heard: list[VenueMessage] = []
        self._changed = threading.Condition()

    def __call__(self, message: VenueMessage) -> None:
        with self._changed:
            self._heard.append(message)
            self._changed.notify_all()

    def heard(self) -> tuple[VenueMessage, ...]:
        with self._changed:
            return tuple(self._heard)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.heard() if isinstance(message, kind)]

    def states(self) -> list[StreamState]:
        return [message.state for message in self.of(StreamReport)]

    def until(self, condition: Callable[["Ear"], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), WAIT_S)


@contextmanager
def hub_on(venue: ScriptedVenue, **changes: Any) -> Iterator[StreamHub]:
    """Yield a hub on the venue that is closed at the end."""
    usual: dict[str, Any] = {
        "credentials": Signs(),
        "clock": WallClock(),
        "config": QUICK,
        "margin_mode": lambda: MarginMode.ISOLATED,
    }
    hub = StreamHub(hosts=venue, **usual | changes)
    try:
        yield hub
    finally:
        hub.close()


def limits(**changes: Any) -> StreamConfig:
    """Return the quick configuration with other deadlines of a connection."""
    return attrs.evolve(QUICK, connection=attrs.evolve(QUICK.connection, **changes))


def ticker_row(**changes: str) -> dict[str, str]:
    """Return a complete row of a ticker."""
    return {
        "symbol": "BTCUSDT", "lastPrice": "64000.1", "markPrice": "64000.2",
        "indexPrice": "64000.3", "bid1Price": "64000.0", "bid1Size": "1.5",
        "ask1Price": "64000.5", "ask1Size": "2", "fundingRate": "0.0001",
        "deliveryTime": "", "preOpenPrice": "",
    } | changes  # fmt: skip


def ticker_message(kind: str = "snapshot", *, ts: int | None = None, **row: str) -> dict[str, Any]:
    """Return a message of a ticker's topic."""
    data = ticker_row(**row) if kind == "snapshot" else {"symbol": "BTCUSDT"} | row
    ts = WallClock().now_ms() if ts is None else ts
    return {"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 1, "ts": ts}


def book_message(
    kind: str, u: int, bids: list[list[str]], asks: list[list[str]], *, ts: int | None = None
) -> dict[str, Any]:
    """Return a message of a book's topic."""
    ts = WallClock().now_ms() if ts is None else ts
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u * 10}
    return {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": ts, "data": data, "cts": ts}


def private_message(topic: str, *rows: Any) -> dict[str, Any]:
    """Return a message of the account's stream."""
    return {"id": "1", "topic": topic, "creationTime": 1_700_000_000_000, "data": list(rows)}
