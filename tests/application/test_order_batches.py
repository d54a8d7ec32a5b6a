"""Batches of the desk: handed over together, sent in pieces, and one outcome for each in order."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import attrs
import pytest
from tidegate.application.clocks import SeededKeys
from tidegate.application.executor import OrderExecutor
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.events import AmendIntended, CancelRequested, EntryIntended, Event
from tidegate.domain.core.inputs import Input
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol
from tidegate.domain.reports import RejectReason
from tidegate.domain.signal import Entry, Signal
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import (
    Amended,
    BatchOutcome,
    CancelledOrder,
    Cancels,
    Failed,
    FailedOrder,
    OrderChange,
    Placed,
    Refused,
    Rejected,
    TimedOut,
)
from tidegate.ports.state import Record, StateUnavailable

from tests.domain.core.scenes import config, limit, our_orders

from .bench import BTC, Bench, make_bench, signal
from .threaded_bench import (
    LOOSE,
    KeptState,
    RunnerBench,
    events_of,
    make_runner_bench,
    running,
    until,
)

BATCH = 10
"""What the memory venue takes at once."""

FREE = attrs.evolve(
    LOOSE,
    orders_per_second_max=100_000,
    orders_per_minute_max=100_000,
    orders_per_day_max=100_000,
)
T = TypeVar("T")


def _signals(count: int, *, entry: Entry | None = None) -> list[Signal]:
    return [signal(f"s{number}", entry=entry or limit("64500")) for number in range(count)]


def _happened(bench: RunnerBench, kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events_of(bench.state_port))


class _Call(threading.Thread):
    """A call of a batch in a thread of its own, because it waits."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.found: list[object] = []

    def run(self) -> None:
        self.found.append(self._call())

    def outcome(self) -> object:
        self.join(20)
        (found,) = self.found
        return found


@contextmanager
def _behind_one_that_hangs(bench: RunnerBench) -> Iterator[None]:
    """Keep the lane of entries busy: whatever comes meanwhile waits in it together."""
    bench.venue.has_entered.clear()
    bench.venue.gate.clear()
    first = _Call(lambda: bench.desk.execute(signal("first", entry=limit("64500"))))
    first.start()
    assert bench.venue.has_entered.wait(10)
    bench.venue.batch_sizes.clear()
    try:
        yield
    finally:
        bench.venue.gate.set()
        assert isinstance(first.outcome(), Placed)


def _resting(bench: RunnerBench, count: int) -> list[ClientId]:
    outcomes = bench.desk.orders.execute_batch(_signals(count))
    placed = [outcome for outcome in outcomes if isinstance(outcome, Placed)]
    assert len(placed) == count, outcomes
    return [outcome.client_id for outcome in placed]


# Entries


@pytest.mark.parametrize(("count", "sizes"), [(25, [10, 10, 5]), (10, [10]), (1, [1])])
def test_signals_leave_in_as_few_requests_as_the_venue_allows(count: int, sizes: list[int]) -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        with _behind_one_that_hangs(bench):
            wanted = _signals(count)
            call = _Call(lambda: bench.desk.orders.execute_batch(wanted))
            call.start()
            until(lambda: _happened(bench, EntryIntended) == 1 + count)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert bench.venue.batch_sizes == [1, *sizes]
        assert len(sizes) == -(-count // BATCH)
        intended = {
            event.signal.signal_id: event.order.client_id
            for event in events_of(bench.state_port)
            if isinstance(event, EntryIntended)
        }
        assert [outcome.client_id for outcome in outcomes] == [
            intended[one.signal_id] for one in wanted
        ]
        sent = [order.client_id for order in bench.venue.sent[1:]]
        assert sent == [outcome.client_id for outcome in outcomes]


def test_the_leverage_that_many_wait_for_is_asked_for_twice_at_most() -> None:
    """The first is under way when the others come; what waits then is one request for all."""
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        bench.venue.leverage_gate.clear()
        call = _Call(lambda: _resting(bench, 30))
        call.start()
        until(lambda: _happened(bench, EntryIntended) == 30)
        bench.venue.leverage_gate.set()
        call.outcome()
        assert bench.venue.log.count("leverage BTCUSDT") == 2
        assert bench.venue.batch_sizes == [10, 10, 10]
        assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_each_of_a_batch_is_judged_with_what_the_ones_before_it_reserved() -> None:
    limits = attrs.evolve(FREE, pending_orders_max=7)
    bench = make_runner_bench(limits=limits)
    with running(bench):
        outcomes = bench.desk.orders.execute_batch(_signals(12))
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Placed] * 7 + [Refused] * 5
        for outcome in outcomes[7:]:
            assert isinstance(outcome, Refused)
            assert [breach.rule.value for breach in outcome.breaches] == ["pending orders"]


