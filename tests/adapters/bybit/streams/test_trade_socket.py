"""Order entry by stream: an answer, honest ignorance, or the certainty that nothing was sent."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from tidegate.adapters.bybit.streams.trade import (
    TradeAnswer,
    TradeNotSent,
    TradeSocket,
    TradeUnknown,
)

from tests.adapters.bybit.streams.bench import QUICK, TRADE, Ear, WallClock, hub_on
from tests.adapters.bybit.streams.scripted import WAIT_S, ScriptedVenue, trade_ok

ORDER = {"category": "linear", "symbol": "BTCUSDT", "qty": "0.001"}


@contextmanager
def _socket(venue: ScriptedVenue, **changes: Any) -> Iterator[TradeSocket]:
    with hub_on(venue, **changes) as hub:
        socket = hub.trade_socket()
        assert socket is not None
        assert _until(lambda: socket.is_up)
        yield socket


def _until(condition: Any) -> bool:
    """Wait for a state that nobody announces."""
    deadline_s = time.monotonic() + WAIT_S
    while not condition() and time.monotonic() < deadline_s:
        threading.Event().wait(0.002)
    return bool(condition())


def _requests(venue: ScriptedVenue) -> list[dict[str, Any]]:
    sessions = [session for session in venue.sessions if session.path == TRADE]
    return [m for session in sessions for m in session.heard if m["op"].startswith("order.")]


def test_an_answer_comes_back_to_its_request() -> None:
    with ScriptedVenue() as venue, _socket(venue) as socket:
        before_ms = WallClock().now_ms()
        answer = socket.send("order.create", ORDER, deadline_ms=5_000)
        assert answer == TradeAnswer(
            code=0,
            message="OK",
            result={"orderId": "a-1", "orderLinkId": "x"},
            extra={},
            headers={"X-Bapi-Limit": "10"},
        )
        assert venue.until(lambda: len(_requests(venue)) == 1)
        (request,) = _requests(venue)
        assert (request["op"], request["args"]) == ("order.create", [ORDER])
        assert len(request["reqId"]) <= 36
        stamp = request["header"]["X-BAPI-TIMESTAMP"]
        assert isinstance(stamp, str)
        assert before_ms <= int(stamp) <= WallClock().now_ms()
        assert socket.pending_count == 0


def test_a_refusal_is_an_answer() -> None:
    with ScriptedVenue() as venue, _socket(venue) as socket:
        refused = {"retCode": 110007, "retMsg": "ab not enough", "data": {}, "retExtInfo": {}}
        venue.on_trade = lambda message: [trade_ok(message) | refused]
        answer = socket.send("order.create", ORDER, deadline_ms=5_000)
        assert isinstance(answer, TradeAnswer)
        assert (answer.code, answer.message) == (110007, "ab not enough")


def test_answers_out_of_order_find_their_requests() -> None:
    held: list[dict[str, Any]] = []

    def hold(message: dict[str, Any]) -> list[dict[str, Any]]:
        held.append(message)
        if len(held) < 8:
            return []
        return [trade_ok(m) | {"data": {"n": m["args"][0]["n"]}} for m in reversed(held)]

    with ScriptedVenue(on_trade=hold) as venue, _socket(venue) as socket:
        with ThreadPoolExecutor(8) as pool:
            sent = [
                pool.submit(socket.send, "order.create", {"n": str(n)}, deadline_ms=5_000)
                for n in range(8)
            ]
            got = [one.result() for one in sent]
        assert [one.result for one in got if isinstance(one, TradeAnswer)] == [
            {"n": str(n)} for n in range(8)
        ]


def test_every_request_has_an_id_of_its_own() -> None:
    with ScriptedVenue() as venue, _socket(venue) as socket:
        with ThreadPoolExecutor(4) as pool:
            sends = [
                pool.submit(socket.send, "order.create", ORDER, deadline_ms=5_000)
                for _ in range(200)
            ]
        assert {type(one.result()) for one in sends} == {TradeAnswer}
        ids = [request["reqId"] for request in _requests(venue)]
        assert len(set(ids)) == len(ids) == 200


def test_no_answer_in_time_is_unknown_and_leaves_nothing_behind() -> None:
    with ScriptedVenue() as venue, _socket(venue) as socket:
        venue.mute.add("order.create")
        answer = socket.send("order.create", ORDER, deadline_ms=50)
        assert isinstance(answer, TradeUnknown)
        assert "within 50 ms" in answer.cause
        assert abs(answer.sent_ms - WallClock().now_ms()) < 60_000
        assert socket.pending_count == 0


def test_a_request_without_an_answer_ends_its_connection_at_once() -> None:
    """Its other end may be gone: what else is under way there is unknown now, not in a minute."""
    with ScriptedVenue() as venue, _socket(venue) as socket, ThreadPoolExecutor(1) as pool:
        venue.mute.add("order.create")
        other = pool.submit(socket.send, "order.create", ORDER, deadline_ms=60_000)
        assert venue.until(lambda: len(_requests(venue)) == 1)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=50), TradeUnknown)
        surplus = socket.send("order.create", ORDER, deadline_ms=60_000)
        lost = other.result(WAIT_S)
        assert isinstance(lost, TradeUnknown)
        assert "no answer within 50 ms" in lost.cause
        assert isinstance(surplus, TradeNotSent), "the next one is free to go another way"
        venue.mute.clear()
        assert _until(lambda: socket.is_up)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeAnswer)
        assert len([session for session in venue.sessions if session.path == TRADE]) == 2


def test_an_answer_to_nothing_that_waits_harms_nothing() -> None:
    def twice(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [trade_ok(message), trade_ok(message)]

    with ScriptedVenue(on_trade=twice) as venue, _socket(venue) as socket:
        for _ in range(3):
            assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeAnswer)
        assert len([session for session in venue.sessions if session.path == TRADE]) == 1


def test_a_socket_that_dies_leaves_everything_under_way_unknown_at_once() -> None:
    with ScriptedVenue() as venue, _socket(venue) as socket:
        venue.mute.add("order.create")
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(socket.send, "order.create", ORDER, deadline_ms=60_000)
                for _ in range(4)
            ]
            assert venue.until(lambda: len(_requests(venue)) == 4)
            venue.abort(TRADE)
            assert {type(one.result(WAIT_S)) for one in sent} == {TradeUnknown}
        assert socket.pending_count == 0
        venue.mute.clear()
        assert _until(lambda: socket.is_up)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeAnswer)


def test_nothing_is_sent_while_the_stream_is_not_up() -> None:
    with ScriptedVenue(refuse_auth=True) as venue, hub_on(venue) as hub:
        socket = hub.trade_socket()
        assert socket is not None
        assert venue.until(lambda: len(venue.sessions) >= 2)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeNotSent)
        assert _requests(venue) == []


def test_closing_leaves_what_is_under_way_unknown_and_sends_nothing_more() -> None:
    with ScriptedVenue() as venue, ThreadPoolExecutor(1) as pool:
        venue.mute.add("order.create")
        with _socket(venue) as socket:
            sent = pool.submit(socket.send, "order.create", ORDER, deadline_ms=60_000)
            assert venue.until(lambda: len(_requests(venue)) == 1)
        assert isinstance(sent.result(WAIT_S), TradeUnknown)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=100), TradeNotSent)


def test_a_frame_that_was_not_written_by_the_deadline_never_leaves() -> None:
    """The I/O thread is kept busy by a sink that breaks its promise not to block."""
    release = threading.Event()
    busy = threading.Event()

    def sink(message: Any) -> None:
        busy.set()
        release.wait(WAIT_S)

    with ScriptedVenue() as venue, hub_on(venue) as hub:
        socket = hub.trade_socket()
        assert socket is not None
        assert _until(lambda: socket.is_up)
        hub.open(sink, [])
        assert busy.wait(WAIT_S)
        answer = socket.send("order.create", ORDER, deadline_ms=30)
        release.set()
        assert isinstance(answer, TradeNotSent)
        assert isinstance(socket.send("order.cancel", ORDER, deadline_ms=5_000), TradeAnswer)
        assert [request["op"] for request in _requests(venue)] == ["order.cancel"]


def test_a_restarting_service_completes_what_is_under_way_on_the_old_connection() -> None:
    held: list[dict[str, Any]] = []

    def restarting(message: dict[str, Any]) -> list[dict[str, Any]]:
        held.append(message)
        if len(held) == 2:
            return [trade_ok(message) | {"retCode": 10019}, trade_ok(held[0])]
        return [] if len(held) == 1 else [trade_ok(message)]

    with ScriptedVenue(on_trade=restarting) as venue, _socket(venue) as socket:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(socket.send, "order.create", ORDER, deadline_ms=60_000)
            assert venue.until(lambda: len(_requests(venue)) == 1)
            second = socket.send("order.create", ORDER, deadline_ms=5_000)
            answered = first.result(WAIT_S)
        assert isinstance(second, TradeAnswer)
        assert second.code == 10019
        assert isinstance(answered, TradeAnswer)
        assert answered.code == 0
        assert venue.until(lambda: len([s for s in venue.sessions if s.path == TRADE]) == 2)
        assert _until(lambda: socket.is_up)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeAnswer)


@pytest.mark.parametrize("garbage", [b"{", b"[]", b'{"retCode": 0, "reqId": 5}', b"{}"])
def test_an_answer_that_cannot_be_read_leaves_its_request_unknown(garbage: bytes) -> None:
    with ScriptedVenue(on_trade=lambda _: [garbage]) as venue, _socket(venue) as socket:
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=50), TradeUnknown)
        venue.on_trade = lambda message: [trade_ok(message)]
        assert venue.until(lambda: len([s for s in venue.sessions if s.path == TRADE]) == 2)
        assert _until(lambda: socket.is_up)
        assert isinstance(socket.send("order.create", ORDER, deadline_ms=5_000), TradeAnswer)


def test_an_answer_without_a_code_is_unknown_at_once() -> None:
    def coded(message: dict[str, Any]) -> list[Any]:
        return [trade_ok(message) | {"retCode": "0"}]

    with ScriptedVenue(on_trade=coded) as venue, _socket(venue) as socket:
        answer = socket.send("order.create", ORDER, deadline_ms=60_000)
        assert isinstance(answer, TradeUnknown)
        assert "retCode '0'" in answer.cause


def test_a_venue_without_a_trade_stream_or_a_key_has_no_socket() -> None:
    with ScriptedVenue() as venue:
        with hub_on(venue, credentials=None) as hub:
            assert hub.trade_socket() is None
        venue.trade_url = None
        with hub_on(venue) as hub:
            assert hub.trade_socket() is None


def test_the_number_of_waiting_requests_is_bounded() -> None:
    bounds = 3
    config = attrs.evolve(QUICK, trade_pending_max=bounds)
    with ScriptedVenue() as venue, _socket(venue, config=config) as socket:
        venue.mute.add("order.create")
        with ThreadPoolExecutor(bounds) as pool:
            sent = [
                pool.submit(socket.send, "order.create", ORDER, deadline_ms=60_000)
                for _ in range(bounds)
            ]
            assert _until(lambda: socket.pending_count == bounds)
            surplus = socket.send("order.create", ORDER, deadline_ms=60_000)
            venue.abort(TRADE)
            assert {type(one.result(WAIT_S)) for one in sent} == {TradeUnknown}
    assert surplus == TradeNotSent(cause=f"{bounds} requests wait for an answer already")


def test_the_io_thread_cannot_wait_for_itself() -> None:
    faults: list[str] = []
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        socket = hub.trade_socket()
        assert socket is not None
        assert _until(lambda: socket.is_up)
        ear = Ear()

        def sink(message: Any) -> None:
            try:
                socket.send("order.create", ORDER, deadline_ms=1)
            except RuntimeError as fault:
                faults.append(str(fault))
            ear(message)

        hub.open(sink, [])
        assert ear.until(lambda ear: len(ear.heard()) == 1)
    assert faults == ["the I/O thread cannot wait for an answer that it has to read"]
