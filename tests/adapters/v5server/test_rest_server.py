"""The server itself: where it listens, its thread, its clock, faults of requests."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs
import pytest
import trustme
from tidegate.adapters.v5server.accounts import Accounts
from tidegate.adapters.v5server.clock import ServerClock
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.faults import (
    Action,
    AnswerCode,
    CutBody,
    Drop,
    Hang,
    HttpStatus,
    RequestFault,
    SlowBody,
    Stage,
)
from tidegate.adapters.v5server.server import ServerError, V5Server

from .bench import PLAIN, Bench, Client, account_spec
from .requests import NAME, live, place, placed


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def plan(bench: Bench, action: Action, stage: Stage = Stage.AFTER) -> None:
    fault = RequestFault(stage=stage, action=action)
    bench.server.call(lambda exchange: exchange.faults.plan(fault))


def test_stopping_leaves_no_thread_and_frees_the_address() -> None:
    bench = Bench()
    with bench:
        url = bench.server.rest_url
        assert any(thread.name == "v5server" for thread in threading.enumerate())
    assert not any(thread.name == "v5server" for thread in threading.enumerate())
    parts = urlsplit(url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    bench.server.stop()


def test_a_server_that_was_stopped_starts_again(bench: Bench) -> None:
    bench.server.stop()
    with pytest.raises(ServerError, match="was not started"):
        urlsplit(bench.server.rest_url)
    bench.server.start()
    assert bench.client().get("/v5/market/time", signed=False).code == 0


def test_a_server_starts_once(bench: Bench) -> None:
    with pytest.raises(ServerError, match="started already"):
        bench.server.start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])  # noqa: S104
def test_only_this_machine_is_served_unless_allowed(host: str) -> None:
    with pytest.raises(ServerError, match="allow_remote"):
        V5Server(Bench().exchange, host=host)


def test_an_address_in_use_is_an_error_that_says_so(bench: Bench) -> None:
    port = urlsplit(bench.server.rest_url).port
    second = V5Server(bench.exchange, port=port or 0)
    with pytest.raises(ServerError, match="did not start"):
        second.start()
    second.stop()


def test_a_factory_that_fails_is_an_error_that_says_so() -> None:
    def fail() -> Exchange:
        raise ValueError("no such market")

    with pytest.raises(ServerError, match="no such market"):
        V5Server(fail).start()


def test_a_call_runs_on_the_server_s_thread_and_brings_its_error_back(bench: Bench) -> None:
    name = bench.server.call(lambda _: threading.current_thread().name)
    assert name == "v5server"
    with pytest.raises(ZeroDivisionError):
        bench.server.call(lambda _: 1 // 0)
    inner = bench.server.call(lambda _: bench.server.call(lambda exchange: exchange.symbols))
    assert "BTCUSDT" in inner
    bench.server.stop()
    with pytest.raises(ServerError, match="does not run"):
        bench.server.call(lambda _: None)


def test_two_accounts_need_two_keys_and_two_users() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Accounts((), lambda _: pytest.fail("no venue is needed"))
    for other in (account_spec(uid=2), account_spec(key="other")):
        with pytest.raises(ValueError, match="two accounts"):
            Accounts((account_spec(), other), lambda _: pytest.fail("no venue is needed"))


def test_the_clock_never_goes_back() -> None:
    wall = iter([100, 90, 120])
    clock = ServerClock(lambda: next(wall))
    assert [clock.now_ms() for _ in range(3)] == [100, 100, 120]


def test_the_clock_is_advanced_forward_only() -> None:
    clock = ServerClock(lambda: 100)
    assert clock.advance(50) == 150
    clock.catch_up(120)
    assert clock.now_ms() == 150
    clock.catch_up(170)
    assert clock.now_ms() == 170
    with pytest.raises(ValueError, match="-1 ms"):
        clock.advance(-1)


def test_a_planned_code_before_the_act_prevents_it(bench: Bench, client: Client) -> None:
    plan(bench, AnswerCode(10016, "Internal error"), Stage.BEFORE)
    answer = place(client)
    assert (answer.code, answer.message, answer.status) == (10016, "Internal error", 200)
    assert not live(client)
    assert place(client).code == 0


def test_a_planned_code_after_the_act_hides_its_success(bench: Bench, client: Client) -> None:
    plan(bench, AnswerCode(10000, "Server Timeout", {"X-Bapi-Limit-Status": "3"}))
    answer = place(client, orderLinkId="there")
    assert (answer.code, answer.headers["X-Bapi-Limit-Status"]) == (10000, "3")
    assert [row["orderLinkId"] for row in live(client)] == ["there"]


def test_a_planned_status_has_its_own_body(bench: Bench, client: Client) -> None:
    plan(bench, HttpStatus(502, "<html>bad gateway</html>"), Stage.BEFORE)
    answer = place(client)
    assert (answer.status, answer.text) == (502, "<html>bad gateway</html>")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("stage", list(Stage))
def test_a_dropped_request_breaks_the_connection(
    bench: Bench, client: Client, stage: Stage
) -> None:
    plan(bench, Drop(), stage)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        place(client)
    assert bool(live(client)) is (stage is Stage.AFTER)


def test_a_cut_answer_ends_in_the_middle_of_its_body(bench: Bench, client: Client) -> None:
    plan(bench, CutBody())
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        place(client)
    assert len(live(client)) == 1


def test_a_slow_answer_comes(bench: Bench, client: Client) -> None:
    plan(bench, SlowBody(30))
    assert place(client).code == 0


def test_a_request_that_hangs_ends_with_the_server(bench: Bench, client: Client) -> None:
    plan(bench, Hang())
    ended = threading.Event()

    def send() -> None:
        try:
            place(client)
        except (OSError, http.client.HTTPException):
            ended.set()

    thread = threading.Thread(target=send)
    thread.start()
    while bench.server.call(lambda exchange: exchange.faults.waiting):
        ended.wait(0.01)
    assert not ended.is_set()
    assert len(live(client)) == 1
    bench.server.stop()
    thread.join(10)
    assert ended.is_set()


def test_one_item_of_a_batch_fails_where_it_was_planned(bench: Bench, client: Client) -> None:
    answer = AnswerCode(10016, "Internal error")
    bench.server.call(lambda exchange: exchange.faults.plan_batch(frozenset({1}), answer))
    row = {
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.1",
        "price": "59900",
    }
    sent = client.post("/v5/order/create-batch", category="linear", request=[row, row, row])
    assert [item["code"] for item in sent.ext] == [0, 10016, 0]
    assert len(live(client)) == 2


def test_time_passes_for_requests_under_way() -> None:
    with Bench(config=attrs.evolve(PLAIN, latency_ms=500), has_frozen_clock=True) as slow:
        slow.price("60000")
        client = slow.client()
        order_id = placed(client)
        assert not live(client)
        slow.advance(499)
        assert not live(client)
        slow.advance(1)
        assert [row["orderId"] for row in live(client)] == [order_id]
        client.post("/v5/order/cancel", **NAME, orderId=order_id)
        assert len(live(client)) == 1
        slow.advance(500)
        assert not live(client)


def test_with_a_certificate_it_is_served_over_tls(bench: Bench) -> None:
    authority = trustme.CA()
    of_server, of_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(of_server)
    authority.configure_trust(of_client)
    with V5Server(bench.exchange, tls=of_server) as server:
        assert server.rest_url.startswith("https://127.0.0.1:")
        assert server.ws_url.startswith("wss://127.0.0.1:")
        port = urlsplit(server.rest_url).port
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=of_client)
        try:
            connection.request("GET", "/v5/market/time")
            assert connection.getresponse().status == 200
        finally:
            connection.close()


def test_a_venue_that_stopped_answers_that_and_no_result(bench: Bench, client: Client) -> None:
    bench.server.call(lambda exchange: exchange.accounts.first.venue.close())
    answer = client.get("/v5/account/wallet-balance", "accountType=UNIFIED")
    assert answer.code == 10016
    assert "closed" in answer.message
    order = place(client)
    assert (order.code, order.headers["X-Bapi-Limit-Status"]) == (10016, "9")
