"""The way between desk and venue: calls that are lost or late, messages that come as they like."""

from collections.abc import Callable
from typing import TypeVar

from tidegate.domain.reports import StreamReport, Ticker, VenueMessage
from tidegate.ports.exchange import QueryFailed

from .names import Boundary, Counts, Fault
from .plan import CallDraw, MessageDraw, Plan
from .timeline import Timeline

__all__ = ["CLOCK_LEAD_MS", "FINAL_MS", "HISTORY_LAG_MS", "RECEIVE_WINDOW_MS", "Network"]

RECEIVE_WINDOW_MS = 1_500
CLOCK_LEAD_MS = 500
HISTORY_LAG_MS = 300
FINAL_MS = RECEIVE_WINDOW_MS + CLOCK_LEAD_MS + HISTORY_LAG_MS
"""After how long an order that no query knows is proven never to have arrived."""
NESTED_MAX = 3
REORDERED_MS = 60
START_WAY_MS_MAX = 8
"""A start asks for much; its ways are short, so that the script meets a desk that trades."""
T = TypeVar("T")


class Network:
    """Decides what each call and message meets, by its number on the plan's tape.

    While ``is_starting`` a call blocks: the world goes on until it is back. ``is_calm`` ends every
    trouble. ``wait_ms`` is how much longer than usual the last request had no answer,
    ``lag_ms`` how far the history was behind at the last query, ``skew_ms``
    how far the desk's clock is ahead of the venue's. ``told`` is shown each message that arrives.
    """

    def __init__(
        self, plan: Plan, timeline: Timeline, counts: Counts, reach: Callable[[Boundary], None]
    ) -> None:
        self._plan = plan
        self._timeline = timeline
        self._counts = counts
        self._reach = reach
        self._calls = 0
        self._messages = 0
        self._nested = 0
        self._connection = 0
        self._last_ms = 0
        self._sink: Callable[[VenueMessage], None] | None = None
        self.told: Callable[[VenueMessage], None] = lambda _: None
        self.is_starting = False
        self.is_calm = False
        self.down_until_ms = 0
        self.wait_ms = 0
        self.lag_ms = 0
        self.skew_ms = 0

    # Calls

    def draw(self) -> CallDraw:
        """Return what the next call meets."""
        self._calls += 1
        self._counts.requests += 1
        return self._plan.calls[self._calls % len(self._plan.calls)]

    def fault_of(self, call: CallDraw, *, is_query: bool) -> Fault | None:
        """Return what goes wrong with a call of this kind, ``None`` for nothing."""
        if self.is_calm:
            return None
        if self._timeline.now_ms < self.down_until_ms:
            return Fault.QUERY_FAILED if is_query else Fault.REQUEST_LOST
        is_of_query = call.fault is Fault.QUERY_FAILED
        return call.fault if is_query is is_of_query else None

    def count(self, fault: Fault) -> None:
        """Count something that went wrong."""
        self._counts.faults[fault.name] += 1

    def ask(self, name: str, read: Callable[[], T]) -> T:
        """Let a query travel there and back.

        Raises:
            QueryFailed: it has no answer.

        """
        call = self.draw()
        if self.is_starting:
            self._reach(Boundary.RECOVERY_BEFORE_QUERY)
            self._pass(min(call.out_ms, START_WAY_MS_MAX))
        elif call.gap_ms:
            self._pass(call.gap_ms)
        if self.fault_of(call, is_query=True) is not None:
            self.count(Fault.QUERY_FAILED)
            raise QueryFailed(f"{name}: no answer from the venue (simulated)")
        self.lag_ms = 0 if self.is_calm else call.lag_ms
        answer = read()
        if self.is_starting:
            self._pass(min(call.back_ms, START_WAY_MS_MAX))
            self._reach(Boundary.RECOVERY_AFTER_QUERY)
        return answer

    def send(self, act: Callable[[CallDraw], T]) -> T:
        """Let a request travel there and back; ``act`` does at the venue what is left of it."""
        call = self.draw()
        if self.is_starting:
            self._reach(Boundary.RECOVERY_BEFORE_REQUEST)
            self._pass(call.out_ms)
        answer = act(call)
        if self.is_starting:
            self._reach(Boundary.RECOVERY_AFTER_REQUEST)
            self._pass(call.back_ms + self.take_wait())
        return answer

    def orphaned(self, act: Callable[[], object]) -> None:
        """Let a request of a process that is gone take effect: it blocks nobody."""
        was_starting, self.is_starting = self.is_starting, False
        try:
            act()
        finally:
            self.is_starting = was_starting
            self.wait_ms = 0

    def is_in_time(self, call: CallDraw) -> bool:
        """Tell whether a late request arrives within its receive window, by the desk's stamp."""
        return call.out_ms + call.late_ms <= RECEIVE_WINDOW_MS + self.skew_ms

    def take_wait(self) -> int:
        """Return how much longer the last request had no answer, once."""
        waited, self.wait_ms = self.wait_ms, 0
        return waited

    def _pass(self, ms: int) -> None:
        """Let the world go on while a call is under way."""
        if self._nested >= NESTED_MAX:
            return
        self._nested += 1
        try:
            self._timeline.run_until(self._timeline.now_ms + ms)
        finally:
            self._nested -= 1

    # Messages

    def connect(self, sink: Callable[[VenueMessage], None]) -> Callable[[VenueMessage], None]:
        """Open a stream to a process; returns what the venue delivers to."""
        self._connection += 1
        self._last_ms = 0
        self._sink = sink
        return self._push

    def disconnect(self) -> None:
        """End the stream with its process: what is under way reaches nobody."""
        self._connection += 1
        self._sink = None

    def cut(self) -> None:
        """Lose every message that is under way."""
        self._connection += 1
        self.count(Fault.STREAM_CUT)

    def _push(self, message: VenueMessage) -> None:
        self._messages += 1
        drawn = self._plan.messages[self._messages % len(self._plan.messages)]
        fault = self._message_fault(drawn, message)
        now_ms = self._timeline.now_ms
        if fault is Fault.UPDATE_DROPPED:
            self.count(fault)
            return
        if fault is Fault.UPDATE_REORDERED:
            self.count(fault)
            self._deliver_at(now_ms + drawn.delay_ms + REORDERED_MS, message)
            return
        self._last_ms = max(self._last_ms, now_ms + drawn.delay_ms)
        self._deliver_at(self._last_ms, message)
        if fault is Fault.UPDATE_DUPLICATED:
            self.count(fault)
            self._deliver_at(self._last_ms + drawn.delay_ms, message)

    def _message_fault(self, drawn: MessageDraw, message: VenueMessage) -> Fault | None:
        if self.is_calm or isinstance(message, StreamReport | Ticker):
            return None
        return drawn.fault

    def _deliver_at(self, time_ms: int, message: VenueMessage) -> None:
        connection = self._connection

        def deliver() -> None:
            # A stream that was cut takes along what was under way.
            if self._connection == connection and self._sink is not None:
                self.told(message)
                self._sink(message)

        self._timeline.at(time_ms, deliver)
