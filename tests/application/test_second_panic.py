"""A panic reports its own end: not that of an earlier one, and not before it has begun."""

import threading

import attrs
import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.engine import Engine
from tidegate.application.panic_calls import PanicCalls
from tidegate.application.runner import WriterStopped
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import Inventory, PanicRequest
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import OrderReport
from tidegate.ports.commands import PanicReport
from tidegate.ports.exchange import QueryFailed

from tests.domain.samples import BTCUSDT

from .bench import BTC, MemoryClock
from .test_emergency import BlindVenue, KeptOpenState, panic
from .threaded_bench import (
    BreakableState,
    RunnerBench,
    events_of,
    make_runner_bench,
    memory_venue,
    running,
    until,
)


def opened_in_the_app(bench: RunnerBench) -> None:
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.1"))


def started(bench: RunnerBench) -> int:
    return sum(isinstance(event, ev.PanicStarted) for event in events_of(bench.state_port))


def test_each_panic_closes_what_was_opened_since_the_last_one_before_it_reports() -> None:
    with running(make_runner_bench()) as bench:
        assert bench.desk.safety.panic("first") == ()
        for number in range(10):
            opened_in_the_app(bench)
            assert bench.desk.safety.panic(f"again {number}", timeout_ms=20_000) == ()
            assert bench.venue.position(BTC).qty == Qty.of("0")
            assert bench.runner.state.books.panic is not None
            assert bench.runner.state.books.panic.cause == f"again {number}"


def test_a_second_panic_that_cannot_close_does_not_report_the_end_of_the_first() -> None:
    with running(make_runner_bench()) as bench:
        assert bench.desk.safety.panic("first") == ()
        opened_in_the_app(bench)
        bench.venue.script.fail_queries(1_000_000)
        left = bench.desk.safety.panic("again", timeout_ms=500)
        assert left[-1] == "panic still runs"


def test_a_panic_that_the_writer_has_not_taken_says_so() -> None:
    state = BreakableState()
    with running(make_runner_bench(state_port=state)) as bench:
        assert bench.desk.safety.panic("first") == ()
        state.gate.clear()
        try:
            left = bench.desk.safety.panic("again", timeout_ms=200)
        finally:
            state.gate.set()
        assert left == ("panic was asked for and not yet begun",)


def test_a_second_panic_that_a_dead_writer_never_takes_is_an_error() -> None:
    state = BreakableState()
    with running(make_runner_bench(state_port=state)) as bench:
        assert bench.desk.safety.panic("first") == ()
        opened_in_the_app(bench)
        state.is_broken = True
        for _ in range(2):
            with pytest.raises(WriterStopped):
                bench.desk.safety.panic("again", timeout_ms=20_000)


def test_a_request_that_joins_a_running_panic_waits_for_the_end_of_that_one() -> None:
    with running(make_runner_bench(close_retry_ms=50)) as bench:
        assert bench.desk.safety.panic("first") == ()
        opened_in_the_app(bench)
        gate = bench.venue.close_gates[BTC] = threading.Event()
        reports: list[tuple[str, ...]] = []

        def ask() -> None:
            reports.append(bench.desk.safety.panic("again", timeout_ms=20_000))

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        until(lambda: bench.venue.closing == [BTC])
        until(lambda: bench.engine.count(PanicRequest) == 4)
        assert reports == []
        gate.set()
        for thread in asking:
            thread.join(20)
        assert reports == [(), (), ()]
        assert bench.venue.position(BTC).qty == Qty.of("0")
        assert started(bench) == 2


def test_what_a_panic_left_is_told_to_its_callers_though_another_one_has_begun() -> None:
    calls = PanicCalls()
    with calls.waiting("a") as first, calls.waiting("b") as second:
        calls.taken("a")
        calls.ended(("BTCUSDT 0.1",))
        calls.taken("b")
        assert first.left(Books()) == ("BTCUSDT 0.1",)
        assert second.left(Books()) == ("panic still runs",)
        calls.ended(())
        assert (first.remaining, second.remaining) == (("BTCUSDT 0.1",), ())
    calls.ended(("nobody waits",))
    assert second.remaining == ()


def test_a_panic_that_another_process_has_ended_is_not_joined() -> None:
    clock, state = MemoryClock(memory_venue({})), MemoryState()
    base = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.MEMORY)
    shared = attrs.evolve(base, send_within_ms=2_000)
    here = Engine(config=shared, clock=clock, state_port=state)
    here.handle(PanicRequest(cause="first", key="a" * 16))
    there = Engine(config=shared, clock=clock, state_port=state)
    there.handle(Inventory(positions=(), orders=()))
    assert not there.state.books.is_panic_running
    with here.panic_calls.waiting("b" * 16) as call:
        here.handle(PanicRequest(cause="again", key="b" * 16))
        assert (call.is_taken, call.is_over) == (True, False)
        assert here.state.books.panic is not None
        assert here.state.books.panic.cause == "again"
        there.catch_up()
        there.handle(Inventory(positions=(), orders=()))
        here.catch_up()
        assert call.remaining == ()


# Where no desk runs


def test_the_panic_of_a_journal_that_panicked_before_closes_before_it_reports() -> None:
    venue, state = BlindVenue((BTCUSDT,)), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    assert panic(venue, state).is_clean
    for _ in range(3):
        venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.1"))
        assert panic(venue, state) == PanicReport(held=(), orders_open=0)
        assert venue.position(BTC).qty == Qty.of("0")


def test_a_venue_that_answers_nothing_is_never_clean_whatever_an_earlier_panic_left() -> None:
    venue, state = BlindVenue((BTCUSDT,)), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    assert panic(venue, state).is_clean
    venue.is_blind = True
    report = panic(venue, state, timeout_ms=300)
    assert not report.is_clean
    assert report.held == ("panic still runs",)
    assert report.unread == "the venue does not answer"


class ListlessVenue(BlindVenue):
    """It tells what is held as a whole, and not which orders are open."""

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        del symbol
        raise QueryFailed("no list of orders")


def test_orders_that_could_not_be_read_at_the_end_are_not_taken_for_none() -> None:
    venue, state = ListlessVenue((BTCUSDT,)), KeptOpenState()
    report = panic(venue, state, timeout_ms=500)
    assert (report.orders_open, report.unread) == (0, "no list of orders")
    assert not report.is_clean
