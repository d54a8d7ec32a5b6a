"""Who may call: keys, signatures over the text as sent, the clock window, permissions."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.adapters.v5server.auth import rest_signature, ws_signature

from .bench import KEY, Bench, Client, account_spec

CREATE = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.1",
    "price": "59900",
}
READER = attrs.evolve(account_spec("reader", "s1", 2), is_read_only=True)
NO_ORDERS = attrs.evolve(
    account_spec("positions", "s2", 3), permissions=(("ContractTrade", ("Position",)),)
)
ELSEWHERE = attrs.evolve(account_spec("elsewhere", "s3", 4), ips=("203.0.113.7",))
DEMO = attrs.evolve(account_spec("demo", "s4", 5), is_demo=True)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench((account_spec(), READER, NO_ORDERS, ELSEWHERE, DEMO)) as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def test_a_signature_is_what_another_tool_computes() -> None:
    # Worked with the openssl command line: printf '%s' TEXT | openssl dgst -sha256 -hmac secret
    of_rest = rest_signature(
        "secret", timestamp="1700000000000", key="key", recv_window="5000", payload=b"a=1"
    )
    assert of_rest == "d026b6d817e30bf57f231da2f2e4c6cbb5b776a49bc545459332eaabf806ca3a"
    of_stream = ws_signature("secret", expires="1700000000000")
    assert of_stream == "9baf584ddf7a063dffe910d97ce4eac0cf7064058356de8b8d92f028e5ad936f"


def test_an_unknown_key_is_10003(client: Client) -> None:
    client.key = "nobody"
    assert client.get("/v5/account/info").code == 10003


def test_a_wrong_secret_is_10004(client: Client) -> None:
    client.secret = client.secret[::-1]
    answer = client.get("/v5/account/info")
    assert answer.code == 10004
    assert answer.message.startswith("error sign! origin_string[")


def test_a_request_without_signature_is_http_401(client: Client) -> None:
    assert client.get("/v5/account/info", signed=False).status == 401


def test_the_query_is_signed_as_it_was_sent(client: Client) -> None:
    query = "category=linear&symbol=BTCUSDT&cursor=&orderLinkId=%61"
    assert client.get("/v5/order/realtime", query).code == 0
    headers = client.headers("category=linear&symbol=BTCUSDT&cursor=&orderLinkId=a")
    answer = client.send("GET", f"/v5/order/realtime?{query}", headers=headers)
    assert answer.code == 10004


def test_the_body_is_signed_to_the_last_blank(client: Client) -> None:
    text = '{ "category":"linear",  "symbol" : "BTCUSDT", "orderId":"x" }'
    answer = client.send("POST", "/v5/order/cancel", headers=client.headers(text), body=text)
    assert answer.code == 110001
    other = client.send(
        "POST", "/v5/order/cancel", headers=client.headers(text), body=text.replace("  ", " ")
    )
    assert other.code == 10004


def test_a_request_without_a_window_header_is_signed_without_one(client: Client) -> None:
    client.recv_window = ""
    assert client.get("/v5/account/info").code == 0


@pytest.mark.parametrize(
    ("ahead_ms", "window", "code"),
    [
        (0, "5000", 0),
        (-4_000, "5000", 0),
        (-6_000, "5000", 10002),
        (-6_000, "8000", 0),
        (700, "5000", 0),
        (1_500, "5000", 10002),
        (1_500, "60000", 10002),
    ],
)
def test_a_clock_may_be_late_by_the_window_and_ahead_by_less_than_a_second(
    bench: Bench, ahead_ms: int, window: str, code: int
) -> None:
    client = bench.client()
    client.now_ms = lambda: bench.now_ms() + ahead_ms
    client.recv_window = window
    answer = client.get("/v5/account/info")
    assert answer.code == code
    if code:
        assert "req_timestamp[" in answer.message
        assert f"recv_window[{window}]" in answer.message


def test_a_reader_may_ask_and_not_change(bench: Bench) -> None:
    client = bench.client(READER)
    assert client.get("/v5/account/info").code == 0
    assert client.post("/v5/order/create", **CREATE).code == 10005
    assert client.post("/v5/account/set-margin-mode", setMarginMode="X").code == 10005
    assert not client.get("/v5/order/realtime", "category=linear&symbol=BTCUSDT").rows


def test_a_key_without_the_order_permission_places_nothing(bench: Bench) -> None:
    client = bench.client(NO_ORDERS)
    assert client.post("/v5/order/create", **CREATE).code == 10005
    assert client.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT").code == 10005
    leverage = client.post(
        "/v5/position/set-leverage",
        category="linear",
        symbol="BTCUSDT",
        buyLeverage="5",
        sellLeverage="5",
    )
    assert leverage.code == 0


def test_a_key_bound_to_another_address_is_10010(bench: Bench) -> None:
    assert bench.client(ELSEWHERE).get("/v5/account/info").code == 10010


def test_the_market_needs_no_key(bench: Bench) -> None:
    assert bench.client().get("/v5/market/time", signed=False).code == 0


def test_a_demo_account_lacks_what_the_venue_does_not_give_it(bench: Bench) -> None:
    client = bench.client(DEMO)
    assert client.get("/v5/account/fee-rate", "category=linear").code == 10001
    assert client.get("/v5/apilimit/query", "uids=5").code == 10001
    assert client.get("/v5/account/info").code == 0


def test_what_a_key_may_do_is_told_without_its_secret(bench: Bench) -> None:
    answer = bench.client(READER).get("/v5/user/query-api")
    assert (answer.result["apiKey"], answer.result["readOnly"]) == ("reader", 1)
    assert answer.result["secret"] == ""
    assert "s1" not in answer.text.replace('"permissions"', "")


def test_a_secret_is_in_no_representation(bench: Bench) -> None:
    shown = bench.server.call(lambda exchange: repr(exchange.accounts.by_key(KEY)))
    assert "the-secret" not in shown


def test_an_unknown_path_is_404_and_a_wrong_verb_400(client: Client) -> None:
    assert client.get("/v5/order/nothing").status == 404
    assert client.get("/v5/order/create").status == 400
    assert client.post("/v5/order/realtime").status == 400


def test_a_get_with_a_body_is_forbidden(client: Client) -> None:
    answer = client.send("GET", "/v5/market/time", headers={}, body="{}")
    assert answer.status == 403


def test_a_body_that_is_no_json_object_is_a_parameter_error(client: Client) -> None:
    for text in ("[1]", "{", "nonsense"):
        answer = client.send("POST", "/v5/order/create", headers=client.headers(text), body=text)
        assert answer.code == 10001
