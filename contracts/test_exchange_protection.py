"""Protection lives on the venue: attached to the entry, following the position, gone with it."""

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Distance, Price
from tidegate.domain.orders import Side
from tidegate.domain.reports import Origin, RejectReason
from tidegate.ports.exchange import Accepted, Capability, Done, PositionStop, Rejected

__all__: list[str] = []

_CLEARED = Price.of(0)


def _set(stage: Stage, stop: PositionStop) -> Done | Rejected:
    outcome = stage.port.set_position_stop(stop)
    stage.drive.settle()
    assert isinstance(outcome, Done | Rejected), f"{stop} should be answered, was {outcome}"
    return outcome


def _protect(stage: Stage, *, stop: int | None = None, target: int | None = None) -> Done:
    outcome = _set(
        stage,
        PositionStop(
            symbol=stage.symbol,
            stop_loss=None if stop is None else stage.level(stop),
            take_profit=None if target is None else stage.level(target),
        ),
    )
    assert isinstance(outcome, Done), f"should be done, was {outcome}"
    return outcome


def test_an_attached_stop_is_on_the_venue_after_the_fill(exchange_bench: ExchangeBench) -> None:
    """The stop inside a filled entry is the position's, and a live order for its whole size."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    for side, percent in ((Side.BUY, -5), (Side.SELL, 5)):
        stage.place(stage.order(side, stage.unit.times(2), stop_loss=stage.leg(percent)))
        assert stage.port.position(stage.symbol).stop_loss == stage.level(percent)
        (leg,) = stage.legs()
        assert leg.status is Status.UNTRIGGERED
        assert (leg.side, leg.reduce_only) == (side.opposite, True)
        assert leg.qty == abs(stage.held())
        assert leg.client_id is None
        assert leg.trigger is not None
        assert leg.trigger.price == stage.level(percent)
        stage.close()


def test_an_attached_stop_waits_for_its_entry(exchange_bench: ExchangeBench) -> None:
    """Before the entry fills there is no position to protect; the entry's record shows the stop."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    entry = stage.place(stage.order(Side.BUY, limit=-2, stop_loss=stage.leg(-5)))
    assert stage.legs() == ()
    attached = stage.found(entry).stop_loss
    assert attached is not None
    assert attached.price == stage.level(-5)
    stage.move(-3)
    assert len(stage.legs()) == 1


def test_an_attached_stop_closes_the_position(exchange_bench: ExchangeBench) -> None:
    """When the price passes the stop, the venue closes the whole position and says why."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    stage.place(stage.order(Side.BUY, stage.unit.times(2), stop_loss=stage.leg(-5)))
    stage.move(-4)
    assert stage.held() == stage.unit.times(2)
    stage.move(-6)
    assert stage.held() == ZERO_QTY
    closing = [row for row in stage.fills() if row.side is Side.SELL]
    assert {row.origin for row in closing} == {Origin.STOP_LOSS}


def test_a_stop_above_a_short_closes_it(exchange_bench: ExchangeBench) -> None:
    """The stop of a short position fires when the price rises to it."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    stage.place(stage.order(Side.SELL, stop_loss=stage.leg(5)))
    stage.move(4)
    assert stage.held() == -stage.unit
    stage.move(6)
    assert stage.held() == ZERO_QTY


def test_an_attached_target_closes_the_position(exchange_bench: ExchangeBench) -> None:
    """The take-profit inside an entry closes the position, and takes the stop with it."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    stage.place(stage.order(Side.BUY, stop_loss=stage.leg(-5), take_profit=stage.leg(5)))
    assert stage.port.position(stage.symbol).take_profit == stage.level(5)
    stage.move(6)
    assert stage.held() == ZERO_QTY
    assert stage.port.open_orders(stage.symbol) == ()


def test_a_stop_follows_the_size_of_the_position(exchange_bench: ExchangeBench) -> None:
    """The stop is resized when the position is added to and when it is reduced."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    stage.place(stage.order(Side.BUY, stage.unit.times(2), stop_loss=stage.leg(-5)))
    for change, units, held in ((stage.buy, 3, 5), (stage.sell, 1, 4)):
        change(units)
        (leg,) = stage.legs()
        assert leg.qty == stage.unit.times(held)


