"""Delivery of messages to the sink, with scripted delay, loss, duplication and reordering."""

import attrs
from tidegate.domain.reports import StreamReport, StreamState, Ticker, VenueMessage
from tidegate.ports.exchange import MessageSink

from .options import ScriptError

__all__ = ["Delivery", "MessageKind"]

MessageKind = type[VenueMessage]


@attrs.frozen
class _Plan:
    kind: MessageKind | None
    copies: int

    def suits(self, message: VenueMessage) -> bool:
        if self.kind is None:
            return not isinstance(message, Ticker | StreamReport)
        return isinstance(message, self.kind)


@attrs.define
class Delivery:
    """The stream from the venue to one sink."""

    _sink: MessageSink | None = None
    _is_up: bool = True
    _held: list[VenueMessage] | None = None
    _plans: list[_Plan] = attrs.field(factory=list)

    def connect(self, sink: MessageSink, time_ms: int) -> None:
        """Deliver to ``sink`` from now on and tell it the stream's state."""
        self._sink = sink
        state = StreamState.UP if self._is_up else StreamState.DOWN
        sink(StreamReport(state=state, time_ms=time_ms))

    def close(self) -> None:
        """Deliver nothing more; what is held is lost."""
        self._sink = None
        if self._held is not None:
            self._held.clear()

    def send(self, message: VenueMessage) -> None:
        """Deliver, hold, repeat or lose one message, as the script says."""
        for _ in range(self._copies(message)):
            if not self._is_up:
                return
            if self._held is not None:
                self._held.append(message)
            elif self._sink is not None:
                self._sink(message)

    def _copies(self, message: VenueMessage) -> int:
        for plan in self._plans:
            if plan.suits(message):
                self._plans.remove(plan)
                return plan.copies
        return 1

    def plan(self, *, kind: MessageKind | None, copies: int) -> None:
        """Deliver the next message of ``kind`` so often; without a kind, the next private one."""
        self._plans.append(_Plan(kind, copies))

    def hold(self) -> None:
        """Keep messages back until they are released."""
        if self._held is None:
            self._held = []

    def reverse(self) -> None:
        """Turn the order of the messages that are held around.

        Raises:
            ScriptError: when messages are not being held.

        """
        if self._held is None:
            raise ScriptError("nothing is held back: call delay_messages() before reorder()")
        self._held.reverse()

    def release(self) -> int:
        """Deliver what is held, and everything later at once; return how many were held."""
        held, self._held = self._held or [], None
        if self._sink is not None:
            for message in held:
                self._sink(message)
        return len(held)

    def disconnect(self, time_ms: int) -> None:
        """Take the stream down: messages, held ones included, are lost until it is up again."""
        if self._held is not None:
            self._held.clear()
        self._turn(StreamState.DOWN, time_ms)

    def reconnect(self, time_ms: int) -> None:
        """Bring the stream up; nothing that was missed is repeated."""
        self._turn(StreamState.UP, time_ms)

    def _turn(self, state: StreamState, time_ms: int) -> None:
        is_up = state is StreamState.UP
        if is_up is self._is_up:
            return
        self._is_up = is_up
        if self._sink is not None:
            self._sink(StreamReport(state=state, time_ms=time_ms))
