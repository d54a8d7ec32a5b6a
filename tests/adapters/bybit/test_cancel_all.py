"""A cancel-all is done when the venue shows no order of before; until then it is read back."""

import threading
from collections.abc import Callable, Iterable, Iterator

import orjson
import pytest
from tidegate.adapters.bybit.cancel_all import CancelAll
from tidegate.adapters.bybit.queries import StateQueries
from tidegate.domain.orders import Symbol
from tidegate.ports.exchange import Done, Rejected, Unknown

from .socket_stub import Peer, SocketStub, answer, ok
from .test_transport import client

BTC = Symbol("BTCUSDT")
ANSWERED_MS = 1_700_000_000_500
BEFORE, AFTER = ANSWERED_MS - 100, ANSWERED_MS + 100
CANCELLED = ok({"list": [{"orderId": "a", "orderLinkId": ""}], "success": "1"}, time_ms=ANSWERED_MS)
NOTHING = ok({"list": [], "success": "1"}, time_ms=ANSWERED_MS)
UNREADABLE = answer(b"<html>")


def _row(order_id: str, created_ms: int) -> dict[str, object]:
    return {
        "orderId": order_id,
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "orderStatus": "New",
        "timeInForce": "GTC",
        "price": "1",
        "qty": "1",
        "cumExecQty": "0",
        "createdTime": str(created_ms),
        "updatedTime": str(created_ms),
    }


def _open(*created_ms: int) -> bytes:
    rows = [_row(f"order-{place}", time_ms) for place, time_ms in enumerate(created_ms)]
    return ok({"list": rows, "nextPageCursor": ""}, time_ms=ANSWERED_MS)


class _Venue:
    """Answers cancels and readings from two lists; the last reading repeats."""

    def __init__(self, cancels: Iterable[bytes], readings: Iterable[bytes]) -> None:
        self._cancels = iter(cancels)
        self._readings = iter(readings)
        self._last = b""
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, peer: Peer) -> None:
        while request := peer.read():
            with self._lock:
                peer.send(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        if request.startswith(b"POST /v5/order/cancel-all "):
            self.asked.append("cancel")
            body = orjson.loads(request.partition(b"\r\n\r\n")[2])
            assert body == {"category": "linear", "symbol": "BTCUSDT"}
            return next(self._cancels)
        assert request.startswith(b"GET /v5/order/realtime?")
        self.asked.append("read")
        self._last = next(self._readings, self._last)
        return self._last


Run = Callable[[_Venue], Done | Rejected | Unknown]


@pytest.fixture
def run() -> Iterator[Run]:
    stubs: list[SocketStub] = []
    closing = threading.Event()

    def cancel_all(venue: _Venue) -> Done | Rejected | Unknown:
        stub = SocketStub(venue)
        stubs.append(stub)
        stub.__enter__()
        rest = client(stub.url)
        queries = StateQueries(rest)
        outcome = CancelAll(rest, queries, closing=closing, pauses_s=[0.001] * 4).run(BTC)
        rest.close()
        return outcome

    yield cancel_all
    for stub in stubs:
        stub.__exit__(None, None, None)


def test_it_is_done_once_the_list_is_empty(run: Run) -> None:
    """The venue acknowledges first and cancels then (Bybit V5 order/cancel-all)."""
    venue = _Venue([CANCELLED], [_open(BEFORE), _open()])
    assert run(venue) == Done(time_ms=ANSWERED_MS)
    assert venue.asked == ["cancel", "read", "read"]


def test_with_nothing_to_cancel_it_was_done_already(run: Run) -> None:
    assert run(_Venue([NOTHING], [_open()])) == Done(time_ms=ANSWERED_MS, was_already=True)


def test_an_order_that_came_afterwards_is_not_waited_for(run: Run) -> None:
    venue = _Venue([CANCELLED], [_open(AFTER)])
    assert run(venue) == Done(time_ms=ANSWERED_MS)
    assert venue.asked == ["cancel", "read"]


def test_what_is_left_is_asked_for_again_for_as_long_as_it_becomes_less(run: Run) -> None:
    """One request cancels at most 500 orders."""
    full = [_open(BEFORE, BEFORE)] * 5
    fewer = [_open(BEFORE)] * 5
    venue = _Venue([CANCELLED, CANCELLED, CANCELLED], [*full, *fewer, _open()])
    outcome = run(venue)
    assert outcome == Done(time_ms=ANSWERED_MS)
    assert venue.asked.count("cancel") == 3


def test_what_stays_open_is_not_called_done(run: Run) -> None:
    venue = _Venue([CANCELLED, CANCELLED], [_open(BEFORE, BEFORE, AFTER)])
    outcome = run(venue)
    assert isinstance(outcome, Unknown)
    assert "2 orders are open" in outcome.cause
    assert venue.asked.count("cancel") == 2


def test_a_row_that_cannot_be_read_is_an_order_that_is_open(run: Run) -> None:
    hedged = ok({"list": [{**_row("a", BEFORE), "positionIdx": 1}], "nextPageCursor": ""})
    outcome = run(_Venue([CANCELLED, CANCELLED], [hedged]))
    assert isinstance(outcome, Unknown)
    assert "1 orders are open" in outcome.cause


def test_a_reading_that_fails_proves_nothing(run: Run) -> None:
    outcome = run(_Venue([CANCELLED], [UNREADABLE]))
    assert isinstance(outcome, Unknown)
    assert "could not be read" in outcome.cause


def test_a_reading_that_fails_once_is_made_again(run: Run) -> None:
    assert run(_Venue([CANCELLED], [UNREADABLE, _open()])) == Done(time_ms=ANSWERED_MS)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer(b'{"retCode":10001,"retMsg":"params error","result":{}}'), Rejected),
        (answer(b'{"retCode":10016,"retMsg":"internal","result":{}}'), Unknown),
        (UNREADABLE, Unknown),
    ],
)
def test_what_was_not_taken_is_not_read_back(
    run: Run, said: bytes, kind: type[Rejected | Unknown]
) -> None:
    venue = _Venue([said], [])
    assert isinstance(run(venue), kind)
    assert venue.asked == ["cancel"]
