"""How messages leave: how late acknowledgements and pushes are, in which order, to whom, or not.

Stock pybit registers its callbacks after it has sent a subscription or an order, so an answer that
comes at once can be lost or can end its reader. Hence the delay of acknowledgements by default.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count

import attrs

from .accounts import PrivatePush
from .market_pushes import PublicPush
from .ws_faults import PrivateFaults
from .ws_session import Session, StreamKind, encoded
from .ws_topics import frames

__all__ = ["ACK_DELAY_MS", "TICK_MS", "Down", "PushPlan"]

ACK_DELAY_MS = 10
LOOK_AGAIN_S = 0.001
TICK_MS = 10


@attrs.frozen
class Down:
    """A stream that takes no new connection: refused with HTTP 503, or accepted and closed."""

    accepts_and_closes: bool = False


@attrs.frozen
class _Leaving:
    account_key: str
    push: PrivatePush
    delay_ms: int


@attrs.frozen(order=True)
class _Waiting:
    """A push and when it leaves, in seconds of the loop's clock; equal ones in their order."""

    due_s: float
    number: int
    leaving: _Leaving = attrs.field(order=False)


class PushPlan:
    """The open connections and the rules of what is sent to them.

    ``ack_delay_ms`` is how late acknowledgements and first snapshots of the streams are, 0 for at
    once. ``push_delay_ms`` is how late private pushes are; ``topic_delays_ms`` is added for single
    topics, and so lets them overtake each other; within one topic the order stays. ``is_ack_first``
    keeps the pushes of an order of the trade stream behind its acknowledgement.

    ``book_interval_ms`` gathers the changes of books and tells them that often; 0 tells each at
    once. ``best_repeat_ms`` sends level 1 again after so long without a change, as the venue does
    after 3,000; 0 never does. A clock of :data:`TICK_MS` serves both.
    """

    def __init__(
        self,
        *,
        ack_delay_ms: int = ACK_DELAY_MS,
        push_delay_ms: int = 0,
        book_interval_ms: int = 0,
        best_repeat_ms: int = 0,
    ) -> None:
        self.ack_delay_ms = ack_delay_ms
        self.push_delay_ms = push_delay_ms
        self.book_interval_ms = book_interval_ms
        self.best_repeat_ms = best_repeat_ms
        self.topic_delays_ms: dict[str, int] = {}
        self.is_ack_first = True
        self.auth_refusals = 0
        self.down: dict[StreamKind, Down] = {}
        self._faults: dict[str, PrivateFaults] = {}
        self._sessions: set[Session] = set()
        self._behind_ms = 0
        self._leaving: list[_Leaving] = []
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self._last_due_s: dict[tuple[str, str], float] = {}

    # Connections

    @contextmanager
    def joined(self, session: Session) -> Iterator[None]:
        """Count a connection among the open ones for as long as it lasts."""
        self._sessions.add(session)
        try:
            yield
        finally:
            self._sessions.discard(session)

    def sessions(self, kind: StreamKind, account_key: str | None = None) -> tuple[Session, ...]:
        """Return the open connections of one stream, of one account or of all."""
        return tuple(
            session
            for session in self._sessions
            if session.kind is kind and account_key in (None, session.account_key)
        )

    def close_all(self) -> None:
        """Close every connection, as a server does that shuts down."""
        for session in tuple(self._sessions):
            session.close()

    def take_auth_refusal(self) -> bool:
        """Tell whether this authentication is to be refused, and count that down."""
        if self.auth_refusals == 0:
            return False
        self.auth_refusals -= 1
        return True

    # What still waits

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing waits to be sent; what a fault holds back does not count."""
        if self._leaving or self._waiting:
            return False
        return all(session.is_quiet for session in self._sessions)

    def when_quiet(self, act: Callable[[], None]) -> None:
        """Call ``act`` as soon as nothing waits to be sent."""
        if self.is_quiet:
            act()
        else:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self.when_quiet, act)

    # Public pushes

    def is_wanted(self, topic: str) -> bool:
        """Tell whether somebody subscribed to a public topic."""
        return any(
            session.kind is StreamKind.PUBLIC and topic in session.topics
            for session in self._sessions
        )

    def tell_public(self, push: PublicPush) -> None:
        """Send a public message to those who subscribed to its topic."""
        listening = [s for s in self.sessions(StreamKind.PUBLIC) if push.topic in s.topics]
        if listening:
            text = encoded(push.frame)
            for session in listening:
                session.send_text(text)

    # Private pushes

    def faults(self, account_key: str) -> PrivateFaults:
        """Return what happens to the private pushes of one account."""
        return self._faults.setdefault(account_key, PrivateFaults())

    @contextmanager
    def behind(self, ms: int) -> Iterator[None]:
        """Hold what is pushed inside back by ``ms``: it stays behind an answer that is as late."""
        before, self._behind_ms = self._behind_ms, ms
        try:
            yield
        finally:
            self._behind_ms = before

    def collect(self, account_key: str, push: PrivatePush) -> None:
        """Take a push; it leaves once the present step of the loop is over."""
        delay_ms = self.push_delay_ms + self.topic_delays_ms.get(push.topic, 0) + self._behind_ms
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._leave)
        self._leaving.append(_Leaving(account_key, push, delay_ms))

    def _leave(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        leaving, self._leaving = self._leaving, []
        dues = {self._wait(one, now_s) for one in leaving}
        for due_s in sorted(dues):
            if due_s > now_s:
                loop.call_at(due_s, self._deliver_until, due_s)
        self._deliver_until(now_s)

    def _wait(self, one: _Leaving, now_s: float) -> float:
        """Queue a push behind all that were pushed to the same topic before."""
        topic = (one.account_key, one.push.topic)
        due_s = max(now_s + one.delay_ms / 1_000, self._last_due_s.get(topic, 0.0))
        self._last_due_s[topic] = due_s
        heappush(self._waiting, _Waiting(due_s, next(self._numbers), one))
        return due_s

    def _deliver_until(self, due_s: float) -> None:
        groups: dict[str, list[PrivatePush]] = {}
        while self._waiting and self._waiting[0].due_s <= due_s:
            one = heappop(self._waiting).leaving
            groups.setdefault(one.account_key, []).append(one.push)
        for account_key, pushes in groups.items():
            self._deliver(account_key, pushes)

    def _deliver(self, account_key: str, pushes: list[PrivatePush]) -> None:
        self._send(account_key, self.faults(account_key).apply(pushes))

    def release(self, account_key: str) -> None:
        """Send what was held back for an account, and hold nothing more."""
        self._send(account_key, self.faults(account_key).release())

    def _send(self, account_key: str, pushes: list[PrivatePush]) -> None:
        for push in pushes:
            for session in self.sessions(StreamKind.PRIVATE, account_key):
                for frame in frames(push, session.topics):
                    session.send(frame)
