"""The control over HTTP: the same acts, arguments as JSON, this machine only."""

import json
from collections.abc import Iterator

import pytest
from tidegate.adapters.v5server.control_http import ACTS

from .bench import Answered, Bench, Json
from .raw_stream import RawStream, order_params

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as opened:
        yield opened


def act(bench: Bench, name: str, **arguments: object) -> Answered:
    body = json.dumps(arguments)
    return bench.client().send("POST", f"/control/{name}", headers=JSON, body=body)


def done(bench: Bench, name: str, **arguments: object) -> object:
    answer = act(bench, name, **arguments)
    assert answer.status == 200, answer.text
    return answer.body["result"]


def test_a_market_is_moved_over_http(bench: Bench) -> None:
    done(bench, "price", symbol="BTCUSDT", last="60000", mark="60010.5", size=3)
    query = "category=linear&symbol=BTCUSDT"
    row = bench.client().get("/v5/market/tickers", query, signed=False).rows[0]
    assert (row["lastPrice"], row["markPrice"]) == ("60000.00", "60010.50")


def test_an_amount_may_be_a_number_and_stays_exact(bench: Bench) -> None:
    body = '{"symbol": "BTCUSDT", "last": 60000.10}'
    answer = bench.client().send("POST", "/control/price", headers=JSON, body=body)
    assert answer.status == 200
    query = "category=linear&symbol=BTCUSDT"
    row = bench.client().get("/v5/market/tickers", query, signed=False).rows[0]
    assert row["lastPrice"] == "60000.10"


def test_a_fault_is_injected_by_its_name(bench: Bench) -> None:
    done(bench, "price", symbol="BTCUSDT", last="60000")
    done(bench, "inject", fault="RATE_LIMIT")
    assert bench.client().post("/v5/order/create", **order_params()).code == 10006
    done(bench, "refuse_next", code=10016, message="no", target="/v5/order/create", count=1)
    assert bench.client().post("/v5/order/create", **order_params()).code == 10016
    done(bench, "lose_next_trade_ack")
    assert done(bench, "faults_waiting") == 1


def test_lists_and_pairs_are_read(bench: Bench) -> None:
    done(bench, "price", symbol="BTCUSDT", last="60000")
    done(bench, "set_book", symbol="BTCUSDT", bids=[["59990", "1"]], asks=[["60010", "2"]])
    query = "category=linear&symbol=BTCUSDT"
    book = bench.client().get("/v5/market/orderbook", query, signed=False).result
    assert book["a"] == [["60010.00", "2"]]
    done(bench, "refuse_batch_items", items=[0, 2])
    done(bench, "set_topic_order", topics=["execution"])


def test_a_stream_is_named_by_its_kind(bench: Bench) -> None:
    with RawStream(bench, "/v5/private"):
        assert done(bench, "connections", kind="private") == 1
        assert done(bench, "close_streams", kind="PRIVATE", code=1012) == 1


def test_a_price_that_was_moved_to_is_told_as_text(bench: Bench) -> None:
    done(bench, "price", symbol="BTCUSDT", last="60000")
    assert bench.client().post("/v5/order/create", **order_params()).code == 0
    moved = done(bench, "liquidate", symbol="BTCUSDT")
    assert isinstance(moved, str)
    assert 40_000 < int(moved.partition(".")[0]) < 54_200


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("explode", {}, "act 'explode' is unknown; known: "),
        ("settle", {}, "act 'settle' is unknown"),
        ("_call", {}, "act '_call' is unknown"),
        ("price", {"symbol": "BTCUSDT", "last": "1", "size_": 1}, "price takes no size_"),
        ("price", {"symbol": "BTCUSDT"}, "missing 1 required positional argument: 'last'"),
        ("price", {"symbol": "BTCUSDT", "last": True}, "last is True; an amount as text"),
        ("price", {"symbol": "BTCUSDT", "last": "abc"}, "'abc' is not a number"),
        ("price", {"symbol": "NOSUCH", "last": "1"}, "NOSUCH"),
        ("advance", {"ms": "5"}, "ms is '5'; int is accepted"),
        ("advance", {"ms": True}, "ms is True; int is accepted"),
        ("inject", {"fault": "EARTHQUAKE"}, "fault is 'EARTHQUAKE'; accepted: LOST_REQUEST, "),
        ("set_book", {"symbol": "BTCUSDT", "bids": 1, "asks": []}, "bids is 1; a list"),
        (
            "set_book",
            {"symbol": "BTCUSDT", "bids": [["1"]], "asks": []},
            "bids has 1 parts in ['1']; 2 are needed",
        ),
        ("liquidate", {"symbol": "BTCUSDT"}, "has no price yet"),
        ("hold_pushes", {"account_key": 5}, "account_key is 5; str is accepted"),
    ],
)
def test_a_bad_call_is_refused_with_the_reason(
    bench: Bench, name: str, arguments: Json, reason: str
) -> None:
    answer = act(bench, name, **arguments)
    assert answer.status == 400, answer.text
    assert reason in str(answer.body["error"])


@pytest.mark.parametrize("body", ["[1]", "{", '"text"'])
def test_a_body_that_is_no_object_is_refused(bench: Bench, body: str) -> None:
    answer = bench.client().send("POST", "/control/advance", headers=JSON, body=body)
    assert answer.status == 400


def test_a_body_that_is_not_declared_as_json_is_refused(bench: Bench) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = bench.client().send("POST", "/control/advance", headers=headers, body='{"ms": 1}')
    assert answer.status == 400
    assert "application/json is accepted" in answer.text


def test_what_there_is_can_be_listed(bench: Bench) -> None:
    answer = bench.client().send("GET", "/control/", headers={})
    acts = answer.body["acts"]
    assert isinstance(acts, dict)
    assert set(acts) == set(ACTS)
    assert acts["price"]["takes"] == {
        "symbol": "needed",
        "last": "needed",
        "mark": "optional",
        "size": "optional",
    }
    assert acts["price"]["does"].startswith("Let the market trade at ``last``")
