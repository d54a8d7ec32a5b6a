"""What an order costs on its way, as a ratio to the client whose methods it uses."""

import pytest
from pybit.unified_trading import HTTP
from tidegate.adapters.bybit.limits import DEFAULT_LIMITS
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane
from tidegate.adapters.bybit.wire.envelope import LimitHeaders

from tests.benchmarks.ratios import median_ratio

from .socket_stub import SocketStub, ok
from .test_transport import KEY, SECRET, client

pytestmark = pytest.mark.benchmark

ORDERS = 150
BODY = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.001",
    "price": "60000",
    "orderLinkId": "tg0000000000000000-e-1",
    "stopLoss": "59000",
}


def test_an_order_costs_a_third_of_what_it_costs_in_pybit() -> None:
    """Process time of both ends; the peer, which both share, makes the ratio look worse."""
    result = ok({"orderId": "fd4300ae-7847-404e-b947-b46980a4d140", "orderLinkId": "x"})
    with SocketStub(lambda peer: peer.serve(result)) as venue:
        rest = client(venue.url)
        path = "/v5/order/create"
        assert path in DEFAULT_LIMITS
        wide = LimitHeaders(limit=1_000_000, remaining=1_000_000, reset_ms=0)
        rest.limiter.note(path, wide, venue_ms=0)
        rest.limiter._address.limit = 1_000_000
        stock = HTTP(api_key=KEY, api_secret=SECRET, retry_codes={-1})
        stock.endpoint = venue.url

        def ours() -> None:
            for _ in range(ORDERS):
                reply = rest.change(Call.PLACE, BODY, lane=Lane.ORDERS)
                assert isinstance(reply, Answered)

        def other() -> None:
            for _ in range(ORDERS):
                stock.place_order(**BODY)

        ours()
        other()
        ratio = median_ratio(ours, other, pairs=7)
        rest.close()
        stock.client.close()
    assert ratio <= 0.35, f"{ratio:.3f}"
