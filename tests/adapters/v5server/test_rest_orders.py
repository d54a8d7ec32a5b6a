"""Orders over REST: placing, changing, ending, and what the venue refuses."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tidegate.domain.money import Qty

from .bench import Bench, Client, Json
from .requests import NAME, live, market, past, place, placed, position


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def test_an_order_is_acknowledged_with_both_ids_and_then_rests(client: Client) -> None:
    answer = place(client, orderLinkId="mine-1")
    assert answer.result["orderLinkId"] == "mine-1"
    (row,) = live(client)
    assert row["orderId"] == answer.result["orderId"]
    assert (row["orderStatus"], row["price"], row["qty"]) == ("New", "59900", "0.1")
    assert (row["leavesQty"], row["leavesValue"], row["avgPrice"]) == ("0.1", "5990", "")


def test_an_order_without_a_link_id_shows_none(client: Client) -> None:
    answer = place(client)
    assert answer.result["orderLinkId"] == ""
    assert live(client)[0]["orderLinkId"] == ""


def test_a_link_id_is_taken_once_for_ever(client: Client) -> None:
    placed(client, orderLinkId="once")
    client.post("/v5/order/cancel", **NAME, orderLinkId="once")
    assert place(client, orderLinkId="once").code == 110072
    assert not live(client)


@pytest.mark.parametrize(
    "link_id", ["with blank", "a" * 37, "ä", "-_-mine", "a.b"], ids=lambda text: text[:8]
)
def test_a_link_id_of_other_letters_or_too_long_is_refused(client: Client, link_id: str) -> None:
    answer = place(client, orderLinkId=link_id)
    assert answer.code == 10001
    assert "orderLinkId" in answer.message
    assert not live(client)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"category": "spot"}, 10001, "linear"),
        ({"category": ""}, 10001, "category"),
        ({"symbol": "NOPEUSDT"}, 10001, "symbol"),
        ({"side": "buy"}, 10001, "Buy, Sell"),
        ({"side": ""}, 10001, "side"),
        ({"orderType": "Stop"}, 10001, "Market, Limit"),
        ({"qty": ""}, 10001, "qty"),
        ({"qty": "0"}, 10001, "quantity 0"),
        ({"qty": "-1"}, 10001, "below zero"),
        ({"qty": "lots"}, 10001, "not a number"),
        ({"qty": "NaN"}, 10001, "not a number"),
        ({"qty": "0.0001"}, 10001, "Qty invalid"),
        ({"price": ""}, 10001, "price"),
        ({"price": "59900.05"}, 10001, "tick"),
        ({"qty": "0.001", "price": "59900", "timeInForce": "RPI"}, 10001, "RPI"),
        ({"timeInForce": "GTD"}, 10001, "GTC, IOC, FOK, PostOnly"),
        ({"positionIdx": 1}, 10001, "position idx"),
        ({"positionIdx": 7}, 10001, "0 to 2"),
        ({"triggerPrice": "61000"}, 10001, "triggerDirection"),
        ({"triggerPrice": "59000", "triggerDirection": 1}, 110092, ""),
        ({"triggerPrice": "61000", "triggerDirection": 2}, 110093, ""),
        ({"stopLoss": "59950"}, 10001, "lower"),
        ({"takeProfit": "59000"}, 10001, "higher"),
        ({"reduceOnly": True}, 110017, ""),
        ({"reduceOnly": True, "stopLoss": "59000"}, 10001, "reduce-only"),
        ({"reduceOnly": "maybe"}, 10001, "true or false"),
        ({"qty": "1000"}, 110090, ""),
        ({"qty": "30"}, 110007, ""),
        ({"bboSideType": "Queue", "bboLevel": "1"}, 10001, "bboSideType"),
        ({"smpType": "Both"}, 10001, "CancelMaker"),
        ({"slippageToleranceType": "Percent", "slippageTolerance": "1"}, 10001, "Market"),
        ({"tpslMode": "Half"}, 10001, "Full, Partial"),
        ({"stopLoss": "59000", "slOrderType": "Limit", "slLimitPrice": "58990"}, 10001, "Partial"),
    ],
)
def test_what_is_wrong_with_an_order_is_said_and_nothing_rests(
    client: Client, change: Json, code: int, words: str
) -> None:
    answer = place(client, **change)
    assert answer.code == code, answer.text
    assert words in answer.message
    assert not live(client)
    assert answer.result == {}


def test_a_market_order_fills_and_shows_its_bound_as_its_price(client: Client) -> None:
    order_id = market(client)
    (row,) = past(client)
    assert row["orderId"] == order_id
    assert (row["orderStatus"], row["orderType"], row["timeInForce"]) == ("Filled", "Market", "IOC")
    # 60000 x 1.01, the price limit of a buy.
    assert (row["price"], row["avgPrice"], row["leavesQty"]) == ("60600", "60000", "0")
    # 0.1 x 60000 x 0.00055
    assert (row["cumExecFee"], row["cumFeeDetail"]) == ("3.3", {"USDT": "3.3"})


def test_an_order_is_changed_by_either_id_and_keeps_it(client: Client) -> None:
    order_id = placed(client, orderLinkId="a")
    first = client.post("/v5/order/amend", **NAME, orderId=order_id, qty="0.2")
    second = client.post("/v5/order/amend", **NAME, orderLinkId="a", price="59800")
    assert first.result == second.result == {"orderId": order_id, "orderLinkId": "a"}
    (row,) = live(client)
    assert (row["orderId"], row["qty"], row["price"]) == (order_id, "0.2", "59800")


def test_an_attached_stop_is_changed_and_cleared_before_the_fill(client: Client) -> None:
    order_id = placed(client, stopLoss="59000", takeProfit="61000", slTriggerBy="MarkPrice")
    client.post("/v5/order/amend", **NAME, orderId=order_id, stopLoss="58900", takeProfit="0")
    (row,) = live(client)
    assert (row["stopLoss"], row["takeProfit"], row["tpslMode"]) == ("58900", "", "Full")


def test_a_change_of_nothing_is_refused(client: Client) -> None:
    order_id = placed(client)
    answer = client.post("/v5/order/amend", **NAME, orderId=order_id, price="59900")
    assert answer.code == 10001
    assert "not modified" in answer.message


@pytest.mark.parametrize("path", ["/v5/order/cancel", "/v5/order/amend"])
def test_an_order_that_is_unknown_or_ended_is_110001(client: Client, path: str) -> None:
    order_id = market(client)
    for name in ({"orderId": order_id}, {"orderId": "nobody"}, {"orderLinkId": "nobody"}):
        assert client.post(path, **NAME, **name, qty="0.3").code == 110001
    assert client.post(path, **NAME, qty="0.3").code == 10001


def test_the_order_id_wins_over_the_link_id(client: Client) -> None:
    first, _ = placed(client, orderLinkId="a"), placed(client, orderLinkId="b")
    client.post("/v5/order/cancel", **NAME, orderId=first, orderLinkId="b")
    assert [row["orderLinkId"] for row in live(client)] == ["b"]


def test_an_order_of_another_symbol_is_not_found(client: Client) -> None:
    order_id = placed(client)
    other = {"category": "linear", "symbol": "COARSEUSDT"}
    assert client.post("/v5/order/cancel", **other, orderId=order_id).code == 110001


def test_a_cancelled_order_says_who_cancelled_it(client: Client) -> None:
    order_id = placed(client)
    client.post("/v5/order/cancel", **NAME, orderId=order_id)
    (row,) = past(client)
    assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelByUser")
    assert (row["rejectReason"], row["leavesQty"]) == ("EC_PerCancelRequest", "0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeInForce": "PostOnly", "price": "60100"}, "EC_PostOnlyWillTakeLiquidity"),
        ({"timeInForce": "IOC", "price": "59000"}, "EC_NoImmediateQtyToFill"),
        ({"timeInForce": "FOK", "price": "59000"}, "EC_CancelForNoFullFill"),
    ],
)
def test_an_order_that_may_not_rest_is_accepted_and_then_cancelled(
    client: Client, change: Json, reason: str
) -> None:
    order_id = placed(client, **change)
    (row,) = past(client)
    assert (row["orderId"], row["orderStatus"]) == (order_id, "Cancelled")
    assert row["rejectReason"] == reason


def test_a_conditional_order_waits_and_fires_under_the_same_id(
    bench: Bench, client: Client
) -> None:
    order_id = market(client, triggerPrice="60100", triggerDirection=1, triggerBy="MarkPrice")
    (row,) = live(client)
    assert (row["orderStatus"], row["stopOrderType"]) == ("Untriggered", "Stop")
    assert (row["triggerPrice"], row["triggerDirection"]) == ("60100", 1)
    assert row["triggerBy"] == "MarkPrice"
    bench.price("60100")
    assert past(client)[0]["orderStatus"] == "Filled"
    assert past(client)[0]["orderId"] == order_id


def test_a_conditional_order_that_is_cancelled_is_deactivated(client: Client) -> None:
    order_id = market(client, triggerPrice="60100", triggerDirection=1)
    client.post("/v5/order/cancel", **NAME, orderId=order_id)
    assert past(client)[0]["orderStatus"] == "Deactivated"


def test_quantity_zero_with_both_flags_closes_the_position(client: Client) -> None:
    market(client, qty="0.3")
    market(client, "Sell", "0", reduceOnly=True, closeOnTrigger=True)
    row = position(client)
    assert (row["size"], row["side"]) == ("0", "")
    again = place(
        client, side="Sell", orderType="Market", qty="0", reduceOnly=True, closeOnTrigger=True
    )
    assert again.code == 110017


def test_a_price_beyond_the_limit_is_moved_to_it_until_that_is_switched_off(
    client: Client,
) -> None:
    placed(client, side="Sell", price="50000", timeInForce="PostOnly")
    placed(client, side="Buy", price="70000", triggerPrice="61000", triggerDirection=1)
    assert past(client)[0]["price"] == "59400"
    assert live(client)[0]["price"] == "70000"
    answer = client.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=False)
    assert answer.code == 0
    assert place(client, side="Sell", price="50000").code == 110003
    assert client.get("/v5/account/user-setting-config").result["lpaPerp"] is True


@pytest.mark.parametrize(
    ("kind", "tolerance", "bound"),
    [("TickSize", "1", "60000.1"), ("TickSize", "100", "60010"), ("Percent", "0.05", "60030")],
)
def test_a_slippage_tolerance_bounds_a_market_order(
    client: Client, kind: str, tolerance: str, bound: str
) -> None:
    market(client, slippageToleranceType=kind, slippageTolerance=tolerance)
    (row,) = past(client)
    assert row["price"] == bound


@pytest.mark.parametrize(
    ("kind", "tolerance", "code"),
    [
        ("TickSize", "0", 110108),
        ("TickSize", "10001", 110108),
        ("TickSize", "1.5", 110108),
        ("Percent", "0.009", 110109),
        ("Percent", "10.1", 110109),
        ("Ticks", "1", 10001),
        ("Percent", "", 10001),
    ],
)
def test_a_slippage_tolerance_out_of_range_is_refused(
    client: Client, kind: str, tolerance: str, code: int
) -> None:
    answer = place(
        client,
        orderType="Market",
        slippageToleranceType=kind,
        slippageTolerance=tolerance,
    )
    assert answer.code == code


def test_numbers_in_json_are_read_exactly(client: Client) -> None:
    text = (
        '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit",'
        '"qty":0.1,"price":59900.1}'
    )
    answer = client.send("POST", "/v5/order/create", headers=client.headers(text), body=text)
    assert answer.code == 0, answer.text
    assert Decimal(str(live(client)[0]["price"])) == Decimal("59900.1")


def test_a_partly_filled_order_shows_both_parts(bench: Bench, client: Client) -> None:
    placed(client, qty="0.4")
    bench.price("59900", size=Qty.of("0.1"))
    (row,) = live(client)
    assert (row["orderStatus"], row["cumExecQty"], row["leavesQty"]) == (
        "PartiallyFilled",
        "0.1",
        "0.3",
    )


def test_the_price_limit_follows_the_index_up_to_its_second_ratio(
    bench: Bench, client: Client
) -> None:
    for index, bound in (("60900", "60900"), ("62000", "61200")):
        bench.index(index)
        order_id = placed(client, price="61500", timeInForce="PostOnly")
        (row,) = past(client, f"orderId={order_id}")
        assert row["price"] == bound


def test_cancelling_on_disconnection_is_for_institutions(client: Client) -> None:
    answer = client.post("/v5/order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=10)
    assert answer.code == 10005
