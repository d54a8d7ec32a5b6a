"""Which request a planned fault happens to, and which pushes suffer."""

import pytest
from tidegate.adapters.v5server.accounts import PrivatePush
from tidegate.adapters.v5server.faults import (
    AnswerCode,
    Drop,
    Faults,
    Hang,
    HttpStatus,
    RequestFault,
    Stage,
    Target,
    Wire,
)
from tidegate.adapters.v5server.ws_faults import PrivateFaults

CREATE, LEVERAGE = "/v5/order/create", "/v5/position/set-leverage"
REALTIME, TIME = "/v5/order/realtime", "/v5/market/time"
LOST = RequestFault(stage=Stage.BEFORE, action=Drop())
OTHER = RequestFault(stage=Stage.AFTER, action=Hang())


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        (Target.ORDERS, {CREATE}),
        (Target.REQUESTS, {CREATE, LEVERAGE}),
        (Target.QUERIES, {REALTIME}),
        (Target.ANY, {CREATE, LEVERAGE, REALTIME, TIME}),
        (LEVERAGE, {LEVERAGE}),
    ],
)
def test_a_fault_happens_to_the_requests_that_it_is_for(
    target: Target | str, hit: set[str]
) -> None:
    found = set()
    for path in (CREATE, LEVERAGE, REALTIME, TIME):
        faults = Faults()
        faults.plan(LOST, target=target)
        if faults.take_request(path) is not None:
            found.add(path)
            assert faults.waiting == 0
        else:
            assert faults.waiting == 1
    assert found == hit


@pytest.mark.parametrize(
    "path",
    [
        "/v5/order/amend",
        "/v5/order/cancel-all",
        "/v5/order/create-batch",
        "/v5/position/trading-stop",
        "/v5/position/switch-mode",
        "/v5/account/set-margin-mode",
        "/v5/account/demo-apply-money",
    ],
)
def test_what_changes_something_is_a_request(path: str) -> None:
    faults = Faults()
    faults.plan(LOST, target=Target.QUERIES)
    assert faults.take_request(path) is None
    faults.plan(OTHER, target=Target.REQUESTS)
    assert faults.take_request(path) is OTHER


def test_a_fault_happens_once_unless_it_is_counted() -> None:
    faults = Faults()
    faults.plan(LOST, count=2)
    taken = [faults.take_request(CREATE) for _ in range(3)]
    assert taken == [LOST, LOST, None]


def test_a_fault_lets_some_requests_pass_first() -> None:
    faults = Faults()
    faults.plan(LOST, skip=2)
    taken = [faults.take_request(path) for path in (CREATE, REALTIME, CREATE, CREATE, CREATE)]
    assert taken == [None, None, None, LOST, None]


def test_the_oldest_fault_that_fits_comes_first() -> None:
    faults = Faults()
    faults.plan(LOST, target=Target.QUERIES)
    faults.plan(OTHER, target=Target.ORDERS)
    faults.plan(LOST, target=Target.ORDERS)
    assert faults.take_request(CREATE) is OTHER
    assert faults.take_request(CREATE) is LOST
    assert faults.take_request(REALTIME) is LOST


def test_an_operation_of_the_trade_stream_is_the_path_of_the_same_act() -> None:
    faults = Faults()
    faults.plan(LOST, target="/v5/order/create-batch")
    assert faults.take_trade("order.create") is None
    assert faults.take_trade("order.create-batch") is LOST


def test_a_fault_of_one_wire_leaves_the_other_alone() -> None:
    faults = Faults()
    faults.plan(LOST, wires=frozenset({Wire.TRADE_STREAM}))
    assert faults.take_request(CREATE) is None
    assert faults.take_trade("order.create") is LOST


def test_a_plan_that_can_never_happen_is_refused() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="skip -1, count 1"):
        faults.plan(LOST, skip=-1)
    with pytest.raises(ValueError, match="count 1 or more"):
        faults.plan(LOST, count=0)
    with pytest.raises(ValueError, match="at least one"):
        faults.plan_batch(frozenset(), AnswerCode(1, "no"))
    assert faults.waiting == 0


def test_items_of_one_batch_are_refused_and_of_the_next_are_not() -> None:
    faults, answer = Faults(), AnswerCode(110007, "ab not enough")
    faults.plan_batch(frozenset({1, 3}), answer)
    assert [faults.take_batch_item(n) for n in range(4)] == [None, answer, None, answer]
    assert [faults.take_batch_item(n) for n in range(4)] == [None] * 4


