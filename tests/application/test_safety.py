"""The desk's brakes: panic and who is told, states by cause, the check list, the guards."""

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.safety import PanicEvent, Safety
from tidegate.application.stores import look_at_store
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import Role
from tidegate.domain.reports import StreamReport, StreamState
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.preflight import Check, Finding, PreflightPort

from tests.domain.core.scenes import config, held, opened, orders_of, stop_legs
from tests.domain.core.test_streams import NEEDED

from .bench import BTC, Bench, make_bench, signal

WAIT_S = 10


class Ear:
    """Keeps what it is told, and can be waited for."""

    def __init__(self, count: int) -> None:
        self.told: list[PanicEvent] = []
        self._left = count
        self._done = threading.Event()

    def __call__(self, event: PanicEvent) -> None:
        self.told.append(event)
        self._left -= 1
        if not self._left:
            self._done.set()

    def wait(self) -> list[str]:
        assert self._done.wait(WAIT_S), f"told only {self.told}"
        return [type(event).__name__ for event in self.told]


def test_panic_halts_closes_everything_and_is_seen_without_the_writer() -> None:
    bench = opened()
    safety = bench.desk.safety
    assert not safety.is_panicked
    assert safety.panic("drill") == ()
    assert safety.is_panicked
    assert bench.venue.positions() == ()
    assert bench.venue.open_orders() == ()
    assert safety.states.effective is TradingState.HALTED
    assert (safety.states.operator, safety.states.panic_cause) == (TradingState.ACTIVE, "drill")


def test_the_stop_stays_while_a_close_is_not_proven() -> None:
    bench = opened()
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.venue.script.fail_queries(1)
    left = bench.desk.safety.panic("drill")
    assert left == ("BTCUSDT 0.010", "panic still runs")
    assert len(stop_legs(bench)) == 1


def test_only_the_literal_resets_a_panic() -> None:
    bench = opened()
    safety = bench.desk.safety
    safety.panic("drill")
    before = bench.state_port.version()
    for word in ("reset", "", "RESET ", "yes"):
        with pytest.raises(ValueError, match=r"only by the literal 'RESET'"):
            safety.reset(confirmation=word)
    assert safety.is_panicked
    assert bench.state_port.version() == before
    safety.reset(confirmation="RESET")
    assert not safety.is_panicked
    assert bench.kinds()[-1] == "panic_reset"


def test_every_listener_is_told_of_panics_alone_whatever_another_one_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(event: PanicEvent) -> None:
        raise RuntimeError(f"cannot take {type(event).__name__}")

    bench = make_bench(config=config())
    safety, ear = bench.desk.safety, Ear(3)
    safety.on_panic("bad", fail)
    safety.on_panic("good", ear)
    bench.desk.execute(signal())
    with caplog.at_level(logging.ERROR):
        safety.panic("drill")
        safety.reset(confirmation="RESET")
        assert ear.wait() == ["PanicStarted", "PanicEnded", "PanicReset"]
        safety.close()
    assert safety.listener_reports()["bad"].failed == 3
    assert safety.listener_reports()["good"].delivered == 3
    assert "listener bad failed on PanicStarted" in caplog.text
    assert held(bench) == held(bench).times(0)


def _wait(released: threading.Event) -> None:
    assert released.wait(WAIT_S)


def test_a_listener_that_hangs_holds_up_no_panic() -> None:
    bench = opened()
    released = threading.Event()
    bench.desk.safety.on_panic("stuck", lambda _: _wait(released))
    assert bench.desk.safety.panic("drill") == ()
    released.set()
    bench.desk.safety.close()


def test_states_are_told_by_their_cause_and_none_loosens_another() -> None:
    bench = make_bench(config=NEEDED)
    safety = bench.desk.safety
    safety.set_state(TradingState.REDUCING, "going home")
    assert safety.states.effective is TradingState.REDUCING
    bench.runner.submit(StreamReport(state=StreamState.DOWN, time_ms=bench.venue.now_ms()))
    bench.venue.script.advance(NEEDED.limits.stream_grace_ms + 1)
    bench.runner.submit(TimePassed())
    safety.set_state(TradingState.ACTIVE, "back")
    assert safety.states.operator is TradingState.ACTIVE
    assert safety.states.effective is TradingState.REDUCING
    assert safety.states.streams_cause is not None
    assert bench.desk.status().trading_state is TradingState.REDUCING


def test_a_stricter_state_takes_entries_off_and_lets_a_position_be_closed() -> None:
    bench = opened()
    bench.desk.safety.set_state(TradingState.HALTED, "news")
    assert orders_of(bench, Role.ENTRY) == []
    assert isinstance(bench.desk.execute(signal("s2")), Refused)
    bench.desk.close_position(BTC)
    assert bench.venue.positions() == ()


class List(PreflightPort):
    """A check list that keeps how it was asked."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[bool] = []
        self._folder = folder

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        self.asked.append(is_fixing)
        return (look_at_store(self._folder / "journal.sqlite"),)


def test_the_check_list_is_made_on_demand_and_changes_nothing(tmp_path: Path) -> None:
    bench, checks = opened(), List(tmp_path)
    safety = Safety(
        runner=bench.runner, state_port=bench.state_port, keys=bench.desk._keys, preflight=checks
    )
    (found,) = safety.check_list()
    assert (found.check, found.is_ok, checks.asked) == (Check.STATE_STORE, True, [False])
    with pytest.raises(RuntimeError, match="tidegate doctor"):
        bench.desk.safety.check_list()


def guarded(**limits: Any) -> Bench:
    return make_bench(limits=RiskLimits(market_age_ms_max=3_600_000, **limits))


def test_the_allowance_falls_by_each_order_and_the_guard_refuses_at_its_end() -> None:
    bench = guarded(orders_per_second_max=2, orders_per_minute_max=3, orders_per_day_max=4)
    safety = bench.desk.safety
    assert safety.order_allowance().left == 2
    assert isinstance(bench.desk.execute(signal("s1")), Placed)
    assert isinstance(bench.desk.execute(signal("s2")), Placed)
    now = safety.order_allowance()
    assert (now.second.left, now.minute.left, now.day.left, now.left) == (0, 1, 2, 0)
    refused = bench.desk.execute(signal("s3"))
    assert isinstance(refused, Refused)
    assert [breach.rule for breach in refused.breaches] == [Rule.ORDER_RATE_SECOND]
    bench.venue.script.advance(1_000)
    assert safety.order_allowance().left == 1
    assert isinstance(bench.desk.execute(signal("s4")), Placed)
    bench.venue.script.advance(60_000)
    bench.move("65000")
    last = safety.order_allowance()
    assert (last.second.left, last.minute.left, last.day.left, last.left) == (2, 3, 1, 1)


def test_a_signal_is_known_once_it_was_decided_on_refused_or_not() -> None:
    bench = guarded(positions_max=1)
    safety = bench.desk.safety
    assert not safety.was_acted_on("s1")
    bench.desk.execute(signal("s1"))
    bench.desk.execute(signal("s1"))
    assert safety.was_acted_on("s1")
    assert not safety.was_acted_on("s2")
    assert sum(isinstance(event, ev.EntryIntended) for event in bench.events()) == 1
