"""The served venue's HTTP surface: requests that are well signed, and otherwise whatever comes."""

import atexit
import hashlib
import hmac
import json
import random
import socket
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tidegate.adapters.bybit.wire.wallets import account_report
from tidegate.domain.reports import MarginMode

from tests.adapters.v5server.bench import KEY, SECRET, Bench

from .mutating import mutate_bytes, mutate_json
from .served import QUERIES
from .target import Target

__all__ = ["Broken", "venue_target"]

_ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.1",
    "price": "59900",
}
_NAME = {"category": "linear", "symbol": "BTCUSDT"}
_POSTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("/v5/order/create", _ORDER),
    ("/v5/order/create", {**_ORDER, "orderType": "Market", "orderLinkId": "one"}),
    ("/v5/order/create", {**_ORDER, "triggerPrice": "59500", "triggerDirection": 2}),
    ("/v5/order/create", {**_ORDER, "takeProfit": "61000", "stopLoss": "59000"}),
    ("/v5/order/pre-check", _ORDER),
    ("/v5/order/amend", {**_NAME, "orderLinkId": "one", "qty": "0.2", "price": "59000"}),
    ("/v5/order/cancel", {**_NAME, "orderLinkId": "one"}),
    ("/v5/order/cancel-all", _NAME),
    ("/v5/order/create-batch", {"category": "linear", "request": [_ORDER, _ORDER]}),
    ("/v5/order/amend-batch", {"category": "linear", "request": [{**_NAME, "orderId": "x"}]}),
    ("/v5/order/cancel-batch", {"category": "linear", "request": [{**_NAME, "orderId": "x"}]}),
    ("/v5/position/trading-stop", {**_NAME, "stopLoss": "59000", "tpslMode": "Full"}),
    (
        "/v5/position/trading-stop",
        {**_NAME, "tpslMode": "Partial", "stopLoss": "59000", "slSize": "0.1"},
    ),
    ("/v5/position/set-leverage", {**_NAME, "buyLeverage": "5", "sellLeverage": "5"}),
    ("/v5/position/switch-mode", {**_NAME, "mode": 0}),
    ("/v5/position/add-margin", {**_NAME, "margin": "10"}),
    ("/v5/position/set-auto-add-margin", {**_NAME, "autoAddMargin": 1}),
    ("/v5/account/set-margin-mode", {"setMarginMode": "REGULAR_MARGIN"}),
    ("/v5/account/set-collateral-switch", {"coin": "BTC", "collateralSwitch": "ON"}),
    ("/v5/account/set-limit-px-action", {"category": "linear", "modifyEnable": True}),
    ("/v5/order/disconnected-cancel-all", {"timeWindow": 10}),
)
_FAULTS_FROM = 500
_LIMITED = frozenset({10006, 10018})
_INTERNAL_ERROR = 10016
_RENEWED_AFTER = 1_000
_WAIT_S = 8


class Broken(Exception):
    """An answer that no client of the venue could understand, or none."""


