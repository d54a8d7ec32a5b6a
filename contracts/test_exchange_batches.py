"""Batches: one outcome for each order in the caller's order, and no order speaks for another."""

from collections.abc import Callable, Sequence

import attrs
import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderRequest,
    Reduction,
    Side,
    Trigger,
    TriggerDirection,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome, send_all
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Capability,
    Rejected,
    Unknown,
)

__all__: list[str] = []

_ENDED = {RejectReason.ORDER_NOT_FOUND, RejectReason.ORDER_FINISHED}
_ORDERS_MAX = 20
"""A case sends no more at once, whatever a venue takes: the bench's wallet has a limit."""


def _ways(stage: Stage, orders: Sequence[OrderRequest]) -> list[Approved | Reduction]:
    return [
        Reduction(order) if order.reduce_only else stage.bench.approve(order) for order in orders
    ]


def _place(stage: Stage, orders: Sequence[OrderRequest]) -> Sequence[Outcome]:
    """Send any number of orders in batches, and wait until their effects show."""
    outcomes = send_all(
        _ways(stage, orders),
        stage.port.place_batch,
        size_max=stage.port.capabilities.batch_size_max,
        now_ms=stage.drive.now_ms,
    )
    stage.drive.settle()
    return outcomes


def _amend(stage: Stage, changes: Sequence[Amendment]) -> Sequence[Outcome]:
    size_max = stage.port.capabilities.batch_size_max
    now_ms = stage.drive.now_ms
    outcomes = send_all(changes, stage.port.amend_batch, size_max=size_max, now_ms=now_ms)
    stage.drive.settle()
    return outcomes


def _cancel(stage: Stage, cancels: Sequence[Cancellation]) -> Sequence[Outcome]:
    size_max = stage.port.capabilities.batch_size_max
    now_ms = stage.drive.now_ms
    outcomes = send_all(cancels, stage.port.cancel_batch, size_max=size_max, now_ms=now_ms)
    stage.drive.settle()
    return outcomes


def _resting(stage: Stage, count: int) -> list[OrderRequest]:
    """Build buys that the market does not reach, no two at one price."""
    return [stage.order(Side.BUY, limit=f"-{5 + place}") for place in range(count)]


def _rest(stage: Stage, count: int) -> list[ClientId]:
    return [stage.place(order) for order in _resting(stage, count)]


def _one_each(outcomes: Sequence[Outcome], count: int) -> None:
    assert len(outcomes) == count, f"{count} requests have {len(outcomes)} outcomes"


def _is_known(stage: Stage, order: OrderRequest) -> bool:
    return stage.port.find_order(stage.symbol, order.client_id) is not None


def test_a_batch_has_one_outcome_for_each_order_in_their_order(
    exchange_bench: ExchangeBench,
) -> None:
    """Refused and accepted orders stand where the caller put them, each with its own venue id."""
    stage = Stage(exchange_bench)
    orders = _resting(stage, 5)
    off_step = stage.unit + Qty(stage.spec.qty_step.value / 2)
    for place in (0, 3):
        orders[place] = attrs.evolve(orders[place], qty=off_step)
    outcomes = _place(stage, orders)
    _one_each(outcomes, 5)
    for place, (order, outcome) in enumerate(zip(orders, outcomes, strict=True)):
        if place in {0, 3}:
            assert isinstance(outcome, Rejected)
            assert outcome.reason in {RejectReason.OFF_GRID, RejectReason.INVALID_PARAMETER}
            assert not _is_known(stage, order)
        else:
            assert isinstance(outcome, Accepted)
            assert stage.found(order.client_id).venue_id == outcome.venue_id
            assert stage.found(order.client_id).price == order.price


def test_the_answer_of_a_batch_is_not_that_of_its_orders(exchange_bench: ExchangeBench) -> None:
    """A batch that the venue answered with success may hold orders that it refused."""
    stage = Stage(exchange_bench)
    stage.can(Ability.REJECT_ITEMS)
    if stage.port.capabilities.batch_size_max < 3:
        pytest.skip("the venue takes no three orders at once")
    orders = _resting(stage, 3)
    stage.drive.reject_items(frozenset({1}))
    outcomes = _place(stage, orders)
    _one_each(outcomes, 3)
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].reason is RejectReason.INSUFFICIENT_MARGIN
    assert isinstance(outcomes[2], Accepted)
    assert [_is_known(stage, order) for order in orders] == [True, False, True]


