"""No message ends a connection: nonsense is refused, and the next message is served."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .bench import Bench, Json
from .raw_stream import RawStream, order_params

PATHS = ("/v5/public/linear", "/v5/private", "/v5/trade")
OPS = ("auth", "subscribe", "unsubscribe", "order.create", "order.amend", "order.cancel-batch")

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(("BTCUSDT", "order", "linear", "0", "-1", "1e9", "\ud800", "9" * 5_000))
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_orders = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys((*order_params(), "price", "orderId", "request"), _values),
)
_messages = st.fixed_dictionaries(
    {"op": st.sampled_from(OPS) | _values},
    optional={
        "args": _values | st.lists(_orders, max_size=2),
        "req_id": _values,
        "reqId": _values,
        "header": _values | st.just({"X-BAPI-TIMESTAMP": 1}),
    },
)


@pytest.mark.parametrize("path", PATHS)
def test_a_text_that_is_no_object_is_answered(path: str) -> None:
    with Bench() as bench, RawStream(bench, path) as stream:
        for text in ("", "null", "[" * 100_000, '"x"', "{", "\u0000", "9" * 10_000):
            stream.send_text(text)
            assert is_refusal(stream.next()), text[:20]


@pytest.mark.parametrize("path", PATHS)
def test_no_message_ends_a_connection(path: str) -> None:
    with Bench() as bench, RawStream(bench, path) as stream:
        bench.price("60000")
        stream.authenticate()

        @settings(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
        @given(_messages)
        def holds(message: Json) -> None:
            if path == "/v5/trade" and message.get("header") == {"X-BAPI-TIMESTAMP": 1}:
                message["header"] = {"X-BAPI-TIMESTAMP": bench.now_ms()}
            stream.send_text(json.dumps(message))
            assert isinstance(stream.next(), dict)
            stream.waiting()

        holds()


def is_refusal(answer: Json) -> bool:
    return answer.get("success") is False or answer.get("retCode") not in (0, None)


def test_an_order_without_a_market_is_refused_over_the_trade_stream() -> None:
    with Bench() as bench, RawStream(bench, "/v5/trade") as stream:
        stream.authenticate()
        assert stream.trade("order.create", order_params())["retCode"] == 110118


def test_a_venue_that_stopped_is_told_and_the_connection_lives() -> None:
    with Bench() as bench, RawStream(bench, "/v5/trade") as stream:
        bench.price("60000")
        stream.authenticate()
        bench.server.call(lambda exchange: exchange.accounts.close())
        refused = stream.trade("order.create", order_params())
        assert refused["retCode"] in {10001, 10016}
        assert "stopped" in str(refused["retMsg"])
        assert stream.ask(op="ping")["op"] == "pong"
