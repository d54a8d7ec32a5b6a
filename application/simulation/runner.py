"""The writer and its lanes in virtual time: requests of several lanes are under way at once.

The order of things is that of the threads: an input is decided on, journaled, and its effects go
into their lanes; a lane takes what may go together, asks whether it is still wanted, sends, and
brings back the answer, while the writer takes in whatever comes meanwhile.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import attrs
from tidegate.application.batching import perform_all
from tidegate.application.engine import Engine
from tidegate.application.inline_runner import Runner
from tidegate.application.lane_book import LANES, LaneBook
from tidegate.application.objections import objection_to
from tidegate.application.withholding import withheld
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    Place,
    SetLeverage,
    SetProtection,
    SetStop,
)
from tidegate.domain.core.inputs import Input, PlaceUnknown, TimePassed
from tidegate.domain.core.step import deadline_ms
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    StreamReport,
    Ticker,
    UnreadableReport,
)
from tidegate.ports.clock import ClockPort
from tidegate.ports.state import StateError

from .names import Boundary, Killed
from .network import Network
from .timeline import Timeline
from .venue import SimulatedVenue

__all__ = ["Host", "SimulatedRunner"]

_REQUESTS = (Place, Cancel, AmendOrder, SetLeverage, SetStop, SetProtection, ApplySetting)
_UPDATES = (
    OrderReport,
    Execution,
    FundingPayment,
    PositionReport,
    AccountReport,
    StreamReport,
    UnreadableReport,
)
WAKE_MS = 1
BATCH_MAX = 100


@attrs.frozen(kw_only=True)
class Host:
    """What a runner works in.

    ``reach`` may end the process at a boundary, ``sending`` judges what leaves, ``took`` looks at
    the state after an input, ``failed`` is told that the writer stopped on its journal.
    """

    timeline: Timeline
    network: Network
    reach: Callable[[Boundary], None]
    sending: Callable[[Sequence[Effect]], None]
    took: Callable[[], None]
    failed: Callable[[StateError], None]


@attrs.frozen
class _Frozen(ClockPort):
    """The time at which a lane sent its request: an answer says nothing of later."""

    time_ms: int

    def now_ms(self) -> int:
        return self.time_ms


class SimulatedRunner(Runner):
    """One writer with its lanes, until its process ends."""

    def __init__(self, engine: Engine, venue: SimulatedVenue, host: Host) -> None:
        super().__init__(engine, venue)
        self._host = host
        self._inbox: deque[Input] = deque()
        self._book = LaneBook(self._objection, batch_size_max=venue.capabilities.batch_size_max)
        self._busy: set[str] = set()
        self._is_running = False
        self._is_handling = False
        self._is_over = False
        self._timer_ms: int | None = None
        self._served_due_ms: int | None = None

    # The writer

    def deliver(self, item: Input) -> None:
        """See :meth:`Runner.deliver`; it is taken in at once, unless another one is just now."""
        if self._is_over:
            return
        self._inbox.append(item)
        self._drain()

    def wait(self, is_done: Callable[[], bool], *, timeout_ms: int) -> bool:
        """See :meth:`Runner.wait`; nobody waits here: what comes of a call is seen in the books."""
        del timeout_ms
        return is_done()

    @property
    def batch_max(self) -> int:
        """See :attr:`Runner.batch_max`."""
        return BATCH_MAX

    def elapsed_ms(self) -> int:
        """See :meth:`Runner.elapsed_ms`."""
        return self._host.timeline.now_ms

    def start(self) -> None:
        """Begin to take inputs."""
        self._is_running = True
        self._drain()
        self._set_timer()

    def stop(self) -> None:
        """End with the process: nothing is taken in any more, and no answer reaches anybody."""
        self._is_over = True

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is under way and nothing waits."""
        return self._book.is_idle and not self._inbox

    def _drain(self) -> None:
        if self._is_handling or not self._is_running:
            return
        self._is_handling = True
        try:
            while self._inbox and not self._is_over:
                self._handle(self._inbox.popleft())
        except StateError as error:
            self._is_over = True
            self._host.failed(error)
            return
        finally:
            self._is_handling = False
        self._set_timer()

    def _handle(self, item: Input) -> None:
        boundary = _boundary_of(item)
        if boundary is not None:
            self._host.reach(boundary)
        for effect in self.engine.handle(item):
            if not self._book.submit(effect):
                self._inbox.extend(withheld(effect, "its lane is full: it was not sent"))
        self._host.took()
        for lane in LANES:
            if lane not in self._busy and self._book.waiting(lane):
                self._busy.add(lane)
                self._host.timeline.after(WAKE_MS, partial(self._send, lane))

    def _set_timer(self) -> None:
        """Have the core look at its next deadline; one that is served and stays is tried later."""
        if self._is_over or not self._is_running:
            return
        now_ms = self.engine.clock.now_ms()
        due_ms = deadline_ms(self.engine.state, self.engine.config, now_ms)
        if due_ms is None:
            return
        if due_ms <= now_ms and due_ms == self._served_due_ms:
            due_ms = now_ms + max(1, self.engine.config.close_retry_ms)
        at_ms = self._host.timeline.now_ms + max(0, due_ms - now_ms)
        if self._timer_ms is None or at_ms < self._timer_ms:
            self._timer_ms = at_ms
            self._host.timeline.at(at_ms, partial(self._look, at_ms))

    def _look(self, at_ms: int) -> None:
        if self._is_over or self._timer_ms != at_ms:
            return
        self._timer_ms = None
        now_ms = self.engine.clock.now_ms()
        due_ms = deadline_ms(self.engine.state, self.engine.config, now_ms)
        if due_ms is not None and due_ms <= now_ms:
            self._served_due_ms = due_ms
            self._inbox.appendleft(TimePassed())
            self._drain()
        self._set_timer()

    # The lanes

    def _objection(self, effect: Effect) -> str | None:
        return objection_to(
            effect,
            self.state,
            self.engine.config,
            self.port,
            now_ms=self.engine.clock.now_ms(),
            has_failed=self._is_over,
        )

    def _send(self, lane: str) -> None:
        """Let a lane take what may go together, and send what is still wanted of it."""
        if self._is_over:
            return
        effects = self._book.take(lane)
        leaving = []
        for effect in effects:
            staying = self._book.staying(effect)
            if staying is None:
                leaving.append(effect)
            else:
                self._inbox.extend(staying)
        call = self._host.network.draw()
        if leaving:
            requests = tuple(effect for effect in leaving if isinstance(effect, _REQUESTS))
            if requests:
                self._host.reach(Boundary.BEFORE_SEND)
                self._host.sending(requests)
            way = partial(
                self._arrive, lane, effects, tuple(leaving), self.engine.clock.now_ms(), requests
            )
            self._host.timeline.after(call.out_ms, partial(way, call.back_ms))
        else:
            self._answered(lane, effects, ())
        self._drain()

    def _arrive(
        self,
        lane: str,
        effects: tuple[Effect, ...],
        leaving: tuple[Effect, ...],
        sent_ms: int,
        requests: tuple[Effect, ...],
        back_ms: int,
    ) -> None:
        """Let a request take effect at the venue; that of a process that is gone as well."""
        if self._is_over:
            orphan = partial(perform_all, requests, self.port, _Frozen(sent_ms))
            self._host.network.orphaned(orphan)
            return
        if requests:
            try:
                self._host.reach(Boundary.ON_THE_WAY)
            except Killed:
                orphan = partial(perform_all, requests, self.port, _Frozen(sent_ms))
                orphaned = partial(self._host.network.orphaned, orphan)
                self._host.timeline.after(back_ms, orphaned)
                raise
        answers = perform_all(leaving, self.port, _Frozen(sent_ms))
        waited_ms = self._host.network.take_wait()
        if requests and not self._is_over:
            self._host.reach(Boundary.AFTER_EFFECT)
        results = tuple(_as_sent(answer, sent_ms) for answer in answers)
        answered = partial(self._answered, lane, effects, results)
        self._host.timeline.after(back_ms + waited_ms, answered)

    def _answered(self, lane: str, effects: tuple[Effect, ...], results: tuple[Input, ...]) -> None:
        """Take in what a lane brought back, and let it go on."""
        if self._is_over:
            return
        self._book.finished(effects)
        self._busy.discard(lane)
        self._inbox.extend(results)
        if self._book.waiting(lane):
            self._busy.add(lane)
            self._host.timeline.after(0, partial(self._send, lane))
        self._drain()


def _as_sent(answer: Input, sent_ms: int) -> Input:
    """Date an outcome that is not known from when its request left, by the desk's own clock."""
    if isinstance(answer, PlaceUnknown):
        return attrs.evolve(answer, sent_ms=sent_ms)
    return answer


def _boundary_of(item: Input) -> Boundary | None:
    if isinstance(item, TimePassed):
        return Boundary.BEFORE_TIMER
    if isinstance(item, Ticker):
        return None
    return Boundary.BEFORE_UPDATE if isinstance(item, _UPDATES) else Boundary.BEFORE_ANSWER
