"""Queries of orders and executions: filters, time windows, pages and cursors."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from .bench import Bench, Client, Json
from .requests import NAME, live, market, past, place, placed

DAY_MS = 86_400_000


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench(has_frozen_clock=True) as bench:
        bench.price("60000")
        bench.advance(1)
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def rested(bench: Bench, client: Client, count: int) -> list[str]:
    """Place so many orders, a second apart; return their link ids, newest first."""
    names = [f"n{number}" for number in range(count)]
    for name in names:
        bench.advance(1_000)
        placed(client, orderLinkId=name, qty="0.001")
    return names[::-1]


def names(rows: list[Json]) -> list[object]:
    return [row["orderLinkId"] for row in rows]


def fills(client: Client, query: str = "symbol=BTCUSDT") -> list[Json]:
    return client.get("/v5/execution/list", f"category=linear&{query}").rows


def test_pages_join_without_gap_or_repetition(bench: Bench, client: Client) -> None:
    expected = rested(bench, client, 5)
    query, seen, cursor = "category=linear&symbol=BTCUSDT&limit=2", [], ""
    for _ in range(10):
        page = client.get("/v5/order/realtime", f"{query}&cursor={cursor}")
        seen += names(page.rows)
        cursor = str(page.result["nextPageCursor"])
        if not cursor:
            break
    assert seen == expected


def test_a_cursor_is_percent_encoded_and_goes_back_as_it_came(bench: Bench, client: Client) -> None:
    rested(bench, client, 3)
    query = "category=linear&symbol=BTCUSDT&limit=2"
    cursor = str(client.get("/v5/order/realtime", query).result["nextPageCursor"])
    assert "%3A" in cursor
    assert "%2C" in cursor
    assert client.get("/v5/order/realtime", f"{query}&cursor={cursor}").code == 0
    twice = client.get("/v5/order/realtime", f"{query}&cursor={quote(cursor)}")
    assert twice.code == 10001
    assert "cursor" in twice.message


def test_new_orders_move_nothing_on_the_pages_that_follow(bench: Bench, client: Client) -> None:
    expected = rested(bench, client, 4)
    query = "category=linear&symbol=BTCUSDT&limit=2"
    cursor = client.get("/v5/order/realtime", query).result["nextPageCursor"]
    bench.advance(1_000)
    placed(client, orderLinkId="late", qty="0.001")
    assert names(client.get("/v5/order/realtime", f"{query}&cursor={cursor}").rows) == expected[2:]


def test_the_last_full_page_has_no_cursor(bench: Bench, client: Client) -> None:
    rested(bench, client, 2)
    answer = client.get("/v5/order/realtime", "category=linear&symbol=BTCUSDT&limit=2")
    assert answer.result["nextPageCursor"] == ""


@pytest.mark.parametrize(
    ("path", "query", "most"),
    [
        ("/v5/order/realtime", "symbol=BTCUSDT", 50),
        ("/v5/order/history", "symbol=BTCUSDT", 50),
        ("/v5/execution/list", "symbol=BTCUSDT", 100),
        ("/v5/position/list", "symbol=BTCUSDT", 200),
        ("/v5/position/closed-pnl", "symbol=BTCUSDT", 100),
        ("/v5/account/transaction-log", "accountType=UNIFIED", 50),
        ("/v5/market/instruments-info", "", 1_000),
        ("/v5/account/instruments-info", "", 200),
        ("/v5/market/kline", "symbol=BTCUSDT&interval=1", 1_000),
        ("/v5/market/recent-trade", "symbol=BTCUSDT", 1_000),
        ("/v5/market/orderbook", "symbol=BTCUSDT", 1_000),
        ("/v5/market/funding/history", "symbol=BTCUSDT", 200),
    ],
)
def test_a_limit_has_its_documented_maximum(
    client: Client, path: str, query: str, most: int
) -> None:
    for limit, code in ((most, 0), (most + 1, 10001), (0, 10001)):
        answer = client.get(path, f"category=linear&{query}&limit={limit}")
        assert answer.code == code, answer.text


@pytest.mark.parametrize(
    ("path", "days"),
    [
        ("/v5/order/history", 7),
        ("/v5/execution/list", 7),
        ("/v5/position/closed-pnl", 7),
        ("/v5/account/transaction-log", 7),
        ("/v5/account/borrow-history", 30),
    ],
)
def test_a_window_is_bounded(client: Client, path: str, days: int) -> None:
    end = client.now_ms()
    query = "category=linear&symbol=BTCUSDT"
    inside = client.get(path, f"{query}&startTime={end - days * DAY_MS}&endTime={end}")
    beyond = client.get(path, f"{query}&startTime={end - days * DAY_MS - 1}&endTime={end}")
    assert (inside.code, beyond.code) == (0, 10001)
    assert f"{days} days" in beyond.message
    assert client.get(path, f"{query}&startTime={end}&endTime={end - 1}").code == 10001


def test_executions_reach_back_seven_days_unless_asked_for(bench: Bench, client: Client) -> None:
    at_ms = bench.now_ms()
    market(client)
    bench.advance(7 * DAY_MS)
    assert len(fills(client)) == 1
    bench.advance(1)
    assert not fills(client)
    assert len(fills(client, f"symbol=BTCUSDT&startTime={at_ms}")) == 1
    assert len(fills(client, f"symbol=BTCUSDT&endTime={at_ms}")) == 1
    assert not fills(client, f"symbol=BTCUSDT&startTime={at_ms + 1}")
    assert not fills(client, f"symbol=BTCUSDT&endTime={at_ms - 1}")


def test_an_order_without_a_fill_leaves_the_history_after_a_day(
    bench: Bench, client: Client
) -> None:
    placed(client, orderLinkId="gone")
    client.post("/v5/order/cancel", **NAME, orderLinkId="gone")
    market(client, orderLinkId="kept")
    bench.advance(DAY_MS)
    assert names(past(client)) == ["kept", "gone"]
    bench.advance(1)
    assert names(past(client)) == ["kept"]
    assert not past(client, "orderLinkId=gone")
    bench.advance(10 * DAY_MS)
    assert not past(client)
    assert names(past(client, "orderLinkId=kept")) == ["kept"]


def test_an_id_finds_an_order_whether_open_or_not(client: Client) -> None:
    order_id = market(client, orderLinkId="filled")
    placed(client, orderLinkId="open")
    assert names(live(client, f"orderId={order_id}")) == ["filled"]
    assert names(live(client, "orderLinkId=open")) == ["open"]
    assert not past(client, "orderLinkId=open")
    assert not live(client, "orderLinkId=nobody")


def test_closed_orders_come_to_the_open_ones_on_demand(client: Client) -> None:
    market(client, orderLinkId="filled")
    placed(client, orderLinkId="open")
    assert names(live(client)) == ["open"]
    assert names(live(client, "symbol=BTCUSDT&openOnly=1")) == ["open", "filled"]


def test_a_query_names_a_symbol_or_a_coin(client: Client) -> None:
    placed(client)
    assert client.get("/v5/order/realtime", "category=linear").code == 10001
    assert len(live(client, "settleCoin=USDT")) == 1
    assert not live(client, "settleCoin=USDC")
    assert len(live(client, "baseCoin=BTC")) == 1
    assert not live(client, "baseCoin=COARSE")
    assert not live(client, "symbol=COARSEUSDT&settleCoin=USDT")


def stops(client: Client) -> None:
    """Leave a plain order, a plain conditional one, and a position with a stop and a target."""
    market(client, stopLoss="59000", takeProfit="61000")
    placed(client, orderLinkId="plain")
    market(client, orderLinkId="waits", triggerPrice="60100", triggerDirection=1)


def kinds(rows: list[Json]) -> set[object]:
    return {row["stopOrderType"] for row in rows}


def test_a_filter_tells_orders_that_wait_for_a_trigger_from_the_others(client: Client) -> None:
    stops(client)
    assert names(live(client, "symbol=BTCUSDT&orderFilter=Order")) == ["plain"]
    waiting = live(client, "symbol=BTCUSDT&orderFilter=StopOrder")
    assert kinds(waiting) == {"Stop", "StopLoss", "TakeProfit"}
    assert client.get("/v5/order/realtime", "category=linear&symbol=A&orderFilter=x").code == 10001


def test_a_conditional_order_that_fired_and_rests_is_an_order_like_others(
    bench: Bench, client: Client
) -> None:
    placed(client, orderLinkId="fired", triggerPrice="60100", triggerDirection=1)
    assert names(live(client, "symbol=BTCUSDT&orderFilter=StopOrder")) == ["fired"]
    bench.price("60100")
    assert names(live(client, "symbol=BTCUSDT&orderFilter=Order")) == ["fired"]
    assert not live(client, "symbol=BTCUSDT&orderFilter=StopOrder")
    client.post("/v5/order/cancel-all", **NAME, orderFilter="StopOrder")
    assert len(live(client)) == 1
    client.post("/v5/order/cancel-all", **NAME, orderFilter="Order")
    assert not live(client)
    assert names(past(client, "symbol=BTCUSDT&orderFilter=StopOrder")) == ["fired"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, set()),
        ({"orderFilter": "Order"}, {"Stop", "StopLoss", "TakeProfit"}),
        ({"orderFilter": "OpenOrder"}, {"Stop", "StopLoss", "TakeProfit"}),
        ({"orderFilter": "StopOrder"}, {""}),
        ({"orderFilter": "StopOrder", "stopOrderType": "Stop"}, {"", "StopLoss", "TakeProfit"}),
    ],
)
def test_cancelling_all_ends_what_the_filter_means(
    client: Client, filters: Json, left: set[str]
) -> None:
    stops(client)
    before = len(live(client))
    answer = client.post("/v5/order/cancel-all", **NAME, **filters)
    assert answer.result["success"] == "1"
    after = live(client)
    assert kinds(after) == left
    assert len(answer.rows) <= before - len(after)
    assert answer.rows


def test_cancelling_all_needs_a_scope_and_keeps_to_it(client: Client) -> None:
    placed(client)
    assert client.post("/v5/order/cancel-all", category="linear").code == 10001
    other = client.post("/v5/order/cancel-all", category="linear", symbol="COARSEUSDT")
    assert other.rows == []
    assert len(live(client)) == 1
    assert client.post("/v5/order/cancel-all", category="linear", settleCoin="USDT").rows


def test_the_history_filters_by_status(client: Client) -> None:
    market(client, orderLinkId="filled")
    placed(client, orderLinkId="gone")
    client.post("/v5/order/cancel", **NAME, orderLinkId="gone")
    assert names(past(client, "symbol=BTCUSDT&orderStatus=Cancelled")) == ["gone"]
    assert names(past(client, "symbol=BTCUSDT&orderStatus=Filled")) == ["filled"]


def test_executions_filter_by_type_and_by_order(bench: Bench, client: Client) -> None:
    order_id = market(client, orderLinkId="mine")
    market(client, qty="0.2")
    bench.funding("0.0001")
    assert [row["execType"] for row in fills(client)].count("Trade") == 2
    (funding,) = fills(client, "symbol=BTCUSDT&execType=Funding")
    assert (funding["orderType"], funding["execQty"]) == ("UNKNOWN", "0.3")
    assert names(fills(client, f"orderId={order_id}&symbol=COARSEUSDT")) == ["mine"]
    assert names(fills(client, "orderLinkId=mine&execType=Funding")) == ["mine"]
    assert not fills(client, "symbol=COARSEUSDT")
    assert len(fills(client, "settleCoin=USDT")) == 3


def test_a_batch_answers_in_two_arrays_and_zero_outside(client: Client) -> None:
    row: Json = {
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.1",
        "price": "59900",
    }
    request = [{**row, "orderLinkId": "a"}, {**row, "qty": "0"}, {**row, "orderLinkId": "a"}]
    answer = client.post("/v5/order/create-batch", category="linear", request=request)
    assert answer.code == 0
    assert [item["code"] for item in answer.ext] == [0, 10001, 110072]
    assert [bool(item["orderId"]) for item in answer.rows] == [True, False, False]
    assert names(answer.rows) == ["a", "", "a"]
    change = [{"symbol": "BTCUSDT", "orderLinkId": "a", "qty": "0.2"}, {"symbol": "BTCUSDT"}]
    amended = client.post("/v5/order/amend-batch", category="linear", request=change)
    assert [item["code"] for item in amended.ext] == [0, 10001]
    assert live(client)[0]["qty"] == "0.2"
    name = [{"symbol": "BTCUSDT", "orderLinkId": "a"}] * 2
    ended = client.post("/v5/order/cancel-batch", category="linear", request=name)
    assert [item["code"] for item in ended.ext] == [0, 110001]
    assert not live(client)


@pytest.mark.parametrize("request_", [None, "text", [1], {}])
def test_a_batch_is_a_list_of_objects(client: Client, request_: object) -> None:
    answer = client.post("/v5/order/create-batch", category="linear", request=request_)
    assert answer.code == 10001


def test_a_batch_does_not_change_conditional_orders(client: Client) -> None:
    market(client, orderLinkId="waits", triggerPrice="60100", triggerDirection=1)
    change = [{"symbol": "BTCUSDT", "orderLinkId": "waits", "qty": "0.2"}]
    answer = client.post("/v5/order/amend-batch", category="linear", request=change)
    assert [item["code"] for item in answer.ext] == [10001]
    single = client.post("/v5/order/amend", **NAME, orderLinkId="waits", triggerPrice="60200")
    assert single.code == 0
    assert live(client)[0]["triggerPrice"] == "60200"


def test_a_refused_order_is_in_no_list(client: Client) -> None:
    assert place(client, qty="0.00001").code == 10001
    assert not live(client, "symbol=BTCUSDT&openOnly=1")
    assert not past(client)