def test_the_first_item_of_a_batch_may_be_refused_and_begins_it() -> None:
    faults, answer = Faults(), AnswerCode(110007, "ab not enough")
    faults.plan_batch(frozenset({0}), answer)
    assert [faults.take_batch_item(n) for n in (0, 1)] == [answer, None]


def test_cleared_faults_do_not_happen() -> None:
    faults = Faults()
    faults.plan(RequestFault(stage=Stage.BEFORE, action=HttpStatus(502)))
    faults.plan_batch(frozenset({0}), AnswerCode(1, "no"))
    assert faults.waiting == 2
    faults.clear()
    assert faults.waiting == 0
    assert faults.take_request(CREATE) is None
    assert faults.take_batch_item(0) is None


# Private pushes


def push(topic: str, **row: object) -> PrivatePush:
    return PrivatePush(topic=topic, rows=({"symbol": "BTCUSDT", **row},), creation_ms=1)


ORDER = push("order", orderStatus="New")
FILLED = push("order", orderStatus="Filled", cancelType="UNKNOWN", rejectReason="EC_NoError")
FILL = push("execution", execId="e1")
POSITION = push("position", seq=5)
WALLET = push("wallet")


def test_without_a_fault_pushes_leave_as_they_came() -> None:
    assert PrivateFaults().apply([ORDER, FILL, FILLED]) == [ORDER, FILL, FILLED]


def test_a_repeated_push_leaves_twice_and_the_one_after_it_once() -> None:
    faults = PrivateFaults()
    faults.repeat["execution"] = 1
    assert faults.apply([ORDER, FILL, FILL]) == [ORDER, FILL, FILL, FILL]


def test_a_lost_push_does_not_leave_and_the_one_after_it_does() -> None:
    faults = PrivateFaults()
    faults.lose["order"] = 1
    assert faults.apply([ORDER, FILL, FILLED]) == [FILL, FILLED]


def test_a_filled_order_is_told_again_as_a_cancel_that_lost() -> None:
    faults = PrivateFaults()
    faults.double_filled = 1
    first, second, third = faults.apply([ORDER, FILLED, FILLED])[1:]
    assert (first, third) == (FILLED, FILLED)
    (row,) = second.rows
    assert row["orderStatus"] == "Filled"
    assert row["cancelType"] == "CancelByUser"
    assert row["rejectReason"] == "EC_OrigClOrdIDDoesNotExist"


def test_an_older_position_follows_the_newer_one() -> None:
    faults = PrivateFaults()
    newer = push("position", seq=6)
    faults.apply([POSITION])
    faults.stale_positions = 1
    assert faults.apply([newer]) == [newer, POSITION]
    assert faults.apply([newer]) == [newer]


def test_a_first_position_is_followed_by_itself_under_an_older_number() -> None:
    faults = PrivateFaults()
    faults.stale_positions = 1
    older = push("position", seq=4)
    assert faults.apply([POSITION]) == [POSITION, older]


def test_each_position_that_is_asked_for_has_an_older_row() -> None:
    faults = PrivateFaults()
    first, second, third = (push("position", seq=seq) for seq in (6, 7, 8))
    faults.apply([POSITION])
    faults.stale_positions = 2
    assert faults.apply([first]) == [first, POSITION]
    assert faults.apply([second]) == [second, first]
    assert faults.apply([third]) == [third]


def test_a_row_under_the_same_number_is_no_older_one() -> None:
    faults = PrivateFaults()
    faults.apply([POSITION])
    faults.stale_positions = 1
    assert faults.apply([POSITION]) == [POSITION, push("position", seq=4)]


def test_a_silent_topic_says_nothing_until_it_is_taken_back() -> None:
    faults = PrivateFaults()
    faults.silent_topics.add("wallet")
    assert faults.apply([WALLET, FILL]) == [FILL]
    faults.silent_topics.discard("wallet")
    assert faults.apply([WALLET]) == [WALLET]


def test_topics_leave_in_the_order_that_was_chosen() -> None:
    faults = PrivateFaults()
    faults.topic_order = ("position", "execution")
    assert faults.apply([ORDER, FILL, POSITION, WALLET]) == [POSITION, FILL, ORDER, WALLET]


def test_what_is_held_leaves_in_order_when_it_is_released() -> None:
    faults = PrivateFaults()
    faults.is_holding = True
    assert faults.apply([ORDER]) == []
    assert faults.apply([FILL]) == []
    assert faults.release() == [ORDER, FILL]
    assert faults.release() == []
    assert faults.apply([WALLET]) == [WALLET]
