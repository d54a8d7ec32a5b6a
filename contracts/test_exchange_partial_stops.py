"""Stops and targets for a part of a position, beside those for the whole of it."""

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import OrderKind, ProtectiveLeg, Side, TriggerBy
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Accepted, Capability, Done, PositionStop, Rejected, Unknown

__all__: list[str] = []

_LEGS = (Origin.STOP_LOSS, Origin.TAKE_PROFIT)


def _stop(
    stage: Stage,
    units: int = 1,
    *,
    stop: ProtectiveLeg | None = None,
    target: ProtectiveLeg | None = None,
    stop_limit: Price | None = None,
    target_limit: Price | None = None,
) -> Done | Rejected | Unknown:
    outcome = stage.port.add_partial_stop(
        PartialStop(
            symbol=stage.symbol,
            qty=stage.unit.times(units),
            stop_loss=stop,
            take_profit=target,
            stop_loss_limit=stop_limit,
            take_profit_limit=target_limit,
        )
    )
    stage.drive.settle()
    return outcome


def _legs(stage: Stage) -> tuple[OrderReport, ...]:
    """Return the waiting legs of both kinds."""
    return tuple(leg for origin in _LEGS for leg in stage.legs(origin))


def _sizes(stage: Stage, origin: Origin = Origin.STOP_LOSS) -> list[Qty]:
    return sorted(leg.qty for leg in stage.legs(origin))


def _added(outcome: Done | Rejected | Unknown) -> None:
    assert isinstance(outcome, Done), f"should be done, was {outcome}"


def _opened(exchange_bench: ExchangeBench, units: int = 3) -> Stage:
    stage = Stage(exchange_bench)
    stage.need(Capability.PARTIAL_STOP)
    stage.buy(units)
    return stage


def test_a_partial_stop_closes_its_part_and_no_more(exchange_bench: ExchangeBench) -> None:
    """It fires at its price, long and short, and leaves the rest of the position open."""
    stage = Stage(exchange_bench)
    stage.need(Capability.PARTIAL_STOP)
    for open_it, sign in ((stage.buy, -1), (stage.sell, 1)):
        open_it(3)
        held = stage.held()
        _added(_stop(stage, 2, stop=stage.leg(5 * sign)))
        (leg,) = stage.legs()
        assert (leg.qty, leg.reduce_only, leg.client_id) == (stage.unit.times(2), True, None)
        stage.move(4 * sign)
        assert stage.held() == held
        stage.move(6 * sign)
        assert abs(stage.held()) == stage.unit
        assert _legs(stage) == ()
        stage.close()
        stage.move(0)


def test_a_partial_target_closes_its_part_and_no_more(exchange_bench: ExchangeBench) -> None:
    """The same on the other side, with the origin of a target."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 1, target=stage.leg(5)))
    stage.move(6)
    assert stage.held() == stage.unit.times(2)
    closing = [row for row in stage.fills() if row.side is Side.SELL]
    assert {row.origin for row in closing} == {Origin.TAKE_PROFIT}


def test_a_partial_stop_leaves_that_of_the_whole_alone(exchange_bench: ExchangeBench) -> None:
    """The position still shows the stop that covers all of it."""
    stage = _opened(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    whole = PositionStop(symbol=stage.symbol, stop_loss=stage.level(-8))
    _added(stage.port.set_position_stop(whole))
    _added(_stop(stage, 1, stop=stage.leg(-5)))
    assert stage.port.position(stage.symbol).stop_loss == stage.level(-8)
    assert _sizes(stage) == [stage.unit, stage.unit.times(3)]
    stage.move(-6)
    assert stage.held() == stage.unit.times(2)
    assert stage.port.position(stage.symbol).stop_loss == stage.level(-8)
    stage.move(-9)
    assert stage.held() == ZERO_QTY


def test_each_partial_stop_is_one_more(exchange_bench: ExchangeBench) -> None:
    """A second one does not replace the first, not even at the same price."""
    stage = _opened(exchange_bench)
    for percent in (-5, -5, -6):
        _added(_stop(stage, 1, stop=stage.leg(percent)))
    assert _sizes(stage) == [stage.unit] * 3
    stage.move("-5.5")
    assert stage.held() == stage.unit


def test_a_leg_of_a_pair_that_fires_takes_the_other_with_it(exchange_bench: ExchangeBench) -> None:
    """The part that was closed cannot be closed again; other pairs stand."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 1, stop=stage.leg(-5), target=stage.leg(5)))
    _added(_stop(stage, 1, stop=stage.leg(-8), target=stage.leg(8)))
    stage.move(6)
    assert stage.held() == stage.unit.times(2)
    assert [leg.trigger and leg.trigger.price for leg in _legs(stage)] == [
        stage.level(-8),
        stage.level(8),
    ]
    stage.move(-6)
    assert stage.held() == stage.unit.times(2)


