"""Starting and stopping a desk: in dependency order, completely or not at all.

Books first, then the exchange and what it says of them, then the writer, then the streams;
stopping is the reverse. Whatever a failed start had begun is undone before the error leaves.
"""

import atexit
import logging
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

from tidegate.domain.core.inputs import StopRequest
from tidegate.domain.instrument import FeeRates
from tidegate.domain.mode import TradingMode
from tidegate.domain.orders import Symbol
from tidegate.ports.clock import KeyPort
from tidegate.ports.exchange import Capability, ExchangePort, VenueError
from tidegate.ports.preflight import PreflightFailed, PreflightPort
from tidegate.ports.state import SharedStatePort, StatePort

from .belonging import require_same_account
from .bounds import DeskBounds
from .desk import Desk
from .engine import Engine
from .listeners import EventHub
from .runner import InlineRunner, ThreadedRunner
from .specs import SpecCache, in_background
from .starting import Relay, bring_up

__all__ = ["Application", "Interrupted"]

_LOG = logging.getLogger(__name__)
_WAIT_MS_MAX = 250
"""For how long at most a wait is blind to a signal that came just before it began."""


class Interrupted(SystemExit):
    """A second signal came while the first was being obeyed: exit at once."""


class Application:
    """One desk with a writer thread. Two applications in one process share nothing.

    It owns the ports that it is given and closes them at the end, also after a start that failed.
    With a ``preflight`` it does not start while a check fails. ``fees_stated`` are used where the
    venue has no query for the account's rates. Listeners are added to ``events``, each with a
    thread of its own. ``received`` is the signal that asked to stop, if one did.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        port: ExchangePort,
        state_port: StatePort,
        keys: KeyPort,
        symbols: frozenset[Symbol],
        preflight: PreflightPort | None = None,
        fees_stated: FeeRates | None = None,
        bounds: DeskBounds | None = None,
    ) -> None:
        bounds = bounds or DeskBounds()
        self._engine = engine
        self._port = port
        self._state_port = state_port
        self._keys = keys
        self._symbols = symbols
        self._preflight = preflight
        self._fees_stated = fees_stated
        self._runner = ThreadedRunner(
            engine,
            port,
            inbox_max=bounds.inbox_max,
            lane_max=bounds.lane_max,
            stop_wait_ms=bounds.stop_wait_ms,
        )
        self._runner.fees_stated = fees_stated
        specs = SpecCache(
            port.instrument, engine.clock, ttl_ms=bounds.spec_life_ms, refresh=in_background
        )
        self.desk = Desk(
            runner=self._runner,
            state_port=state_port,
            keys=keys,
            specs=specs,
            preflight=preflight,
        )
        self._is_interrupted = False
        self.events = EventHub(queue_max=bounds.listener_max)
        engine.listen(self.events.take)
        self._undo = ExitStack()
        self._at_end(self.events.stop)
        self._at_end(self.desk.safety.close)
        self._runner.when_over = self.ask_stop
        self._lock = threading.Lock()
        self._is_started = False
        self._is_over = False
        self._has_signals = False
        self.received: signal.Signals | None = None
        # A queue that a signal handler may use: an event's lock could be held by the very thread
        # that the signal interrupts.
        self._stop_asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    def start(self, *, with_signals: bool = False) -> None:
        """Start everything or nothing; a second call is harmless.

        ``with_signals`` makes SIGINT and SIGTERM stop gracefully; only the main thread may ask for
        it, and the handlers that were there before come back at :meth:`stop`.

        Raises:
            RuntimeError: it was stopped, or its start failed, before; or signals were asked for
                outside the main thread.
            PreflightFailed: a check failed; it holds every finding with its remedy.
            JournalMismatch: the journal belongs to another venue or account.
            VenueError: the venue gave no usable answer; what was begun is undone.

        """
        with self._lock:
            if self._is_started:
                return
            if self._is_over:
                raise RuntimeError("this application has ended: build a new one to start again")
            if with_signals:
                _require_main_thread("signal handlers can be installed")
            try:
                self._begin(with_signals=with_signals)
            except BaseException:
                self._is_over = True
                self._undo.close()
                raise
            self._is_started = True

    def _begin(self, *, with_signals: bool) -> None:
        if with_signals:
            self._install_signals()
        self._at_end(self._state_port.close)
        self._at_end(self._port.close)
        self._refuse_another_account()
        self._check()
        account = require_same_account(self._engine.state.books, self._port)
        first = InlineRunner(self._engine, self._port)
        first.fees_stated = self._fees_stated
        relay = Relay()
        if Capability.STREAM in self._port.capabilities.supported:
            self._port.connect(relay.sink)
        bring_up(first, relay, keys=self._keys, symbols=self._symbols, account=account)
        self._at_end(self._end_writer)
        self._runner.start()
        if isinstance(self._state_port, SharedStatePort):
            self._state_port.follow(self._runner)
        relay.turn_to(self._runner)
        self._at_end(relay.end)
        self._at_end(self._runner.settle)
        atexit.register(self.stop)
        self._at_end(atexit.unregister, self.stop)
        _LOG.info("started")

    def _refuse_another_account(self) -> None:
        """Ask before the checks, which may set things; a key that fails is theirs to report."""
        try:
            require_same_account(self._engine.state.books, self._port)
        except VenueError as error:
            _LOG.warning("whose key this is could not be read yet: %s", error)

    def _check(self) -> None:
        """Go through the check list; before real money, what can be mended by itself is mended."""
        if self._preflight is None:
            return
        is_live = self._engine.config.mode is TradingMode.LIVE
        findings = self._preflight.run(is_fixing=is_live)
        for found in findings:
            if not found.is_ok:
                _LOG.warning("%s: %s", found.check.value, found.what)
        if any(found.stops_start for found in findings):
            raise PreflightFailed(findings)

    def _at_end(self, act: Callable[..., object], *args: object) -> None:
        self._undo.callback(self._unless_interrupted, act, *args)

    def _unless_interrupted(self, act: Callable[..., object], *args: object) -> None:
        """Leave out what a second signal leaves no time for; the next start recovers from that."""
        if not self._is_interrupted:
            act(*args)

    def _end_writer(self) -> None:
        self._runner.deliver(StopRequest(reason="stopped"))
        self._runner.stop()
        if self._runner.failure is None:
            self._engine.save_snapshot()

    def _install_signals(self) -> None:
        self._has_signals = True
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.signal(number, self._on_signal)
            # A handler that was not installed from Python is not told: the default replaces it.
            self._undo.callback(
                signal.signal, number, signal.SIG_DFL if previous is None else previous
            )

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            self._is_interrupted = True
            raise Interrupted(128 + number)
        self.received = signal.Signals(number)
        self.ask_stop()

    @property
    def failure(self) -> BaseException | None:
        """The fault on which the writer stopped, ``None`` where it did not."""
        return self._runner.failure

    @property
    def last_version(self) -> int:
        """The journal's version after the last event written here, also after the end."""
        return self._engine.version

    def wait_until_stop_asked(self, *, timeout_ms: int | None = None) -> bool:
        """Block until a signal or :meth:`ask_stop` asks to stop; returns whether one did.

        A writer that stops on a fault asks as well: :attr:`failure` holds it. A signal that arrives
        just before the wait, or on another thread, does not interrupt it: its handler runs in this
        thread once the wait ends. So it waits in short spans.
        """
        left_ms = timeout_ms
        while True:
            span_ms = _WAIT_MS_MAX if left_ms is None else max(0, min(_WAIT_MS_MAX, left_ms))
            try:
                self._stop_asked.get(timeout=span_ms / 1_000)
            except queue.Empty:
                if left_ms is None:
                    continue
                left_ms -= span_ms
                if left_ms <= 0:
                    return False
            else:
                self._stop_asked.put(None)
                return True

    def ask_stop(self) -> None:
        """Ask whoever waits to stop this application. Any thread and signal handler may call."""
        self._stop_asked.put(None)

    def stop(self) -> None:
        """Stop in reverse order; a second call is harmless.

        Raises:
            RuntimeError: signal handlers are installed and this is not the main thread.

        """
        if self._has_signals and not self._is_over:
            _require_main_thread("signal handlers can be restored, so call ask_stop() here; they")
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            self._is_started = False
            self._undo.close()
            _LOG.info("stopped")


def _require_main_thread(what: str) -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{what} in the main thread only")
