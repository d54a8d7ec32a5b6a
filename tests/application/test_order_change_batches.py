"""Changes and cancels in batches: sent in pieces, and one outcome for each in its order."""

from typing import Any

import pytest
from tidegate.domain.core.events import AmendIntended, CancelRequested
from tidegate.domain.core.events_operator import RequestRefused
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg
from tidegate.domain.signal import Entry
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import (
    Amended,
    CancelledOrder,
    Cancels,
    OrderChange,
    Placed,
    Refused,
    TimedOut,
)

from tests.domain.core.scenes import config, our_orders

from .batch_bench import FREE, Call, behind_one_that_hangs, happened, resting, signals
from .bench import make_bench, signal
from .threaded_bench import (
    make_runner_bench,
    running,
    until,
)

# Changes


def test_changes_leave_in_batches_and_each_has_its_outcome() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        names = resting(bench, 12)
        changes = [
            OrderChange(client_id=name, price=Price.of(64_401 + number))
            for number, name in enumerate(names)
        ]
        changes.insert(5, OrderChange(client_id=ClientId("nobody"), qty=Qty.of(1)))
        with behind_one_that_hangs(bench):
            call = Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: happened(bench, AmendIntended) == 12)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert bench.venue.amend_sizes == [10, 2]
        assert isinstance(outcomes[5], Refused)
        done = [outcome for outcome in outcomes if isinstance(outcome, Amended)]
        assert [outcome.client_id for outcome in done] == names
        shown = {order.client_id: order.price for order in bench.venue.open_orders()}
        assert [shown[name] for name in names] == [
            Price.of(64_401 + number) for number in range(12)
        ]


def test_the_change_of_a_conditional_order_leaves_alone() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        waits = Entry(trigger=TriggerSpec(price=Price.of("65500")))
        wanted = [*signals(2), signal("waits", entry=waits), *signals(4)[2:]]
        placed = bench.desk.orders.execute_batch(wanted)
        names = [outcome.client_id for outcome in placed if isinstance(outcome, Placed)]
        changes = [OrderChange(client_id=name, qty=Qty.of("0.011")) for name in names]
        with behind_one_that_hangs(bench):
            call = Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: happened(bench, AmendIntended) == 5)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(outcome) for outcome in outcomes] == [Amended] * 5
        assert bench.venue.amend_sizes == [2, 1, 2]


VALUES: dict[str, Any] = {
    "qty": Qty.of("0.011"),
    "price": Price.of("64400"),
    "stop_loss": ProtectiveLeg(price=Price.of("63900")),
    "take_profit": ProtectiveLeg(price=Price.of("67000")),
}


@pytest.mark.parametrize("name", VALUES)
def test_each_value_of_a_change_alone_changes_the_order_in_that(name: str) -> None:
    bench = make_bench(config=config())
    (placed,) = bench.desk.orders.execute_batch(signals(1))
    assert isinstance(placed, Placed)
    (before,) = our_orders(bench)
    change = OrderChange(client_id=placed.client_id, **{name: VALUES[name]})
    (outcome,) = bench.desk.orders.amend_batch([change])
    assert isinstance(outcome, Amended), outcome
    (after,) = our_orders(bench)
    assert getattr(after, name) == VALUES[name]
    assert getattr(before, name) != VALUES[name]
    for other in VALUES.keys() - {name}:
        assert getattr(after, other) == getattr(before, other)


def test_one_order_named_twice_is_changed_once_and_the_other_refused_by_name() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        (name,) = resting(bench, 1)
        changes = [OrderChange(client_id=name, price=Price.of(p)) for p in ("64401", "64402")]
        with behind_one_that_hangs(bench):
            call = Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: happened(bench, AmendIntended) == happened(bench, RequestRefused) == 1)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(outcome) for outcome in outcomes] == [Amended, Refused]


# Cancels


def test_cancels_leave_in_batches_and_each_has_its_outcome() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        first, *names = resting(bench, 13)
        bench.venue.cancel_gate.clear()
        hung = Call(lambda: bench.desk.orders.cancel(first))
        hung.start()
        until(lambda: f"cancel {first}" in bench.venue.log)
        asked = [*names[:5], ClientId("nobody"), *names[5:]]
        call = Call(lambda: bench.desk.orders.cancel_batch(asked))
        call.start()
        until(lambda: happened(bench, CancelRequested) == 13)
        bench.venue.cancel_gate.set()
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert bench.venue.cancel_sizes == [10, 2]
        assert isinstance(outcomes[5], Refused)
        ended: list[CancelledOrder] = []
        for outcome in outcomes[:5] + outcomes[6:]:
            assert isinstance(outcome, Cancels)
            ended += outcome.orders
        assert [order.client_id for order in ended] == names
        assert isinstance(hung.outcome(), Cancels)
        assert bench.venue.open_orders() == ()


def test_a_cancel_that_gets_no_answer_in_time_has_timed_out() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        names = resting(bench, 2)
        bench.venue.cancel_gate.clear()
        outcomes = bench.desk.orders.cancel_batch(names, timeout_ms=100)
        assert outcomes == (TimedOut(waited_ms=100),) * 2


def test_an_empty_batch_has_no_outcome() -> None:
    orders = make_bench(config=config()).desk.orders
    assert orders.amend_batch(()) == ()
    assert orders.cancel_batch(()) == ()
    assert orders.close_positions(()) == ()
