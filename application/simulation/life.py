"""One life of a desk's process: the real parts, put together as a start does, until it ends."""

from collections.abc import Callable, Sequence

import attrs
from tidegate.application.clocks import SeededKeys, SystemClock
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.inline_runner import InlineRunner
from tidegate.application.starting import Relay, bring_up
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import StopRequest
from tidegate.domain.core.state import Books
from tidegate.domain.lifecycle import Status
from tidegate.domain.orders import Symbol
from tidegate.ports.state import Record

from .disk import Disk
from .journal import SimulatedJournal
from .names import Boundary
from .runner import Host, SimulatedRunner
from .venue import SimulatedVenue

__all__ = ["Life", "is_unsettled"]

_NANOS = 1_000_000
_UNCERTAIN = frozenset({Status.INTENDED, Status.UNKNOWN, Status.ACKNOWLEDGED})


def is_unsettled(books: Books) -> bool:
    """Tell whether an intent, a stop, a change or a cancel is under way in the books."""
    for order in books.orders.values():
        is_asked = order.cancel_intended or order.pending is not None
        if is_asked or order.status in _UNCERTAIN or not order.is_open:
            return True
    for trade in books.trades.values():
        if trade.stop_wanted is not None and not trade.is_stop_confirmed:
            return True
    return bool(books.protecting)


@attrs.frozen(kw_only=True)
class World:
    """What outlives a process. ``step_ms`` is how far the machine's clock was set, in all."""

    venue: SimulatedVenue
    disk: Disk
    host: Host
    config: CoreConfig
    symbols: frozenset[Symbol]
    seed: int
    step_ms: Callable[[], int]
    took: Callable[[int, Sequence[Record]], None]


class Life:
    """A process that has opened its journal. ``skew_ms`` is how far its clock is off at first."""

    def __init__(self, world: World, number: int, *, skew_ms: int) -> None:
        self._world = world
        self._is_starting = False
        self.is_running = False
        timeline = world.host.timeline
        step_ms = world.step_ms
        begun_ms = step_ms()
        clock = SystemClock(
            wall_ns=lambda: (timeline.now_ms + skew_ms + step_ms() - begun_ms) * _NANOS,
            passing_ns=lambda: timeline.now_ms * _NANOS,
        )
        self.journal = SimulatedJournal(world.disk, reach=self._reach, took=world.took)
        self.engine = Engine(config=world.config, clock=clock, state_port=self.journal)
        self.runner = SimulatedRunner(self.engine, world.venue, world.host)
        # A process draws its keys anew: none may depend on those of an earlier life.
        self._keys = SeededKeys(world.seed * 1_000 + number)
        self.desk = Desk(runner=self.runner, state_port=self.journal, keys=self._keys)

    def _reach(self, boundary: Boundary) -> None:
        if not self._is_starting:
            self._world.host.reach(boundary)
        elif boundary is Boundary.BEFORE_JOURNAL:
            self._world.host.reach(Boundary.RECOVERY_BEFORE_JOURNAL)
        elif boundary is Boundary.AFTER_JOURNAL:
            self._world.host.reach(Boundary.RECOVERY_AFTER_JOURNAL)

    def start(self) -> None:
        """Do what a start does.

        Raises:
            VenueError: the venue gave no usable answer.
            StateError: the journal cannot be written.

        """
        world, relay = self._world, Relay()
        first = InlineRunner(self.engine, world.venue)
        world.venue.connect(relay.sink)
        self._is_starting = world.host.network.is_starting = True
        try:
            bring_up(first, relay, keys=self._keys, symbols=world.symbols, account=None)
        finally:
            self._is_starting = world.host.network.is_starting = False
        self.is_running = True
        self.runner.start()
        relay.turn_to(self.runner)

    def stop(self) -> None:
        """Stop in an orderly way while requests hang: they are given up."""
        self.runner.deliver(StopRequest(reason="stopped"))
        self.runner.stop()
        self.engine.save_snapshot()

    def end(self) -> None:
        """Be gone: nothing of the process is left."""
        self.is_running = False
        self.runner.stop()
        self._world.venue.close()

    @property
    def books(self) -> Books:
        """The books of this process."""
        return self.engine.state.books
