"""What an account tells its listeners, and in which order."""

from collections.abc import Iterator

import pytest
from tidegate.adapters.v5server.accounts import PrivatePush

from .bench import Bench, Client, Json
from .requests import NAME, market, place, placed


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


@pytest.fixture
def pushed(bench: Bench) -> list[PrivatePush]:
    pushes: list[PrivatePush] = []
    bench.server.call(lambda exchange: exchange.accounts.first.subscribe(pushes.append))
    return pushes


def topics(pushed: list[PrivatePush]) -> list[str]:
    return [push.topic for push in pushed]


def rows(pushed: list[PrivatePush], topic: str) -> list[Json]:
    return [row for push in pushed if push.topic == topic for row in push.rows]


def test_a_resting_order_also_tells_the_position_that_it_did_not_change(
    client: Client, pushed: list[PrivatePush]
) -> None:
    order_id = placed(client)
    assert rows(pushed, "order")[0]["orderId"] == order_id
    (position,) = rows(pushed, "position")
    assert (position["side"], position["size"], position["entryPrice"]) == ("", "0", "0")
    assert position["liqPrice"] == "0"
    pushed.clear()
    client.post("/v5/order/amend", **NAME, orderId=order_id, qty="0.2")
    client.post("/v5/order/cancel", **NAME, orderId=order_id)
    assert len(rows(pushed, "position")) == 2
    assert [row["orderStatus"] for row in rows(pushed, "order")] == ["New", "Cancelled"]


def test_a_fill_is_told_as_order_execution_position_and_wallet(
    client: Client, pushed: list[PrivatePush]
) -> None:
    order_id = market(client)
    assert set(topics(pushed)) == {"order", "execution", "position", "wallet"}
    (execution,) = rows(pushed, "execution")
    assert (execution["orderId"], execution["execQty"]) == (order_id, "0.1")
    assert rows(pushed, "order")[-1]["orderStatus"] == "Filled"
    (position,) = rows(pushed, "position")
    assert (position["size"], position["seq"]) == ("0.1", execution["seq"])
    assert rows(pushed, "wallet")[-1]["totalWalletBalance"] == "99996.7"


def test_a_closing_fill_carries_its_profit(
    bench: Bench, client: Client, pushed: list[PrivatePush]
) -> None:
    market(client)
    bench.price("60100")
    pushed.clear()
    market(client, "Sell", "0.1", reduceOnly=True)
    (execution,) = rows(pushed, "execution")
    assert (execution["execPnl"], execution["closedSize"]) == ("10", "0.1")
    assert rows(pushed, "order")[-1]["closedPnl"] == "3.3945"


def test_a_refused_request_tells_nothing(client: Client, pushed: list[PrivatePush]) -> None:
    assert place(client, qty="0.00001").code == 10001
    assert client.post("/v5/order/cancel", **NAME, orderId="nobody").code == 110001
    assert not pushed


def test_a_price_alone_tells_nothing_of_the_wallet(
    bench: Bench, client: Client, pushed: list[PrivatePush]
) -> None:
    market(client)
    pushed.clear()
    bench.price("60050")
    assert "wallet" not in topics(pushed)


def test_funding_is_an_execution_and_a_wallet(
    bench: Bench, client: Client, pushed: list[PrivatePush]
) -> None:
    market(client)
    pushed.clear()
    bench.funding("0.0001")
    (row,) = rows(pushed, "execution")
    assert (row["execType"], row["execFee"], row["execPnl"]) == ("Funding", "0.6", "0")
    assert rows(pushed, "wallet")[-1]["totalWalletBalance"] == "99996.1"


def test_who_unsubscribed_hears_nothing(bench: Bench, client: Client) -> None:
    pushes: list[PrivatePush] = []

    end = bench.server.call(lambda exchange: exchange.accounts.first.subscribe(pushes.append))
    bench.server.call(lambda _: end())
    bench.server.call(lambda _: end())
    placed(client)
    assert not pushes


def test_a_push_has_the_server_s_time(
    bench: Bench, client: Client, pushed: list[PrivatePush]
) -> None:
    before = bench.now_ms()
    placed(client)
    assert all(before <= push.creation_ms <= bench.now_ms() for push in pushed)
