"""Faults of requests by name: what a client over REST sees, and whether the order is there."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.adapters.v5server.control import FAULTS, Control, FaultName
from tidegate.adapters.v5server.control_base import ControlRefused
from tidegate.adapters.v5server.control_http import ACTS
from tidegate.adapters.v5server.faults import Target

from .bench import Answered, Bench, Json
from .raw_stream import RawStream, order_params

LIMIT = order_params(orderType="Limit", price="59500", orderLinkId="one")
LOST = (http.client.RemoteDisconnected, ConnectionResetError)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as opened:
        opened.price("60000")
        yield opened


@pytest.fixture
def control(bench: Bench) -> Control:
    return Control(bench.server.call)


def create(bench: Bench, **more: object) -> Answered:
    return bench.client().post("/v5/order/create", **{**LIMIT, **more})


def open_orders(bench: Bench) -> list[Json]:
    return bench.client().get("/v5/order/realtime", "category=linear&symbol=BTCUSDT").rows


def test_there_is_a_way_to_make_every_fault_happen() -> None:
    assert set(FAULTS) == set(FaultName)


def test_the_page_about_the_venue_names_every_fault_and_every_act() -> None:
    page = (Path(__file__).parents[3] / "docs" / "venue.md").read_text(encoding="utf-8")
    for fault in FaultName:
        assert f"| `{fault.name}` | {fault.value} |" in page
    for act in set(ACTS) - {"inject"}:
        assert f"`{act}`" in page


def test_a_lost_request_has_no_effect(bench: Bench, control: Control) -> None:
    control.inject(FaultName.LOST_REQUEST)
    with pytest.raises(LOST):
        create(bench)
    assert open_orders(bench) == []
    assert create(bench).code == 0


def test_a_lost_answer_leaves_an_order_behind(bench: Bench, control: Control) -> None:
    control.inject(FaultName.LOST_ACK)
    with pytest.raises(LOST):
        create(bench)
    (order,) = open_orders(bench)
    assert order["orderLinkId"] == "one"
    assert create(bench).code == 110072


def test_a_request_that_hangs_is_not_answered(bench: Bench, control: Control) -> None:
    control.lose_next_answer(hangs=True)
    sender = threading.Thread(target=_ignoring_the_end, args=(bench,), daemon=True)
    sender.start()
    sender.join(0.2)
    assert sender.is_alive()
    assert len(open_orders(bench)) == 1
    bench.server.stop()
    sender.join(10)
    assert not sender.is_alive()


def _ignoring_the_end(bench: Bench) -> None:
    with pytest.raises(OSError, match=r"^"):
        create(bench)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FaultName.CLOCK, 10002),
        (FaultName.RATE_LIMIT, 10006),
        (FaultName.SERVER_ERROR, 10016),
        (FaultName.RESTARTING, 10019),
        (FaultName.REFUSAL, 110007),
    ],
)
def test_a_refused_request_has_its_code_and_no_effect(
    bench: Bench, control: Control, fault: FaultName, code: int
) -> None:
    control.inject(fault)
    refused = create(bench)
    assert (refused.status, refused.code) == (200, code)
    assert refused.message
    assert open_orders(bench) == []
    assert create(bench).code == 0


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (FaultName.HTTP_403, 403),
        (FaultName.HTTP_429, 429),
        (FaultName.HTTP_502, 502),
        (FaultName.HTML_BODY, 200),
    ],
)
def test_an_http_fault_has_its_status_and_a_body_that_is_no_envelope(
    bench: Bench, control: Control, fault: FaultName, status: int
) -> None:
    control.inject(fault)
    answer = create(bench)
    assert answer.status == status
    with pytest.raises(ValueError, match="Expecting value"):
        _ = answer.body
    assert open_orders(bench) == []
    assert create(bench).code == 0


def test_a_body_that_is_cut_belongs_to_a_request_that_was_done(
    bench: Bench, control: Control
) -> None:
    control.inject(FaultName.CUT_BODY)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        create(bench)
    assert len(open_orders(bench)) == 1


def test_a_slow_body_comes_in_full(bench: Bench, control: Control) -> None:
    control.delay_next_answer(30, Target.ANY)
    assert create(bench).code == 0
    control.inject(FaultName.SLOW_BODY)
    assert bench.client().get("/v5/market/time", signed=False).code == 0
    assert control.faults_waiting() == 0


def test_a_failed_query_is_no_answer_and_requests_still_work(
    bench: Bench, control: Control
) -> None:
    control.inject(FaultName.FAILED_QUERY)
    assert create(bench).code == 0
    failed = bench.client().get("/v5/order/realtime", "category=linear&symbol=BTCUSDT")
    assert failed.status == 502
    assert len(open_orders(bench)) == 1


@pytest.mark.parametrize("fault", [FaultName.ACK_AFTER_FILL, FaultName.FILL_BEFORE_ACK])
def test_a_fill_may_be_told_before_its_order_is_acknowledged(
    bench: Bench, control: Control, fault: FaultName
) -> None:
    with RawStream(bench, "/v5/private") as stream:
        stream.authenticate()
        stream.ask(op="subscribe", args=["order", "execution"])
        control.inject(fault)
        control.clear_faults()
        control.delay_next_answer(2_500, Target.ORDERS)
        answers: list[int] = []
        sender = threading.Thread(
            target=lambda: answers.append(create(bench, **order_params()).code)
        )
        sender.start()
        topics = [stream.next()["topic"], stream.next()["topic"]]
        assert answers == []
        assert "execution" in topics
        if fault is FaultName.FILL_BEFORE_ACK:
            assert topics[0] == "execution"
        sender.join(20)
        assert answers == [0]


def test_a_part_of_a_batch_may_fail(bench: Bench, control: Control) -> None:
    control.inject(FaultName.PARTIAL_BATCH)
    items = [{**LIMIT, "orderLinkId": name} for name in ("a", "b", "c")]
    answer = bench.client().post("/v5/order/create-batch", category="linear", request=items)
    assert answer.code == 0
    assert [row["code"] for row in answer.ext] == [0, 110007, 0]
    assert {order["orderLinkId"] for order in open_orders(bench)} == {"a", "c"}


def test_limits_of_the_rate_may_name_a_time_in_the_past(bench: Bench, control: Control) -> None:
    headers = {"X-Bapi-Limit-Reset-Timestamp": "1"}
    control.refuse_next(10006, "Too many visits!", headers=headers)
    assert create(bench).headers["X-Bapi-Limit-Reset-Timestamp"] == "1"


def test_an_unknown_account_is_refused_with_those_that_there_are(control: Control) -> None:
    with pytest.raises(ControlRefused, match="account 'nobody' is unknown; known keys: the-key"):
        control.hold_pushes(account_key="nobody")
