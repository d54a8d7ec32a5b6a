"""The stream: a message for every change, from a source that may delay, repeat or go away."""

from itertools import pairwise

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Ear, Stage
from tidegate.domain.lifecycle import Status, may_become
from tidegate.domain.money import Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    PositionReport,
    StreamReport,
    StreamState,
)
from tidegate.ports.exchange import Capability

__all__: list[str] = []


def _streaming(bench: ExchangeBench) -> Stage:
    stage = Stage(bench)
    stage.need(Capability.STREAM)
    stage.drive.settle()
    return stage


def test_a_fill_is_told_in_full(exchange_bench: ExchangeBench) -> None:
    """Order, execution, position and account messages arrive, and say what the queries say."""
    stage = _streaming(exchange_bench)
    order = stage.buy(2)
    heard = stage.ear.heard()
    assert stage.ear.orders(order)[-1] == stage.found(order)
    assert stage.ear.executions() == stage.fills()
    position = [m for m in heard if isinstance(m, PositionReport)][-1]
    assert position.qty == stage.held()
    account = [m for m in heard if isinstance(m, AccountReport)][-1]
    assert account.wallet == stage.port.account().wallet


def test_a_resting_and_a_cancelled_order_are_told(exchange_bench: ExchangeBench) -> None:
    """The stream shows an order when it becomes live and when it ends."""
    stage = _streaming(exchange_bench)
    order = stage.place(stage.order(Side.BUY, limit=-5))
    assert stage.ear.orders(order)[-1].status is Status.NEW
    stage.port.cancel(stage.symbol, order)
    stage.drive.settle()
    assert stage.ear.orders(order)[-1].status is Status.CANCELLED
    assert stage.ear.executions() == ()


def test_the_told_life_of_an_order_is_legal(exchange_bench: ExchangeBench) -> None:
    """Successive states of one order follow the table of transitions."""
    stage = _streaming(exchange_bench)
    if Ability.SIZE in stage.drive.abilities:
        stage.move(0, size=stage.unit)
    order = stage.place(stage.order(Side.BUY, stage.unit.times(3), limit="0.5"))
    stage.move(-1)
    told = [report.status for report in stage.ear.orders(order)]
    assert told[-1] is Status.FILLED
    for now, then in pairwise(told):
        assert now is then or may_become(now, then), f"{now.value} to {then.value}"


def _states(stage: Stage) -> list[StreamState]:
    return [m.state for m in stage.ear.heard() if isinstance(m, StreamReport)]


def test_a_new_stream_is_not_told_to_be_down(exchange_bench: ExchangeBench) -> None:
    """After connecting, the sink has heard that the stream is up, or nothing about it."""
    stage = _streaming(exchange_bench)
    assert _states(stage) in ([], [StreamState.UP])


def test_funding_is_told(exchange_bench: ExchangeBench) -> None:
    """A settlement arrives as a message, the same as in the history."""
    stage = _streaming(exchange_bench)
    stage.need(Capability.FUNDING)
    stage.can(Ability.FUNDING)
    stage.buy()
    stage.drive.pay_funding(Rate.of("0.0001"))
    stage.drive.settle()
    told = tuple(m for m in stage.ear.heard() if isinstance(m, FundingPayment))
    assert told == stage.port.funding_payments(stage.symbol, stage.so_far()).rows
    assert len(told) == 1


def test_position_messages_are_numbered_forward(exchange_bench: ExchangeBench) -> None:
    """A later report of a position never has a smaller sequence number."""
    stage = _streaming(exchange_bench)
    stage.buy(2)
    stage.sell(1)
    stage.close()
    numbers = [m.sequence for m in stage.ear.heard() if isinstance(m, PositionReport)]
    assert len(numbers) >= 3
    assert numbers == sorted(numbers)
    assert stage.port.position(stage.symbol).sequence >= numbers[-1]


def test_no_message_is_lost_in_a_delay(exchange_bench: ExchangeBench) -> None:
    """Held messages all arrive; meanwhile queries already tell the truth."""
    stage = _streaming(exchange_bench)
    stage.can(Ability.HOLD_MESSAGES)
    stage.drive.hold_messages()
    first, second = stage.buy(), stage.buy()
    assert stage.ear.executions() == ()
    assert stage.held() == stage.unit.times(2)
    stage.drive.release_messages()
    stage.drive.settle()
    assert stage.ear.executions() == stage.fills()
    for order in (first, second):
        assert stage.ear.orders(order)[-1].status is Status.FILLED


def test_a_repeated_execution_keeps_its_id(exchange_bench: ExchangeBench) -> None:
    """A message delivered twice is recognisable by its execution id; history has it once."""
    stage = _streaming(exchange_bench)
    stage.can(Ability.REPEAT_MESSAGE)
    stage.drive.repeat_next_execution()
    stage.buy()
    told = stage.ear.executions()
    assert len(told) == 2
    assert told[0] == told[1]
    assert stage.fills() == told[:1]


def test_requests_work_while_the_stream_is_down(exchange_bench: ExchangeBench) -> None:
    """The outage is told, nothing else is; what was missed is there to be asked for."""
    stage = _streaming(exchange_bench)
    stage.can(Ability.DISCONNECT)
    stage.drive.disconnect()
    stage.drive.settle()
    count = len(stage.ear.heard())
    order = stage.buy()
    missed = [m for m in stage.ear.heard()[count:] if isinstance(m, Execution)]
    assert missed == []
    assert stage.found(order).status is Status.FILLED
    assert stage.held() == stage.unit
    stage.drive.reconnect()
    stage.drive.settle()
    assert _states(stage)[-2:] == [StreamState.DOWN, StreamState.UP]


def test_the_stream_goes_on_after_an_outage(exchange_bench: ExchangeBench) -> None:
    """After every one of several outages messages arrive again."""
    stage = _streaming(exchange_bench)
    stage.can(Ability.DISCONNECT)
    for _ in range(3):
        stage.drive.disconnect()
        stage.drive.settle()
        stage.drive.reconnect()
        stage.drive.settle()
        order = stage.buy()
        assert stage.ear.orders(order)[-1].status is Status.FILLED


def test_a_second_connect_replaces_the_sink(exchange_bench: ExchangeBench) -> None:
    """Messages go to the newest sink, and only there."""
    stage = _streaming(exchange_bench)
    newer = Ear()
    stage.port.connect(newer)
    stage.drive.settle()
    order = stage.buy()
    assert newer.orders(order)[-1].status is Status.FILLED
    assert stage.ear.orders(order) == ()


def test_closing_ends_the_stream(exchange_bench: ExchangeBench) -> None:
    """After closing no message arrives, and closing again is harmless."""
    stage = _streaming(exchange_bench)
    stage.port.close()
    stage.drive.settle()
    count = len(stage.ear.heard())
    stage.move(2)
    stage.port.close()
    assert len(stage.ear.heard()) == count