def test_a_signal_twice_in_one_batch_is_placed_once() -> None:
    """Seeded keys are the same for both: the second has its own outcome all the same."""
    bench = make_bench(config=config())
    same = signal("twice", entry=limit("64500"))
    first, second, third = bench.desk.orders.execute_batch(
        (same, same, signal("other", entry=limit("64500")))
    )
    assert isinstance(first, Placed)
    assert isinstance(second, Refused)
    assert [breach.rule.value for breach in second.breaches] == ["duplicate signal"]
    assert isinstance(third, Placed)
    assert len(our_orders(bench)) == 2


def test_one_that_the_venue_refuses_or_the_core_refuses_hides_no_other() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        with _behind_one_that_hangs(bench):
            bench.venue.script.reject_items([1], RejectReason.INSUFFICIENT_MARGIN, 110007, "none")
            wanted = [*_signals(3), signal("bad", symbol=Symbol("NOSUCHUSDT")), signal("last")]
            call = _Call(lambda: bench.desk.orders.execute_batch(wanted))
            call.start()
            until(lambda: _happened(bench, EntryIntended) == 5)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(one) for one in outcomes] == [Placed, Rejected, Placed, Refused, Placed]


def test_what_is_not_decided_by_the_one_deadline_has_timed_out_and_goes_on() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        with _behind_one_that_hangs(bench):
            outcomes = bench.desk.orders.execute_batch(_signals(15), timeout_ms=200)
            assert outcomes == (TimedOut(waited_ms=200),) * 15
        until(lambda: len(bench.venue.open_orders()) == 16)


def test_what_had_no_turn_before_the_deadline_is_never_sent() -> None:
    """At most eight of a lane of 16 are under way; the venue answers none of them."""
    bench = make_runner_bench(limits=FREE, lane_max=16)
    with running(bench):
        assert bench.runner.batch_max == 8
        with _behind_one_that_hangs(bench):
            outcomes = bench.desk.orders.execute_batch(_signals(20), timeout_ms=200)
            begun = TimedOut(waited_ms=200)
            assert outcomes == (begun,) * 8 + (attrs.evolve(begun, is_begun=False),) * 12
        until(lambda: len(bench.venue.open_orders()) == 9)
        assert _happened(bench, EntryIntended) == 9


@pytest.mark.parametrize("bound", [{"inbox_max": 8}, {"lane_max": 4}])
def test_a_batch_that_is_longer_than_the_bounds_does_not_halt_the_desk(
    bound: dict[str, int],
) -> None:
    bench = make_runner_bench(limits=FREE, **bound)
    with running(bench):
        assert len(_resting(bench, 40)) == 40
        assert bench.runner.state.books.trading_state is TradingState.ACTIVE


def test_a_full_lane_gives_each_its_outcome_and_raises_nothing() -> None:
    """Other callers flood the lane: what finds it full is refused by name, and entries halt."""
    bench = make_runner_bench(limits=FREE, lane_max=4)
    with running(bench):
        with _behind_one_that_hangs(bench):
            calls = [
                _Call(lambda name=name: bench.desk.execute(signal(name, entry=limit("64500"))))
                for name in ("a", "b", "c", "d")
            ]
            for call in calls:
                call.start()
            until(lambda: _happened(bench, EntryIntended) == 5)
            outcomes = bench.desk.orders.execute_batch(_signals(6), timeout_ms=5_000)
        assert isinstance(outcomes[0], Rejected)
        assert "lane is full" in outcomes[0].message
        assert all(isinstance(one, Rejected | Refused) for one in outcomes), outcomes
        assert bench.runner.state.books.trading_state is TradingState.HALTED
        for call in calls:
            assert isinstance(call.outcome(), Placed | Rejected)


class _FailsAfter(KeptState):
    """A journal whose disk is full after so many entries."""

    def __init__(self, entries: int) -> None:
        super().__init__()
        self._left = entries

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if any(record.kind.startswith("entry_intended") for record in records):
            self._left -= 1
        if self._left < 0:
            raise StateUnavailable("the disk is full")
        return super().append(records, expected_version=expected_version, durable=durable)


def test_a_writer_that_stops_in_the_middle_leaves_no_outcome_out() -> None:
    bench = make_runner_bench(state_port=_FailsAfter(5), limits=FREE, lane_max=16)
    with running(bench):
        outcomes = bench.desk.orders.execute_batch(_signals(30))
        assert len(outcomes) == 30
        assert {type(outcome) for outcome in outcomes[:5]} <= {Placed, Failed}
        for number, outcome in enumerate(outcomes[5:], start=5):
            assert isinstance(outcome, Failed)
            assert outcome.signal_id == f"s{number}"
            assert "the disk is full" in outcome.error or "not running" in outcome.error
        names = [ClientId("x"), ClientId("y")]
        ended = bench.desk.orders.cancel_batch(names, timeout_ms=100)
        assert [type(outcome) for outcome in ended] == [FailedOrder] * 2
        changed = bench.desk.orders.amend_batch(
            [OrderChange(client_id=name, qty=Qty.of(1)) for name in names], timeout_ms=100
        )
        assert [one.client_id for one in changed if isinstance(one, FailedOrder)] == names


