"""A comparison of speed counts only when the venue would have taken the orders: here it looks."""

import json
from collections.abc import Callable

import pytest

from tests.benchmarks.bybit.arrivals import KEY, ORDER, WINDOW_MS, Arrivals, link_id, signature

NOW_MS = 1_700_000_000_000


def _request(**changes: str | int) -> bytes:
    """A signed request; the signature is made before ``sent`` replaces the body."""
    order = {**ORDER, "orderLinkId": link_id(1)} | changes
    stamp = order.pop("stamp", NOW_MS)
    key, sent = order.pop("key", KEY), order.pop("sent", None)
    body = json.dumps(order)
    lines = (
        "POST /v5/order/create HTTP/1.1",
        "Content-Type: application/json",
        f"X-BAPI-API-KEY: {key}",
        f"X-BAPI-TIMESTAMP: {stamp}",
        f"X-BAPI-RECV-WINDOW: {WINDOW_MS}",
        f"X-BAPI-SIGN: {signature(f'{stamp}{key}{WINDOW_MS}{body}')}",
    )
    return ("\r\n".join(lines) + f"\r\n\r\n{sent or body}").encode()


def _frame(request_id: str = "1", stamp: int | str = NOW_MS, op: str = "order.create") -> bytes:
    order = {**ORDER, "orderLinkId": link_id(1)}
    header = {"X-BAPI-TIMESTAMP": stamp}
    return json.dumps({"reqId": request_id, "header": header, "op": op, "args": [order]}).encode()


def _login(expires_ms: int = NOW_MS + 1, sign: str = "") -> bytes:
    sign = sign or signature(f"GET/realtime{expires_ms}")
    return json.dumps({"op": "auth", "args": [KEY, expires_ms, sign]}).encode()


def test_what_the_venue_would_take_is_counted_once_for_each_verdict() -> None:
    arrivals = Arrivals()
    arrivals.login(NOW_MS, _login())
    arrivals.request(NOW_MS, _request())
    arrivals.frame(NOW_MS, _frame())
    verdict = arrivals.judged()
    assert (verdict.orders, verdict.ids, verdict.faults) == (2, 1, [])
    assert arrivals.judged().orders == 0


@pytest.mark.parametrize(
    ("says", "arrive"),
    [
        ("signature", lambda a: a.request(NOW_MS, _request(sent="{}"))),
        ("key", lambda a: a.request(NOW_MS, _request(key="another"))),
        ("order is", lambda a: a.request(NOW_MS, _request(qty="0.002"))),
        ("order is", lambda a: a.request(NOW_MS, _request(price=60_000))),
        ("stamped", lambda a: a.request(NOW_MS, _request(stamp=NOW_MS - WINDOW_MS - 1))),
        ("stamped", lambda a: a.request(NOW_MS, _request(stamp=NOW_MS + 1_001))),
        ("request line", lambda a: a.request(NOW_MS, _request().replace(b"create", b"amend"))),
        ("x-bapi-sign", lambda a: a.request(NOW_MS, _request().replace(b"SIGN", b"SING"))),
        ("stamped", lambda a: a.frame(NOW_MS, _frame(stamp=str(NOW_MS - WINDOW_MS - 1)))),
        ("op is", lambda a: a.frame(NOW_MS, _frame(op="order.amend"))),
        ("came twice", lambda a: [a.frame(NOW_MS, _frame()) for _ in range(2)]),
        ("signature", lambda a: a.login(NOW_MS, _login(sign="0"))),
        ("expired", lambda a: a.login(NOW_MS, _login(expires_ms=NOW_MS))),
    ],
)
def test_what_the_venue_would_refuse_is_a_fault(
    says: str, arrive: Callable[[Arrivals], object]
) -> None:
    arrivals = Arrivals()
    arrive(arrivals)
    (fault,) = arrivals.judged().faults
    assert says in fault
