"""The writer and its lanes: nothing lost, nothing sent after a fault, nobody left waiting."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest
from tidegate.adapters.memory.options import RequestKind
from tidegate.application.runner import WriterStopped
from tidegate.domain.core.inputs import OpenRequest, TimePassed
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import OrderRequest, Role, Symbol
from tidegate.domain.reports import AccountReport, RejectReason, Ticker
from tidegate.domain.signal import ExactQty, Signal, StopAtPrice
from tidegate.ports.desk import OpenOutcome, Placed, Rejected, TimedOut
from tidegate.ports.desk import Refused as DeskRefused
from tidegate.ports.exchange import QueryFailed

from .bench import signal
from .threaded_bench import (
    ETH,
    BreakableState,
    RunnerBench,
    events_of,
    make_runner_bench,
    own_threads,
    running,
    until,
)

BTC = Symbol("BTCUSDT")


def _eth(name: str) -> Signal:
    return signal(
        name,
        symbol=ETH.symbol,
        sizing=ExactQty(Qty(Decimal(1))),
        stop=StopAtPrice(Price.of("3400")),
    )


class _Call:
    """One call of the desk in a thread of its own."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run, name="caller")
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._act()
        except WriterStopped as error:
            self.error = error

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> object:
        self._thread.join(10)
        assert self.is_done, "the caller is still waiting"
        return self.result


def _entries(bench: RunnerBench) -> list[OrderRequest]:
    return [order for order in bench.venue.sent if order.purpose.role is Role.ENTRY]


def _ticker(bench: RunnerBench, *, last: str, time_ms: int) -> Ticker:
    return attrs.evolve(bench.venue.ticker(BTC), last=Price.of(last), time_ms=time_ms)


def _execute(bench: RunnerBench, name: str) -> _Call:
    return _Call(lambda: bench.desk.execute(signal(name), timeout_ms=20_000))


def _until_handled(bench: RunnerBench, report: AccountReport, *, times: int) -> None:
    until(lambda: bench.engine.handled.count(report) == times)


def _hang(bench: RunnerBench, name: str = "hung") -> _Call:
    """Send an entry whose request hangs at the venue."""
    bench.venue.gate.clear()
    bench.venue.has_entered.clear()
    call = _Call(lambda: bench.desk.execute(signal(name), timeout_ms=20_000))
    assert bench.venue.has_entered.wait(5)
    return call


def test_prices_wait_in_one_slot_for_each_symbol_and_the_newest_wins() -> None:
    state = BreakableState()
    bench = make_runner_bench(state_port=state)
    with running(bench):
        state.gate.clear()
        call = _Call(lambda: bench.desk.set_trading_state(TradingState.REDUCING, "to hold it"))
        until(lambda: bool(bench.engine.handled) and bench.engine.handled[-1] is not None)
        before, now_ms = bench.engine.count(Ticker), bench.engine.clock.now_ms()
        for step in range(1_000):
            bench.runner.deliver(_ticker(bench, last=f"{65000 + step}", time_ms=now_ms + step))
        bench.runner.deliver(_ticker(bench, last="1", time_ms=now_ms))
        state.gate.set()
        call.end()
        until(lambda: bench.runner.state.view.tickers[BTC].last == Price.of("65999"))
    # One at most was taken before the writer came to hold, one waited in the slot.
    assert bench.engine.count(Ticker) - before <= 2
    assert bench.runner.state.view.tickers[BTC].last == Price.of("65999")


def test_a_flooded_inbox_halts_entries_and_drops_nothing() -> None:
    state = BreakableState()
    bench = make_runner_bench(state_port=state, inbox_max=50)
    with running(bench):
        for round_number in (1, 2):
            bench.desk.set_trading_state(TradingState.ACTIVE, "operator")
            state.gate.clear()
            report = attrs.evolve(bench.venue.account(), time_ms=round_number)
            for _ in range(200):
                bench.runner.deliver(report)
            state.gate.set()
            until(lambda: bench.desk.status().trading_state is TradingState.HALTED)
            _until_handled(bench, report, times=200)
            outcome = bench.desk.execute(signal(f"s{round_number}"))
            assert isinstance(outcome, DeskRefused)
            assert "trading state" in str([breach.rule.value for breach in outcome.breaches])
    halts = [e for e in events_of(state) if "cannot keep up" in str(e)]
    assert len(halts) == 2
    assert _entries(bench) == []