def test_orders_of_a_batch_fill_as_single_ones_do(exchange_bench: ExchangeBench) -> None:
    """Market orders of a batch fill whole, one by one, and the position is their sum."""
    stage = Stage(exchange_bench)
    orders = [stage.order(Side.BUY, stage.unit.times(count)) for count in (1, 2, 3)]
    outcomes = _place(stage, orders)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert all(stage.found(order.client_id).status is Status.FILLED for order in orders)
    assert [stage.found(order.client_id).qty_filled for order in orders] == [
        order.qty for order in orders
    ]
    assert stage.held() == stage.unit.times(6)


def test_reductions_of_a_batch_stay_reductions(exchange_bench: ExchangeBench) -> None:
    """Reduce-only orders of a batch reduce; on a flat account they open nothing."""
    stage = Stage(exchange_bench)
    stage.buy(2)
    rungs = [stage.order(Side.SELL, limit=limit, reduce_only=True) for limit in (2, 3)]
    outcomes = _place(stage, rungs)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert all(stage.found(rung.client_id).reduce_only for rung in rungs)
    stage.move(4)
    assert stage.held() == ZERO_QTY
    late = [stage.order(Side.SELL, reduce_only=True) for _ in range(2)]
    assert not any(isinstance(outcome, Accepted) for outcome in _place(stage, late))
    assert stage.held() == ZERO_QTY


def test_a_full_batch_is_taken_whole(exchange_bench: ExchangeBench) -> None:
    """A batch of the declared size leaves every one of its orders open."""
    stage = Stage(exchange_bench)
    size = min(stage.port.capabilities.batch_size_max, _ORDERS_MAX)
    orders = _resting(stage, size)
    outcomes = stage.port.place_batch(_ways(stage, orders))
    stage.drive.settle()
    _one_each(outcomes, size)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert all(stage.is_open(order.client_id) for order in orders)


def test_any_number_of_orders_goes_in_batches(exchange_bench: ExchangeBench) -> None:
    """More orders than one batch holds: each is sent once and has its own outcome."""
    stage = Stage(exchange_bench)
    count = min(2 * stage.port.capabilities.batch_size_max + 1, 2 * _ORDERS_MAX + 1)
    orders = _resting(stage, count)
    outcomes = _place(stage, orders)
    _one_each(outcomes, count)
    found = [stage.found(order.client_id) for order in orders]
    assert [row.venue_id for row in found] == [
        outcome.venue_id for outcome in outcomes if isinstance(outcome, Accepted)
    ]
    assert len(stage.port.open_orders(stage.symbol)) == count


_TOO_MANY: dict[str, Callable[[Stage, list[OrderRequest]], object]] = {
    "place": lambda stage, orders: stage.port.place_batch(_ways(stage, orders)),
    "amend": lambda stage, orders: stage.port.amend_batch(
        [
            Amendment(symbol=stage.symbol, client_id=order.client_id, qty=stage.unit.times(2))
            for order in orders
        ]
    ),
    "cancel": lambda stage, orders: stage.port.cancel_batch(
        [Cancellation(symbol=stage.symbol, order_id=order.client_id) for order in orders]
    ),
}


@pytest.mark.parametrize("what", sorted(_TOO_MANY))
def test_a_batch_beyond_the_limit_is_an_error(exchange_bench: ExchangeBench, what: str) -> None:
    """A batch of more than was declared raises ``ValueError`` and nothing of it is done."""
    stage = Stage(exchange_bench)
    if what == "amend":
        stage.need(Capability.AMEND)
    size_max = stage.port.capabilities.batch_size_max
    resting, *many = (stage.order(Side.BUY, limit=-5) for _ in range(size_max + 2))
    stage.place(resting)
    before = stage.port.open_orders(stage.symbol)
    if what != "place":
        many[0] = resting
    with pytest.raises(ValueError, match=str(size_max)):
        _TOO_MANY[what](stage, many)
    stage.drive.settle()
    assert stage.port.open_orders(stage.symbol) == before


