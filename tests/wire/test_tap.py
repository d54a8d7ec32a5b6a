"""The tap passes everything on, keeps every byte, and its records make the judge notice a lie."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.oracle import BooksFault, Oracle

from .oracle_tap import execution_rows, judge, money_of
from .tap import Json, Tap

FILL: Json = {
    "execId": "a",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "execType": "Trade",
    "execQty": "0.013",
    "execPrice": "65000.3",
    "execFee": "0.46475215",
    "isMaker": False,
    "execTime": "1000",
    "seq": 1,
}
"""0.013 x 65000.3 x 0.00055 = 0.464752145, rounded half away from zero at eight decimals."""

SOLD: Json = {**FILL, "execId": "b", "side": "Sell", "execTime": "2000", "seq": 2}
PAID: Json = {
    **FILL,
    "execId": "c",
    "execType": "Funding",
    "feeRate": "0.0001",
    "execFee": "0.08450039",
    "execTime": "1500",
    "seq": 1,
}


def judged(*rows: Json) -> Oracle:
    oracle = Oracle(opening="1000", taker="0.00055", maker="0.0002", decimals=8)
    oracle.take_all(money_of(rows))
    return oracle


def test_rows_are_folded_in_the_order_in_which_they_happened_and_once() -> None:
    oracle = judged(SOLD, FILL, PAID, FILL)
    assert oracle.position("BTCUSDT") == 0
    assert oracle.fees * 10**8 == 2 * 46475215
    assert oracle.funding * 10**8 == 8450039


@pytest.mark.parametrize(
    "lie",
    [
        {**FILL, "execFee": "0.46475214"},
        {**FILL, "execFee": "0.464752145"},
        {**FILL, "isMaker": True},
        {**PAID, "execFee": "-0.08450039"},
        {**PAID, "side": "Sell"},
        {**SOLD, "execQty": "0.014", "execFee": "0.50050231"},
    ],
    ids=["fee cut", "fee exact", "maker", "funding received", "short", "more than held"],
)
def test_a_row_that_cannot_be_is_noticed(lie: Json) -> None:
    rows = {str(row["execId"]): row for row in (FILL, PAID, SOLD)}
    with pytest.raises(BooksFault):
        judged(*{**rows, str(lie["execId"]): lie}.values())


def test_the_same_execution_told_differently_is_noticed() -> None:
    with pytest.raises(BooksFault, match="crossed twice and changed"):
        judged(FILL, {**FILL, "execTime": "1001"})


def test_an_execution_of_an_unknown_kind_is_noticed() -> None:
    with pytest.raises(AssertionError, match="kind Gift"):
        judged({**FILL, "execType": "Gift"})


# The bytes


@contextmanager
def served(*pieces: bytes, resets: bool = False) -> Iterator[str]:
    """A peer that sends its pieces to the first connection, then closes or resets it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            for piece in pieces:
                connection.sendall(piece)
            if resets:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join(10)
        listener.close()


def asked(tap: Tap, text: bytes) -> bytes:
    """Send a text through the tap and return all that comes back."""
    host, _, port = tap.authority.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(text)
        got = b""
        while more := connection.recv(65_536):
            got += more
        return got


GET = b"GET /v5/execution/list?a=1 HTTP/1.1\r\nHost: x\r\n\r\n"
ROWS = b'{"result":{"list":[{"execId":"a"}]}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ROWS), ROWS)


def test_what_comes_in_pieces_is_one_answer() -> None:
    with served(ANSWER[:20], ANSWER[20:60], ANSWER[60:]) as url, Tap(url) as tap:
        assert asked(tap, GET) == ANSWER
        (answer,) = tap.answers("/v5/execution/list")
        assert (answer.status, answer.json) == (200, {"result": {"list": [{"execId": "a"}]}})
        assert execution_rows(tap) == [{"execId": "a"}]
        assert tap.raw_sent == [GET]


def test_an_answer_that_is_cut_off_is_none() -> None:
    with served(ANSWER[:-5]) as url, Tap(url) as tap:
        assert asked(tap, GET) == ANSWER[:-5]
        assert tap.answers() == []
        assert [request.path for request in tap.requests()] == ["/v5/execution/list"]


def test_a_reset_reaches_the_client_as_a_reset() -> None:
    with (
        served(resets=True) as url,
        Tap(url) as tap,
        pytest.raises(ConnectionResetError),
    ):
        asked(tap, GET)


def _frame(payload: bytes, mask: bytes = b"") -> bytes:
    """A whole text frame (RFC 6455, 5.2), with a length of two bytes."""
    masked = (
        bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    )
    flag = 0x80 if mask else 0
    return bytes((0x81, flag | 126)) + len(payload).to_bytes(2) + mask + masked


def test_frames_are_read_both_ways() -> None:
    greeting = b"GET /v5/private HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    accepted = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    told = b'{"topic":"execution","data":[{"execId":"b"}],"x":"%s"}' % (b"y" * 200)
    with served(accepted, _frame(told)[:50], _frame(told)[50:]) as url, Tap(url) as tap:
        asked(tap, greeting + _frame(b'{"op":"auth"}', b"\x01\x02\x03\x04"))
        (pushed,) = tap.pushes("/v5/private")
        (sent,) = tap.sent("/v5/private")
        assert pushed.text == told
        assert sent.json == {"op": "auth"}
        assert execution_rows(tap) == [{"execId": "b"}]
        with pytest.raises(KeyError):
            judge(tap, opening="1", taker="1", maker="1")