def test_protection_is_gone_when_the_position_is(exchange_bench: ExchangeBench) -> None:
    """Closing the position removes stop and target; nothing can open in their place later."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    stage.place(stage.order(Side.BUY, stop_loss=stage.leg(-5), take_profit=stage.leg(5)))
    stage.close()
    assert stage.port.open_orders(stage.symbol) == ()
    report = stage.port.position(stage.symbol)
    assert (report.stop_loss, report.take_profit) == (None, None)
    for percent in (-6, 6):
        stage.move(percent)
        assert stage.held() == ZERO_QTY


def test_an_attached_stop_on_the_wrong_side_is_refused(exchange_bench: ExchangeBench) -> None:
    """A stop above a long entry, or below a short one, refuses the whole order."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ATTACHED_STOP)
    for side, percent in ((Side.BUY, 5), (Side.SELL, -5)):
        refused = stage.refusal(stage.order(side, stop_loss=stage.leg(percent)))
        assert refused.reason is RejectReason.STOP_ON_WRONG_SIDE
        assert stage.held() == ZERO_QTY


def test_a_position_stop_can_be_set_moved_and_cleared(exchange_bench: ExchangeBench) -> None:
    """Each change shows on the position and in the open orders, as one order at a time."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy(2)
    for percent in (-5, -3):
        _protect(stage, stop=percent)
        assert stage.port.position(stage.symbol).stop_loss == stage.level(percent)
        (leg,) = stage.legs()
        assert leg.trigger is not None
        assert leg.trigger.price == stage.level(percent)
    _set(stage, PositionStop(symbol=stage.symbol, stop_loss=_CLEARED))
    assert stage.port.position(stage.symbol).stop_loss is None
    assert stage.legs() == ()


def test_a_position_stop_protects(exchange_bench: ExchangeBench) -> None:
    """A stop set on a position closes all of it when the price passes."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.sell(3)
    _protect(stage, stop=5)
    stage.move(6)
    assert stage.held() == ZERO_QTY


def test_a_cleared_stop_does_not_fire(exchange_bench: ExchangeBench) -> None:
    """After its stop is cleared, a position stands at any price."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy()
    _protect(stage, stop=-5)
    _set(stage, PositionStop(symbol=stage.symbol, stop_loss=_CLEARED))
    stage.move(-6)
    assert stage.held() == stage.unit


def test_each_leg_is_left_alone_unless_named(exchange_bench: ExchangeBench) -> None:
    """Setting one of stop and target leaves the other where it is."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy()
    _protect(stage, stop=-5)
    _protect(stage, target=5)
    report = stage.port.position(stage.symbol)
    assert (report.stop_loss, report.take_profit) == (stage.level(-5), stage.level(5))
    _protect(stage, stop=-4)
    report = stage.port.position(stage.symbol)
    assert (report.stop_loss, report.take_profit) == (stage.level(-4), stage.level(5))


def test_the_same_stop_again_is_already_done(exchange_bench: ExchangeBench) -> None:
    """Setting a stop that stands is success, marked as no change."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy()
    assert not _protect(stage, stop=-5).was_already
    assert _protect(stage, stop=-5).was_already
    assert len(stage.legs()) == 1


def test_a_flat_position_takes_no_stop(exchange_bench: ExchangeBench) -> None:
    """Protection without a position is refused, and nothing is left behind."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    refused = _set(stage, PositionStop(symbol=stage.symbol, stop_loss=stage.level(-5)))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.NO_POSITION
    assert stage.port.open_orders(stage.symbol) == ()


