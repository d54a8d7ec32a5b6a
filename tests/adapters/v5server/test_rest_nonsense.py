"""No body ends in an error of the server's own: what is no request is refused in the envelope."""

import pytest

from .bench import Bench

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
