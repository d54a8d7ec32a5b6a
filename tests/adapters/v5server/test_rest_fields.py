"""Every answer has exactly the documented fields, each of its documented type."""

import pytest
from tidegate.adapters.v5server.accounts import PrivatePush

from .bench import Bench, Client, Json
from .fields import ACTS, QUERIES, STREAMS, Shape, differences

ORDER: Json = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.1",
    "price": "59900",
}


def live_through_everything(bench: Bench, client: Client) -> None:
    """Leave an open order, one that ended, a position with a stop, fills, funding and profit."""
    bench.price("60000")
    market = {**ORDER, "orderType": "Market", "qty": "0.3", "stopLoss": "59000"}
    for body in (market, {**market, "side": "Sell", "qty": "0.1", "stopLoss": ""}):
        answer = client.post("/v5/order/create", **body)
        assert answer.code == 0, answer.text
    bench.funding("0.0001")
    client.post("/v5/order/create", **ORDER, orderLinkId="rests", takeProfit="61000")
    client.post("/v5/order/create", **ORDER, orderLinkId="ends")
    client.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", orderLinkId="ends")


@pytest.mark.parametrize(("path", "query"), list(QUERIES))
def test_a_query_answers_with_the_documented_fields(path: str, query: str) -> None:
    with Bench() as bench:
        client = bench.client()
        live_through_everything(bench, client)
        answer = client.get(path, query)
        assert answer.code == 0, answer.text
        assert not list(differences(answer.result, QUERIES[path, query]))


def test_an_act_answers_with_the_documented_fields() -> None:
    with Bench() as bench:
        client = bench.client()
        bench.price("60000")
        name: Json = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"}
        batch = [{**ORDER, "orderLinkId": "b"}]
        named = [{"symbol": "BTCUSDT", "orderLinkId": "b"}]
        stop: Json = {"tpslMode": "Full", "positionIdx": 0, "stopLoss": "59000"}
        leverage: Json = {"buyLeverage": "5", "sellLeverage": "5"}
        acts: list[tuple[str, Json]] = [
            ("/v5/position/set-tpsl-mode", {**name, "tpSlMode": "Full"}),
            ("/v5/position/set-risk-limit", {**name, "riskId": 1, "positionIdx": 0}),
            ("/v5/position/set-auto-add-margin", {**name, "autoAddMargin": 1}),
            ("/v5/position/set-leverage", {**name, **leverage}),
            ("/v5/order/create", {**ORDER, "orderLinkId": "a"}),
            ("/v5/order/amend", {**name, "qty": "0.2"}),
            ("/v5/order/cancel", name),
            ("/v5/order/create-batch", {"category": "linear", "request": batch}),
            (
                "/v5/order/amend-batch",
                {"category": "linear", "request": [{**named[0], "qty": "0.2"}]},
            ),
            ("/v5/order/cancel-batch", {"category": "linear", "request": named}),
            ("/v5/order/create", {**ORDER, "orderType": "Market"}),
            ("/v5/position/trading-stop", {**name, **stop}),
            ("/v5/position/add-margin", {**name, "margin": "10"}),
            ("/v5/order/cancel-all", {"category": "linear", "settleCoin": "USDT"}),
            ("/v5/order/create", {**ORDER, "orderType": "Market", "side": "Sell"}),
            ("/v5/account/set-margin-mode", {"setMarginMode": "REGULAR_MARGIN"}),
        ]
        assert {path for path, _ in acts} == set(ACTS)
        for path, body in acts:
            answer = client.post(path, **body)
            assert answer.code == 0, (path, answer.text)
            assert not list(differences(answer.result, ACTS[path])), path


def test_every_private_row_has_the_documented_fields() -> None:
    pushed: list[PrivatePush] = []
    with Bench() as bench:
        bench.server.call(lambda exchange: exchange.accounts.first.subscribe(pushed.append))
        live_through_everything(bench, bench.client())
    assert {push.topic for push in pushed} == set(STREAMS)
    for push in pushed:
        for row in push.rows:
            assert not list(differences(row, STREAMS[push.topic], push.topic))


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({}, {"price": "decimal"}),
        ({"price": "1", "more": "1"}, {"price": "decimal"}),
        ({"price": 1}, {"price": "decimal"}),
        ({"price": "1e5"}, {"price": "decimal"}),
        ({"seq": "1"}, {"seq": "integer"}),
        ({"seq": True}, {"seq": "integer"}),
        ({"flag": "true"}, {"flag": "boolean"}),
        ([], [{"price": "decimal"}]),
        (["1"], ("decimal", "decimal")),
    ],
)
def test_the_comparison_notices_what_is_wrong(value: object, shape: Shape) -> None:
    assert list(differences(value, shape))
