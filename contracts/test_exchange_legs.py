"""Changing the stop and target inside an order that has not filled."""

import attrs
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price
from tidegate.domain.orders import ClientId, ProtectiveLeg, Side, TriggerBy
from tidegate.domain.reports import Origin, RejectReason
from tidegate.ports.exchange import Accepted, Capability, Rejected, Unknown

__all__: list[str] = []

_NO_LEG = ProtectiveLeg(price=Price.of(0))


def _guarded(exchange_bench: ExchangeBench) -> tuple[Stage, ClientId]:
    """Return a resting buy at -2 % with a stop at -10 % and a target at 10 %."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND, Capability.AMEND_LEGS, Capability.ATTACHED_STOP)
    order = stage.order(Side.BUY, limit=-2, stop_loss=stage.leg(-10), take_profit=stage.leg(10))
    return stage, stage.place(order)


def _amend(
    stage: Stage,
    order: ClientId,
    *,
    stop_loss: ProtectiveLeg | None = None,
    take_profit: ProtectiveLeg | None = None,
) -> Accepted | Rejected | Unknown:
    outcome = stage.port.amend(stage.symbol, order, stop_loss=stop_loss, take_profit=take_profit)
    stage.drive.settle()
    return outcome


def test_an_amended_stop_changes_only_the_stop(exchange_bench: ExchangeBench) -> None:
    """The target, the price and everything else stay as they were."""
    stage, order = _guarded(exchange_bench)
    before = stage.found(order)
    assert isinstance(_amend(stage, order, stop_loss=stage.leg(-5)), Accepted)
    now = stage.found(order)
    assert now == attrs.evolve(before, stop_loss=stage.leg(-5), updated_ms=now.updated_ms)


def test_an_amended_target_changes_only_the_target(exchange_bench: ExchangeBench) -> None:
    """The stop, the price and everything else stay as they were."""
    stage, order = _guarded(exchange_bench)
    before = stage.found(order)
    assert isinstance(_amend(stage, order, take_profit=stage.leg(5)), Accepted)
    now = stage.found(order)
    assert now == attrs.evolve(before, take_profit=stage.leg(5), updated_ms=now.updated_ms)


def test_an_amended_stop_is_the_one_that_closes(exchange_bench: ExchangeBench) -> None:
    """The position is closed at the new stop, and has been protected since its fill."""
    stage, order = _guarded(exchange_bench)
    assert isinstance(_amend(stage, order, stop_loss=stage.leg(-5)), Accepted)
    stage.move(-3)
    assert stage.found(order).status is Status.FILLED
    assert stage.port.position(stage.symbol).stop_loss == stage.level(-5)
    stage.move(-6)
    assert stage.held() == ZERO_QTY


def test_which_price_fires_a_leg_can_be_amended(exchange_bench: ExchangeBench) -> None:
    """A stop that watches the mark now is not fired by the last price."""
    stage, order = _guarded(exchange_bench)
    leg = ProtectiveLeg(price=stage.level(-5), by=TriggerBy.MARK)
    assert isinstance(_amend(stage, order, stop_loss=leg), Accepted)
    assert stage.found(order).stop_loss == leg
    stage.move(-3)
    stage.move(-6, mark=-4)
    assert stage.held() == stage.unit
    stage.move(-6, mark=-6)
    assert stage.held() == ZERO_QTY


def test_a_leg_at_zero_is_cleared(exchange_bench: ExchangeBench) -> None:
    """The named leg goes, the other one stays, and the fill brings only that one."""
    stage, order = _guarded(exchange_bench)
    assert isinstance(_amend(stage, order, take_profit=_NO_LEG), Accepted)
    assert stage.found(order).take_profit is None
    assert stage.found(order).stop_loss == stage.leg(-10)
    stage.move(-3)
    assert stage.held() == stage.unit
    assert stage.legs(Origin.TAKE_PROFIT) == ()
    assert len(stage.legs(Origin.STOP_LOSS)) == 1


def test_a_leg_can_be_added_to_an_order_without_one(exchange_bench: ExchangeBench) -> None:
    """What was sent without a stop is protected by one that came later."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND, Capability.AMEND_LEGS, Capability.ATTACHED_STOP)
    order = stage.place(stage.order(Side.BUY, limit=-2))
    assert isinstance(_amend(stage, order, stop_loss=stage.leg(-5)), Accepted)
    stage.move(-3)
    stage.move(-6)
    assert stage.found(order).status is Status.FILLED
    assert stage.held() == ZERO_QTY


def test_a_leg_on_the_wrong_side_changes_nothing(exchange_bench: ExchangeBench) -> None:
    """A stop above the buy that it would protect is refused, and the old one stays."""
    stage, order = _guarded(exchange_bench)
    before = stage.found(order)
    outcome = _amend(stage, order, stop_loss=stage.leg(3))
    assert isinstance(outcome, Rejected)
    assert outcome.reason in {RejectReason.STOP_ON_WRONG_SIDE, RejectReason.INVALID_PARAMETER}
    assert stage.found(order) == before


def test_a_leg_not_modified_is_accepted_only_where_it_stands(
    exchange_bench: ExchangeBench,
) -> None:
    """An answer of "not modified" counts as accepted only after the order showed the wanted leg."""
    stage, order = _guarded(exchange_bench)
    stage.can(Ability.REJECT)
    before = stage.found(order)
    stage.drive.reject_next(RejectReason.NOT_MODIFIED)
    outcome = _amend(stage, order, stop_loss=stage.leg(-5))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NOT_MODIFIED
    assert stage.found(order) == before
    same = _amend(stage, order, stop_loss=stage.leg(-10))
    assert isinstance(same, Accepted) or (
        isinstance(same, Rejected) and same.reason is RejectReason.NOT_MODIFIED
    )
    assert stage.found(order) == before