def test_a_stop_on_the_wrong_side_keeps_the_old_one(exchange_bench: ExchangeBench) -> None:
    """A refused move of the stop leaves the position as protected as before."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy()
    _protect(stage, stop=-5)
    refused = _set(stage, PositionStop(symbol=stage.symbol, stop_loss=stage.level(5)))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.STOP_ON_WRONG_SIDE
    assert stage.port.position(stage.symbol).stop_loss == stage.level(-5)


def test_a_trailing_stop_follows_and_never_retreats(exchange_bench: ExchangeBench) -> None:
    """It rises with the price of a long, stays when the price falls, and fires at its distance."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP, Capability.TRAILING_STOP)
    stage.buy(2)
    distance = Distance(stage.level(4).value - stage.level(0).value)
    outcome = _set(stage, PositionStop(symbol=stage.symbol, trailing_distance=distance))
    assert isinstance(outcome, Done)
    assert stage.port.position(stage.symbol).trailing_distance == distance
    stage.move(10)
    stage.move(7)
    assert stage.held() == stage.unit.times(2)
    stage.move(5)
    assert stage.held() == ZERO_QTY
    closing = [row for row in stage.fills() if row.side is Side.SELL]
    assert {row.origin for row in closing} == {Origin.TRAILING_STOP}


def test_a_trailing_stop_waits_for_its_activation(exchange_bench: ExchangeBench) -> None:
    """With an activation price it does nothing until that price, and trails from there on."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP, Capability.TRAILING_STOP)
    stage.buy(2)
    trail = PositionStop(
        symbol=stage.symbol,
        trailing_distance=Distance(stage.level(4).value - stage.level(0).value),
        trailing_activation=stage.level(6),
    )
    assert isinstance(_set(stage, trail), Done)
    stage.move(3)
    stage.move(-2)
    assert stage.held() == stage.unit.times(2)
    stage.move(7)
    assert stage.held() == stage.unit.times(2)
    stage.move(2)
    assert stage.held() == ZERO_QTY
    closing = [row for row in stage.fills() if row.side is Side.SELL]
    assert {row.origin for row in closing} == {Origin.TRAILING_STOP}


def test_a_cancel_leaves_the_protection(exchange_bench: ExchangeBench) -> None:
    """Cancelling an order takes neither stop nor target from the position.

    Bybit V5 order/cancel-all would: without a filter it removes protective orders too.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy(2)
    _protect(stage, stop=-5, target=5)
    before = stage.legs(), stage.legs(Origin.TAKE_PROFIT)
    order = stage.place(stage.order(Side.BUY, limit=-3))
    assert isinstance(stage.port.cancel(stage.symbol, order), Accepted)
    stage.drive.settle()
    assert not stage.is_open(order)
    assert (stage.legs(), stage.legs(Origin.TAKE_PROFIT)) == before
    report = stage.port.position(stage.symbol)
    assert (report.stop_loss, report.take_profit) == (stage.level(-5), stage.level(5))


def test_a_stop_that_is_gone_is_not_shown(exchange_bench: ExchangeBench) -> None:
    """The stop of a position is what stands at the venue, not what was once asked for.

    The venue may end a stop by itself, or by anyone's cancel of its order.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.buy(2)
    _protect(stage, stop=-5)
    (leg,) = stage.legs()
    outcome = stage.port.cancel(stage.symbol, leg.venue_id)
    stage.drive.settle()
    standing = stage.legs()
    shown = stage.port.position(stage.symbol).stop_loss
    assert len(standing) == (0 if isinstance(outcome, Accepted) else 1)
    assert shown == (stage.level(-5) if standing else None)


def test_a_stop_not_modified_is_done_only_where_it_stands(exchange_bench: ExchangeBench) -> None:
    """When the venue says "not modified" and shows no such stop, the position is unprotected.

    Bybit V5 answers 34040 also where nothing was passed: only the position tells.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_STOP)
    stage.can(Ability.REJECT)
    stage.buy(2)
    stage.drive.reject_next(RejectReason.NOT_MODIFIED)
    refused = _set(stage, PositionStop(symbol=stage.symbol, stop_loss=stage.level(-5)))
    assert isinstance(refused, Rejected)
    assert stage.port.position(stage.symbol).stop_loss is None
    assert not _protect(stage, stop=-5).was_already
