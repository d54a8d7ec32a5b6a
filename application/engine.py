"""The one writer: decide, journal, fold, and only then act.

:class:`Engine` is single-threaded. The inline runner calls it directly, the threaded runner from
its writer thread; everyone else reads the frozen ``state``.
"""

import logging
from collections.abc import Callable

from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import AmendOrder, Effect, Place
from tidegate.domain.core.events import (
    AccountOpened,
    Event,
    PanicEnded,
    PanicReset,
    PanicStarted,
    TradingStateChanged,
)
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.inputs import Input, PanicRequest
from tidegate.domain.core.sharing import seen_elsewhere
from tidegate.domain.core.state import Books, State
from tidegate.domain.core.step import Step, step
from tidegate.ports.clock import ClockPort
from tidegate.ports.state import Snapshot, StatePort, VersionConflict

from .codec import decode, decode_books, encode, encode_books
from .panic_calls import PanicCalls

__all__ = ["Engine", "EventListener", "fold"]

EventListener = Callable[[Event, int], None]
_NOT_ASKED_AGAIN = (AccountOpened, PanicStarted, PanicReset, TradingStateChanged)
"""What no venue could tell after a loss of power: where the books begin, and what was halted."""
_TRIES_MAX = 1_000
"""How often others may be first: each time one of them got on, so this is no lack of progress."""
_LOG = logging.getLogger(__name__)


def fold(state_port: StatePort, config: CoreConfig) -> tuple[Books, int]:
    """Rebuild the books from the newest snapshot, if any, and the journal after it.

    Returns them with the journal's version.

    Raises:
        StateError: the journal cannot be read, or holds what this release does not know.

    """
    books, version = _from_snapshot(state_port)
    books = books.bounded(
        finished=config.finished_kept,
        signals=config.signals_remembered,
        executions=config.executions_remembered,
    )
    for stored in state_port.read(after_version=version):
        books = evolve(books, decode(stored.record), config.day)
        version = stored.version
    return books, version


def _from_snapshot(state_port: StatePort) -> tuple[Books, int]:
    snapshot = state_port.load_snapshot()
    books = None if snapshot is None else decode_books(snapshot.body)
    if snapshot is None or books is None:
        return Books(), 0
    return books, snapshot.version


class Engine:
    """Takes inputs one at a time. Events are in the journal before any effect is returned."""

    def __init__(self, *, config: CoreConfig, clock: ClockPort, state_port: StatePort) -> None:
        self.config = config
        self.clock = clock
        self._state_port = state_port
        books, self._version = fold(state_port, config)
        self.state = State(books=books)
        self._folded = (self._version, books)
        self._listeners: list[EventListener] = []
        self.panic_calls = PanicCalls()
        self.listener_errors = 0

    @property
    def version(self) -> int:
        """Return the journal's version after the last event that was written here."""
        return self._version

    def listen(self, listener: EventListener) -> None:
        """Call ``listener`` with every event after it was journaled; it must not block."""
        self._listeners.append(listener)

    def handle(self, item: Input) -> tuple[Effect, ...]:
        """Decide on one input, write its events, and return what is to be done.

        On a journal that is shared, another process may have been first: what it wrote is folded
        in, and the input is decided on again. So the journal's order is the order of all decisions,
        and what is done follows only from what was written here. A request of panic may write
        nothing, where it joins one that runs: that it still runs is read first.

        Raises:
            VersionConflict: another process wrote to a journal that is not shared; or others were
                first more often than it can be.
            StateError: the events could not be written; nothing was decided, and no effect may
                leave.

        """
        if self.config.is_shared and isinstance(item, PanicRequest):
            self.catch_up()
        tries = 0
        while True:
            now_ms = self.clock.now_ms()
            decided = step(self.state, item, self.config, now_ms)
            try:
                self._write(decided, now_ms)
                break
            except VersionConflict:
                tries += 1
                if not self.config.is_shared or tries == _TRIES_MAX:
                    raise
                self.catch_up()
        self.state = decided.state
        self._folded = (self._version, decided.state.books)
        if isinstance(item, PanicRequest):
            self.panic_calls.taken(item.key)
        for event in decided.events:
            self._publish(event, now_ms)
        return decided.effects

    def _write(self, decided: Step, now_ms: int) -> None:
        if not decided.events:
            return
        records = [encode(event, time_ms=now_ms) for event in decided.events]
        # An intent must survive loss of power before its request leaves this process.
        is_send = any(isinstance(effect, Place | AmendOrder) for effect in decided.effects)
        is_ours_alone = any(isinstance(event, _NOT_ASKED_AGAIN) for event in decided.events)
        self._version = self._state_port.append(
            records, expected_version=self._version, durable=is_send or is_ours_alone
        )

    def catch_up(self) -> None:
        """Fold what other processes wrote since the last event known here; listeners hear of it.

        Raises:
            StateError: it cannot be read, or holds what this release does not know.

        """
        books, view, now_ms = self.state.books, self.state.view, self.clock.now_ms()
        found: list[tuple[Event, int]] = []
        for stored in self._state_port.read(after_version=self._version):
            event = decode(stored.record)
            books = evolve(books, event, self.config.day)
            view = seen_elsewhere(view, event, now_ms)
            self._version = stored.version
            found.append((event, stored.record.time_ms))
        self.state = State(books=books, view=view)
        self._folded = (self._version, books)
        for event, time_ms in found:
            self._publish(event, time_ms)

    def save_snapshot(self) -> None:
        """Keep the books as they are now, so that the next start need not fold from the start.

        Raises:
            StateError: it could not be written; the journal has everything all the same.

        """
        version, books = self._folded
        if version > 0:
            self._state_port.save_snapshot(Snapshot(version=version, body=encode_books(books)))

    def _publish(self, event: Event, now_ms: int) -> None:
        if isinstance(event, PanicEnded):
            self.panic_calls.ended(event.remaining)
        for listener in self._listeners:
            try:
                listener(event, now_ms)
            except Exception:  # noqa: BLE001 - a listener's fault must not stop the writer
                self.listener_errors += 1
                _LOG.exception("a listener failed on %s", type(event).__name__)