class _Venue:
    """One served venue with a market, and one connection to it."""

    def __init__(self) -> None:
        self._asked = 0
        self._open()

    def _open(self) -> None:
        self._bench = Bench()
        self._bench.__enter__()
        self._bench.price("60000")
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Stop the venue."""
        self._drop()
        self._bench.__exit__()

    def renew(self) -> None:
        """Go on with another venue: what broke one, or what it gathered, is not the next's."""
        self.close()
        self._open()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, request: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a request as it is, and return status and body.

        Raises:
            Broken: no answer came, or none that is HTTP.

        """
        self._asked += 1
        if self._asked % _RENEWED_AFTER == 0:
            self.check()
            self.renew()
        elif self._asked % 50 == 0:
            self._bench.advance(1_000)  # what the rate limits have taken comes back
        text = self._text(request)
        try:
            return self._exchange(text)
        except (OSError, HTTPException) as error:
            self._drop()
            raise Broken(f"no answer: {type(error).__name__}: {error}") from error

    def _text(self, request: Mapping[str, str]) -> bytes:
        body = request["body"].encode(errors="surrogateescape")
        target = request["target"].encode(errors="surrogateescape")
        payload = body if request["method"] == "POST" else target.partition(b"?")[2]
        stamp = str(self._bench.now_ms())
        signed = f"{stamp}{KEY}5000".encode() + payload
        head = [
            request["method"].encode(errors="replace") + b" " + target + b" HTTP/1.1",
            b"Host: localhost",
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(body),
            f"X-BAPI-API-KEY: {KEY}".encode(),
            f"X-BAPI-TIMESTAMP: {stamp}".encode(),
            b"X-BAPI-RECV-WINDOW: 5000",
            b"X-BAPI-SIGN: "
            + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest().encode(),
        ]
        return b"\r\n".join(head) + b"\r\n\r\n" + body

    def _exchange(self, text: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            parts = urlsplit(self._bench.server.rest_url)
            self._socket = socket.create_connection((parts.hostname, parts.port), timeout=_WAIT_S)
        self._socket.sendall(text)
        response = HTTPResponse(self._socket)
        response.begin()
        body = response.read()
        if response.will_close or response.status == 400:
            self._drop()
        return response.status, body

    def check(self) -> None:
        """Ask what any client asks: the venue must still serve, and its wallet must be readable.

        Raises:
            Broken: it does not.

        """
        self._bench.advance(5_000)
        client = self._bench.client()
        answer = client.get("/v5/account/wallet-balance", "accountType=UNIFIED")
        if answer.status != 200 or answer.code != 0:
            raise Broken(f"after the inputs before this one: {answer.status} {answer.text[:300]}")
        account_report(answer.rows[0], mode=MarginMode.ISOLATED, time_ms=0)


@cache
def _venue() -> _Venue:
    venue = _Venue()
    atexit.register(venue.close)
    return venue


def _check(data: bytes) -> None:
    request = json.loads(data)
    if not isinstance(request, dict) or not {"method", "target", "body"} <= set(request):
        raise _NoRequest
    if not all(isinstance(value, str) for value in request.values()):
        raise _NoRequest
    if (
        any(mark in request["method"] + request["target"] for mark in " \r\n")
        or not request["method"]
    ):
        raise _NoRequest  # these marks end the parts of a request line
    try:
        _require_sound(*_venue().ask(request))
    except Broken:
        _venue().renew()
        raise


def _require_sound(status: int, body: bytes) -> None:
    if status >= _FAULTS_FROM:
        raise Broken(f"status {status}: {body[:300]!r}")
    if status == 200:
        _require_envelope(body)


class _NoRequest(Exception):
    """The input is no request that could be sent."""


def _require_envelope(body: bytes) -> None:
    answer = json.loads(body)
    code = answer.get("retCode") if isinstance(answer, dict) else None
    if not isinstance(code, int) or not isinstance(answer.get("retMsg"), str):
        raise Broken(f"no envelope: {body[:300]!r}")
    if code == _INTERNAL_ERROR:
        raise Broken(f"the venue met an error of its own: {answer['retMsg'][:300]}")


def _mutate(data: bytes, chance: random.Random) -> bytes:
    """Change what a request asks for, and now and then its path, its verb or its bytes."""
    request = json.loads(data)
    if chance.random() < 0.08:
        name = chance.choice(("method", "target", "body"))
        request[name] = mutate_bytes(request[name].encode(), chance).decode(
            errors="surrogateescape"
        )
        return json.dumps(request).encode()
    path, _, query = request["target"].partition("?")
    if request["method"] == "POST":
        request["body"] = mutate_json(request["body"].encode(), chance).decode()
    else:
        fields = json.loads(mutate_json(json.dumps(dict(parse_qsl(query))).encode(), chance))
        if isinstance(fields, dict):
            pairs = {str(name): str(value) for name, value in fields.items()}
            request["target"] = f"{path}?{urlencode(pairs, errors='replace')[:6_000]}"
    return json.dumps(request).encode()


def venue_target() -> Target:
    """Return the target of the venue's HTTP surface."""
    gets = ({"method": "GET", "target": f"{path}?{query}", "body": ""} for path, query in QUERIES)
    posts = ({"method": "POST", "target": path, "body": json.dumps(body)} for path, body in _POSTS)
    return Target(
        name="venue.http",
        corpus=tuple(json.dumps(request).encode() for request in (*gets, *posts)),
        mutate=_mutate,
        check=_check,
        refusals=(_NoRequest,),
        share=0,
        inputs_min=10_000,
    )
