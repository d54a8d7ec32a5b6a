"""A live session in this process: what it decides on, what comes too late, and how it ends."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.live_session import LiveNames, LivePace, LiveSession
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.domain.signal import Signal
from tidegate.ports.bars import BarPort
from tidegate.ports.exchange import TimeRange
from tidegate.ports.live import LiveReport
from tidegate.ports.session import SessionError
from tidegate.ports.strategy import Exit, StrategyPort, StrategyView

from tests.application.bench import BTC, signal
from tests.application.threaded_bench import KeptState, make_application, memory_venue

MINUTE_MS = 60_000
BEGIN_MS = 1_700_000_040_000
"""A whole minute."""

Wish = Signal | Exit | None


def _bar(number: int) -> Bar:
    price, start_ms = Price.of("65000"), BEGIN_MS + number * MINUTE_MS
    return Bar(
        symbol=BTC,
        start_ms=start_ms,
        end_ms=start_ms + MINUTE_MS,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Qty.of(1),
    )


class _Bars(BarPort):
    """Bars that the test tells, in the time of the last one told and a little more."""

    def __init__(self, late_ms: int = 0) -> None:
        self.late_ms, self.count = late_ms, 1
        self._heard: Callable[[Bar], None] | None = None
        self.is_heard = threading.Event()

    def now_ms(self) -> int:
        return BEGIN_MS + self.count * MINUTE_MS + self.late_ms

    def closed(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        assert (symbol, interval_ms) == (BTC, MINUTE_MS)
        bars = (_bar(number) for number in range(self.count))
        return tuple(bar for bar in bars if within.start_ms <= bar.start_ms <= within.end_ms)

    def listen(self, symbol: Symbol, *, interval_ms: int, heard: Callable[[Bar], None]) -> bool:
        assert (symbol, interval_ms) == (BTC, MINUTE_MS)
        self._heard = heard
        self.is_heard.set()
        return True

    def tell(self) -> None:
        assert self.is_heard.wait(10), "nobody listens to bars"
        assert self._heard is not None
        self.count += 1
        self._heard(_bar(self.count - 1))


class _Told(StrategyPort):
    """Wishes what the test wrote down, one for each bar."""

    def __init__(self, *wishes: Wish | Exception, window: int = 1) -> None:
        self._wishes, self._window = list(wishes), window
        self.seen: list[int] = []

    @property
    def window(self) -> int:
        return self._window

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Wish:
        assert view.symbol == BTC
        self.seen.append(bars[-1].end_ms)
        wish = self._wishes.pop(0) if self._wishes else None
        if isinstance(wish, Exception):
            raise wish
        return wish


class _Running:
    """A session in a thread of its own."""

    def __init__(self, strategy: _Told, bars: _Bars) -> None:
        self.venue: MemoryVenue = memory_venue({"BTCUSDT": "65000", "ETHUSDT": "3500"})
        self.bars, self.strategy = bars, strategy
        state = KeptState()
        self.session = LiveSession(
            application=make_application(self.venue, state),
            state_port=state,
            bars=lambda: bars,
            strategy=strategy,
            symbol=BTC,
            pace=LivePace(
                interval_ms=MINUTE_MS, grace_ms=5_000, retry_ms=1_000, late_ms_max=30_000
            ),
            names=LiveNames(title="a test", state_folder="nowhere"),
        )
        self.report: LiveReport | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.report = self.session.run()
        except SessionError as error:
            self.error = error

    def until(self, holds: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < give_up, self.strategy.seen
            time.sleep(0.005)

    def end(self) -> None:
        self.session.stop()
        self._thread.join(20)
        self.session.close()
        assert not self._thread.is_alive()


def test_a_session_trades_at_closes_and_reports_what_it_did() -> None:
    bars = _Bars()
    run = _Running(
        _Told(signal("in"), None, Exit(signal_id="out", symbol=BTC, reason="enough")), bars
    )
    run.until(lambda: run.venue.position(BTC).qty.sign > 0)
    bars.tell()
    bars.tell()
    run.until(lambda: run.venue.position(BTC).qty.sign == 0 and len(run.strategy.seen) == 3)
    run.end()
    assert run.error is None
    assert run.report is not None
    assert (run.report.wishes, run.report.too_late) == (2, 0)
    assert run.report.bars == 2
    assert run.strategy.seen == [BEGIN_MS + n * MINUTE_MS for n in (1, 2, 3)]
    assert run.report.summary is not None
    assert run.report.summary.trades == 1


def test_a_wish_of_a_bar_that_closed_long_ago_is_not_traded() -> None:
    bars = _Bars(late_ms=31_000)
    run = _Running(_Told(signal("late")), bars)
    bars.tell()
    run.until(lambda: len(run.strategy.seen) == 1)
    run.end()
    assert run.report is not None
    assert (run.report.wishes, run.report.too_late) == (1, 1)
    assert run.venue.position(BTC).qty.sign == 0


def test_a_strategy_that_fails_ends_the_session_with_its_fault() -> None:
    run = _Running(_Told(RuntimeError("no idea")), _Bars())
    run.until(lambda: run.error is not None)
    run.end()
    with pytest.raises(SessionError, match="the strategy failed: RuntimeError: no idea"):
        raise run.error or AssertionError


@pytest.mark.parametrize("wish", [5, [signal("in")]])
def test_a_strategy_that_returns_no_wish_ends_the_session_with_words(wish: object) -> None:
    run = _Running(_Told(cast("Wish", wish)), _Bars())
    run.until(lambda: run.error is not None)
    run.end()
    assert "the strategy failed: it returned " in str(run.error)
    assert "; accepted: a Signal, an Exit or None; strategy _Told, BTCUSDT bar of" in str(run.error)


def test_without_bars_enough_nothing_is_decided() -> None:
    bars = _Bars()
    bars.count = 0
    run = _Running(_Told(signal("early"), window=2), bars)
    bars.tell()
    run.until(lambda: run.session._counts.bars == 1)
    run.end()
    assert run.strategy.seen == []
    assert run.report is not None
    assert run.report.wishes == 0
