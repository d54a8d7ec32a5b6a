"""What feeds the engine, and the runner without threads: for replay, simulation and recovery."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from tidegate.domain.core.effects import Effect
from tidegate.domain.core.inputs import Input, TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import deadline_ms
from tidegate.domain.instrument import FeeRates
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import VenueMessage
from tidegate.ports.exchange import ExchangePort, NotSupported

from .engine import Engine
from .modes import mode_objection, obeys_mode
from .performing import perform
from .withholding import withheld

__all__ = ["InlineRunner", "Runner"]

DRAIN_MAX = 100_000
_LOG = logging.getLogger(__name__)


class Runner(ABC):
    """Feeds the engine. ``deliver`` may be called from any thread and never blocks."""

    def __init__(self, engine: Engine, port: ExchangePort) -> None:
        self.engine = engine
        self.port = port
        self.fees_stated: FeeRates | None = None

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return what the venue charges, or the stated rates where it has no query for them.

        Raises:
            VenueError: the venue could not be asked, or has no query and no rates were stated.

        """
        try:
            return self.port.fee_rates(symbol)
        except NotSupported:
            if self.fees_stated is None:
                raise
            return self.fees_stated

    @property
    def state(self) -> State:
        """Return the present frozen state."""
        return self.engine.state

    @abstractmethod
    def deliver(self, item: Input) -> None:
        """Hand an input to the engine."""

    def sink(self, message: VenueMessage) -> None:
        """Take a message of the venue's streams."""
        self.deliver(message)

    @abstractmethod
    def wait(self, is_done: Callable[[], bool], *, timeout_ms: int) -> bool:
        """Wait until ``is_done`` holds for the state; returns whether it did in time.

        Raises:
            WriterStopped: nobody decides any more, and it is not so.

        """

    @property
    @abstractmethod
    def batch_max(self) -> int:
        """How many requests of one caller may be under way: well below what halts the desk."""

    @abstractmethod
    def elapsed_ms(self) -> int:
        """Return a time for deadlines: milliseconds since any moment, which never run back."""

    @abstractmethod
    def start(self) -> None:
        """Begin to take inputs."""

    @abstractmethod
    def stop(self) -> None:
        """Finish what was delivered and end."""


class InlineRunner(Runner):
    """Runs engine and effects in the caller's thread, in a fixed order, on the venue's time."""

    def __init__(self, engine: Engine, port: ExchangePort) -> None:
        super().__init__(engine, port)
        self._inbox: deque[Input] = deque()

    def deliver(self, item: Input) -> None:
        """Queue an input; :meth:`drain` handles it."""
        self._inbox.append(item)

    def submit(self, item: Input) -> None:
        """Queue an input and handle everything until nothing is left."""
        self._inbox.append(item)
        self.drain()

    def drain(self) -> None:
        """Handle inputs, run their effects, and handle what comes back, until all is quiet."""
        handled = 0
        while self._inbox:
            handled += 1
            assert handled <= DRAIN_MAX, f"{DRAIN_MAX} inputs without coming to rest: a loop"
            for effect in self.engine.handle(self._inbox.popleft()):
                self._inbox.extend(self._perform(effect))

    def hand_over(self, successor: Runner) -> None:
        """Give what is still queued to the runner that goes on."""
        while self._inbox:
            successor.deliver(self._inbox.popleft())

    def check_time(self) -> None:
        """Let the core look at its deadlines when one is due."""
        now_ms = self.engine.clock.now_ms()
        due_ms = deadline_ms(self.engine.state, self.engine.config, now_ms)
        if due_ms is not None and due_ms <= now_ms:
            self.submit(TimePassed())

    def run_effects(self, effects: tuple[Effect, ...]) -> None:
        """Run effects from outside a decision, as recovery does, and handle what comes back."""
        for effect in effects:
            self._inbox.extend(self._perform(effect))
        self.drain()

    def _perform(self, effect: Effect) -> tuple[Input, ...]:
        """Run one effect; what obeys the mode, only on a venue that the mode belongs to."""
        if obeys_mode(effect):
            mismatch = mode_objection(self.engine.config, self.port)
            if mismatch is not None:
                return withheld(effect, mismatch)
        return perform(effect, self.port, self.engine.clock)

    def wait(self, is_done: Callable[[], bool], *, timeout_ms: int) -> bool:
        """Answer at once: no time passes while the caller holds the only thread."""
        self.drain()
        _LOG.debug("inline: waited 0 of %s ms", timeout_ms)
        return is_done()

    @property
    def batch_max(self) -> int:
        """See :attr:`Runner.batch_max`: each request brings a few more inputs in one draining."""
        return DRAIN_MAX // 100

    def elapsed_ms(self) -> int:
        """See :meth:`Runner.elapsed_ms`: the venue's time, which stands still while one waits."""
        return self.engine.clock.now_ms()

    def start(self) -> None:
        """Nothing to start: the caller's thread does the work."""

    def stop(self) -> None:
        """Handle what is queued."""
        self.drain()