def test_an_empty_batch_has_no_outcome(exchange_bench: ExchangeBench) -> None:
    """Nothing is sent for nothing."""
    stage = Stage(exchange_bench)
    assert tuple(stage.port.place_batch([])) == ()
    assert tuple(stage.port.amend_batch([])) == ()
    assert tuple(stage.port.cancel_batch([])) == ()


def test_a_lost_batch_is_unknown_for_every_order(exchange_bench: ExchangeBench) -> None:
    """A batch that never arrived leaves every outcome unknown, and none of its orders is there."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LOSE_REQUEST)
    size = min(3, stage.port.capabilities.batch_size_max)
    orders = _resting(stage, size)
    stage.drive.lose_next_request()
    outcomes = _place(stage, orders)
    _one_each(outcomes, size)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    assert not any(_is_known(stage, order) for order in orders)


def test_a_batch_without_its_answer_is_unknown_and_found(exchange_bench: ExchangeBench) -> None:
    """A batch that took effect unheard is unknown for every order; each is there, once."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LOSE_ANSWER)
    size = min(3, stage.port.capabilities.batch_size_max)
    orders = [stage.order(Side.BUY) for _ in range(size)]
    stage.drive.lose_next_answer()
    outcomes = _place(stage, orders)
    _one_each(outcomes, size)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    assert all(stage.found(order.client_id).status is Status.FILLED for order in orders)
    assert stage.held() == stage.unit.times(size)


def test_a_batch_changes_each_order_as_it_was_told(exchange_bench: ExchangeBench) -> None:
    """Price here, quantity there, an ended order between: each stands where it was put."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND)
    moved, grown, left = _rest(stage, 3)
    ended = stage.buy()
    outcomes = _amend(
        stage,
        [
            Amendment(symbol=stage.symbol, client_id=moved, price=stage.level(-3)),
            Amendment(symbol=stage.symbol, client_id=ended, qty=stage.unit.times(3)),
            Amendment(symbol=stage.symbol, client_id=grown, qty=stage.unit.times(2)),
        ],
    )
    _one_each(outcomes, 3)
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].reason in _ENDED
    assert isinstance(outcomes[2], Accepted)
    assert stage.found(moved).price == stage.level(-3)
    assert stage.found(moved).qty == stage.unit
    assert stage.found(grown).qty == stage.unit.times(2)
    assert stage.found(grown).price == stage.level(-6)
    assert (stage.found(left).qty, stage.found(left).price) == (stage.unit, stage.level(-7))


def test_conditional_orders_change_in_a_batch_too(exchange_bench: ExchangeBench) -> None:
    """What the venue's own batch cannot carry is changed all the same, in its place."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AMEND, Capability.CONDITIONAL_ORDERS)
    rises = Trigger(price=stage.level(4), direction=TriggerDirection.RISES_TO)
    moved = stage.place(stage.order(Side.BUY, trigger=rises))
    grown = stage.place(stage.order(Side.BUY, trigger=rises))
    (plain,) = _rest(stage, 1)
    outcomes = _amend(
        stage,
        [
            Amendment(symbol=stage.symbol, client_id=moved, trigger_price=stage.level(3)),
            Amendment(symbol=stage.symbol, client_id=plain, price=stage.level(-4)),
            Amendment(symbol=stage.symbol, client_id=grown, qty=stage.unit.times(2)),
        ],
    )
    _one_each(outcomes, 3)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    trigger = stage.found(moved).trigger
    assert trigger is not None
    assert trigger.price == stage.level(3)
    assert stage.found(plain).price == stage.level(-4)
    assert stage.found(grown).qty == stage.unit.times(2)


def test_a_batch_cancels_by_either_id(exchange_bench: ExchangeBench) -> None:
    """Each named order ends, by client id or venue id; an ended one is refused in its place."""
    stage = Stage(exchange_bench)
    one, other, kept = _rest(stage, 3)
    ended = stage.buy()
    names = (ended, one, stage.found(other).venue_id)
    outcomes = _cancel(stage, [Cancellation(symbol=stage.symbol, order_id=name) for name in names])
    _one_each(outcomes, 3)
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[0].reason in _ENDED
    assert isinstance(outcomes[1], Accepted)
    assert isinstance(outcomes[2], Accepted)
    assert stage.found(one).status is Status.CANCELLED
    assert stage.found(other).status is Status.CANCELLED
    assert stage.is_open(kept)
    assert stage.held() == stage.unit
