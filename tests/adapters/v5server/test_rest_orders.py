"""Orders over REST."""

from collections.abc import Iterator

import pytest

from .bench import Bench, Client


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def test_an_order_is_acknowledged_with_both_ids(client: Client) -> None:
    answer = client.post(
        "/v5/order/create",
        category="linear",
        symbol="BTCUSDT",
        side="Buy",
        orderType="Limit",
        qty="0.1",
        price="59900",
        orderLinkId="mine-1",
    )
    assert answer.code == 0, answer.text
    assert answer.result["orderLinkId"] == "mine-1"
    again = client.post(
        "/v5/order/cancel", category="linear", symbol="BTCUSDT", orderLinkId="mine-1"
    )
    assert again.result == answer.result
