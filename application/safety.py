"""Safety: panic and who is told of it, trading states, the check list, and the runaway guards."""

import logging
from collections.abc import Callable

import attrs
from tidegate.domain.core import inputs as given
from tidegate.domain.core.events import Event, PanicEnded, PanicReset, PanicStarted
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.queries import Count
from tidegate.ports.clock import KeyPort
from tidegate.ports.notifier import NotifierPort
from tidegate.ports.preflight import Finding, PreflightPort
from tidegate.ports.state import StatePort

from .inline_runner import Runner
from .listeners import EventHub, ListenerReport

__all__ = ["OrderAllowance", "PanicEvent", "Safety", "TradingStates"]

PanicEvent = PanicStarted | PanicEnded | PanicReset
_CONFIRMATION = "RESET"
_ANSWER_WAIT_MS = 10_000
_NO_SYMBOL = Symbol("")
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class TradingStates:
    """What each cause asks for, and the strictest of them, which is in force.

    ``operator`` is what a person or a guard set; a panic asks for HALTED, lost streams for
    REDUCING. The causes are ``None`` where there is no panic and no outage.
    """

    effective: TradingState
    operator: TradingState
    panic_cause: str | None
    streams_cause: str | None


@attrs.frozen(kw_only=True)
class OrderAllowance:
    """How many orders were sent, beside how many may be: by second, by minute and by day."""

    second: Count
    minute: Count
    day: Count

    @property
    def left(self) -> int:
        """How many entries may be sent now before a guard refuses the next."""
        return min(self.second.left, self.minute.left, self.day.left)


class _PanicEar(NotifierPort):
    """Tells one listener of panics, and of nothing else."""

    def __init__(self, listener: Callable[[PanicEvent], None]) -> None:
        self._listener = listener

    def notify(self, event: Event, *, time_ms: int) -> None:
        """See :meth:`NotifierPort.notify`; the event has its own time."""
        del time_ms
        if isinstance(event, PanicStarted | PanicEnded | PanicReset):
            self._listener(event)


class Safety:
    """The desk's brakes. Any thread may call; what only reads never waits for the writer.

    ``preflight`` is the check list, ``None`` on a desk that has none.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        state_port: StatePort,
        keys: KeyPort,
        preflight: PreflightPort | None = None,
    ) -> None:
        self._runner = runner
        self._state_port = state_port
        self._keys = keys
        self._preflight = preflight
        self._hub = EventHub()
        runner.engine.listen(self._take)

    @property
    def _books(self) -> Books:
        return self._runner.state.books

    def _take(self, event: Event, time_ms: int) -> None:
        if isinstance(event, PanicStarted | PanicEnded | PanicReset):
            self._hub.take(event, time_ms)

    # Panic

    @property
    def is_panicked(self) -> bool:
        """Whether the desk is in panic, from its start until the reset; asks nobody."""
        return self._books.panic is not None

    def panic(self, cause: str, *, timeout_ms: int = 60_000) -> tuple[str, ...]:
        """Halt persistently, cancel every order, close every position, and verify that it is so.

        Foreign orders and positions too. Protective stops stay until flat is proven. A call while
        a panic runs joins it. Returns what the panic of this call could not close, with a last word
        where it has not ended after ``timeout_ms``.

        Raises:
            WriterStopped: nobody decides any more; whether all is flat is not known.
            StateError: the journal cannot be read; the panic was not begun.

        """
        key = self._keys.key(f"panic {self._state_port.version()}")
        with self._runner.engine.panic_calls.waiting(key) as call:
            self._runner.deliver(given.PanicRequest(cause=cause, key=key))
            self._runner.wait(lambda: call.is_over, timeout_ms=timeout_ms)
            return call.left(self._books)

    def reset(self, *, confirmation: str) -> None:
        """Leave panic, once its cause is understood; it is journaled.

        Raises:
            ValueError: the confirmation is not the literal ``RESET``; nothing was changed.
            WriterStopped: nobody decides any more.

        """
        if confirmation != _CONFIRMATION:
            raise ValueError(
                f"confirmation {confirmation!r}: panic is reset only by the literal "
                f"{_CONFIRMATION!r}"
            )
        self._runner.deliver(given.PanicResetRequest())
        self._runner.wait(lambda: self._books.panic is None, timeout_ms=_ANSWER_WAIT_MS)

    def on_panic(self, name: str, listener: Callable[[PanicEvent], None]) -> None:
        """Tell ``listener`` when a panic starts, ends and is reset, after its journal write.

        Each listener has a thread of its own: one that is slow or raises is logged and counted, and
        neither holds up the panic nor keeps the others from being told.

        Raises:
            ValueError: there is a listener of that name.

        """
        self._hub.add(name, _PanicEar(listener))

    def listener_reports(self) -> dict[str, ListenerReport]:
        """Return how each panic listener has fared."""
        return dict(self._hub.reports())

    def close(self) -> None:
        """Let the listeners finish what they were told; a second call is harmless."""
        self._hub.stop()

    # Trading states

    @property
    def states(self) -> TradingStates:
        """What holds the desk back, cause by cause."""
        books = self._books
        return TradingStates(
            effective=books.effective_state,
            operator=books.trading_state,
            panic_cause=None if books.panic is None else books.panic.cause,
            streams_cause=None if books.streams_lost is None else books.streams_lost.cause,
        )

    def set_state(self, state: TradingState, cause: str) -> None:
        """Set ACTIVE, REDUCING or HALTED; it is journaled with its cause.

        A panic and lost streams keep what they ask for: the strictest is in force.

        Raises:
            WriterStopped: nobody decides any more.

        """
        self._runner.deliver(given.StateRequest(state=state, cause=cause))
        self._runner.wait(lambda: self._books.trading_state is state, timeout_ms=_ANSWER_WAIT_MS)

    # Guards and checks

    def check_list(self) -> tuple[Finding, ...]:
        """Go through the check list before trading now; nothing is changed, ordered or moved.

        Raises:
            RuntimeError: this desk was built without one.

        """
        if self._preflight is None:
            raise RuntimeError(
                "this desk was built without a check list: build it with a preflight, as "
                "bybit_application does, or use tidegate doctor"
            )
        return self._preflight.run(is_fixing=False)

    def order_allowance(self) -> OrderAllowance:
        """Return how much of the limits of orders per second, minute and day is used."""
        engine = self._runner.engine
        limits, now_ms = engine.config.limits, engine.clock.now_ms()
        seen = risk_snapshot(self._runner.state, _NO_SYMBOL, "", engine.config, now_ms)
        return OrderAllowance(
            second=Count(used=seen.orders_last_second, most=limits.orders_per_second_max),
            minute=Count(used=seen.orders_last_minute, most=limits.orders_per_minute_max),
            day=Count(used=seen.orders_today, most=limits.orders_per_day_max),
        )

    def was_acted_on(self, signal_id: str) -> bool:
        """Tell whether a signal of this id was decided on, so that it would be refused as double.

        The last few thousand ids are remembered, over restarts too.
        """
        return signal_id in self._books.signals
