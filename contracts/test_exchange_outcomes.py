"""Cancelling, amending, refusals, lost requests and lost answers: every outcome is told apart."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    Side,
    Symbol,
    Trigger,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, OrderReport, RejectReason
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    ExchangePort,
    QueryFailed,
    Rejected,
    Unknown,
)

__all__: list[str] = []

_ENDED = {RejectReason.ORDER_NOT_FOUND, RejectReason.ORDER_FINISHED}


def _cancel(stage: Stage, order_id: ClientId) -> Accepted | Rejected | Unknown:
    outcome = stage.port.cancel(stage.symbol, order_id)
    stage.drive.settle()
    return outcome


def _resting(stage: Stage, percent: int = -5) -> ClientId:
    return stage.place(stage.order(Side.BUY, stage.unit.times(2), limit=percent))


def test_a_cancelled_order_is_over(exchange_bench: ExchangeBench) -> None:
    """A cancel by client id ends the order, which then never fills."""
    stage = Stage(exchange_bench)
    order = _resting(stage)
    assert isinstance(_cancel(stage, order), Accepted)
    report = stage.found(order)
    assert report.status is Status.CANCELLED
    assert report.cancel_reason in {CancelReason.BY_USER, None}
    assert stage.port.open_orders(stage.symbol) == ()
    stage.move(-6)
    assert stage.held() == ZERO_QTY


def test_an_order_can_be_cancelled_by_its_venue_id(exchange_bench: ExchangeBench) -> None:
    """Either id names the order."""
    stage = Stage(exchange_bench)
    order = _resting(stage)
    outcome = stage.port.cancel(stage.symbol, stage.found(order).venue_id)
    stage.drive.settle()
    assert isinstance(outcome, Accepted)
    assert stage.found(order).status is Status.CANCELLED


def test_a_cancel_touches_one_order(exchange_bench: ExchangeBench) -> None:
    """The other orders and the position stay as they are."""
    stage = Stage(exchange_bench)
    stage.buy()
    kept, ended = _resting(stage), _resting(stage)
    before = stage.found(kept)
    _cancel(stage, ended)
    assert stage.found(kept) == before
    assert stage.held() == stage.unit


def test_a_waiting_conditional_order_can_be_cancelled(exchange_bench: ExchangeBench) -> None:
    """A cancelled conditional order does not fire."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CONDITIONAL_ORDERS)
    trigger = Trigger(price=stage.level(2), direction=TriggerDirection.RISES_TO)
    order = stage.place(stage.order(Side.BUY, trigger=trigger))
    assert isinstance(_cancel(stage, order), Accepted)
    assert stage.found(order).status in {Status.CANCELLED, Status.DEACTIVATED}
    stage.move(3)
    assert stage.held() == ZERO_QTY


def test_an_ended_order_cannot_be_cancelled(exchange_bench: ExchangeBench) -> None:
    """Cancelling what is filled or cancelled is refused as not found or finished."""
    stage = Stage(exchange_bench)
    filled, cancelled = stage.buy(), _resting(stage)
    _cancel(stage, cancelled)
    for order in (filled, cancelled):
        outcome = _cancel(stage, order)
        assert isinstance(outcome, Rejected)
        assert outcome.reason in _ENDED


def test_an_unknown_order_cannot_be_cancelled(exchange_bench: ExchangeBench) -> None:
    """Cancelling an order that was never sent is refused as not found."""
    stage = Stage(exchange_bench)
    outcome = _cancel(stage, exchange_bench.next_client_id())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.ORDER_NOT_FOUND


def test_a_cancel_that_comes_too_late_loses_nothing(exchange_bench: ExchangeBench) -> None:
    """After a refused cancel of a filled order, fills and position are what they were."""
    stage = Stage(exchange_bench)
    order = stage.buy(2)
    before = stage.found(order), stage.fills(order)
    _cancel(stage, order)
    assert (stage.found(order), stage.fills(order)) == before
    assert stage.found(order).status is Status.FILLED
    assert stage.held() == stage.unit.times(2)


def test_a_cancel_keeps_what_was_filled(exchange_bench: ExchangeBench) -> None:
    """Cancelling a partially filled order keeps its fills and the position."""
    stage = Stage(exchange_bench)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.place(stage.order(Side.BUY, stage.unit.times(5), limit="0.5"))
    assert isinstance(_cancel(stage, order), Accepted)
    report = stage.found(order)
    assert (report.status, report.qty_filled) == (Status.CANCELLED, stage.unit.times(2))
    assert stage.held() == stage.unit.times(2)


def _amend(
    stage: Stage,
    order: ClientId,
    *,
    qty: Qty | None = None,
    price: Price | None = None,
    trigger_price: Price | None = None,
) -> Accepted | Rejected | Unknown:
    outcome = stage.port.amend(
        stage.symbol, order, qty=qty, price=price, trigger_price=trigger_price
    )
    stage.drive.settle()
    return outcome


