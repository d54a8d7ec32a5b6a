"""Requests that are lost, refused, late or answered with nonsense, under a running desk."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.adapters.v5server.control import FaultName
from tidegate.adapters.v5server.control_requests import BAD_GATEWAY
from tidegate.adapters.v5server.faults import Target
from tidegate.application.settings_bybit import OrderEntry
from tidegate.domain.core.events import OrderLapsed, OrderUnknown
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import RejectReason
from tidegate.ports.desk import Placed, Rejected, Unresolved

from .desk_bench import BTC, QTY, DeskBench, until
from .fault_case import Case, try_case

__all__ = ["CASES"]

_CREATE = "/v5/order/create"
_STREAM = {"order_entry": OrderEntry.STREAM}
_IMPATIENT = {**_STREAM, "order_timeout_ms": 800}


def _lapses(fault: FaultName) -> Case:
    """The entry had no effect and no answer: unknown first, and free again once that is proven."""

    def run(bench: DeskBench) -> None:
        bench.control.inject(fault)
        outcome = bench.open("suffers")
        assert isinstance(outcome, Unresolved), outcome
        _never_arrived(bench, outcome.client_id)

    return Case(run)


def _never_arrived(bench: DeskBench, client_id: ClientId) -> None:
    order = bench.books.order(client_id)
    assert order is not None
    assert order.status is Status.UNKNOWN, "it counts as exposure until its end is known"
    until(lambda: bench.happened(OrderLapsed) == 1, "the entry lapsed")
    assert bench.sent_ids()[client_id] == 1
    assert bench.books.position(BTC).qty == ZERO_QTY
    assert not bench.books.orders


def _fills(fault: FaultName, *, sent: int = 1, over_stream: bool = False) -> Case:
    """The entry has its effect: one position, whatever became of the answer."""

    def run(bench: DeskBench) -> None:
        socket = bench.venue.streams.trade_socket() if over_stream else None
        if socket is not None:
            until(lambda: socket.is_up, "the order stream")
        bench.control.inject(fault)
        outcome = bench.open("suffers")
        assert isinstance(outcome, Placed | Unresolved), outcome
        _is_held_once(bench, outcome.client_id, sent=sent)

    return Case(run, _IMPATIENT if over_stream else {})


def _is_held_once(bench: DeskBench, client_id: ClientId, *, sent: int = 1) -> None:
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
    assert bench.sent_ids()[client_id] == sent
    bench.agree()
    bench.close()


def _is_refused(fault: FaultName, reason: RejectReason, *, trades_on: bool = True) -> Case:
    """The answer proves that there was no effect: the desk says why, and is free at once."""

    def run(bench: DeskBench) -> None:
        bench.control.inject(fault)
        outcome = bench.open("suffers")
        assert isinstance(outcome, Rejected), outcome
        assert outcome.reason is reason
        assert bench.sent_ids()[outcome.client_id] == 1
        assert bench.happened(OrderUnknown) == 0
        assert bench.is_flat

    return Case(run, trades_on=trades_on)


def _banned(bench: DeskBench) -> None:
    """After HTTP 403 nothing at all is sent: going on would prolong the ban."""
    _is_refused(FaultName.HTTP_403, RejectReason.RATE_LIMITED).run(bench)
    before = len(bench.tap.requests())
    outcome = bench.desk.execute(bench.signal("again"))
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason is RejectReason.RATE_LIMITED
    assert len(bench.tap.requests()) == before


def _restarting_stream(bench: DeskBench) -> None:
    """10019 on the order stream: nothing was looked at, so the same order goes over REST."""
    socket = bench.venue.streams.trade_socket()
    assert socket is not None
    until(lambda: socket.is_up, "the order stream")
    bench.control.inject(FaultName.RESTARTING)
    placed = bench.placed("suffers")
    over_rest = [request.json["orderLinkId"] for request in bench.tap.requests(_CREATE)]
    assert over_rest.count(placed.client_id) == 1
    _is_held_once(bench, placed.client_id, sent=2)


def _partial_batch(bench: DeskBench) -> None:
    """The desk sends no batches; one of a foreign client is half refused, and harms nothing."""
    client = bench.server.client()
    bench.control.inject(FaultName.PARTIAL_BATCH)
    order = {"symbol": BTC, "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "60000"}
    links = [f"foreign-{number}" for number in range(3)]
    rows = [{**order, "orderLinkId": link} for link in links]
    answer = client.post("/v5/order/create-batch", category="linear", request=rows)
    assert answer.code == 0
    assert [row["code"] for row in answer.ext] == [0, 110007, 0]
    for link in (links[0], links[2]):
        gone = client.post("/v5/order/cancel", category="linear", symbol=BTC, orderLinkId=link)
        assert gone.code == 0, gone.text
    until(lambda: not bench.books.findings, "the foreign orders are forgotten")


def _slow_body(bench: DeskBench) -> None:
    bench.control.inject(FaultName.SLOW_BODY)
    placed = bench.placed("suffers")
    _is_held_once(bench, placed.client_id)


def _failed_query(bench: DeskBench) -> None:
    """A query that fails is asked again: what happened while the stream was down is booked."""
    bench.control.disconnect()
    bench.control.inject(FaultName.FAILED_QUERY)
    outcome = bench.open("suffers")
    assert isinstance(outcome, Placed | Unresolved), outcome
    _is_held_once(bench, outcome.client_id)
    assert any(answer.status == 502 for answer in bench.tap.answers())
    bench.control.reconnect()


CASES: Mapping[FaultName, Case] = MappingProxyType(
    {
        FaultName.LOST_REQUEST: _lapses(FaultName.LOST_REQUEST),
        FaultName.SERVER_ERROR: _lapses(FaultName.SERVER_ERROR),
        FaultName.HTTP_502: _lapses(FaultName.HTTP_502),
        FaultName.HTML_BODY: _lapses(FaultName.HTML_BODY),
        FaultName.LOST_ACK: _fills(FaultName.LOST_ACK),
        FaultName.LOST_TRADE_ACK: _fills(FaultName.LOST_TRADE_ACK, over_stream=True),
        FaultName.ACK_AFTER_FILL: _fills(FaultName.ACK_AFTER_FILL),
        FaultName.FILL_BEFORE_ACK: _fills(FaultName.FILL_BEFORE_ACK),
        FaultName.CUT_BODY: _fills(FaultName.CUT_BODY),
        FaultName.CLOCK: _fills(FaultName.CLOCK, sent=2),
        FaultName.RATE_LIMIT: _is_refused(FaultName.RATE_LIMIT, RejectReason.RATE_LIMITED),
        FaultName.HTTP_429: _is_refused(FaultName.HTTP_429, RejectReason.RATE_LIMITED),
        FaultName.REFUSAL: _is_refused(FaultName.REFUSAL, RejectReason.INSUFFICIENT_MARGIN),
        FaultName.HTTP_403: Case(_banned, trades_on=False),
        FaultName.RESTARTING: Case(_restarting_stream, _STREAM),
        FaultName.PARTIAL_BATCH: Case(_partial_batch),
        FaultName.SLOW_BODY: Case(_slow_body),
        FaultName.FAILED_QUERY: Case(_failed_query),
    }
)


_LIKE_OTHERS = (FaultName.HTTP_502, FaultName.HTML_BODY)
"""What takes the same way as a server's error, and seconds: no answer says what became of it."""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=pytest.mark.sweep if fault in _LIKE_OTHERS else ())
        for fault in CASES
    ],
    ids=lambda fault: fault.name,
)
def test_a_request_that_fails_is_neither_doubled_nor_lost(fault: FaultName, tmp_path: Path) -> None:
    try_case(CASES[fault], fault, tmp_path)


