"""What reached the venue, judged after the clock was stopped: is each a correctly signed order?"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import attrs

__all__ = ["KEY", "ORDER", "SECRET", "Arrivals", "Verdict", "link_id", "signature"]

KEY, SECRET = "key-of-a-benchmark", "secret-of-a-benchmark"
ORDER: Mapping[str, str | int] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.001",
    "price": "60000",
    "timeInForce": "GTC",
    "positionIdx": 0,
    "stopLoss": "59000",
    "slTriggerBy": "MarkPrice",
    "tpslMode": "Full",
}
LEAD_MS_MAX = 1_000
"""How far ahead of its own clock the venue takes a time stamp (Bybit V5 "Authentication")."""

WINDOW_MS = 5_000
FAULTS_SHOWN = 5


def link_id(number: int) -> str:
    """Return the client's id of the n-th order."""
    return f"tg{number:016d}-e-1"


def signature(text: str) -> str:
    """Return the signature that the venue expects (Bybit V5 "Authentication")."""
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


@attrs.frozen(kw_only=True)
class Verdict:
    """How many orders came, and what was wrong with some of them; ``ids`` are the clients'."""

    orders: int
    ids: int
    faults: list[str]


class _Fault(Exception):
    """An arrival is not what it should be."""


class Arrivals:
    """Keeps what came as it came, with its time; threads may add while nobody judges."""

    def __init__(self) -> None:
        self._requests: list[tuple[int, bytes]] = []
        self._frames: list[tuple[int, bytes]] = []
        self._logins: list[tuple[int, bytes]] = []

    def request(self, time_ms: int, whole: bytes) -> None:
        """Keep a request of HTTP."""
        self._requests.append((time_ms, whole))

    def frame(self, time_ms: int, text: bytes) -> None:
        """Keep an order that came by stream."""
        self._frames.append((time_ms, text))

    def login(self, time_ms: int, text: bytes) -> None:
        """Keep the authentication of a stream."""
        self._logins.append((time_ms, text))

    def judged(self) -> Verdict:
        """Judge what came since the last time, and forget it."""
        ids: set[str] = set()
        request_ids: set[str] = set()
        faults = []
        for kept, judge in (
            (self._logins, _login),
            (self._requests, lambda at, text: ids.add(_request(at, text))),
            (self._frames, lambda at, text: ids.add(_framed(at, text, request_ids))),
        ):
            for time_ms, text in kept:
                try:
                    judge(time_ms, text)
                except (_Fault, LookupError, ValueError, TypeError) as error:
                    faults.append(f"{type(error).__name__} {error}: {text[:300]!r}")
        orders = len(self._requests) + len(self._frames)
        for kept, _ in ((self._logins, 0), (self._requests, 0), (self._frames, 0)):
            kept.clear()
        return Verdict(orders=orders, ids=len(ids), faults=faults[:FAULTS_SHOWN])


def _request(time_ms: int, whole: bytes) -> str:
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    _expect("request line", first, "POST /v5/order/create HTTP/1.1")
    _expect("content type", headers["content-type"], "application/json")
    stamp, window = headers["x-bapi-timestamp"], headers["x-bapi-recv-window"]
    _timely(time_ms, int(stamp), int(window))
    _expect("key", headers["x-bapi-api-key"], KEY)
    _expect("signature", headers["x-bapi-sign"], signature(stamp + KEY + window + body.decode()))
    return _order(json.loads(body))


def _framed(time_ms: int, text: bytes, request_ids: set[str]) -> str:
    message = json.loads(text)
    _expect("op", message["op"], "order.create")
    _timely(time_ms, int(message["header"]["X-BAPI-TIMESTAMP"]), WINDOW_MS)
    if not message["reqId"] or message["reqId"] in request_ids:
        raise _Fault(f"reqId {message['reqId']!r} came twice")
    request_ids.add(message["reqId"])
    (order,) = message["args"]
    return _order(order)


def _login(time_ms: int, text: bytes) -> None:
    key, expires_ms, given = json.loads(text)["args"]
    _expect("key", key, KEY)
    _expect("signature", given, signature(f"GET/realtime{expires_ms}"))
    if int(expires_ms) <= time_ms:
        raise _Fault(f"expired at {expires_ms}, came at {time_ms}")


def _order(order: dict[str, Any]) -> str:
    given = dict(order)
    own_id = given.pop("orderLinkId")
    _expect("order", given, ORDER)
    return str(own_id)


def _timely(time_ms: int, stamp_ms: int, window_ms: int) -> None:
    if not time_ms - window_ms <= stamp_ms <= time_ms + LEAD_MS_MAX:
        raise _Fault(f"stamped {stamp_ms}, came at {time_ms}, window {window_ms}")


def _expect(name: str, given: object, wanted: object) -> None:
    if given != wanted:
        raise _Fault(f"{name} is {given!r}, not {wanted!r}")
