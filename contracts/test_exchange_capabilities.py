"""A venue says what it cannot do, and then refuses it cleanly."""

from collections.abc import Callable

import pytest
from tidegate.contracts.exchange_bench import ExchangeBench
from tidegate.contracts.exchange_stage import Ear, Stage
from tidegate.domain.money import ZERO_QTY, Distance, Money
from tidegate.domain.orders import Side, TimeInForce, Trigger, TriggerDirection
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Capability, NotSupported, PositionStop

__all__: list[str] = []


def _conditional(stage: Stage) -> object:
    trigger = Trigger(price=stage.level(2), direction=TriggerDirection.RISES_TO)
    return stage.send(stage.order(Side.BUY, trigger=trigger))


def _trail(stage: Stage) -> object:
    distance = Distance(stage.level(4).value - stage.level(0).value)
    stop = PositionStop(symbol=stage.symbol, trailing_distance=distance)
    return stage.port.set_position_stop(stop)


def _limit(stage: Stage, time_in_force: TimeInForce) -> object:
    return stage.send(stage.order(Side.BUY, limit=-2, time_in_force=time_in_force))


def _amend(stage: Stage) -> object:
    order = stage.place(stage.order(Side.BUY, limit=-2))
    return stage.port.amend(stage.symbol, order, price=stage.level(-3))


def _amend_legs(stage: Stage) -> object:
    order = stage.place(stage.order(Side.BUY, limit=-2))
    return stage.port.amend(stage.symbol, order, stop_loss=stage.leg(-5))


def _partial_stop(stage: Stage) -> object:
    return stage.port.add_partial_stop(
        PartialStop(symbol=stage.symbol, qty=stage.spec.qty_min, stop_loss=stage.leg(-5))
    )


def _history(stage: Stage) -> object:
    return stage.port.order_history(stage.symbol, stage.so_far())


_USES: dict[Capability, Callable[[Stage], object]] = {
    Capability.ATTACHED_STOP: lambda stage: stage.send(
        stage.order(Side.BUY, stop_loss=stage.leg(-5))
    ),
    Capability.POSITION_STOP: lambda stage: stage.port.set_position_stop(
        PositionStop(symbol=stage.symbol, stop_loss=stage.level(-5))
    ),
    Capability.TRAILING_STOP: _trail,
    Capability.CONDITIONAL_ORDERS: _conditional,
    Capability.POST_ONLY: lambda stage: _limit(stage, TimeInForce.POST_ONLY),
    Capability.FILL_OR_KILL: lambda stage: _limit(stage, TimeInForce.FOK),
    Capability.AMEND: _amend,
    Capability.LEVERAGE: lambda stage: stage.port.set_leverage(
        stage.symbol, stage.spec.leverage_min
    ),
    Capability.FEE_RATES: lambda stage: stage.port.fee_rates(stage.symbol),
    Capability.STREAM: lambda stage: stage.port.connect(Ear()),
    Capability.FUNDING: lambda stage: stage.port.funding_payments(stage.symbol, stage.so_far()),
    Capability.HISTORY: _history,
    Capability.AMEND_LEGS: _amend_legs,
    Capability.CANCEL_ALL: lambda stage: stage.port.cancel_all(stage.symbol),
    Capability.PARTIAL_STOP: _partial_stop,
    Capability.MARGIN_MODE: lambda stage: stage.port.set_margin_mode(MarginMode.ISOLATED),
    Capability.POSITION_MODE: lambda stage: stage.port.position_mode(stage.symbol),
    Capability.ADD_MARGIN: lambda stage: stage.port.add_margin(stage.symbol, Money.of(1)),
    Capability.AUTO_ADD_MARGIN: lambda stage: stage.port.set_auto_add_margin(stage.symbol, on=True),
    Capability.RISK_TIERS: lambda stage: stage.port.risk_tiers(stage.symbol),
    Capability.BALANCES: lambda stage: stage.port.balances(),
    Capability.COLLATERAL: lambda stage: stage.port.collateral(),
    Capability.BORROWINGS: lambda stage: stage.port.borrowings(None, stage.so_far()),
    Capability.CLOSED_PROFITS: lambda stage: stage.port.closed_profits(
        stage.symbol, stage.so_far()
    ),
    Capability.ACCOUNT_CHANGES: lambda stage: stage.port.account_changes(stage.so_far()),
    Capability.ORDER_BOOK: lambda stage: stage.port.order_book(stage.symbol, depth=1),
    Capability.RECENT_TRADES: lambda stage: stage.port.recent_trades(stage.symbol, count=1),
    Capability.BARS: lambda stage: stage.port.bars(
        stage.symbol, interval_ms=60_000, within=stage.so_far()
    ),
    Capability.FUNDING_RATES: lambda stage: stage.port.funding_rate(stage.symbol),
}


@pytest.mark.parametrize("capability", list(Capability), ids=lambda capability: capability.name)
def test_a_capability_is_there_or_refused(
    exchange_bench: ExchangeBench, capability: Capability
) -> None:
    """What is declared is not refused as unsupported; what is not raises ``NotSupported``."""
    stage = Stage(exchange_bench)
    use = _USES[capability]
    if capability in stage.port.capabilities.supported:
        use(stage)
        return
    with pytest.raises(NotSupported) as refused:
        use(stage)
    assert isinstance(refused.value.capability, Capability)
    assert refused.value.capability not in stage.port.capabilities.supported
    assert stage.held() == ZERO_QTY


def test_limits_are_declared(exchange_bench: ExchangeBench) -> None:
    """A batch holds at least one order, and the time until "not found" is final is not negative."""
    capabilities = Stage(exchange_bench).port.capabilities
    assert capabilities.batch_size_max >= 1
    assert capabilities.not_found_final_ms >= 0