@pytest.mark.parametrize(
    "status", [200, 502, *(pytest.param(code, marks=pytest.mark.sweep) for code in (500, 504))]
)
def test_an_entry_that_was_done_and_answered_with_nonsense_is_found(
    status: int, tmp_path: Path
) -> None:
    def run(bench: DeskBench) -> None:
        bench.control.hold_pushes()
        bench.control.answer_http_next(status, BAD_GATEWAY, Target.ORDERS, has_effect=True)
        outcome = bench.open("suffers")
        assert isinstance(outcome, Placed | Unresolved), outcome
        bench.control.release_pushes()
        _is_held_once(bench, outcome.client_id)

    try_case(Case(run), FaultName.HTML_BODY, tmp_path)


def test_a_service_that_restarts_over_rest_took_nothing(tmp_path: Path) -> None:
    case = _is_refused(FaultName.RESTARTING, RejectReason.OTHER)
    try_case(case, FaultName.RESTARTING, tmp_path)


_OVER_STREAM = (
    FaultName.LOST_ACK,
    FaultName.FILL_BEFORE_ACK,
    FaultName.REFUSAL,
    *(
        pytest.param(fault, marks=pytest.mark.sweep)
        for fault in (
            FaultName.ACK_AFTER_FILL,
            FaultName.CLOCK,
            FaultName.RATE_LIMIT,
            FaultName.SERVER_ERROR,
        )
    ),
)


@pytest.mark.parametrize("fault", _OVER_STREAM, ids=lambda fault: fault.name)
def test_the_same_holds_for_orders_over_the_stream(fault: FaultName, tmp_path: Path) -> None:
    def run(bench: DeskBench) -> None:
        socket = bench.venue.streams.trade_socket()
        assert socket is not None
        until(lambda: socket.is_up, "the order stream")
        before = len(bench.tap.sent("/v5/trade"))
        CASES[fault].run(bench)
        sent = bench.tap.sent("/v5/trade")[before:]
        assert "order.create" in {push.json["op"] for push in sent}

    try_case(Case(run, _STREAM), fault, tmp_path)
