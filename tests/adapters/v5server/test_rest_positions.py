"""Positions over REST: what they show, their protection, leverage, margin, closed profit."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tidegate.domain.money import Qty

from .bench import Bench, Client, Json
from .requests import NAME, live, market, past, placed, position

STOP = "/v5/position/trading-stop"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def stop(client: Client, **more: object) -> int:
    """Set protection for the whole position, and return the code."""
    body: Json = {**NAME, "tpslMode": "Full", "positionIdx": 0, **more}
    return client.post(STOP, **body).code


def closed(client: Client) -> list[Json]:
    return client.get("/v5/position/closed-pnl", "category=linear&symbol=BTCUSDT").rows


def test_a_symbol_that_never_traded_has_a_flat_row(client: Client) -> None:
    row = position(client)
    assert (row["side"], row["size"], row["avgPrice"], row["seq"]) == ("", "0", "0", -1)
    assert (row["liqPrice"], row["breakEvenPrice"], row["positionValue"]) == ("", "", "")
    assert (row["leverage"], row["riskId"], row["riskLimitValue"]) == ("10", 1, "300000")


def test_only_held_positions_are_listed_by_coin(client: Client) -> None:
    path = "/v5/position/list"
    assert client.get(path, "category=linear&settleCoin=USDT").rows == []
    market(client)
    assert len(client.get(path, "category=linear&settleCoin=USDT").rows) == 1
    assert client.get(path, "category=linear&settleCoin=USDC").rows == []
    assert client.get(path, "category=linear").code == 10001


def test_a_position_adds_up(bench: Bench, client: Client) -> None:
    market(client, "Sell", "0.5")
    bench.price("60100")
    row = position(client)
    assert (row["side"], row["size"], row["avgPrice"]) == ("Sell", "0.5", "60000")
    # (60100 - 60000) x 0.5 against it; the fee of 60000 x 0.5 x 0.00055.
    assert (row["unrealisedPnl"], row["curRealisedPnl"]) == ("-50", "-16.5")
    assert (row["positionValue"], row["markPrice"]) == ("30000", "60100")
    # 30000 / 10, and the fee at the bankruptcy price 60000 x 1.1: 0.5 x 66000 x 0.00055.
    assert (row["positionIM"], row["positionIMByMp"]) == ("3018.15", "3018.15")
    # (60000 x -0.5 + 16.5) / (-0.5 - 0.5 x 0.00055)
    expected = Decimal("-29983.5") / Decimal("-0.500275")
    assert Decimal(str(row["breakEvenPrice"])) == round(expected, 8)


def test_the_sequence_of_a_position_is_that_of_its_last_execution(client: Client) -> None:
    market(client)
    market(client, "Sell", "0.05")
    newest = client.get("/v5/execution/list", "category=linear&symbol=BTCUSDT").rows[0]
    assert position(client)["seq"] == newest["seq"] == 2
    assert stop(client, stopLoss="59000") == 0
    assert position(client)["seq"] == 2


def test_protection_is_set_moved_left_alone_and_cleared(client: Client) -> None:
    market(client)
    assert stop(client, stopLoss="59000", takeProfit="61000") == 0
    assert stop(client, stopLoss="59100") == 0
    row = position(client)
    assert (row["stopLoss"], row["takeProfit"]) == ("59100", "61000")
    legs = {leg["stopOrderType"]: leg for leg in live(client)}
    assert set(legs) == {"StopLoss", "TakeProfit"}
    leg = legs["StopLoss"]
    assert (leg["triggerPrice"], leg["side"], leg["triggerDirection"]) == ("59100", "Sell", 2)
    assert (leg["reduceOnly"], leg["closeOnTrigger"], leg["orderLinkId"]) == (True, True, "")
    assert leg["createType"] == "CreateByStopLoss"
    assert stop(client, stopLoss="0", takeProfit="0") == 0
    assert not live(client)
    assert position(client)["stopLoss"] == ""


def test_protection_that_changes_nothing_is_34040(client: Client) -> None:
    market(client)
    assert stop(client) == 34040
    assert stop(client, stopLoss="59000") == 0
    assert stop(client, stopLoss="59000") == 34040


def test_protection_needs_a_position_and_the_right_side(client: Client) -> None:
    answer = client.post(STOP, **NAME, tpslMode="Full", positionIdx=0, stopLoss="59000")
    assert answer.code == 10001
    assert "zero position" in answer.message
    market(client)
    assert stop(client, stopLoss="60001") == 10001
    assert stop(client, takeProfit="59999") == 10001
    assert stop(client, stopLoss="59000", tpslMode="Half") == 10001
    assert stop(client, stopLoss="59000", positionIdx=1) == 10001


def test_a_trailing_stop_shows_its_distance_and_its_activation(client: Client) -> None:
    market(client)
    assert stop(client, trailingStop="500", activePrice="60500") == 0
    assert position(client)["trailingStop"] == "500"
    (leg,) = live(client)
    assert (leg["stopOrderType"], leg["triggerPrice"]) == ("TrailingStop", "60500")


def test_a_stop_that_fires_closes_the_position_and_its_sibling(
    bench: Bench, client: Client
) -> None:
    market(client)
    stop(client, stopLoss="59900", takeProfit="61000")
    bench.price("59900")
    assert position(client)["size"] == "0"
    ended = {row["stopOrderType"]: row for row in past(client)}
    assert ended["StopLoss"]["orderStatus"] == "Filled"
    sibling = ended["TakeProfit"]
    assert sibling["orderStatus"] == "Deactivated"
    assert sibling["cancelType"] in (
        "CancelByTpSlTsClear",
        "CancelByOCOTpCanceledBySlTriggered",
    )


def part(client: Client, **more: object) -> int:
    body: Json = {
        **NAME,
        "tpslMode": "Partial",
        "positionIdx": 0,
        "tpSize": "0.1",
        "slSize": "0.1",
        **more,
    }
    return client.post(STOP, **body).code


def test_a_partial_pair_is_added_beside_the_others(client: Client) -> None:
    market(client, qty="0.3")
    assert part(client, stopLoss="59000", takeProfit="61000") == 0
    assert part(client, stopLoss="59000", takeProfit="61100") == 0
    legs = live(client)
    assert len(legs) == 4
    assert {leg["stopOrderType"] for leg in legs} == {"PartialStopLoss", "PartialTakeProfit"}
    assert {leg["createType"] for leg in legs} == {
        "CreateByPartialStopLoss",
        "CreateByPartialTakeProfit",
    }
    assert {(leg["qty"], leg["tpslMode"]) for leg in legs} == {("0.1", "Partial")}


def test_a_partial_pair_needs_equal_sizes(client: Client) -> None:
    market(client, qty="0.3")
    assert part(client, stopLoss="59000", slSize="0.2") == 10001
    assert part(client, stopLoss="59000", slSize="", tpSize="") == 10001
    assert part(client, stopLoss="59000", trailingStop="10") == 10001
    assert part(client, stopLoss="0") == 34040
    assert not live(client)


def test_the_mode_of_legs_is_what_was_set_where_a_request_names_none(client: Client) -> None:
    mode, risk = "/v5/position/set-tpsl-mode", "/v5/position/set-risk-limit"
    assert client.post(mode, **NAME, tpSlMode="Half").code == 10001
    assert client.post(mode, **NAME).code == 10001
    market(client, qty="0.3")
    body: Json = {**NAME, "positionIdx": 0, "stopLoss": "59000", "slSize": "0.1"}
    assert client.post(mode, **NAME, tpSlMode="Partial").result == {"tpSlMode": "Partial"}
    assert client.post(STOP, **body).code == 0
    assert [leg["stopOrderType"] for leg in live(client)] == ["PartialStopLoss"]
    placed(client, qty="0.1", orderType="Market", stopLoss="58000")
    assert {leg["qty"] for leg in live(client)} == {"0.1"}
    assert client.post(mode, **NAME, tpSlMode="Full").code == 0
    assert client.post(STOP, **{**body, "slSize": ""}).code == 0
    assert {leg["stopOrderType"] for leg in live(client)} == {"PartialStopLoss", "StopLoss"}
    before = position(client)
    assert client.post(risk, **NAME, riskId=2, positionIdx=0).result["riskId"] == 2
    assert position(client) == before
    assert client.post(risk, **NAME, riskId=99, positionIdx=0).code == 10001


def test_an_attached_partial_stop_has_the_size_that_filled(bench: Bench, client: Client) -> None:
    order_id = placed(client, qty="0.4", stopLoss="59000", tpslMode="Partial", orderLinkId="entry")
    assert live(client)[0]["tpslMode"] == "Partial"
    bench.price("59900", size=Qty.of("0.1"))
    legs = [row for row in live(client) if row["orderId"] != order_id]
    assert [(leg["qty"], leg["parentOrderLinkId"]) for leg in legs] == [("0.1", "entry")]
    assert legs[0]["stopOrderType"] == "PartialStopLoss"


def leverage(client: Client, buy: str, sell: str) -> int:
    body = {**NAME, "buyLeverage": buy, "sellLeverage": sell}
    return client.post("/v5/position/set-leverage", **body).code


def test_leverage_is_equal_on_both_sides_and_within_the_symbol_s(client: Client) -> None:
    assert leverage(client, "5", "5") == 0
    assert leverage(client, "5", "5") == 110043
    assert leverage(client, "5.00", "5") == 110043
    assert leverage(client, "5", "6") == 10001
    assert leverage(client, "", "6") == 10001
    assert leverage(client, "101", "101") != 0
    assert position(client)["leverage"] == "5"
    rows = client.get("/v5/position/symbol-info", "category=linear").rows
    assert {row["symbol"]: row["buyLeverage"] for row in rows} == {
        "BTCUSDT": "5",
        "COARSEUSDT": "10",
    }


def test_the_position_mode_is_kept_and_shows_two_rows(client: Client) -> None:
    def switch(mode: object) -> int:
        return client.post("/v5/position/switch-mode", **NAME, mode=mode).code

    assert switch(0) == 110025
    assert switch(1) == 10001
    assert client.post("/v5/position/switch-mode", category="linear", mode=3).code == 10001
    order_id = placed(client)
    assert switch(3) == 110028
    client.post("/v5/order/cancel", **NAME, orderId=order_id)
    market(client)
    assert switch(3) == 110024
    market(client, "Sell", reduceOnly=True)
    assert switch(3) == 0
    rows = client.get("/v5/position/list", "category=linear&symbol=BTCUSDT").rows
    assert [row["positionIdx"] for row in rows] == [1, 2]
    create: Json = {**NAME, "side": "Buy", "orderType": "Market", "qty": "0.1"}
    assert client.post("/v5/order/create", **create).code == 10001
    assert client.post("/v5/order/create", **create, positionIdx=1).code == 110029


def test_margin_is_added_to_an_isolated_position(client: Client) -> None:
    path = "/v5/position/add-margin"
    assert client.post(path, **NAME, margin="100").code != 0
    market(client)
    before = Decimal(str(position(client)["positionIM"]))
    answer = client.post(path, **NAME, margin="100")
    assert answer.code == 0, answer.text
    assert answer.result["symbol"] == "BTCUSDT"
    assert Decimal(str(position(client)["positionIM"])) == before + 100
    assert client.post(path, **NAME, margin="0.00001").code == 10001
    assert client.post(path, **NAME, margin="").code == 10001


def test_margin_is_added_by_itself_once_that_is_switched_on(client: Client) -> None:
    path = "/v5/position/set-auto-add-margin"
    assert position(client)["autoAddMargin"] == 0
    assert client.post(path, **NAME, autoAddMargin=1, positionIdx=0).code == 0
    assert position(client)["autoAddMargin"] == 1
    assert client.post(path, **NAME, autoAddMargin=2).code == 10001
    assert client.post(path, **NAME).code == 10001


def test_a_lowered_risk_limit_is_confirmed(client: Client) -> None:
    assert client.post("/v5/position/confirm-pending-mmr", **NAME).code == 0


def test_closed_profit_is_after_both_fees_and_without_funding(bench: Bench, client: Client) -> None:
    market(client, qty="0.3")
    bench.funding("0.001")
    bench.price("60100")
    order_id = market(client, "Sell", "0.1", reduceOnly=True)
    (row,) = closed(client)
    assert (row["orderId"], row["side"], row["closedSize"]) == (order_id, "Sell", "0.1")
    assert (row["cumEntryValue"], row["cumExitValue"]) == ("6000", "6010")
    assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("60000", "60100")
    assert (row["openFee"], row["closeFee"]) == ("3.3", "3.3055")
    assert row["closedPnl"] == "3.3945"
    assert (row["qty"], row["fillCount"], row["execType"]) == ("0.1", "1", "Trade")


def test_a_reversal_closes_its_first_part_only(bench: Bench, client: Client) -> None:
    market(client, qty="0.1")
    bench.price("60100")
    market(client, "Sell", "0.3")
    (row,) = closed(client)
    assert (row["qty"], row["closedSize"], row["closedPnl"]) == ("0.3", "0.1", "3.3945")
    (reverse, _) = client.get("/v5/execution/list", "category=linear&symbol=BTCUSDT").rows
    assert (reverse["execQty"], reverse["closedSize"]) == ("0.3", "0.1")


def test_a_liquidation_is_a_takeover_in_every_record(bench: Bench, client: Client) -> None:
    market(client)
    price = Decimal(str(position(client)["liqPrice"]))
    bench.price(str((price * Decimal("0.99")).quantize(Decimal("0.1"))))
    assert position(client)["size"] == "0"
    execution = client.get("/v5/execution/list", "category=linear&symbol=BTCUSDT").rows[0]
    assert (execution["execType"], execution["orderLinkId"]) == ("BustTrade", "")
    assert execution["createType"] == "CreateByTakeOver_PassThrough"
    (row,) = closed(client)
    assert row["execType"] == "BustTrade"
    log = client.get("/v5/account/transaction-log", "accountType=UNIFIED").rows
    assert log[0]["type"] == "LIQUIDATION"