def _is_now(stage: Stage, expected: OrderReport) -> bool:
    """Tell whether the order is what is expected, whenever it was last changed."""
    assert expected.client_id is not None
    now = stage.found(expected.client_id)
    return now == attrs.evolve(expected, updated_ms=now.updated_ms)


def test_an_amended_price_changes_only_the_price(exchange_bench: ExchangeBench) -> None:
    """The order keeps its ids, quantity and everything else."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    before = stage.found(_resting(stage))
    assert before.client_id is not None
    assert isinstance(_amend(stage, before.client_id, price=stage.level(-4)), Accepted)
    assert _is_now(stage, attrs.evolve(before, price=stage.level(-4)))


def test_an_amended_quantity_changes_only_the_quantity(exchange_bench: ExchangeBench) -> None:
    """The new quantity is the order's total; its price and everything else stay."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    before = stage.found(_resting(stage))
    assert before.client_id is not None
    assert isinstance(_amend(stage, before.client_id, qty=stage.unit), Accepted)
    assert _is_now(stage, attrs.evolve(before, qty=stage.unit))


def test_an_amended_trigger_changes_only_the_trigger(exchange_bench: ExchangeBench) -> None:
    """The new trigger price is the one that fires."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND, Capability.CONDITIONAL_ORDERS)
    trigger = Trigger(price=stage.level(2), direction=TriggerDirection.RISES_TO)
    before = stage.found(stage.place(stage.order(Side.BUY, trigger=trigger)))
    assert before.client_id is not None
    assert isinstance(_amend(stage, before.client_id, trigger_price=stage.level(4)), Accepted)
    moved = attrs.evolve(trigger, price=stage.level(4))
    assert _is_now(stage, attrs.evolve(before, trigger=moved))
    stage.move(3)
    assert stage.held() == ZERO_QTY
    stage.move(5)
    assert stage.held() == stage.unit


def test_an_amended_order_fills_at_its_new_price(exchange_bench: ExchangeBench) -> None:
    """A lowered buy is not filled at its old price any more."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    order = _resting(stage, -2)
    _amend(stage, order, price=stage.level(-4))
    stage.move(-3)
    assert stage.held() == ZERO_QTY
    stage.move(-5)
    assert stage.found(order).status is Status.FILLED


def test_what_is_over_cannot_be_amended(exchange_bench: ExchangeBench) -> None:
    """Amending a finished or unknown order is refused by type."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    for order in (stage.buy(), exchange_bench.next_client_id()):
        outcome = _amend(stage, order, qty=stage.unit.times(3))
        assert isinstance(outcome, Rejected)
        assert outcome.reason in _ENDED


def test_a_refused_amendment_changes_nothing(exchange_bench: ExchangeBench) -> None:
    """A quantity off the step is refused, and the order stands as it was."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    before = stage.found(_resting(stage))
    assert before.client_id is not None
    off_step = stage.unit + Qty(stage.spec.qty_step.value / 2)
    assert isinstance(_amend(stage, before.client_id, qty=off_step), Rejected)
    assert stage.found(before.client_id) == before


def test_an_amended_quantity_counts_what_was_filled(exchange_bench: ExchangeBench) -> None:
    """The new quantity of a partially filled order is its total, not what is left of it."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    stage.can(Ability.SIZE)
    stage.move(0, size=stage.unit.times(2))
    order = stage.place(stage.order(Side.BUY, stage.unit.times(5), limit="0.5"))
    assert stage.found(order).qty_filled == stage.unit.times(2)
    assert isinstance(_amend(stage, order, qty=stage.unit.times(4)), Accepted)
    assert stage.found(order).qty == stage.unit.times(4)
    stage.move(-1)
    assert stage.found(order).status is Status.FILLED
    assert stage.held() == stage.unit.times(4)


def test_a_refused_order_leaves_no_trace(exchange_bench: ExchangeBench) -> None:
    """A refusal carries its reason, and neither order nor position comes of it."""
    stage = Stage(exchange_bench)
    stage.can(Ability.REJECT)
    stage.drive.reject_next(RejectReason.INSUFFICIENT_MARGIN)
    order = stage.order(Side.BUY)
    assert stage.refusal(order).reason is RejectReason.INSUFFICIENT_MARGIN
    report = stage.port.find_order(stage.symbol, order.client_id)
    assert report is None or report.status is Status.REJECTED
    assert stage.held() == ZERO_QTY


def test_a_lost_request_is_unknown_and_proven_never_to_have_arrived(
    exchange_bench: ExchangeBench,
) -> None:
    """No answer is neither success nor failure; the venue then knows no such order."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LOSE_REQUEST)
    stage.drive.lose_next_request()
    order = stage.order(Side.BUY)
    assert isinstance(stage.send(order), Unknown)
    wait_ms = stage.port.capabilities.not_found_final_ms
    if wait_ms:
        stage.can(Ability.ADVANCE)
        stage.drive.advance(wait_ms)
    assert stage.port.find_order(stage.symbol, order.client_id) is None
    assert stage.held() == ZERO_QTY


