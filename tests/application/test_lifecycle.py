"""A desk starts completely or not at all, stops in reverse order, and shares nothing."""

import atexit
import importlib
import os
import pkgutil
import signal as signals
import sqlite3
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
import tidegate.adapters
import tidegate.application
import tidegate.domain
import tidegate.ports
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.bounds import DeskBounds
from tidegate.domain.core.events import Event
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.notifier import NotifierPort
from tidegate.ports.state import NewerFormat

from tests.domain.samples import BTCUSDT

from .bench import signal
from .threaded_bench import (
    GatedVenue,
    KeptState,
    RunningClock,
    events_of,
    make_application,
    memory_venue,
    own_threads,
    started,
    until,
)

PRICES = {"BTCUSDT": "65000"}
ROOT = Path(__file__).parents[2]


def test_it_stops_in_the_reverse_of_the_order_in_which_it_started() -> None:
    log: list[str] = []
    venue, state = memory_venue(PRICES, log=log), KeptState(log)
    application = make_application(venue, state)
    with started(application):
        assert isinstance(application.desk.execute(signal()), Placed)
    assert log == ["streams connected", "exchange closed", "books closed"]
    kinds = [type(event).__name__ for event in events_of(state)]
    assert kinds[:3] == ["SessionStarted", "JournalTagged", "AccountOpened"]
    assert kinds[-1] == "SessionStopped"
    assert own_threads() == []


class _ByHand(RunningClock):
    """A clock that a test may set forward."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class _Slow(NotifierPort):
    """A listener that takes nothing until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def notify(self, event: Event, *, time_ms: int) -> None:
        del event, time_ms
        assert self.let.wait(20)


def test_the_bounds_of_a_desk_are_those_that_it_was_built_with() -> None:
    """Half of a lane of four, two events for a listener, and a specification that lives an hour."""
    fetched: list[Symbol] = []

    class Counting(GatedVenue):
        def instrument(self, symbol: Symbol) -> Instrument:
            fetched.append(symbol)
            return super().instrument(symbol)

    venue, clock, slow = Counting((BTCUSDT,)), _ByHand(), _Slow()
    venue.script.move(BTCUSDT.symbol, last=Price.of("65000"))
    bounds = DeskBounds(lane_max=4, listener_max=2, spec_life_ms=1_000, stop_wait_ms=123)
    application = make_application(venue, KeptState(), clock=clock, bounds=bounds)
    application.events.add("slow", slow)
    with started(application):
        assert application._runner.batch_max == 2
        assert application._runner._stop_wait_s == 0.123
        assert isinstance(application.desk.execute(signal()), Placed)
        before = len(fetched)
        clock.ahead_ms = 1_001
        application.desk.execute(signal("later"))
        until(lambda: len(fetched) > before)
        slow.let.set()
    assert application.events.reports()["slow"].dropped > 0


def test_a_start_that_fails_undoes_what_it_began_and_cannot_be_tried_again() -> None:
    log: list[str] = []
    venue, state = memory_venue(PRICES, log=log), KeptState(log)
    venue.queries_fail = True
    application = make_application(venue, state)
    before = signals.getsignal(signals.SIGTERM)
    with pytest.raises(QueryFailed):
        application.start(with_signals=True)
    assert log == ["streams connected", "exchange closed", "books closed"]
    assert own_threads() == []
    assert signals.getsignal(signals.SIGTERM) is before
    with pytest.raises(RuntimeError, match="build a new one"):
        application.start()
    application.stop()