def test_a_journal_that_cannot_be_written_reaches_every_waiting_caller_and_nothing_is_sent() -> (
    None
):
    state = BreakableState()
    bench = make_runner_bench(state_port=state)
    with running(bench):
        assert isinstance(bench.desk.execute(signal("first")), Placed)
        hung = _hang(bench)
        behind = [_execute(bench, f"behind {n}") for n in range(3)]
        until(lambda: len([e for e in events_of(state) if "EntryIntended" in str(e)]) == 5)
        state.is_broken = True
        trigger = _Call(lambda: bench.desk.execute(signal("trigger"), timeout_ms=20_000))
        for call in (hung, *behind, trigger):
            call.end()
            assert isinstance(call.error, WriterStopped)
            assert "the disk is full" in str(call.error)
        bench.venue.gate.set()
        with pytest.raises(WriterStopped, match="nothing was sent"):
            bench.desk.execute(signal("later"))
    assert len(_entries(bench)) == 2, "the first, and the one that was on its way already"
    assert own_threads() == []


def test_a_fault_in_an_adapter_stops_the_writer_and_reaches_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = make_runner_bench()

    def wrong(*_: object) -> None:
        raise ZeroDivisionError("an adapter's own bug")

    with running(bench):
        monkeypatch.setattr(bench.venue, "place", wrong)
        with pytest.raises(WriterStopped, match="an adapter's own bug"):
            bench.desk.execute(signal())
    assert own_threads() == []


def test_a_hanging_entry_delays_no_close_no_cancel_and_no_panic() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        hung = _hang(bench)
        began = time.monotonic()
        bench.desk.close_position(ETH.symbol)
        assert bench.venue.positions() == ()
        bench.desk.close_position(BTC, timeout_ms=100)
        until(lambda: any(entry.startswith("cancel") for entry in bench.venue.log))
        assert time.monotonic() - began < 5
        assert not hung.is_done
        bench.venue.gate.set()
        hung.end()


def test_a_panic_flattens_while_an_entry_hangs_and_what_arrives_later_is_closed_too() -> None:
    bench = make_runner_bench(close_retry_ms=50)
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        hung = _hang(bench)
        panic = _Call(lambda: bench.desk.panic("test", timeout_ms=10_000))
        until(lambda: bench.venue.positions() == ())
        assert not hung.is_done
        bench.venue.gate.set()
        hung.end()
        panic.end()
        until(lambda: bench.venue.positions() == (), seconds=5)
        assert bench.desk.status().positions == ()


def test_an_entry_that_waits_behind_a_hanging_one_is_not_sent_once_the_desk_is_halted() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.execute(signal("leverage is set")), Placed)
        hung = _hang(bench)
        behind = _Call(lambda: bench.desk.execute(signal("behind"), timeout_ms=20_000))
        until(lambda: len(bench.runner.state.books.orders) >= 2)
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        bench.venue.gate.set()
        assert isinstance(hung.end(), Placed)
        outcome = behind.end()
        assert isinstance(outcome, Rejected)
        assert "before it was sent" in outcome.message
    assert len(_entries(bench)) == 2
    assert bench.runner.state.books.orders == {}, "what was held back reserves nothing"


def test_an_entry_that_is_cancelled_while_it_waits_is_not_sent() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("leverage is set")), Placed)
        bench.desk.close_position(ETH.symbol)
        hung = _hang(bench)
        behind = _Call(lambda: bench.desk.execute(_eth("behind"), timeout_ms=20_000))
        until(lambda: len(bench.runner.state.books.orders) == 2)
        bench.desk.close_position(ETH.symbol)
        bench.venue.gate.set()
        assert isinstance(hung.end(), Placed)
        assert isinstance(behind.end(), Rejected)
    assert [order.symbol for order in _entries(bench)] == [ETH.symbol, BTC]


def test_a_full_lane_refuses_what_does_not_fit_and_halts() -> None:
    bench = make_runner_bench(lane_max=2)
    with running(bench):
        assert isinstance(bench.desk.execute(signal("leverage is set")), Placed)
        hung = _hang(bench)
        waiting = [_execute(bench, f"s{n}") for n in range(3)]
        until(lambda: bench.desk.status().trading_state is TradingState.HALTED)
        until(lambda: any(call.is_done for call in waiting))
        bench.venue.gate.set()
        assert isinstance(hung.end(), Placed)
        outcomes = [call.end() for call in waiting]
    assert all(isinstance(outcome, Rejected) for outcome in outcomes)
    assert any("its lane is full" in str(outcome) for outcome in outcomes)
    assert bench.runner.failure is None
    assert len(_entries(bench)) == 2


def test_a_deadline_fires_by_itself_and_once() -> None:
    bench = make_runner_bench(close_retry_ms=400)
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        bench.venue.script.reject_next(
            RejectReason.RATE_LIMITED, code=10006, message="busy", request=RequestKind.PLACE
        )
        ticks, began = bench.engine.count(TimePassed), time.monotonic()
        bench.desk.close_position(ETH.symbol, timeout_ms=5_000)
        assert 0.35 < time.monotonic() - began < 3, "sent again after the back-off"
        assert bench.venue.positions() == ()
        assert 1 <= bench.engine.count(TimePassed) - ticks <= 3


