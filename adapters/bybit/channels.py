"""The two ways in which an order request travels: REST, and the venue's order stream."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tidegate.domain.reports import RejectReason
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import Rejected

from .codes import CodeClass, meaning_for_order
from .http11 import monotonic_ms
from .limits import Priority, RateLimiter
from .replies import Answered, NoAnswer, NotSent, Refused, Reply
from .rest import Call, Lane, RestClient
from .session import orders_counted
from .streams.trade import TradeAnswer, TradeNotSent, TradeOutcome, TradeSocket, TradeUnknown
from .wire.envelope import limit_headers

__all__ = ["Act", "OrderChannel", "RestChannel", "StreamChannel", "note_refusals", "room_for"]


class Act(enum.Enum):
    """What is done to an order; the value is the stream's name of it."""

    CREATE = "order.create"
    AMEND = "order.amend"
    CANCEL = "order.cancel"
    CREATE_BATCH = "order.create-batch"
    AMEND_BATCH = "order.amend-batch"
    CANCEL_BATCH = "order.cancel-batch"


_CALLS = MappingProxyType(
    {
        Act.CREATE: Call.PLACE,
        Act.AMEND: Call.AMEND,
        Act.CANCEL: Call.CANCEL,
        Act.CREATE_BATCH: Call.PLACE_BATCH,
        Act.AMEND_BATCH: Call.AMEND_BATCH,
        Act.CANCEL_BATCH: Call.CANCEL_BATCH,
    }
)
_PATHS = MappingProxyType(
    {
        Act.CREATE: "/v5/order/create",
        Act.AMEND: "/v5/order/amend",
        Act.CANCEL: "/v5/order/cancel",
        Act.CREATE_BATCH: "/v5/order/create-batch",
        Act.AMEND_BATCH: "/v5/order/amend-batch",
        Act.CANCEL_BATCH: "/v5/order/cancel-batch",
    }
)
_PRIORITIES = MappingProxyType({Lane.SAFETY: Priority.SAFETY})


def room_for(limiter: RateLimiter, act: Act, lane: Lane) -> int:
    """Return how many orders one batch may hold without one being refused for the rate limit.

    The account's own limit is known from the first answer on.
    """
    return limiter.room(_PATHS[act], priority=_PRIORITIES.get(lane, Priority.NORMAL))


def note_refusals(
    limiter: RateLimiter, act: Act, reply: Reply, outcomes: Sequence[Outcome]
) -> None:
    """Take from a batch's answer that orders in it were refused for the rate limit."""
    is_rate = any(
        isinstance(outcome, Rejected) and outcome.reason is RejectReason.RATE_LIMITED
        for outcome in outcomes
    )
    if is_rate and isinstance(reply, Answered):
        limiter.exhausted(_PATHS[act], reply.limits, venue_ms=reply.time_ms)


class OrderChannel(ABC):
    """Carries one order request and says what came of it. Any thread may call."""

    @abstractmethod
    def send(self, act: Act, body: Mapping[str, object], *, lane: Lane) -> Reply:
        """Send one request."""


class RestChannel(OrderChannel):
    """Orders over REST."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def send(self, act: Act, body: Mapping[str, object], *, lane: Lane) -> Reply:
        """See :meth:`OrderChannel.send`."""
        return self._rest.change(_CALLS[act], body, lane=lane)


class StreamChannel(OrderChannel):
    """Entries over the venue's stream, and over REST whenever nothing was sent that way.

    What protects goes over REST always: a socket whose other end is gone takes frames in silence,
    and a close must not be what finds that out. ``socket`` returns the door, ``None`` while there
    is none. Both ways share the account's limits.
    """

    def __init__(
        self,
        rest: RestClient,
        socket: Callable[[], TradeSocket | None],
        *,
        answer_wait_ms: int,
        rate_wait_ms: int,
    ) -> None:
        self._rest = rest
        self._socket = socket
        self._answer_wait_ms = answer_wait_ms
        self._rate_wait_ms = rate_wait_ms
        self._fallback = RestChannel(rest)

    def send(self, act: Act, body: Mapping[str, object], *, lane: Lane) -> Reply:
        """See :meth:`OrderChannel.send`."""
        socket = None if lane is Lane.SAFETY else self._socket()
        if socket is None or not socket.is_up:
            return self._fallback.send(act, body, lane=lane)
        deadline_ms = monotonic_ms() + self._rate_wait_ms
        path = _PATHS[act]
        count = orders_counted(body)
        wait = self._rest.limiter.acquire(
            path, priority=Priority.NORMAL, deadline_ms=deadline_ms, count=count
        )
        if wait is not None:
            cause = f"the rate limit of {path} leaves no room for another {wait.ms} ms"
            return NotSent(cause=cause, is_rate=True)
        try:
            outcome = socket.send(act.value, body, deadline_ms=self._answer_wait_ms)
        finally:
            self._rest.limiter.answered(path, count=count)
        reply = self._reply(outcome, path)
        if isinstance(reply, NotSent) or _was_not_taken(reply):
            return self._fallback.send(act, body, lane=lane)
        return reply

    def _reply(self, outcome: TradeOutcome, path: str) -> Reply:
        clock = self._rest.clock
        match outcome:
            case TradeNotSent(cause=cause):
                return NotSent(cause=cause)
            case TradeUnknown(sent_ms=sent_ms, cause=cause):
                return NoAnswer(cause=cause, sent_ms=sent_ms - clock.offset_ms)
            case TradeAnswer():
                return self._answer(outcome, path)

    def _answer(self, answer: TradeAnswer, path: str) -> Answered | Refused:
        clock = self._rest.clock
        headers = {name.lower(): text for name, text in answer.headers.items()}
        limits, time_ms = limit_headers(headers), clock.now_ms()
        self._rest.limiter.note(path, limits, venue_ms=time_ms)
        if answer.code == 0:
            return Answered(
                result=answer.result,
                ext=answer.extra,
                time_ms=time_ms,
                sent_ms=clock.local_ms(),
                limits=limits,
            )
        if meaning_for_order(answer.code, answer.message).kind is CodeClass.RATE:
            self._rest.limiter.exhausted(path, limits, venue_ms=time_ms)
        return Refused(
            code=answer.code,
            message=self._rest.blotted(answer.message),
            result=answer.result,
            ext=answer.extra,
            time_ms=time_ms,
            sent_ms=clock.local_ms(),
            limits=limits,
        )


_NOT_TAKEN = frozenset({10019, 10003})
"""The service restarts, or the account has too many streams: nothing was looked at."""


def _was_not_taken(reply: Reply) -> bool:
    """Tell whether the stream refused before looking, for a reason that REST does not share.

    After a refused time stamp REST measures the clock and repeats by itself.
    """
    if not isinstance(reply, Refused):
        return False
    is_clock = meaning_for_order(reply.code, reply.message).kind is CodeClass.CLOCK
    return is_clock or reply.code in _NOT_TAKEN
