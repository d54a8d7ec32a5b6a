"""The writer thread of live trading: the one that calls the engine; blocking calls run in lanes."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import attrs
from tidegate.domain.core.effects import Effect, ReadInstrument
from tidegate.domain.core.events_account import SettingCause
from tidegate.domain.core.inputs import (
    Input,
    OpenRequest,
    PanicRequest,
    PanicResetRequest,
    SettingAnswered,
    StateRequest,
    TimePassed,
)
from tidegate.domain.core.react import unfinished, unsettled
from tidegate.domain.core.step import deadline_ms
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Ticker
from tidegate.ports.exchange import ExchangePort
from tidegate.ports.state import Fenced, JournalWatcher

from .engine import Engine
from .inline_runner import InlineRunner, Runner
from .lanes import LANE_QUEUE_MAX, LaneHost, Lanes
from .objections import objection_to
from .waiting import Waiters
from .withholding import withheld

__all__ = [
    "INBOX_MAX",
    "STOP_WAIT_MS",
    "InlineRunner",
    "Runner",
    "ThreadedRunner",
    "WriterStopped",
]

INBOX_MAX = 100_000
STOP_WAIT_MS = 30_000
_IDLE_S = 3_600
_COMMANDS = (PanicRequest, PanicResetRequest, StateRequest)
_LAST_WAIT_S = 5
_INPUTS_EACH = 4
"""How many inputs of one order may wait together: signal, answer, report, and a late one."""
_LOG = logging.getLogger(__name__)


class WriterStopped(RuntimeError):
    """Nobody decides any more: the writer ended or failed, or was never started."""


@attrs.frozen
class _LaneFault:
    """A lane met a fault that no adapter may have."""

    fault: BaseException


@attrs.frozen
class _Moved:
    """Other processes wrote to the journal."""


@attrs.frozen
class _WriterEnded:
    """Another process ended without a word: what it left half done is to be done here."""


_Message = Input | _LaneFault | _Moved | _WriterEnded


class ThreadedRunner(Runner, LaneHost, JournalWatcher):
    """One writer thread; blocking calls run in lanes. Prices take one slot per symbol.

    ``inbox_max`` is how many messages may wait before entries are halted; nothing is ever dropped.
    ``lane_max`` is how many requests may wait in one lane: what finds it full is answered as
    refused, and halts entries too.
    ``stop_wait_ms`` bounds how long :meth:`stop` waits for requests that hang. ``when_over`` is
    called once nobody decides any more, by a stop or by a fault; it must neither block nor raise.
    """

    def __init__(
        self,
        engine: Engine,
        port: ExchangePort,
        *,
        inbox_max: int = INBOX_MAX,
        lane_max: int = LANE_QUEUE_MAX,
        stop_wait_ms: int = STOP_WAIT_MS,
    ) -> None:
        super().__init__(engine, port)
        self._inbox: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._commands: deque[Input] = deque()
        self._inbox_max = inbox_max
        self._batch_max = max(1, min(inbox_max // _INPUTS_EACH, lane_max // 2))
        self._stop_wait_s = stop_wait_ms / 1_000
        self._prices: dict[Symbol, Ticker] = {}
        self._prices_lock = threading.Lock()
        self._waiters = Waiters()
        self._lanes = Lanes(port, engine.clock, self, queue_max=lane_max)
        self._thread = threading.Thread(target=self._write, name="tidegate-writer", daemon=True)
        self._takes_entries = False
        self._is_settling = False
        self._is_settled = False
        self._settle_by: float | None = None
        self._is_stopping = False
        self._is_over = False
        self._served_due_ms: int | None = None
        self._knows_of_move = False
        self.failure: BaseException | None = None
        self.when_over: Callable[[], None] | None = None

    # From any thread

    def deliver(self, item: Input) -> None:
        """Queue an input. Nothing is dropped; a flooded inbox halts entries instead.

        What an operator commands (panic, its reset, a trading state) is decided before all that
        waits, in the order of the commands.

        Raises:
            WriterStopped: a new entry before the start or after the stop was asked.

        """
        if isinstance(item, OpenRequest) and not self._takes_entries:
            raise WriterStopped(
                f"signal {item.signal.signal_id}: the desk is not running; nothing was sent"
            )
        if isinstance(item, Ticker):
            if self._keep_price(item):
                self._inbox.put(item)
        elif isinstance(item, _COMMANDS):
            self._commands.append(item)
            self._inbox.put(None)
        else:
            self._inbox.put(item)

    def _keep_price(self, ticker: Ticker) -> bool:
        """Keep the latest prices of a symbol; tells whether its slot was empty."""
        with self._prices_lock:
            waiting = self._prices.get(ticker.symbol)
            if waiting is None or waiting.time_ms <= ticker.time_ms:
                self._prices[ticker.symbol] = ticker
            return waiting is None

    def wait(self, is_done: Callable[[], bool], *, timeout_ms: int) -> bool:
        """Block the calling thread until the writer made it so.

        Raises:
            WriterStopped: the writer ended before it was so.

        """
        if self._waiters.wait(is_done, timeout_s=timeout_ms / 1_000):
            return True
        if self.failure is not None:
            raise WriterStopped(
                f"the writer stopped on a fault ({self.failure}); restart to reconcile"
            ) from self.failure
        if self._is_over:
            raise WriterStopped("the desk has stopped; nobody decides any more")
        return False

    @property
    def batch_max(self) -> int:
        """See :attr:`Runner.batch_max`: half of a lane, or as many as the inbox surely holds."""
        return self._batch_max

    def elapsed_ms(self) -> int:
        """See :meth:`Runner.elapsed_ms`: the machine's time since it started."""
        return time.monotonic_ns() // 1_000_000

    # Life

    def start(self) -> None:
        """Start lanes and writer."""
        self._takes_entries = True
        self._lanes.start()
        self._thread.start()

    def settle(self) -> None:
        """Take no new entry, and wait until what was delivered, and what follows from it, is done.

        A request that hangs is given up after the bound: its outcome is found at the next start.
        """
        self._takes_entries = False
        if self._thread.ident is None or self._is_over:
            return
        if self._settle_by is None:
            self._settle_by = time.monotonic() + self._stop_wait_s
        self._is_settled = False
        self._is_settling = True
        self._inbox.put(None)
        left_s = max(0, self._settle_by - time.monotonic())
        self._waiters.wait(lambda: self._is_settled, timeout_s=left_s)
        if not self._is_settled:
            _LOG.warning("requests are still without an answer: they are found at the next start")

    def stop(self) -> None:
        """Settle, and end writer and lanes; a second call is harmless."""
        self.settle()
        self._is_stopping = True
        self._inbox.put(None)
        if self._thread.ident is None:
            return
        self._thread.join(_LAST_WAIT_S)
        # What did not settle in its time gets none again.
        has_hung = not self._is_settled and self.failure is None
        if not self._lanes.stop(timeout_s=0 if has_hung else _LAST_WAIT_S):
            _LOG.warning("a request still hangs; its thread ends with this process")

    # From the store, where other processes write to it too

    def journal_moved(self, version: int) -> None:
        """See :meth:`JournalWatcher.journal_moved`; many moves are one message."""
        if version > self.engine.version and not self._knows_of_move:
            self._knows_of_move = True
            self._inbox.put(_Moved())

    def writer_ended(self, name: str) -> None:
        """See :meth:`JournalWatcher.writer_ended`."""
        _LOG.warning("the work of %r goes on here", name)
        self._inbox.put(_WriterEnded())

    def lease_lost(self, error: Fenced) -> None:
        """See :meth:`JournalWatcher.lease_lost`: the writer stops."""
        self._inbox.put(_LaneFault(error))

    # From lanes

    def objection(self, effect: Effect) -> str | None:
        """See :meth:`LaneHost.objection`, and :func:`objection_to`."""
        return objection_to(
            effect,
            self.state,
            self.engine.config,
            self.port,
            now_ms=self.engine.clock.now_ms(),
            has_failed=self.failure is not None,
        )

    def lane_failed(self, fault: BaseException) -> None:
        """Stop the writer: an answer is missing that nobody knows of."""
        self._inbox.put(_LaneFault(fault))

    def effect_done(self) -> None:
        """Let a writer that is stopping see that nothing is under way."""
        if self._is_settling:
            self._inbox.put(None)

    # The writer's thread

    def _write(self) -> None:
        try:
            while self._next():
                pass
        except BaseException as fault:  # noqa: BLE001 - every waiting caller must learn of it
            # Our own bug or a dead store: stop writing. Stops stay on the venue.
            self.failure = fault
            _LOG.critical("the writer stopped", exc_info=fault)
        finally:
            self._takes_entries = False
            self._is_over = True
            self._waiters.end()
            if self.when_over is not None:
                self.when_over()

    def _next(self) -> bool:
        self._watch_load()
        item = self._take()
        match item:
            case _LaneFault():
                raise item.fault
            case _Moved():
                self._knows_of_move = False
                self.engine.catch_up()
                self._learn()
                self._waiters.look()
            case _WriterEnded():
                self._take_over()
            case None:
                pass
            case _:
                self._handle(item)
        if self._is_settling and not self._is_settled:
            self._see_whether_settled()
        return not self._is_stopping

    def _take_over(self) -> None:
        """Ask and repeat what a start would: each is harmless to repeat."""
        self.engine.catch_up()
        books = self.state.books
        for key in books.settings:
            why = "a process ended, perhaps before the answer came: read the account"
            self._inbox.put(SettingAnswered(key=key, cause=SettingCause.UNKNOWN, message=why))
        self._submit((*unsettled(books), *unfinished(books)))
        self._submit([ReadInstrument(symbol=symbol) for symbol in sorted(books.trades)])
        self._waiters.look()

    def _learn(self) -> None:
        """Ask for the specification of what only other processes traded so far."""
        books, known = self.state.books, self.state.view.instruments
        used = {order.request.symbol for order in books.orders.values()} | set(books.positions)
        self._submit([ReadInstrument(symbol=symbol) for symbol in sorted(used - set(known))])

    def _take(self) -> _Message | None:
        """Return the next input: commands first, then a deadline that is due, but only once."""
        if self._commands:
            return self._commands.popleft()
        now_ms = self.engine.clock.now_ms()
        due_ms = deadline_ms(self.engine.state, self.engine.config, now_ms)
        if due_ms is not None and due_ms <= now_ms:
            if due_ms != self._served_due_ms:
                self._served_due_ms = due_ms
                return TimePassed()
            due_ms = now_ms + max(1, self.engine.config.close_retry_ms)
        wait_s = _IDLE_S if due_ms is None else (due_ms - now_ms) / 1_000
        try:
            item = self._inbox.get(timeout=min(wait_s, _IDLE_S))
        except queue.Empty:
            return TimePassed()
        return self._commands.popleft() if item is None and self._commands else item

    def _see_whether_settled(self) -> None:
        # Idle lanes have delivered everything, so the inbox is looked at after them.
        if self._lanes.is_idle and self._inbox.empty() and not self._commands:
            self._is_settled = True
            self._waiters.look()

    def _watch_load(self) -> None:
        # An operator who makes the desk active does not make it keep up: it is halted again.
        waiting = self._inbox.qsize()
        if waiting > self._inbox_max and not self._is_halted:
            self._halt(f"{waiting} messages wait, at most {self._inbox_max} may")

    @property
    def _is_halted(self) -> bool:
        return self.state.books.trading_state is TradingState.HALTED

    def _halt(self, cause: str) -> None:
        self._handle(StateRequest(state=TradingState.HALTED, cause=f"{cause}: cannot keep up"))

    def _handle(self, item: Input) -> None:
        if isinstance(item, Ticker):
            with self._prices_lock:
                item = self._prices.pop(item.symbol, item)
        self._submit(self.engine.handle(item))
        if self.engine.config.is_shared:
            self._learn()
        self._waiters.look()

    def _submit(self, effects: Sequence[Effect]) -> None:
        left = [effect for effect in effects if not self._lanes.submit(effect)]
        for effect in left:
            self._hold_back(effect)

    def _hold_back(self, effect: Effect) -> None:
        """Answer for an effect whose lane is full, and halt: nothing is forgotten."""
        for answer in withheld(effect, "its lane is full: it was not sent"):
            self._inbox.put(answer)
        if not self._is_halted:
            self._halt(f"{type(effect).__name__} found its lane full")
