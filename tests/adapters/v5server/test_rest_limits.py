"""Rate limits: per user and endpoint, in a rolling second of the server's clock."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.adapters.v5server.accounts import Account, Accounts
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.limits import RateLimiter

from .bench import Bench, Client, Json, account_spec

NOBODY: Json = {"category": "linear", "symbol": "BTCUSDT", "orderId": "nobody"}
VIP = attrs.evolve(account_spec("vip", "s1", 2), level=LimitLevel.VIP2)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench((account_spec(), VIP), has_frozen_clock=True) as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def spent(client: Client, count: int, path: str = "/v5/order/cancel") -> list[int]:
    """Send so many requests, and return their codes: 110001 is one that was let through."""
    return [client.post(path, **NOBODY).code for _ in range(count)]


def test_the_eleventh_order_request_of_a_second_is_10006(client: Client) -> None:
    assert spent(client, 11) == [110001] * 10 + [10006]


def test_what_was_refused_is_not_counted_and_the_window_rolls(bench: Bench, client: Client) -> None:
    assert spent(client, 10) == [110001] * 10
    bench.advance(999)
    assert spent(client, 1) == [10006]
    bench.advance(1)
    assert spent(client, 1) == [110001]


def test_the_headers_count_down_and_name_the_moment_of_the_reset(
    bench: Bench, client: Client
) -> None:
    now_ms = bench.now_ms()
    first = client.post("/v5/order/cancel", **NOBODY).headers
    assert (first["X-Bapi-Limit"], first["X-Bapi-Limit-Status"]) == ("10", "9")
    assert first["X-Bapi-Limit-Reset-Timestamp"] == str(now_ms)
    spent(client, 8)
    bench.advance(10)
    last = client.post("/v5/order/cancel", **NOBODY).headers
    refused = client.post("/v5/order/cancel", **NOBODY)
    for headers in (last, refused.headers):
        assert headers["X-Bapi-Limit-Status"] == "0"
        assert headers["X-Bapi-Limit-Reset-Timestamp"] == str(now_ms + 1_000)
    assert refused.status == 200


def test_endpoints_and_users_have_windows_of_their_own(bench: Bench, client: Client) -> None:
    assert spent(client, 10)[-1] == 110001
    assert spent(client, 1, "/v5/order/amend") == [110001]
    assert spent(bench.client(VIP), 1) == [110001]


def test_a_higher_tier_may_send_more(bench: Bench) -> None:
    assert spent(bench.client(VIP), 41) == [110001] * 40 + [10006]


def test_a_query_has_a_limit_that_no_tier_raises(bench: Bench) -> None:
    answer = bench.client(VIP).get("/v5/account/transaction-log", "accountType=UNIFIED")
    assert answer.headers["X-Bapi-Limit"] == "25"


def batch(count: int) -> Json:
    rows = [
        {
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.001",
            "price": "59900",
            "orderLinkId": f"b{number}",
        }
        for number in range(count)
    ]
    return {"category": "linear", "request": rows}


def test_a_batch_beyond_the_limit_is_refused_one_by_one(client: Client) -> None:
    answer = client.post("/v5/order/create-batch", **batch(20))
    assert answer.code == 0
    assert [row["code"] for row in answer.ext] == [0] * 10 + [10006] * 10
    assert all(row["orderId"] for row in answer.rows[:10])
    assert [row["orderId"] for row in answer.rows[10:]] == [""] * 10
    live = client.get("/v5/order/realtime", "category=linear&symbol=BTCUSDT&limit=50")
    assert len(live.rows) == 10


def test_a_batch_has_a_bucket_of_its_own(client: Client) -> None:
    assert spent(client, 10)[-1] == 110001
    assert client.post("/v5/order/create-batch", **batch(10)).headers["X-Bapi-Limit-Status"] == "0"
    assert client.post("/v5/order/create-batch", **batch(1)).code == 10006


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_holds_one_to_twenty(client: Client, count: int) -> None:
    answer = client.post("/v5/order/create-batch", **batch(count))
    assert answer.code == 10001
    assert "1 to 20" in answer.message


def test_a_batch_that_is_granted_in_part_takes_what_is_left() -> None:
    with Bench() as bench:

        def act(accounts: Accounts) -> list[int]:
            account: Account = accounts.first
            limiter = RateLimiter()
            return [
                limiter.spend(account, "/v5/order/create-batch", 1_000, count).granted
                for count in (4, 4, 4, 4)
            ]

        assert bench.server.call(lambda exchange: act(exchange.accounts)) == [4, 4, 2, 0]


def test_demo_money_comes_once_a_minute() -> None:
    demo = attrs.evolve(account_spec(), is_demo=True)
    money = {"adjustType": 0, "utaDemoApplyMoney": [{"coin": "USDT", "amountStr": "5"}]}
    with Bench((demo,), has_frozen_clock=True) as bench:
        client = bench.client()
        assert client.post("/v5/account/demo-apply-money", **money).code == 0
        bench.advance(59_999)
        assert client.post("/v5/account/demo-apply-money", **money).code == 10006
        bench.advance(1)
        assert client.post("/v5/account/demo-apply-money", **money).code == 0


def test_an_address_that_asks_too_often_is_shut_out_for_ten_minutes() -> None:
    with Bench(has_frozen_clock=True, peer_requests_max=3) as bench:
        client = bench.client()
        statuses = [client.get("/v5/market/time").status for _ in range(4)]
        assert statuses == [200, 200, 200, 403]
        bench.advance(599_999)
        assert client.get("/v5/market/time").status == 403
        bench.advance(1)
        assert client.get("/v5/market/time").status == 200


def test_an_address_may_go_on_when_its_window_has_passed() -> None:
    with Bench(has_frozen_clock=True, peer_requests_max=3) as bench:
        client = bench.client()
        for _ in range(3):
            client.get("/v5/market/time")
        bench.advance(5_000)
        assert client.get("/v5/market/time").status == 200
