"""Whatever happens to a request on its way, the reply says what is proven and what is not."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
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
    NoAnswer,
    NotSent,
    Refused,
    Reply,
)
from tidegate.adapters.bybit.rest import Call, Lane, RestClient, RestConfig
from tidegate.adapters.bybit.sender import SenderConfig
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.ports.exchange import QueryFailed

from .socket_stub import Act, Peer, SocketStub, answer, ok

KEY, SECRET = "key-of-a-test", "secret-of-a-test"
BODY = {"category": "linear", "symbol": "BTCUSDT", "qty": "0.001"}
QUICK = RestConfig(
    orders=SenderConfig(connect_wait_ms=500, answer_wait_ms=300, rate_wait_ms=200),
    queries=SenderConfig(connect_wait_ms=500, answer_wait_ms=300, rate_wait_ms=3_000),
)


def client(
    url: str, config: RestConfig = QUICK, *, tls: ssl.SSLContext | None = None
) -> RestClient:
    hosts = Hosts.loopback(rest_url=url, ws_url="ws://127.0.0.1:1", kind=VenueKind.BYBIT_TESTNET)
    return RestClient(
        hosts=hosts,
        credentials=Credentials(KEY, SECRET),
        clock=ServerClock(SystemClock()),
        config=config,
        tls=tls,
    )


def place(rest: RestClient) -> Reply:
    return rest.change(Call.PLACE, BODY, lane=Lane.ORDERS)


def _after_request(do: Callable[[Peer], object]) -> Act:
    def act(peer: Peer) -> None:
        peer.read()
        do(peer)

    return act


def _both(first: Act, second: Act) -> Act:
    def act(peer: Peer) -> None:
        first(peer)
        second(peer)

    return act


HALF = answer(b"x" * 1_000)[:300]
FAULTS: dict[str, Callable[[Peer], object]] = {
    "closed without an answer": lambda _: None,
    "reset": lambda peer: peer.reset(),
    "half of a head": lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nConte"),
    "half of a body, then closed": lambda peer: peer.send(HALF),
    "half of a body, then reset": _both(lambda peer: peer.send(HALF), Peer.reset),
    "half of a body, then nothing": _both(lambda p: p.send(HALF), Peer.wait_for_close),
    "no answer in time": lambda peer: peer.wait_for_close(),
    "a page of HTML": lambda peer: peer.send(answer(b"<html>hello</html>")),
    "an empty body": lambda peer: peer.send(answer(b"")),
    "JSON that is no object": lambda peer: peer.send(answer(b"[1]")),
    "JSON without a code": lambda peer: peer.send(answer(b'{"result": {}}')),
    "JSON of no depth that anyone has": lambda p: p.send(answer(b"[" * 100_000)),
    "bytes that are no text": lambda peer: peer.send(answer(b"\xff\xfe{}")),
    "what is not HTTP": lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "HTTP 502": lambda peer: peer.send(answer(b"<html>", status="502 Bad Gateway")),
    "HTTP 503": lambda peer: peer.send(answer(b"", status="503 Service Unavailable")),
    "HTTP 504": lambda peer: peer.send(answer(b"", status="504 Gateway Timeout")),
    "a redirect": lambda peer: peer.send(answer(b"", status="302 Found")),
    "a length that is no number": lambda p: p.send(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    "a length beyond all bounds": lambda p: p.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"
    ),
    "a chunk without a size": lambda peer: peer.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
    "headers without an end": lambda peer: peer.send(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_an_order_without_a_usable_answer_is_unknown_and_sent_once(name: str) -> None:
    with SocketStub(_after_request(FAULTS[name])) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, NoAnswer), reply
        assert reply.cause
        assert len(venue.requests) == 1


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_query_without_a_usable_answer_fails(name: str) -> None:
    with SocketStub(_after_request(FAULTS[name])) as venue:
        rest = client(venue.url)
        with pytest.raises(QueryFailed, match="get_positions"):
            rest.query(Call.POSITIONS, {"category": "linear"})
        rest.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_what_the_front_door_turns_away_was_not_executed(status: int) -> None:
    act = _after_request(lambda peer: peer.send(answer(b"<no>", status=f"{status} No")))
    with SocketStub(act) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
    assert isinstance(reply, BadStatus)
    assert (reply.status, reply.text) == (status, "<no>")


def test_nothing_was_sent_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    rest = client(f"http://127.0.0.1:{port}")
    reply = place(rest)
    rest.close()
    assert isinstance(reply, NotSent)
    assert "ConnectionRefusedError" in reply.cause


def test_a_trickling_answer_ends_at_the_deadline_of_the_whole() -> None:
    whole = ok({"orderId": "x" * 200})
    stopped = threading.Event()

    def trickle(peer: Peer) -> None:
        peer.read()
        for place_of_byte in range(len(whole)):
            peer.send(whole[place_of_byte : place_of_byte + 1])
            if stopped.wait(0.05):
                return

    with SocketStub(trickle) as venue:
        rest = client(venue.url)
        began_s = time.monotonic()
        reply = place(rest)
        took_s = time.monotonic() - began_s
        stopped.set()
        rest.close()
    assert isinstance(reply, NoAnswer)
    assert reply.cause == "no answer in time"
    assert took_s < 5


def test_a_connection_is_kept_and_used_again() -> None:
    with SocketStub(lambda peer: peer.serve(ok({"orderId": "1"}))) as venue:
        rest = client(venue.url)
        replies = [place(rest) for _ in range(5)]
        rest.close()
        assert all(isinstance(reply, Answered) for reply in replies)
        assert venue.connections == 1


def test_a_chunked_answer_is_an_answer() -> None:
    body = orjson.dumps({"retCode": 0, "result": {"orderId": "1"}})
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in (body[:7], body[7:]))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + chunks + b"0\r\nTrailer: x\r\n\r\n"
    )
    with SocketStub(lambda peer: peer.serve(whole)) as venue:
        rest = client(venue.url)
        replies = [place(rest), place(rest)]
        rest.close()
        assert venue.connections == 1
    for reply in replies:
        assert isinstance(reply, Answered)
        assert reply.result == {"orderId": "1"}


def test_an_answer_that_ends_with_its_connection_is_an_answer() -> None:
    whole = b'HTTP/1.0 200 OK\r\n\r\n{"retCode": 0}'
    act = _after_request(lambda peer: peer.send(whole))
    with SocketStub(act) as venue:
        rest = client(venue.url)
        assert isinstance(place(rest), Answered)
        assert isinstance(place(rest), Answered)
        rest.close()
        assert venue.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_not_risked() -> None:
    """The order goes out once, on a fresh connection, and is answered."""
    closed = threading.Event()

    def once(peer: Peer) -> None:
        peer.read()
        peer.send(ok({"orderId": "1"}))

    def again(peer: Peer) -> None:
        closed.set()
        peer.serve(ok({"orderId": "2"}))

    with SocketStub(once, again) as venue:
        rest = client(venue.url)
        assert isinstance(place(rest), Answered)
        _wait_until_closed(rest)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, Answered)
        assert reply.result == {"orderId": "2"}
        assert len(venue.requests) == 2


def _wait_until_closed(rest: RestClient) -> None:
    """Wait for the end of the kept connection to arrive."""
    pool = rest._sessions[Lane.ORDERS]._sender._pool
    (kept,) = pool._idle
    kept._sock.settimeout(5)
    assert kept._sock.recv(1, socket.MSG_PEEK) == b""


def test_an_order_on_a_kept_connection_that_dies_is_unknown_and_not_repeated() -> None:
    def act(peer: Peer) -> None:
        peer.read()
        peer.send(ok({"orderId": "1"}))
        peer.read()
        peer.reset()

    with SocketStub(act) as venue:
        rest = client(venue.url)
        assert isinstance(place(rest), Answered)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, NoAnswer)
        assert len(venue.requests) == 2
        assert venue.connections == 1


def test_a_query_on_a_kept_connection_that_dies_is_repeated_once() -> None:
    def dies(peer: Peer) -> None:
        peer.read()
        peer.send(ok())
        peer.read()
        peer.reset()

    with SocketStub(dies, lambda peer: peer.serve(ok({"list": []}))) as venue:
        rest = client(venue.url)
        rest.query(Call.TIME)
        assert rest.query(Call.TIME).result == {"list": []}
        rest.close()
        assert venue.connections == 2


def test_a_slow_query_does_not_delay_a_cancel() -> None:
    """Each lane has connections of its own."""
    asked = threading.Event()

    def act(peer: Peer) -> None:
        if peer.read().startswith(b"GET"):
            asked.set()
            peer.wait_for_close()
        else:
            peer.send(ok({"orderId": "1"}))

    slow = RestConfig(queries=SenderConfig(answer_wait_ms=20_000))
    with SocketStub(act) as venue:
        rest = client(venue.url, slow)
        failed: list[QueryFailed] = []

        def ask() -> None:
            try:
                rest.query(Call.POSITIONS, {})
            except QueryFailed as error:
                failed.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(5)
        assert isinstance(rest.change(Call.CANCEL, BODY, lane=Lane.SAFETY), Answered)
        rest.close()
        thread.join(5)
        assert not thread.is_alive(), "closing did not end a waiting call"
        assert failed


def test_nothing_is_sent_after_closing() -> None:
    with SocketStub(lambda peer: peer.serve(ok())) as venue:
        rest = client(venue.url)
        rest.close()
        rest.close()
        assert isinstance(place(rest), NotSent)
        assert venue.requests == []


def test_more_calls_than_connections_wait_their_turn_or_are_not_sent() -> None:
    one = RestConfig(orders=SenderConfig(connections_max=1, answer_wait_ms=300))
    replies: list[Reply] = []
    with SocketStub(_after_request(lambda peer: peer.wait_for_close())) as venue:
        rest = client(venue.url, one)
        threads = [threading.Thread(target=lambda: replies.append(place(rest))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        rest.close()
        assert len(venue.requests) + sum(isinstance(reply, NotSent) for reply in replies) == 3
        assert any(isinstance(reply, NoAnswer) for reply in replies)


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


def test_a_query_that_was_one_too_many_waits_for_the_reset_and_is_repeated() -> None:
    def act(peer: Peer) -> None:
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
        assert time.monotonic() - began_s > 0.25
        rest.close()


def test_after_a_ban_nothing_is_sent() -> None:
    act = _after_request(lambda peer: peer.send(answer(b"", status="403 Forbidden")))
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
    with SocketStub(_after_request(lambda peer: peer.reset())) as venue:
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