def test_a_lost_answer_is_unknown_and_the_order_is_found(exchange_bench: ExchangeBench) -> None:
    """The order that took effect is found by its client id, once, and cannot be sent twice."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LOSE_ANSWER)
    stage.drive.lose_next_answer()
    order = stage.order(Side.BUY)
    assert isinstance(stage.send(order), Unknown)
    assert stage.found(order.client_id).status is Status.FILLED
    assert stage.refusal(order).reason is RejectReason.DUPLICATE_CLIENT_ID
    assert stage.held() == order.qty


def test_a_cancel_without_an_answer_resolves_both_ways(exchange_bench: ExchangeBench) -> None:
    """A lost cancel leaves the order live; a cancel whose answer was lost ended it."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LOSE_REQUEST, Ability.LOSE_ANSWER)
    order = _resting(stage)
    stage.drive.lose_next_request()
    assert isinstance(_cancel(stage, order), Unknown)
    assert stage.is_open(order)
    stage.drive.lose_next_answer()
    assert isinstance(_cancel(stage, order), Unknown)
    assert stage.found(order).status is Status.CANCELLED


def test_an_order_is_found_live_and_in_history(exchange_bench: ExchangeBench) -> None:
    """One query finds resting, filled and cancelled orders; an unknown one is ``None``."""
    stage = Stage(exchange_bench)
    resting, filled, cancelled = _resting(stage), stage.buy(), _resting(stage)
    _cancel(stage, cancelled)
    statuses = [stage.found(order).status for order in (resting, filled, cancelled)]
    assert statuses == [Status.NEW, Status.FILLED, Status.CANCELLED]
    assert stage.port.find_order(stage.symbol, exchange_bench.next_client_id()) is None


def test_an_order_is_found_by_the_venue_s_id_too(exchange_bench: ExchangeBench) -> None:
    """The same record by either id, resting or ended; an id that nobody has is ``None``."""
    stage = Stage(exchange_bench)
    resting, filled, cancelled = _resting(stage), stage.buy(), _resting(stage)
    _cancel(stage, cancelled)
    for order in (resting, filled, cancelled):
        report = stage.found(order)
        assert stage.port.find_by_venue_id(stage.symbol, report.venue_id) == report
    unknown = VenueOrderId("00000000-0000-4000-8000-000000000000")
    assert stage.port.find_by_venue_id(stage.symbol, unknown) is None


_QUERIES: dict[str, Callable[[ExchangePort, Stage], object]] = {
    "account": lambda port, _: port.account(),
    "ticker": lambda port, stage: port.ticker(stage.symbol),
    "position": lambda port, stage: port.position(stage.symbol),
    "positions": lambda port, _: port.positions(),
    "open_orders": lambda port, stage: port.open_orders(stage.symbol),
    "find_order": lambda port, stage: port.find_order(stage.symbol, ClientId("never-sent")),
    "find_by_venue_id": lambda port, stage: port.find_by_venue_id(
        stage.symbol, VenueOrderId("never-sent")
    ),
    "order_history": lambda port, stage: port.order_history(None, stage.so_far()),
    "executions": lambda port, stage: port.executions(None, stage.so_far()),
    "funding_payments": lambda port, stage: port.funding_payments(None, stage.so_far()),
}
_CAPABILITY_OF = {
    "order_history": Capability.HISTORY,
    "executions": Capability.HISTORY,
    "funding_payments": Capability.FUNDING,
}


@pytest.mark.parametrize("name", sorted(_QUERIES))
def test_an_error_is_never_an_empty_answer(exchange_bench: ExchangeBench, name: str) -> None:
    """A query without a usable answer raises ``QueryFailed``; asked again, it answers."""
    stage = Stage(exchange_bench)
    stage.can(Ability.FAIL_QUERIES)
    if name in _CAPABILITY_OF:
        stage.need(_CAPABILITY_OF[name])
    stage.buy()
    stage.drive.fail_next_query()
    with pytest.raises(QueryFailed):
        _QUERIES[name](stage.port, stage)
    _QUERIES[name](stage.port, stage)


def test_an_unknown_symbol_is_an_error(exchange_bench: ExchangeBench) -> None:
    """There are no invented specifications."""
    stage = Stage(exchange_bench)
    with pytest.raises(QueryFailed):
        stage.port.instrument(Symbol("NOSUCHUSDT"))
