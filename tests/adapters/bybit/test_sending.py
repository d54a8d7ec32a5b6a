"""Time stamps, rate limits, signatures, secrets and TLS of a request that is sent."""

import logging
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import trustme
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.replies import (
    Answered,
    BadStatus,
    NotSent,
    Refused,
)
from tidegate.adapters.bybit.rest import Call, Lane, RestClient, RestConfig
from tidegate.adapters.bybit.sender import SenderConfig
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind

from .socket_stub import Peer, SocketStub, answer, ok
from .test_transport import BODY, KEY, SECRET, after_request, client, place


def test_a_time_stamp_out_of_the_window_is_mended_and_sent_again_once() -> None:
    """10002 proves that the order was not executed: measure the clock, stamp anew, send again."""
    venue_ms = time.time_ns() // 1_000_000 + 3_600_000
    stamps: list[int] = []

    def act(peer: Peer) -> None:
        while request := peer.read():
            if request.startswith(b"GET"):
                peer.send(ok(time_ms=venue_ms))
                continue
            stamps.append(int(request.partition(b"X-BAPI-TIMESTAMP: ")[2].split(b"\r\n")[0]))
            late = stamps[-1] < venue_ms - 5_000
            refusal = {"retCode": 10002, "retMsg": "req_timestamp", "time": venue_ms}
            peer.send(answer(orjson.dumps(refusal)) if late else ok({"orderId": "1"}))

    with SocketStub(act) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, Answered)
        assert len(stamps) == 2
        assert abs(stamps[1] - venue_ms) < 10_000
        assert abs(rest.clock.offset_ms - 3_600_000) < 10_000


def test_a_time_stamp_that_stays_out_of_the_window_is_refused() -> None:
    refusal = answer(b'{"retCode": 10002, "retMsg": "late"}')
    with SocketStub(lambda peer: peer.serve(refusal)) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, Refused)
        assert reply.code == 10002
        assert sum(request.startswith(b"POST") for request in venue.requests) == 2


@pytest.mark.parametrize("code", [10000, 10014, 10016, 10019, 10006, 110007, 424242])
def test_a_refused_order_is_never_sent_again(code: int) -> None:
    body = orjson.dumps({"retCode": code, "retMsg": "no", "retExtInfo": {"a": 1}})
    with SocketStub(lambda peer: peer.serve(answer(body))) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, Refused)
        assert (reply.code, reply.message, reply.ext) == (code, "no", {"a": 1})
        assert len(venue.requests) == 1


@pytest.mark.parametrize("times", [1, 5])
def test_a_query_that_was_one_too_many_waits_for_the_reset_and_is_repeated(times: int) -> None:
    """Where others use the account, the room after a reset may be taken when it is asked again."""

    def act(peer: Peer) -> None:
        for _ in range(times):
            peer.read()
            now_ms = time.time_ns() // 1_000_000
            headers = (
                "X-Bapi-Limit: 50\r\nX-Bapi-Limit-Status: 0\r\n"
                f"X-Bapi-Limit-Reset-Timestamp: {now_ms + 300}\r\n"
            )
            body = orjson.dumps({"retCode": 10006, "retMsg": "Too many visits!", "time": now_ms})
            peer.send(answer(body, headers=headers))
        peer.serve(ok({"list": [1]}))

    with SocketStub(act) as venue:
        rest = client(venue.url)
        began_s = time.monotonic()
        assert rest.query(Call.POSITIONS, {}).result == {"list": [1]}
        assert time.monotonic() - began_s > 0.25 * times
        rest.close()


def test_after_a_ban_nothing_is_sent() -> None:
    act = after_request(lambda peer: peer.send(answer(b"", status="403 Forbidden")))
    with SocketStub(act) as venue:
        rest = client(venue.url)
        assert isinstance(place(rest), BadStatus)
        for lane in Lane:
            reply = rest.change(Call.CANCEL, BODY, lane=lane)
            assert isinstance(reply, NotSent)
            assert reply.is_rate
        rest.close()
        assert len(venue.requests) == 1


