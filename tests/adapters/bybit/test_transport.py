"""Whatever happens to a request on its way, the reply says what is proven and what is not."""

import socket
import ssl
import threading
import time
from collections.abc import Callable

import orjson
import pytest
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.replies import (
    Answered,
    BadStatus,
    NoAnswer,
    NotSent,
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


def after_request(do: Callable[[Peer], object]) -> Act:
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
    with SocketStub(after_request(FAULTS[name])) as venue:
        rest = client(venue.url)
        reply = place(rest)
        rest.close()
        assert isinstance(reply, NoAnswer), reply
        assert reply.cause
        assert len(venue.requests) == 1


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_query_without_a_usable_answer_fails(name: str) -> None:
    with SocketStub(after_request(FAULTS[name])) as venue:
        rest = client(venue.url)
        with pytest.raises(QueryFailed, match="get_positions"):
            rest.query(Call.POSITIONS, {"category": "linear"})
        rest.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_what_the_front_door_turns_away_was_not_executed(status: int) -> None:
    act = after_request(lambda peer: peer.send(answer(b"<no>", status=f"{status} No")))
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
    act = after_request(lambda peer: peer.send(whole))
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
        assert venue.connections == 0


def test_more_calls_than_connections_wait_their_turn_or_are_not_sent() -> None:
    one = RestConfig(orders=SenderConfig(connections_max=1, answer_wait_ms=300))
    replies: list[Reply] = []
    with SocketStub(after_request(lambda peer: peer.wait_for_close())) as venue:
        rest = client(venue.url, one)
        threads = [threading.Thread(target=lambda: replies.append(place(rest))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        rest.close()
        # The last of them may have been cut off on its way, so that the venue never read it.
        unsent = sum(isinstance(reply, NotSent) for reply in replies)
        assert len(replies) == 3
        assert 1 <= len(venue.requests) <= 3 - unsent
        assert sum(isinstance(reply, NoAnswer) for reply in replies) == 3 - unsent
