"""A strategy on a live desk: bars in, signals out, until somebody asks it to stop.

The main thread starts, waits and stops. The strategy has a thread of its own, so that a request
that hangs holds up no stop. What the strategy asks for goes the one way of every signal.
"""

import logging
import threading
from collections.abc import Callable

import attrs
from tidegate.domain.orders import Symbol
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason
from tidegate.ports.bars import BarPort
from tidegate.ports.live import LiveReport, LiveSessionPort
from tidegate.ports.notifier import NotifierPort
from tidegate.ports.session import SessionError
from tidegate.ports.state import StatePort
from tidegate.ports.strategy import Exit, StrategyPort

from .following import BarFollower
from .lifecycle import Application
from .runner import WriterStopped
from .strategy_calls import StrategyFailed, decide, window_of
from .strategy_view import strategy_view

__all__ = ["LiveNames", "LivePace", "LiveSession"]

_JOIN_S = 5
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class LivePace:
    """When bars are taken. Times are milliseconds.

    ``late_ms_max`` is how long after a bar's close an entry may still follow from it.
    """

    interval_ms: int
    grace_ms: int
    retry_ms: int
    late_ms_max: int


@attrs.frozen(kw_only=True)
class LiveNames:
    """What a person is told of a session."""

    title: str
    state_folder: str


@attrs.define
class _Counts:
    bars: int = 0
    wishes: int = 0
    too_late: int = 0


class LiveSession(LiveSessionPort):
    """Owns the application. ``bars`` is asked for once the venue is connected.

    Raises:
        StateError: the journal cannot be read.

    """

    def __init__(
        self,
        *,
        application: Application,
        state_port: StatePort,
        bars: Callable[[], BarPort],
        strategy: StrategyPort,
        symbol: Symbol,
        pace: LivePace,
        names: LiveNames,
    ) -> None:
        self._application = application
        self._bars = bars
        self._strategy = strategy
        self._symbol = symbol
        self._pace = pace
        self._names = names
        self._counts = _Counts()
        self._fault: BaseException | None = None
        self._resumes = state_port.version() > 0
        self._thread: threading.Thread | None = None

    @property
    def title(self) -> str:
        """See :attr:`LiveSessionPort.title`."""
        return self._names.title

    @property
    def base_coin(self) -> str:
        """See :attr:`LiveSessionPort.base_coin`; before the start it is told by the symbol."""
        spec = self._application.desk.state.view.instruments.get(self._symbol)
        return self._symbol.removesuffix("USDT") if spec is None else spec.base_coin

    @property
    def state_folder(self) -> str:
        """See :attr:`LiveSessionPort.state_folder`."""
        return self._names.state_folder

    @property
    def resumes(self) -> bool:
        """See :attr:`LiveSessionPort.resumes`."""
        return self._resumes

    def listen(self, name: str, listener: NotifierPort) -> None:
        """See :meth:`LiveSessionPort.listen`."""
        self._application.events.add(name, listener)

    def stop(self) -> None:
        """See :meth:`LiveSessionPort.stop`."""
        self._application.ask_stop()

    def close(self) -> None:
        """See :meth:`LiveSessionPort.close`."""
        self._application.stop()

    def run(self) -> LiveReport:
        """See :meth:`LiveSessionPort.run`."""
        application = self._application
        is_main = threading.current_thread() is threading.main_thread()
        application.start(with_signals=is_main)
        try:
            self._trade_until_stopped()
        finally:
            application.stop()
            # Its waits have ended with the writer; what it still does reaches nobody.
            if self._thread is not None:
                self._thread.join(_JOIN_S)
        if isinstance(self._fault, StrategyFailed):
            raise self._fault
        if self._fault is not None:
            raise SessionError(f"the strategy failed: {_named(self._fault)}") from self._fault
        if application.failure is not None:
            raise SessionError(
                f"the desk stopped on a fault: {_named(application.failure)}; stops stay on the "
                "venue, and the next start reconciles"
            ) from application.failure
        return self._report()

    def _trade_until_stopped(self) -> None:
        bars, pace = self._bars(), self._pace
        follower = BarFollower(
            bars,
            self._symbol,
            interval_ms=pace.interval_ms,
            window=window_of(self._strategy),
            grace_ms=pace.grace_ms,
            retry_ms=pace.retry_ms,
        )
        follower.begin()
        self._thread = threading.Thread(
            target=self._trade, args=(follower, bars), name="tidegate-strategy", daemon=True
        )
        self._thread.start()
        try:
            self._application.wait_until_stop_asked()
        finally:
            follower.stop()

    # The strategy's thread

    def _trade(self, follower: BarFollower, bars: BarPort) -> None:
        try:
            self._decide_on_the_last(follower, bars)
            while follower.wait_next():
                self._counts.bars += 1
                self._decide(follower, bars)
        except WriterStopped as over:
            _LOG.info("the strategy ends: %s", over)
        except BaseException as fault:  # noqa: BLE001 - whoever waits for the session must learn of it
            self._fault = fault
            _LOG.critical("the strategy failed", exc_info=fault)
        finally:
            self._application.ask_stop()

    def _decide_on_the_last(self, follower: BarFollower, bars: BarPort) -> None:
        """Decide on the bar before the start, unless that was done, or it is too old."""
        if not follower.bars:
            return
        end_ms = follower.bars[-1].end_ms
        decided_ms = self._application.desk.status().books.decided_ms.get(self._symbol)
        was_decided = decided_ms is not None and decided_ms >= end_ms
        if not was_decided and bars.now_ms() - end_ms <= self._pace.late_ms_max:
            self._decide(follower, bars)

    def _decide(self, follower: BarFollower, bars: BarPort) -> None:
        window = follower.bars
        if len(window) < window_of(self._strategy):
            return
        desk = self._application.desk
        wish = decide(self._strategy, window, strategy_view(desk.state, self._symbol))
        if wish is None:
            return
        self._counts.wishes += 1
        late_ms = bars.now_ms() - window[-1].end_ms
        if isinstance(wish, Exit):
            desk.close_position(wish.symbol, reason=CloseReason.SIGNAL)
        elif late_ms > self._pace.late_ms_max:
            self._counts.too_late += 1
            _LOG.warning(
                "signal %s is not traded: its bar closed %s ms ago, at most %s ms are accepted "
                "(strategy.late_ms_max)",
                wish.signal_id,
                late_ms,
                self._pace.late_ms_max,
            )
        else:
            self._execute(wish)

    def _execute(self, wish: Signal) -> None:
        outcome = self._application.desk.execute(wish)
        _LOG.info("signal %s: %s", wish.signal_id, type(outcome).__name__)

    # The end

    def _report(self) -> LiveReport:
        desk, counts = self._application.desk, self._counts
        received = self._application.received
        return LiveReport(
            summary=desk.performance(),
            books=desk.state.books,
            journal_version=self._application.last_version,
            was_resumed=self._resumes,
            bars=counts.bars,
            wishes=counts.wishes,
            too_late=counts.too_late,
            stopped_by=None if received is None else received.name,
            events_lost=sum(
                report.dropped + report.failed
                for report in self._application.events.reports().values()
            ),
        )


def _named(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}"