def test_an_idle_desk_and_a_hanging_close_are_not_polled() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        bench.runner.settle()
        handled = len(bench.engine.handled)
        time.sleep(0.3)
        assert len(bench.engine.handled) == handled


def test_a_close_without_an_answer_does_not_make_the_writer_spin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = make_runner_bench()
    gate = threading.Event()
    place = bench.venue.place
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        monkeypatch.setattr(bench.venue, "place", lambda o: place(o) if gate.wait(20) else None)
        call = _Call(lambda: bench.desk.close_position(ETH.symbol))
        until(lambda: any("CloseStarted" in str(e) for e in events_of(bench.state_port)))
        ticks = bench.engine.count(TimePassed)
        time.sleep(0.4)
        assert bench.engine.count(TimePassed) - ticks <= 1
        gate.set()
        call.end()
        assert bench.venue.positions() == ()


def test_a_panic_asks_again_although_prices_keep_coming() -> None:
    bench = make_runner_bench(close_retry_ms=100)
    stop = threading.Event()

    def flood() -> None:
        while not stop.wait(0.005):
            bench.runner.deliver(_ticker(bench, last="65000", time_ms=bench.engine.clock.now_ms()))

    with running(bench):
        assert isinstance(bench.desk.open_with_rr(_eth("held")), Placed)
        bench.venue.script.disconnect()
        failing = _FailingInventories(bench, count=3)
        prices = threading.Thread(target=flood, name="prices")
        prices.start()
        try:
            bench.desk.panic("test", timeout_ms=8_000)
        finally:
            stop.set()
            prices.join()
        assert failing.failed == 3
        assert bench.venue.positions() == ()


class _FailingInventories:
    """Lets the first ``count`` inventories of a venue fail."""

    def __init__(self, bench: RunnerBench, *, count: int) -> None:
        self.failed = 0
        self._count = count
        self._positions = bench.venue.positions
        bench.venue.positions = self._fail  # type: ignore[method-assign, assignment]  # breaks the border

    def _fail(self) -> object:
        if self.failed < self._count and threading.current_thread().name == "tidegate-panic":
            self.failed += 1
            raise QueryFailed("the venue does not answer")
        return self._positions()


def test_stopping_finishes_what_was_delivered_and_what_follows_from_it() -> None:
    bench = make_runner_bench()
    bench.runner.start()
    bench.runner.deliver(OpenRequest(signal=signal(), key="k" * 16))
    bench.runner.stop()
    # Leverage first, then the entry, its fill and its stop: four round trips after the request.
    assert [order.symbol for order in _entries(bench)] == [BTC]
    held = bench.runner.state.books.position(BTC)
    assert held.qty == bench.venue.position(BTC).qty == Qty(Decimal("0.010"))
    assert bench.runner.state.books.trades[BTC].is_stop_confirmed
    assert bench.runner.state.books.orders == {}
    assert own_threads() == []


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    bench = make_runner_bench()
    bench.runner.stop()
    other = make_runner_bench()
    other.runner.start()
    other.runner.stop()
    other.runner.stop()
    assert own_threads() == []


def test_stopping_does_not_wait_for_a_hanging_request_beyond_the_bound() -> None:
    bench = make_runner_bench(stop_wait_ms=300)
    bench.runner.start()
    hung = _hang(bench)
    began = time.monotonic()
    bench.runner.stop()
    assert time.monotonic() - began < 2
    hung.end()
    assert isinstance(hung.error, WriterStopped)
    events = len(events_of(bench.state_port))
    bench.venue.gate.set()
    until(lambda: own_threads() == [])
    assert len(events_of(bench.state_port)) == events, "nothing is recorded after the stop"


def test_a_caller_who_stops_waiting_stops_nothing() -> None:
    bench = make_runner_bench()
    with running(bench):
        bench.venue.gate.clear()
        outcome: OpenOutcome = bench.desk.execute(signal(), timeout_ms=150)
        assert outcome == TimedOut(waited_ms=150)
        assert bench.venue.positions() == ()
        bench.venue.gate.set()
        until(lambda: not bench.runner.state.books.position(BTC).is_flat)
        until(lambda: bench.runner.state.books.trades[BTC].is_stop_confirmed)
    assert bench.venue.position(BTC).qty == Qty(Decimal("0.010"))


def test_a_desk_that_is_not_running_takes_no_entry() -> None:
    bench = make_runner_bench()
    with pytest.raises(WriterStopped, match="not running; nothing was sent"):
        bench.desk.execute(signal("too early"))
    with running(bench):
        pass
    with pytest.raises(WriterStopped, match="not running; nothing was sent"):
        bench.desk.execute(signal("too late"))
    assert _entries(bench) == []