def test_what_is_signed_is_what_is_sent() -> None:
    """The payload is the raw query or body; a cursor goes back as it came."""
    with SocketStub(lambda peer: peer.serve(ok({"list": []}))) as venue:
        rest = client(venue.url)
        params = {"symbol": "A B|C", "cursor": "132766%3A2%2C132766%3A2", "category": "linear"}
        rest.query(Call.EXECUTIONS, params)
        place(rest)
        rest.close()
        get, post = venue.requests
    target = get.split(b" ")[1].decode()
    query = target.partition("?")[2]
    assert query == "category=linear&cursor=132766%3A2%2C132766%3A2&symbol=A%20B%7CC"
    _is_signed(get, query)
    _is_signed(post, post.partition(b"\r\n\r\n")[2].decode())


def _is_signed(request: bytes, payload: str) -> None:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    stamp, window = headers["X-BAPI-TIMESTAMP"], headers["X-BAPI-RECV-WINDOW"]
    assert headers["X-BAPI-API-KEY"] == KEY
    assert window == "5000"
    expected = Credentials(KEY, SECRET).sign(f"{stamp}{KEY}{window}{payload}")
    assert headers["X-BAPI-SIGN"] == expected


def test_public_data_needs_no_key_and_sends_none() -> None:
    with SocketStub(lambda peer: peer.serve(ok())) as venue:
        rest = client(venue.url)
        rest.query(Call.TIME)
        rest.close()
        assert b"X-BAPI" not in venue.requests[0]


def test_without_a_key_private_requests_are_not_sent() -> None:
    with SocketStub(lambda peer: peer.serve(ok())) as venue:
        hosts = Hosts.loopback(
            rest_url=venue.url, ws_url="ws://127.0.0.1:1", kind=VenueKind.BYBIT_TESTNET
        )
        rest = RestClient(hosts=hosts, credentials=None, clock=ServerClock(SystemClock()))
        assert isinstance(place(rest), NotSent)
        rest.query(Call.TIME)
        rest.close()
        assert len(venue.requests) == 1


def test_the_secret_is_in_no_text_and_no_handler_is_added(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with SocketStub(after_request(lambda peer: peer.reset())) as venue:
        rest = client(venue.url)
        reply = place(rest)
        shown = [repr(reply), repr(rest), *map(repr, rest._sessions.values()), caplog.text]
        rest.close()
    assert all(SECRET not in text and KEY not in text for text in shown)
    assert logging.getLogger("pybit._http_manager").handlers == []


def test_tls_is_verified_against_the_given_authority(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(server_side)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    for tls, expected in ((trusting, Answered), (None, NotSent)):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            thread = threading.Thread(target=_serve_tls, args=(listener, server_side))
            thread.start()
            rest = client(f"https://127.0.0.1:{port}", tls=tls)
            replies = [place(rest) for _ in range(2 if tls else 1)]
            rest.close()
            thread.join(5)
            assert not thread.is_alive()
        for reply in replies:
            assert isinstance(reply, expected), reply


def _serve_tls(listener: socket.socket, context: ssl.SSLContext) -> None:
    sock, _ = listener.accept()
    with sock:
        try:
            with context.wrap_socket(sock, server_side=True) as secured:
                Peer(secured, []).serve(ok({"orderId": "1"}))
        except OSError:
            return


def test_a_request_is_stamped_when_its_connection_is_there_and_not_before() -> None:
    """The second request waits for the only connection; its stamp is not older for that."""
    answered_ms: list[int] = []

    def act(peer: Peer) -> None:
        while peer.read():
            if not answered_ms:
                time.sleep(0.15)
                answered_ms.append(time.time_ns() // 1_000_000)
            peer.send(ok())

    bounds = SenderConfig(connections_max=1)
    with SocketStub(act) as venue:
        rest = client(venue.url, RestConfig(orders=bounds))
        with ThreadPoolExecutor(2) as pool:
            replies = [work.result() for work in [pool.submit(place, rest) for _ in range(2)]]
        rest.close()
    assert [type(reply) for reply in replies] == [Answered, Answered]
    second = venue.requests[1].decode().partition("X-BAPI-TIMESTAMP: ")[2]
    assert int(second.partition("\r\n")[0]) >= answered_ms[0]
