"""Scripted faults: refusals, silence, late requests, failing queries, a stream that misbehaves."""

import pytest
from tidegate.adapters.memory.options import (
    Arrival,
    MemoryOptions,
    RequestKind,
    ScriptError,
)
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    OrderReport,
    PositionReport,
    RejectReason,
    StreamReport,
    Ticker,
)
from tidegate.ports.exchange import (
    Accepted,
    QueryFailed,
    Rejected,
    Unknown,
)

from .scenes import SYMBOL, Scene, price

# Faults of requests and queries


def test_a_fault_can_be_aimed_at_one_kind_of_request() -> None:
    scene = Scene()
    scene.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    scene.script.reject_next(
        RejectReason.RATE_LIMITED, 10006, "too many visits", request=RequestKind.LEVERAGE
    )
    order = scene.buy("0.1", "59000")
    refused = scene.venue.set_leverage(SYMBOL, Rate.of(5))
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.code) == (RejectReason.RATE_LIMITED, 10006)
    assert isinstance(scene.venue.cancel(SYMBOL, order), Unknown)
    assert isinstance(scene.venue.cancel(SYMBOL, order), Accepted)


def test_a_late_request_takes_effect_when_it_arrives() -> None:
    """Until then the venue knows nothing of it: a "not found" that comes too soon is wrong."""
    scene = Scene()
    scene.script.time_out_next(Arrival.LATE)
    order = scene.order(Side.BUY)
    assert isinstance(scene.send(order), Unknown)
    assert scene.venue.find_order(SYMBOL, order.client_id) is None
    assert scene.script.arrive() == 1
    assert scene.found(order.client_id).status is Status.FILLED
    assert scene.script.arrive() == 0


def test_as_many_queries_fail_as_the_script_says() -> None:
    scene = Scene()
    scene.script.fail_queries(2)
    for _ in range(2):
        with pytest.raises(QueryFailed, match="scripted"):
            scene.venue.open_orders()
    assert scene.venue.open_orders() == ()


def test_time_only_goes_forward() -> None:
    scene = Scene(MemoryOptions(start_ms=1_000))
    scene.script.advance(250)
    assert scene.venue.now_ms() == 1_250
    with pytest.raises(ScriptError):
        scene.script.advance(-1)


# Messages


def _kinds(scene: Scene) -> list[type]:
    return [type(message) for message in scene.heard]


def test_messages_come_in_the_order_of_the_changes() -> None:
    scene = Scene()
    scene.heard.clear()
    scene.buy()
    kinds = _kinds(scene)
    assert kinds == [OrderReport, OrderReport, Execution, PositionReport, AccountReport]


def test_held_messages_can_be_reversed() -> None:
    scene = Scene()
    scene.heard.clear()
    scene.script.delay_messages()
    scene.buy()
    assert scene.heard == []
    scene.script.reorder()
    assert scene.script.release() == 5
    assert _kinds(scene)[0] is AccountReport
    assert _kinds(scene)[-1] is OrderReport
    with pytest.raises(ScriptError, match="delay_messages"):
        scene.script.reorder()


@pytest.mark.parametrize("kind", [OrderReport, Execution, PositionReport])
def test_one_message_of_a_kind_can_be_lost(
    kind: type[OrderReport] | type[Execution] | type[PositionReport],
) -> None:
    scene, whole = Scene(), Scene()
    scene.script.drop_next(kind)
    for each in (scene, whole):
        each.buy()
    assert _kinds(scene).count(kind) == _kinds(whole).count(kind) - 1
    assert len(scene.heard) == len(whole.heard) - 1


def test_a_ticker_does_not_use_up_a_fault_of_the_next_message() -> None:
    scene = Scene()
    scene.script.duplicate_next()
    scene.script.move(SYMBOL, last=price("60001"))
    scene.heard.clear()
    scene.buy()
    assert scene.heard[0] == scene.heard[1]
    assert _kinds(scene).count(Ticker) == 0


def test_what_was_held_is_lost_in_an_outage() -> None:
    scene = Scene()
    scene.heard.clear()
    scene.script.delay_messages()
    scene.buy()
    scene.script.disconnect()
    scene.script.disconnect()
    scene.script.reconnect()
    assert scene.script.release() == 0
    assert _kinds(scene) == [StreamReport, StreamReport]


def test_a_sink_may_ask_the_venue() -> None:
    """A message is delivered after the change that it tells of, so an answer is up to date."""
    scene = Scene()
    seen: list[bool] = []

    def ask(message: object) -> None:
        if isinstance(message, Execution):
            seen.append(scene.venue.position(SYMBOL).qty == message.qty)

    scene.venue.connect(ask)
    scene.buy()
    assert seen == [True]
