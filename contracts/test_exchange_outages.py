"""What repeated, reordered and missed messages must not do to the account that is shown."""

from functools import partial

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage, is_close
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY
from tidegate.domain.reports import StreamReport, StreamState, VenueMessage
from tidegate.ports.exchange import Capability

__all__: list[str] = []


def _streaming(bench: ExchangeBench, *abilities: Ability) -> Stage:
    stage = Stage(bench)
    stage.need(Capability.STREAM)
    stage.can(*abilities)
    stage.drive.settle()
    return stage


def test_an_older_position_message_is_known_by_its_number(exchange_bench: ExchangeBench) -> None:
    """Messages may arrive in any order: the one with the highest number tells what is held."""
    stage = _streaming(exchange_bench, Ability.HOLD_MESSAGES, Ability.REORDER)
    stage.drive.hold_messages()
    stage.buy()
    stage.buy()
    stage.drive.release_reversed()
    stage.drive.settle()
    told = stage.ear.positions()
    newest = max(told, key=lambda report: report.sequence)
    assert newest.qty == stage.held() == stage.unit.times(2)
    assert told[-1].sequence < newest.sequence
    assert told[-1].qty != newest.qty


def test_a_query_heeds_no_message_that_came_late(exchange_bench: ExchangeBench) -> None:
    """What is asked for is what is now, whichever message came last."""
    stage = _streaming(exchange_bench, Ability.HOLD_MESSAGES, Ability.REORDER)
    stage.drive.hold_messages()
    order = stage.buy()
    stage.buy()
    wallet = stage.port.account().wallet
    stage.drive.release_reversed()
    stage.drive.settle()
    assert stage.held() == stage.unit.times(2)
    assert stage.found(order).status is Status.FILLED
    assert stage.port.account().wallet == wallet


def test_a_filled_order_told_twice_is_one_fill(exchange_bench: ExchangeBench) -> None:
    """A second message of the same end adds no execution, and is no cancellation.

    Bybit V5 sends ``Filled`` twice when a cancel comes too late (stream "order").
    """
    stage = _streaming(exchange_bench, Ability.REPEAT_FILLED)
    stage.drive.repeat_next_filled()
    order = stage.buy(2)
    told = [report for report in stage.ear.orders(order) if report.status is Status.FILLED]
    assert len(told) == 2
    assert {report.qty_filled for report in told} == {stage.unit.times(2)}
    assert {report.cancel_reason for report in told} == {None}
    heard = {row.execution_id: row.qty for row in stage.ear.executions()}
    assert sum(heard.values(), start=ZERO_QTY) == stage.held() == stage.unit.times(2)
    assert stage.signed_fills() == stage.held()


def _ups(heard: tuple[VenueMessage, ...]) -> int:
    states = [message.state for message in heard if isinstance(message, StreamReport)]
    return states.count(StreamState.UP)


def _has_come_up(times: int, heard: tuple[VenueMessage, ...]) -> bool:
    return _ups(heard) >= times


def test_nothing_is_missed_once_the_stream_is_told_to_be_up(exchange_bench: ExchangeBench) -> None:
    """Up means subscribed: what happens right after is told from its first message on."""
    stage = _streaming(exchange_bench, Ability.DISCONNECT)
    for _ in range(2):
        wanted = _ups(stage.ear.heard()) + 1
        stage.drive.disconnect()
        stage.drive.settle()
        stage.drive.reconnect()
        came_up = stage.ear.wait_until(partial(_has_come_up, wanted))
        assert came_up, "the stream did not come up again"
        before = stage.ear.executions()
        order = stage.buy(2)
        assert stage.ear.orders(order)[-1:] == (stage.found(order),)
        assert stage.ear.executions() == (*before, *stage.fills(order))
        assert stage.ear.positions()[-1].qty == stage.held()


def test_queries_are_fresh_while_the_stream_is_down(exchange_bench: ExchangeBench) -> None:
    """An outage makes nothing that is asked for older: prices, marks and equity are of now."""
    stage = _streaming(exchange_bench, Ability.DISCONNECT)
    stage.move(1)
    stage.buy(2)
    stage.drive.disconnect()
    stage.drive.settle()
    stage.move(3)
    assert stage.port.ticker(stage.symbol).last == stage.level(3)
    report = stage.port.position(stage.symbol)
    assert report.mark == stage.level(3)
    assert report.unrealised > ZERO_MONEY
    account = stage.port.account()
    assert is_close(account.equity, account.wallet + report.unrealised)
