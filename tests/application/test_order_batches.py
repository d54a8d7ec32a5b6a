"""Batches of the desk: handed over together, sent in pieces, and one outcome for each in order."""

import sys
import time
from collections.abc import Sequence
from functools import partial

import attrs
import pytest
from tidegate.application.clocks import SeededKeys
from tidegate.application.executor import OrderExecutor
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.events import EntryIntended
from tidegate.domain.core.inputs import Input
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Qty, Rate
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.reports import RejectReason
from tidegate.ports.orders import (
    BatchOutcome,
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

from .batch_bench import FREE, Call, behind_one_that_hangs, happened, resting, signals
from .bench import BTC, Bench, make_bench, signal
from .threaded_bench import (
    KeptState,
    events_of,
    make_runner_bench,
    running,
    until,
)

BATCH = 10
"""What the memory venue takes at once."""


# Entries


@pytest.mark.parametrize(("count", "sizes"), [(25, [10, 10, 5]), (10, [10]), (1, [1])])
def test_signals_leave_in_as_few_requests_as_the_venue_allows(count: int, sizes: list[int]) -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        with behind_one_that_hangs(bench):
            wanted = signals(count)
            call = Call(lambda: bench.desk.orders.execute_batch(wanted))
            call.start()
            until(lambda: happened(bench, EntryIntended) == 1 + count)
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
        call = Call(lambda: resting(bench, 30))
        call.start()
        until(lambda: happened(bench, EntryIntended) == 30)
        bench.venue.leverage_gate.set()
        call.outcome()
        assert bench.venue.leverages == [BTC, BTC]
        assert bench.venue.batch_sizes == [10, 10, 10]
        assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_each_of_a_batch_is_judged_with_what_the_ones_before_it_reserved() -> None:
    limits = attrs.evolve(FREE, pending_orders_max=7)
    bench = make_runner_bench(limits=limits)
    with running(bench):
        outcomes = bench.desk.orders.execute_batch(signals(12))
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
        with behind_one_that_hangs(bench):
            bench.venue.script.reject_items([1], RejectReason.INSUFFICIENT_MARGIN, 110007, "none")
            wanted = [*signals(3), signal("bad", symbol=Symbol("NOSUCHUSDT")), signal("last")]
            call = Call(lambda: bench.desk.orders.execute_batch(wanted))
            call.start()
            until(lambda: happened(bench, EntryIntended) == 5)
        outcomes = call.outcome()
        assert isinstance(outcomes, tuple)
        assert [type(one) for one in outcomes] == [Placed, Rejected, Placed, Refused, Placed]


def test_what_is_not_decided_by_the_one_deadline_has_timed_out_and_goes_on() -> None:
    bench = make_runner_bench(limits=FREE)
    with running(bench):
        with behind_one_that_hangs(bench):
            outcomes = bench.desk.orders.execute_batch(signals(15), timeout_ms=200)
            assert outcomes == (TimedOut(waited_ms=200),) * 15
        until(lambda: len(bench.venue.open_orders()) == 16)


def test_what_had_no_turn_before_the_deadline_is_never_sent() -> None:
    """At most eight of a lane of 16 are under way; the venue answers none of them."""
    bench = make_runner_bench(limits=FREE, lane_max=16)
    with running(bench):
        assert bench.runner.batch_max == 8
        with behind_one_that_hangs(bench):
            outcomes = bench.desk.orders.execute_batch(signals(20), timeout_ms=200)
            begun = TimedOut(waited_ms=200)
            assert outcomes == (begun,) * 8 + (attrs.evolve(begun, is_begun=False),) * 12
        until(lambda: len(bench.venue.open_orders()) == 9)
        assert happened(bench, EntryIntended) == 9


@pytest.mark.parametrize(("inbox_max", "lane_max"), [(8, 1_000), (1_000, 4)])
def test_a_batch_that_is_longer_than_the_bounds_does_not_halt_the_desk(
    inbox_max: int, lane_max: int
) -> None:
    bench = make_runner_bench(limits=FREE, inbox_max=inbox_max, lane_max=lane_max)
    with running(bench):
        assert len(resting(bench, 40)) == 40
        assert bench.runner.state.books.trading_state is TradingState.ACTIVE


def test_a_batch_does_not_flood_a_writer_that_is_slow() -> None:
    """Each order in flight is a signal, an answer and reports, and all of them may wait at once."""
    bench = make_runner_bench(limits=FREE, inbox_max=8)
    bench.runner.engine.listen(lambda *_: time.sleep(0.003))
    with running(bench):
        assert len(resting(bench, 40)) == 40
        assert bench.runner.state.books.trading_state is TradingState.ACTIVE


def test_a_full_lane_gives_each_its_outcome_and_raises_nothing() -> None:
    """Other callers flood the lane: what finds it full is refused by name, and entries halt."""
    bench = make_runner_bench(limits=FREE, lane_max=4)
    with running(bench):
        with behind_one_that_hangs(bench):
            calls = [
                Call(partial(bench.desk.execute, signal(name, entry=limit("64500"))))
                for name in ("a", "b", "c", "d")
            ]
            for call in calls:
                call.start()
            until(lambda: happened(bench, EntryIntended) == 5)
            outcomes = bench.desk.orders.execute_batch(signals(6), timeout_ms=5_000)
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
        outcomes = bench.desk.orders.execute_batch(signals(30))
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


def test_thousands_need_no_deep_stack_and_no_more_inputs_at_once_than_a_thousand() -> None:
    many = 3_000
    assert many > sys.getrecursionlimit()
    bench = make_bench(config=config())
    runner, executor = _watched(bench)
    wanted = [signal(f"s{number}", symbol=Symbol("NOSUCHUSDT")) for number in range(many)]
    outcomes: tuple[BatchOutcome, ...] = executor.execute_batch(wanted)
    assert len(outcomes) == many
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    names = [ClientId(f"nobody{number}") for number in range(many)]
    ended = executor.cancel_batch(names)
    faults = [one.fault for one in ended if isinstance(one, Refused)]
    assert faults == [f"order {n} is not known: it was never placed or is long over" for n in names]
    assert 100 <= runner.waited_max <= 1_000
