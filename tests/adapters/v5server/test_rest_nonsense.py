"""No body ends in an error of the server's own: what is no request is refused in the envelope."""

import pytest

from .bench import Bench
from .requests import market

BODIES = (
    '{"category":"linear","request":[{"symbol":"BTCUSDT","orderId":"\\ud800"}]}',
    '{"category":"linear","\\udc00":"x"}',
    "[" * 100_000,
    "[]",
    "{",
)


@pytest.mark.parametrize("path", ["/v5/order/amend-batch", "/v5/order/create"])
@pytest.mark.parametrize("body", BODIES, ids=["half a pair", "as a name", "deep", "list", "cut"])
def test_a_body_that_is_no_request_is_refused(path: str, body: str) -> None:
    with Bench() as bench:
        client = bench.client()
        headers = {**client.headers(body), "Content-Type": "application/json"}
        answered = client.send("POST", path, headers=headers, body=body)
        assert (answered.status, answered.code) == (200, 10001)
        assert "params error" in answered.message


@pytest.mark.parametrize("size", ["1e308", "9" * 29])
def test_a_size_beyond_all_measure_is_refused_and_the_venue_goes_on(size: str) -> None:
    with Bench() as bench:
        bench.price("60000")
        client = bench.client()
        market(client)
        answered = client.post(
            "/v5/position/trading-stop",
            category="linear",
            symbol="BTCUSDT",
            tpslMode="Partial",
            stopLoss="59000",
            slSize=size,
        )
        assert (answered.status, answered.code) == (200, 10001)
        assert client.get("/v5/position/list", "category=linear&symbol=BTCUSDT").code == 0
