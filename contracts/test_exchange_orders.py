"""Placing orders: what each kind does, and what the venue refuses."""

import attrs
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.grid import qty_up
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Distance, Price, Qty
from tidegate.domain.orders import (
    OrderRequest,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import CancelReason, RejectReason
from tidegate.ports.exchange import Accepted, Capability, Rejected

__all__: list[str] = []


def _rises(stage: Stage, percent: int, by: TriggerBy = TriggerBy.LAST) -> Trigger:
    return Trigger(price=stage.level(percent), direction=TriggerDirection.RISES_TO, by=by)


def _falls(stage: Stage, percent: int) -> Trigger:
    return Trigger(price=stage.level(percent), direction=TriggerDirection.FALLS_TO)


def test_an_acknowledgement_is_not_a_fill(exchange_bench: ExchangeBench) -> None:
    """An accepted order that the market has not reached is open, unfilled, and moves nothing."""
    stage = Stage(exchange_bench)
    outcome = stage.send(order := stage.order(Side.BUY, limit=-5))
    assert isinstance(outcome, Accepted)
    report = stage.found(order.client_id)
    assert stage.is_open(order.client_id)
    assert report.status is not Status.FILLED
    assert report.qty_filled == ZERO_QTY
    assert report.value_filled.sign == 0
    assert stage.held() == ZERO_QTY


def test_the_record_of_an_order_is_what_was_sent(exchange_bench: ExchangeBench) -> None:
    """Symbol, side, kind, quantity, price and time in force come back as they were sent."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.SELL, stage.unit.times(3), limit=5)
    report = stage.found(stage.place(order))
    assert (report.symbol, report.side, report.kind) == (order.symbol, order.side, order.kind)
    assert (report.qty, report.price) == (order.qty, order.price)
    assert report.time_in_force is order.time_in_force
    assert not report.reduce_only


def test_every_report_carries_the_client_id(exchange_bench: ExchangeBench) -> None:
    """Order records and executions name the client id, filled or resting."""
    stage = Stage(exchange_bench)
    resting, filled = stage.place(stage.order(Side.BUY, limit=-5)), stage.buy()
    assert stage.found(resting).client_id == resting
    assert stage.found(filled).client_id == filled
    assert resting in {row.client_id for row in stage.port.open_orders(stage.symbol)}
    assert {row.client_id for row in stage.fills()} == {filled}


def test_the_acknowledged_venue_id_is_the_order_s(exchange_bench: ExchangeBench) -> None:
    """The venue id of the acknowledgement is the one that the order's record carries."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.BUY, limit=-5)
    outcome = stage.send(order)
    assert isinstance(outcome, Accepted)
    assert stage.found(order.client_id).venue_id == outcome.venue_id


def test_a_duplicate_client_id_is_rejected_and_opens_nothing(exchange_bench: ExchangeBench) -> None:
    """A client id that filled before is refused as a duplicate, and the position stays as it is."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.BUY)
    stage.place(order)
    again = stage.refusal(order)
    assert again.reason is RejectReason.DUPLICATE_CLIENT_ID
    assert stage.held() == order.qty


def test_a_duplicate_of_a_resting_order_is_rejected(exchange_bench: ExchangeBench) -> None:
    """A client id in use is refused even for a different order; the first one stands."""
    stage = Stage(exchange_bench)
    first = stage.order(Side.BUY, limit=-5)
    stage.place(first)
    second = attrs.evolve(first, price=stage.level(-6))
    assert stage.refusal(second).reason is RejectReason.DUPLICATE_CLIENT_ID
    assert stage.found(first.client_id).price == first.price
    assert len(stage.port.open_orders(stage.symbol)) == 1


def test_a_market_order_fills_whole(exchange_bench: ExchangeBench) -> None:
    """With enough on offer, a market order is filled in full and the position is its quantity."""
    stage = Stage(exchange_bench)
    report = stage.found(stage.buy(3))
    assert report.status is Status.FILLED
    assert report.qty_filled == report.qty == stage.unit.times(3)
    assert stage.held() == stage.unit.times(3)


def test_a_limit_order_waits_for_its_price(exchange_bench: ExchangeBench) -> None:
    """A resting buy fills when the market falls through it, at its limit or better."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.BUY, limit=-2)
    stage.place(order)
    stage.move(-1)
    assert stage.held() == ZERO_QTY
    stage.move(-3)
    report = stage.found(order.client_id)
    assert report.status is Status.FILLED
    assert stage.held() == order.qty
    assert order.price is not None
    assert report.value_filled <= order.price * order.qty


def test_a_resting_sell_waits_for_its_price(exchange_bench: ExchangeBench) -> None:
    """A resting sell fills when the market rises through it, at its limit or better."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.SELL, limit=2)
    stage.place(order)
    stage.move(1)
    assert stage.held() == ZERO_QTY
    stage.move(3)
    assert stage.held() == -order.qty
    assert order.price is not None
    assert stage.found(order.client_id).value_filled >= order.price * order.qty


def test_a_limit_that_crosses_never_pays_more_than_its_price(exchange_bench: ExchangeBench) -> None:
    """A limit above the market buys at once, and not above its limit."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.BUY, limit="0.5")
    report = stage.found(stage.place(order))
    assert report.status is Status.FILLED
    assert order.price is not None
    assert report.value_filled <= order.price * order.qty


def test_a_post_only_order_rests(exchange_bench: ExchangeBench) -> None:
    """A post-only order away from the market rests, and fills as a maker."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POST_ONLY)
    order = stage.order(Side.BUY, limit=-2, time_in_force=TimeInForce.POST_ONLY)
    stage.place(order)
    assert stage.is_open(order.client_id)
    stage.move(-3)
    assert stage.held() == order.qty
    assert all(row.is_maker for row in stage.fills(order.client_id))


def test_a_post_only_order_never_takes(exchange_bench: ExchangeBench) -> None:
    """A post-only order that would trade at once ends without a fill, refused or cancelled."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POST_ONLY)
    order = stage.order(Side.BUY, limit="0.5", time_in_force=TimeInForce.POST_ONLY)
    match stage.send(order):
        case Accepted():
            report = stage.found(order.client_id)
            assert report.status in {Status.CANCELLED, Status.REJECTED}
            assert report.cancel_reason in {None, CancelReason.POST_ONLY_WOULD_TAKE}
        case outcome:
            assert isinstance(outcome, Rejected)
    assert stage.held() == ZERO_QTY


def test_immediate_or_cancel_never_rests(exchange_bench: ExchangeBench) -> None:
    """An IOC order away from the market ends unfilled."""
    stage = Stage(exchange_bench)
    order = stage.order(Side.BUY, limit=-2, time_in_force=TimeInForce.IOC)
    stage.place(order)
    assert not stage.is_open(order.client_id)
    assert stage.found(order.client_id).status is Status.CANCELLED
    stage.move(-3)
    assert stage.held() == ZERO_QTY


def test_immediate_or_cancel_takes_what_there_is(exchange_bench: ExchangeBench) -> None:
    """An IOC order larger than the offer fills the offer and cancels the rest."""
    stage = Stage(exchange_bench)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.order(Side.BUY, stage.unit.times(5), limit="0.5", time_in_force=TimeInForce.IOC)
    report = stage.found(stage.place(order))
    assert report.status is Status.CANCELLED
    assert report.qty_filled == stage.unit.times(2)
    assert stage.held() == stage.unit.times(2)


def test_fill_or_kill_is_all(exchange_bench: ExchangeBench) -> None:
    """A FOK order fills whole where there is enough."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FILL_OR_KILL)
    order = stage.order(Side.BUY, limit="0.5", time_in_force=TimeInForce.FOK)
    assert stage.found(stage.place(order)).status is Status.FILLED
    assert stage.held() == order.qty


def test_fill_or_kill_is_nothing(exchange_bench: ExchangeBench) -> None:
    """A FOK order larger than the offer fills nothing at all."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FILL_OR_KILL)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.order(Side.BUY, stage.unit.times(5), limit="0.5", time_in_force=TimeInForce.FOK)
    stage.send(order)
    assert stage.held() == ZERO_QTY
    report = stage.port.find_order(stage.symbol, order.client_id)
    assert report is None or (report.status is Status.CANCELLED and report.qty_filled == ZERO_QTY)


def test_a_resting_order_fills_in_parts(exchange_bench: ExchangeBench) -> None:
    """A limit order larger than the offer is partially filled and stays open for the rest."""
    stage = Stage(exchange_bench)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.order(Side.BUY, stage.unit.times(5), limit="0.5")
    stage.place(order)
    assert stage.found(order.client_id).status is Status.PARTIALLY_FILLED
    assert stage.is_open(order.client_id)
    assert stage.held() == stage.unit.times(2)
    stage.move(-1)
    assert stage.found(order.client_id).status is Status.FILLED
    assert stage.held() == order.qty


def test_a_stop_market_order_waits_for_its_trigger(exchange_bench: ExchangeBench) -> None:
    """A rising trigger holds the order back until the last price reaches it; then it fills."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    order = stage.order(Side.BUY, trigger=_rises(stage, 2))
    stage.place(order)
    assert stage.found(order.client_id).status is Status.UNTRIGGERED
    assert stage.is_open(order.client_id)
    stage.move(1)
    assert stage.held() == ZERO_QTY
    stage.move(3)
    assert stage.found(order.client_id).status is Status.FILLED
    assert stage.held() == order.qty


def test_a_falling_trigger_sells(exchange_bench: ExchangeBench) -> None:
    """A falling trigger fires when the last price falls to it, and not when it rises."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    order = stage.order(Side.SELL, trigger=_falls(stage, -2))
    stage.place(order)
    stage.move(3)
    assert stage.held() == ZERO_QTY
    stage.move(-3)
    assert stage.held() == -order.qty


def test_a_stop_limit_order_rests_at_its_limit_once_fired(exchange_bench: ExchangeBench) -> None:
    """A fired stop-limit that the market has passed rests, and fills no worse than its limit."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    order = stage.order(Side.BUY, limit=1, trigger=_rises(stage, 2))
    stage.place(order)
    stage.move(3)
    assert stage.found(order.client_id).status is Status.NEW
    assert stage.held() == ZERO_QTY
    stage.move(0)
    report = stage.found(order.client_id)
    assert report.status is Status.FILLED
    assert order.price is not None
    assert report.value_filled <= order.price * order.qty


def test_a_trigger_by_mark_ignores_the_last_price(exchange_bench: ExchangeBench) -> None:
    """A trigger by mark fires on the mark alone."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    order = stage.order(Side.BUY, trigger=_rises(stage, 2, TriggerBy.MARK))
    stage.place(order)
    stage.move(3, mark=1)
    assert stage.held() == ZERO_QTY
    stage.move(3, mark=3)
    assert stage.held() == order.qty


def test_a_trigger_that_was_passed_is_refused(exchange_bench: ExchangeBench) -> None:
    """A conditional order whose trigger lies on the wrong side of the market is refused."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    for trigger in (_rises(stage, -2), _falls(stage, 2)):
        refused = stage.refusal(stage.order(Side.BUY, trigger=trigger))
        assert refused.reason is RejectReason.TRIGGER_ON_WRONG_SIDE
    assert stage.port.open_orders(stage.symbol) == ()


def _leaves_no_trace(stage: Stage, order: OrderRequest) -> None:
    report = stage.port.find_order(stage.symbol, order.client_id)
    assert report is None or report.status is Status.REJECTED
    assert stage.port.open_orders(stage.symbol) == ()
    assert stage.held() == ZERO_QTY


def test_a_quantity_below_the_minimum_is_refused(exchange_bench: ExchangeBench) -> None:
    """The venue's minimum quantity holds, and a refusal has no effect."""
    stage = Stage(exchange_bench)
    tiny = Qty(stage.spec.qty_min.value / 2)
    order = stage.order(Side.BUY, tiny, limit=-5)
    refused = stage.refusal(order)
    assert refused.reason in {
        RejectReason.QTY_OUT_OF_RANGE,
        RejectReason.OFF_GRID,
        RejectReason.NOTIONAL_TOO_SMALL,
        RejectReason.INVALID_PARAMETER,
    }
    _leaves_no_trace(stage, order)


def test_a_quantity_off_the_step_is_refused(exchange_bench: ExchangeBench) -> None:
    """A quantity between two steps is refused, not rounded."""
    stage = Stage(exchange_bench)
    half_step = Qty(stage.spec.qty_step.value / 2)
    order = stage.order(Side.BUY, stage.unit + half_step, limit=-5)
    assert stage.refusal(order).reason in {RejectReason.OFF_GRID, RejectReason.INVALID_PARAMETER}
    _leaves_no_trace(stage, order)


def test_a_price_off_the_tick_is_refused(exchange_bench: ExchangeBench) -> None:
    """A price between two ticks is refused, not rounded."""
    stage = Stage(exchange_bench)
    between = stage.level(-5) + Distance(stage.spec.tick.value / 2)
    order = attrs.evolve(stage.order(Side.BUY, limit=-5), price=Price(between.value))
    assert stage.refusal(order).reason in {RejectReason.OFF_GRID, RejectReason.INVALID_PARAMETER}
    _leaves_no_trace(stage, order)


def test_an_order_beyond_the_margin_is_refused(exchange_bench: ExchangeBench) -> None:
    """An entry of twice what the account can carry is refused."""
    stage = Stage(exchange_bench)
    leverage = stage.port.position(stage.symbol).leverage
    affordable = stage.port.account().available * leverage / stage.bench.start_price
    order = stage.order(Side.BUY, qty_up(affordable.times(2), stage.spec.qty_step))
    refused = stage.refusal(order)
    assert refused.reason in {
        RejectReason.INSUFFICIENT_MARGIN,
        RejectReason.RISK_LIMIT,
        RejectReason.LEVERAGE_NOT_ALLOWED,
        RejectReason.QTY_OUT_OF_RANGE,
    }
    _leaves_no_trace(stage, order)