def test_a_leg_of_a_pair_that_is_cancelled_takes_the_other_with_it(
    exchange_bench: ExchangeBench,
) -> None:
    """A pair is one thing: Bybit deactivates both children of a partial pair."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 1, stop=stage.leg(-5), target=stage.leg(5)))
    (leg,) = stage.legs()
    assert isinstance(stage.port.cancel(stage.symbol, leg.venue_id), Accepted)
    stage.drive.settle()
    assert _legs(stage) == ()
    stage.move(6)
    assert stage.held() == stage.unit.times(3)


def test_a_partial_stop_is_never_larger_than_the_position(exchange_bench: ExchangeBench) -> None:
    """It shrinks with the position, and never turns it around."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 2, stop=stage.leg(-5)))
    stage.sell(2)
    assert _sizes(stage) == [stage.unit]
    stage.move(-6)
    assert stage.held() == ZERO_QTY


def test_partial_stops_end_with_the_position(exchange_bench: ExchangeBench) -> None:
    """Nothing is left that could open a new position later."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 1, stop=stage.leg(-5), target=stage.leg(5)))
    stage.close()
    assert stage.port.open_orders(stage.symbol) == ()
    for percent in (-6, 6):
        stage.move(percent)
        assert stage.held() == ZERO_QTY


def test_a_partial_stop_beyond_the_position_is_refused(exchange_bench: ExchangeBench) -> None:
    """A part is not more than the whole: nothing is added."""
    stage = _opened(exchange_bench)
    refused = _stop(stage, 4, stop=stage.leg(-5))
    assert isinstance(refused, Rejected)
    assert _legs(stage) == ()


def test_a_flat_position_takes_no_partial_stop(exchange_bench: ExchangeBench) -> None:
    """There is nothing to protect, and nothing is left behind."""
    stage = Stage(exchange_bench)
    stage.need(Capability.PARTIAL_STOP)
    refused = _stop(stage, 1, stop=stage.leg(-5))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.NO_POSITION
    assert stage.port.open_orders(stage.symbol) == ()


def test_a_pair_with_one_leg_on_the_wrong_side_adds_neither(exchange_bench: ExchangeBench) -> None:
    """All of a pair is valid, or none of it is there."""
    stage = _opened(exchange_bench)
    refused = _stop(stage, 1, stop=stage.leg(5), target=stage.leg(6))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.STOP_ON_WRONG_SIDE
    assert _legs(stage) == ()


def test_a_partial_leg_with_a_limit_rests_once_it_fired(exchange_bench: ExchangeBench) -> None:
    """It becomes a limit order at that price, and is no market order."""
    stage = _opened(exchange_bench)
    _added(_stop(stage, 1, stop=stage.leg(-5), stop_limit=stage.level(-3)))
    (leg,) = stage.legs()
    assert (leg.kind, leg.price) == (OrderKind.LIMIT, stage.level(-3))
    stage.move(-6)
    assert stage.held() == stage.unit.times(3)
    (fired,) = stage.port.open_orders(stage.symbol)
    assert (fired.venue_id, fired.status) == (leg.venue_id, Status.NEW)
    stage.move(-2)
    assert stage.held() == stage.unit.times(2)


def test_a_partial_leg_watches_the_price_that_was_named(exchange_bench: ExchangeBench) -> None:
    """One by mark price does not fire when the last price passes it."""
    stage = _opened(exchange_bench)
    by_mark = ProtectiveLeg(price=stage.level(-5), by=TriggerBy.MARK)
    _added(_stop(stage, 1, stop=by_mark))
    stage.move(-6, mark=0)
    assert stage.held() == stage.unit.times(3)
    stage.move(0, mark=-6)
    assert stage.held() == stage.unit.times(2)


def test_a_partial_stop_without_an_answer_is_unknown(exchange_bench: ExchangeBench) -> None:
    """Whether it stands is seen in the open orders; nothing may be concluded before."""
    stage = _opened(exchange_bench)
    stage.can(Ability.LOSE_ANSWER, Ability.LOSE_REQUEST)
    stage.drive.lose_next_request()
    assert isinstance(_stop(stage, 1, stop=stage.leg(-5)), Unknown)
    assert _legs(stage) == ()
    stage.drive.lose_next_answer()
    assert isinstance(_stop(stage, 1, stop=stage.leg(-5)), Unknown)
    assert _sizes(stage) == [stage.unit]


def test_an_activation_without_a_distance_is_refused(exchange_bench: ExchangeBench) -> None:
    """It activates nothing: done would say that the position is protected."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP, Capability.TRAILING_STOP)
    stage.buy(2)
    stop = PositionStop(symbol=stage.symbol, trailing_activation=stage.level(5))
    outcome = stage.port.set_position_stop(stop)
    assert isinstance(outcome, Rejected)
    assert stage.legs(Origin.TRAILING_STOP) == ()