# Many


class _Watched(InlineRunner):
    """Notes how many inputs waited at most."""

    waited_max = 0

    def deliver(self, item: Input) -> None:
        super().deliver(item)
        self.waited_max = max(self.waited_max, len(self._inbox))


def _watched(bench: Bench) -> tuple[_Watched, OrderExecutor]:
    runner = _Watched(bench.runner.engine, bench.venue)
    return runner, OrderExecutor(runner=runner, state_port=bench.state_port, keys=SeededKeys(7))


def test_ten_thousand_need_no_deep_stack_and_no_more_inputs_at_once_than_a_few_hundred() -> None:
    bench = make_bench(config=config())
    runner, executor = _watched(bench)
    wanted = [signal(f"s{number}", symbol=Symbol("NOSUCHUSDT")) for number in range(10_000)]
    outcomes: tuple[BatchOutcome, ...] = executor.execute_batch(wanted)
    assert len(outcomes) == 10_000
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    names = [ClientId(f"nobody{number}") for number in range(10_000)]
    ended = executor.cancel_batch(names)
    faults = [one.fault for one in ended if isinstance(one, Refused)]
    assert faults == [f"order {n} is not known: it was never placed or is long over" for n in names]
    assert 100 <= runner.waited_max <= runner.batch_max


# Changes


def test_changes_leave_in_batches_and_each_has_its_outcome() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        names = _resting(bench, 12)
        changes = [
            OrderChange(client_id=name, price=Price.of(64_401 + number))
            for number, name in enumerate(names)
        ]
        changes.insert(5, OrderChange(client_id=ClientId("nobody"), qty=Qty.of(1)))
        with _behind_one_that_hangs(bench):
            call = _Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: _happened(bench, AmendIntended) == 12)
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
        wanted = [*_signals(2), signal("waits", entry=waits), *_signals(4)[2:]]
        placed = bench.desk.orders.execute_batch(wanted)
        names = [outcome.client_id for outcome in placed if isinstance(outcome, Placed)]
        changes = [OrderChange(client_id=name, qty=Qty.of("0.011")) for name in names]
        with _behind_one_that_hangs(bench):
            call = _Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: _happened(bench, AmendIntended) == 5)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(outcome) for outcome in outcomes] == [Amended] * 5
        assert bench.venue.amend_sizes == [2, 1, 2]


VALUES = {
    "qty": Qty.of("0.011"),
    "price": Price.of("64400"),
    "stop_loss": ProtectiveLeg(price=Price.of("63900")),
    "take_profit": ProtectiveLeg(price=Price.of("67000")),
}


@pytest.mark.parametrize("name", VALUES)
def test_each_value_of_a_change_alone_changes_the_order_in_that(name: str) -> None:
    bench = make_bench(config=config())
    (placed,) = bench.desk.orders.execute_batch(_signals(1))
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
        (name,) = _resting(bench, 1)
        changes = [OrderChange(client_id=name, price=Price.of(p)) for p in ("64401", "64402")]
        with _behind_one_that_hangs(bench):
            call = _Call(lambda: bench.desk.orders.amend_batch(changes))
            call.start()
            until(lambda: _happened(bench, AmendIntended) == 1)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(outcome) for outcome in outcomes] == [Amended, Refused]


# Cancels


def test_cancels_leave_in_batches_and_each_has_its_outcome() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        first, *names = _resting(bench, 13)
        bench.venue.cancel_gate.clear()
        hung = _Call(lambda: bench.desk.orders.cancel(first))
        hung.start()
        until(lambda: f"cancel {first}" in bench.venue.log)
        asked = [*names[:5], ClientId("nobody"), *names[5:]]
        call = _Call(lambda: bench.desk.orders.cancel_batch(asked))
        call.start()
        until(lambda: _happened(bench, CancelRequested) == 13)
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
        names = _resting(bench, 2)
        bench.venue.cancel_gate.clear()
        outcomes = bench.desk.orders.cancel_batch(names, timeout_ms=100)
        assert outcomes == (TimedOut(waited_ms=100),) * 2


def test_an_empty_batch_has_no_outcome() -> None:
    orders = make_bench(config=config()).desk.orders
    assert orders.amend_batch(()) == ()
    assert orders.cancel_batch(()) == ()
    assert orders.close_positions(()) == ()