def test_books_of_a_newer_format_are_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    SqliteState(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 999")
    raw.close()
    content = path.read_bytes()
    with pytest.raises(NewerFormat):
        SqliteState(path)
    assert path.read_bytes() == content
    assert own_threads() == []


def test_a_second_start_and_a_second_stop_are_harmless() -> None:
    log: list[str] = []
    venue, state = memory_venue(PRICES, log=log), KeptState(log)
    application = make_application(venue, state)
    application.start()
    application.start()
    running = len(own_threads())
    application.start()
    assert len(own_threads()) == running
    application.stop()
    application.stop()
    assert log == ["streams connected", "exchange closed", "books closed"]
    with pytest.raises(RuntimeError, match="build a new one"):
        application.start()


def test_stopping_what_never_started_is_harmless() -> None:
    application = make_application(memory_venue(PRICES), KeptState())
    application.stop()
    assert own_threads() == []


def test_two_applications_in_one_process_share_nothing() -> None:
    small = RiskLimits(market_age_ms_max=3_600_000, positions_max=0)
    first_state, second_state = KeptState(), KeptState()
    first_venue, second_venue = memory_venue(PRICES), memory_venue(PRICES)
    first = make_application(first_venue, first_state)
    second = make_application(second_venue, second_state, limits=small)
    with started(first), started(second):
        assert isinstance(first.desk.execute(signal("same")), Placed)
        assert isinstance(second.desk.execute(signal("same")), Refused)
        first.stop()
        assert isinstance(second.desk.execute(signal("other")), Refused)
        assert second.desk.status().positions == ()
    assert [str(p.qty) for p in first_venue.positions()] == [str(Qty.of("0.010"))]
    assert second_venue.positions() == ()


def test_signal_handlers_are_opt_in_and_come_back() -> None:
    before = signals.getsignal(signals.SIGINT)
    plain = make_application(memory_venue(PRICES), KeptState())
    with started(plain):
        assert signals.getsignal(signals.SIGINT) is before
    application = make_application(memory_venue(PRICES), KeptState())
    application.start(with_signals=True)
    assert signals.getsignal(signals.SIGINT) is not before
    assert not application.wait_until_stop_asked(timeout_ms=1)
    os.kill(os.getpid(), signals.SIGINT)
    assert application.wait_until_stop_asked(timeout_ms=5_000)
    application.stop()
    assert signals.getsignal(signals.SIGINT) is before


def test_a_wait_lasts_as_long_as_it_may_and_ends_when_a_stop_is_asked() -> None:
    application = make_application(memory_venue(PRICES), KeptState())
    with started(application):
        before = monotonic()
        assert not application.wait_until_stop_asked(timeout_ms=600)
        assert monotonic() - before >= 0.5
        later = threading.Timer(0.6, application.ask_stop)
        later.start()
        assert application.wait_until_stop_asked()
        later.join()
        assert application.wait_until_stop_asked(timeout_ms=0), "it stays asked"


def _error_in_thread(act: Callable[[], None]) -> str:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    return str(caught[0]) if caught else ""


def test_signal_handlers_belong_to_the_main_thread() -> None:
    application = make_application(memory_venue(PRICES), KeptState())
    assert "main thread only" in _error_in_thread(lambda: application.start(with_signals=True))
    assert own_threads() == []
    application.start(with_signals=True)
    assert "call ask_stop()" in _error_in_thread(application.stop)
    assert len(own_threads()) >= 4, "nothing was stopped by halves"
    application.ask_stop()
    assert application.wait_until_stop_asked(timeout_ms=1_000)
    application.stop()


def test_the_exit_hook_is_registered_once_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list[object] = []
    monkeypatch.setattr(atexit, "register", hooks.append)
    monkeypatch.setattr(atexit, "unregister", hooks.remove)
    application = make_application(memory_venue(PRICES), KeptState())
    application.start()
    application.start()
    assert hooks == [application.stop]
    application.stop()
    assert hooks == []


_PROGRAM = """
import signal as signals
import sys
import threading
from time import sleep
from tests.application.bench import signal
from tests.application.threaded_bench import KeptState, events_of, make_application, memory_venue
venue, state = memory_venue({"BTCUSDT": "65000"}), KeptState()
application = make_application(venue, state)
application.start(with_signals=True)
application.desk.execute(signal())
if sys.argv[1] == "hang":
    venue.gate.clear()
    try:
        application.desk.execute(signal("hung"), timeout_ms=200)
    finally:
        print("ready", flush=True)
else:
    print("ready", flush=True)
if sys.argv[1] == "elsewhere":
    def interrupt():
        sleep(0.3)
        signals.pthread_kill(threading.get_ident(), signals.SIGTERM)
    threading.Thread(target=interrupt, daemon=True).start()
application.wait_until_stop_asked()
print("stopping", flush=True)
application.stop()
print(type(events_of(state)[-1]).__name__, flush=True)
"""


def _program(kind: str) -> "subprocess.Popen[str]":
    started_program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started_program.stdout is not None
    assert started_program.stdout.readline() == "ready\n"
    return started_program


@pytest.mark.parametrize("number", [signals.SIGINT, signals.SIGTERM])
def test_one_signal_stops_a_process_gracefully(number: signals.Signals) -> None:
    with _program("plain") as program:
        program.send_signal(number)
        out, _ = program.communicate(timeout=20)
    assert out == "stopping\nSessionStopped\n"
    assert program.returncode == 0


@pytest.mark.skipif(not hasattr(signals, "pthread_kill"), reason="needs a signal for one thread")
def test_a_signal_that_interrupts_no_wait_is_obeyed_all_the_same() -> None:
    """Here it reaches another thread; as well it may come just before the wait begins."""
    with _program("elsewhere") as program:
        try:
            out, _ = program.communicate(timeout=20)
        finally:
            program.kill()
    assert out == "stopping\nSessionStopped\n"
    assert program.returncode == 0


def test_a_second_signal_ends_a_stop_that_hangs_at_once() -> None:
    with _program("hang") as program:
        assert program.stdout is not None
        program.send_signal(signals.SIGTERM)
        assert program.stdout.readline() == "stopping\n"
        program.send_signal(signals.SIGTERM)
        out, _ = program.communicate(timeout=10)
    assert out == ""
    assert program.returncode == 128 + signals.SIGTERM


_TABLES = frozenset(
    {
        "tidegate.domain.core.filling._LATER",
        "tidegate.domain.core.ids._LETTERS",
        "tidegate.adapters.cli.books_view._STATE_STYLES",
        "tidegate.adapters.cli.exits._MEANINGS",
        "tidegate.adapters.cli.parsing._SIDES",
        "tidegate.adapters.feeds.points._SIDES",
        "tidegate.adapters.paper.triggers._RANK",
        "tidegate.adapters.sqlite.errors._UNAVAILABLE",
        "tidegate.application.settings_ranges._LIMITS",
        "tidegate.application.settings_reading._ACCEPTED",
        "tidegate.application.settings_reading._TRUTH",
    }
)
"""Private constant tables that nothing writes to."""

_IMMUTABLE_HOLDERS = frozenset({"__annotations__", "__path__", "__all__", "__warningregistry__"})


def _mutable_globals(module: types.ModuleType) -> list[str]:
    return [
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if isinstance(value, list | dict | set | bytearray)
        and name not in _IMMUTABLE_HOLDERS
        and not name.startswith("__")
    ]


def test_no_module_keeps_state_that_could_change() -> None:
    found: list[str] = []
    for package in (tidegate.domain, tidegate.ports, tidegate.adapters, tidegate.application):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__"):
                continue
            try:
                module = importlib.import_module(info.name)
            except ModuleNotFoundError:
                continue
            found += _mutable_globals(module)
    assert set(found) <= _TABLES
