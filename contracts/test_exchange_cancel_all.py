"""Cancelling everything: it is done when nothing is left, and it bares positions."""

from collections.abc import Callable

import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.orders import Side, Symbol, Trigger, TriggerDirection
from tidegate.domain.reports import Origin
from tidegate.ports.exchange import Capability, Done, PositionStop, Unknown

__all__: list[str] = []

_SCOPES: dict[str, Callable[[Stage], Symbol | None]] = {
    "symbol": lambda stage: stage.symbol,
    "account": lambda _: None,
}


@pytest.mark.parametrize("scope", sorted(_SCOPES))
def test_cancel_all_leaves_no_order(exchange_bench: ExchangeBench, scope: str) -> None:
    """Resting orders and reductions end, wherever they wait; nothing of it fills afterwards."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL)
    stage.buy()
    orders = [stage.place(stage.order(Side.BUY, limit=limit)) for limit in (-5, -6)]
    orders.append(stage.place(stage.order(Side.SELL, limit=5, reduce_only=True)))
    outcome = stage.port.cancel_all(_SCOPES[scope](stage))
    assert isinstance(outcome, Done)
    assert not outcome.was_already
    assert stage.port.open_orders() == ()
    stage.drive.settle()
    assert all(stage.found(order).status is Status.CANCELLED for order in orders)
    stage.move(-7)
    stage.move(7)
    assert stage.held() == stage.unit


def test_cancel_all_ends_what_waits_for_a_trigger(exchange_bench: ExchangeBench) -> None:
    """A conditional order is an order: it does not fire afterwards."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL, Capability.CONDITIONAL_ORDERS)
    trigger = Trigger(price=stage.level(2), direction=TriggerDirection.RISES_TO)
    order = stage.place(stage.order(Side.BUY, trigger=trigger))
    assert isinstance(stage.port.cancel_all(stage.symbol), Done)
    assert stage.port.open_orders(stage.symbol) == ()
    stage.drive.settle()
    assert stage.found(order).status in {Status.CANCELLED, Status.DEACTIVATED}
    stage.move(3)
    assert stage.held().sign == 0


def test_cancel_all_bares_the_position(exchange_bench: ExchangeBench) -> None:
    """Protective orders end with the others: whoever calls it must know."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL, Capability.POSITION_STOP)
    stage.buy()
    stop = PositionStop(symbol=stage.symbol, stop_loss=stage.level(-5), take_profit=stage.level(5))
    assert isinstance(stage.port.set_position_stop(stop), Done)
    stage.drive.settle()
    assert isinstance(stage.port.cancel_all(stage.symbol), Done)
    stage.drive.settle()
    assert stage.legs(Origin.STOP_LOSS) == stage.legs(Origin.TAKE_PROFIT) == ()
    report = stage.port.position(stage.symbol)
    assert (report.stop_loss, report.take_profit) == (None, None)
    stage.move(-6)
    assert stage.held() == stage.unit


def test_cancel_all_keeps_what_was_filled(exchange_bench: ExchangeBench) -> None:
    """A partially filled order ends with its fills, and the position stays."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.place(stage.order(Side.BUY, stage.unit.times(5), limit="0.5"))
    assert isinstance(stage.port.cancel_all(stage.symbol), Done)
    stage.drive.settle()
    report = stage.found(order)
    assert (report.status, report.qty_filled) == (Status.CANCELLED, stage.unit.times(2))
    assert stage.held() == stage.unit.times(2)


def test_cancel_all_of_nothing_is_done_already(exchange_bench: ExchangeBench) -> None:
    """With no order open there is nothing to do; what has ended stays what it was."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL)
    filled = stage.buy()
    before = stage.found(filled)
    outcome = stage.port.cancel_all(stage.symbol)
    stage.drive.settle()
    assert isinstance(outcome, Done)
    assert outcome.was_already
    assert stage.found(filled) == before


def test_cancel_all_without_an_answer_is_unknown(exchange_bench: ExchangeBench) -> None:
    """A lost request leaves every order open, and is not taken for done."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CANCEL_ALL)
    stage.can(Ability.LOSE_REQUEST)
    order = stage.place(stage.order(Side.BUY, limit=-5))
    stage.drive.lose_next_request()
    assert isinstance(stage.port.cancel_all(stage.symbol), Unknown)
    stage.drive.settle()
    assert stage.is_open(order)
