"""One request from its text to a :data:`Reply`: limits, time stamp, signature, exchange, answer."""

import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import attrs
import orjson

from .clock import ServerClock
from .codes import CodeClass, meaning_for_order
from .http11 import HttpAnswer, monotonic_ms
from .limits import Priority, RateLimiter
from .pool import Broken, ConnectionPool, Unsent
from .replies import Answered, BadStatus, NoAnswer, NotSent, Refused, Reply
from .wire.envelope import Envelope, envelope, limit_headers
from .wire.fields import Unreadable

__all__ = ["Sender", "SenderConfig", "Signature"]

Signature = Callable[[str, int], str]
"""Turns a payload and a time stamp into the header lines that authenticate it."""

_OK = 200
_BANNED = 403
_OVERLOADED = 429
_NOT_EXECUTED = frozenset({400, 401, 403, 404, 405, 413, 414, 429})
"""Statuses of the venue's front door; any other one may come after an execution."""

_TIME_TARGET = "/v5/market/time"
_TEXT_SHOWN_MAX = 200
_TEXT_READ_MAX = 8_192


def _above_zero(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} is {value}; accepted: a whole number above zero")


@attrs.frozen(kw_only=True)
class SenderConfig:
    """Bounds of one kind of requests, in milliseconds.

    ``answer_wait_ms`` bounds a whole exchange, from waiting for a connection to the last byte.
    ``rate_wait_ms`` bounds the wait for room below the rate limit. Connections that idled for
    ``idle_ms_max`` are not used again.
    """

    connect_wait_ms: int = attrs.field(default=3_000, validator=_above_zero)
    answer_wait_ms: int = attrs.field(default=5_000, validator=_above_zero)
    rate_wait_ms: int = attrs.field(default=2_000, validator=_above_zero)
    connections_max: int = attrs.field(default=8, validator=_above_zero)
    idle_ms_max: int = attrs.field(default=25_000, validator=_above_zero)


@attrs.frozen(kw_only=True)
class _Request:
    method: str
    target: str
    payload: str
    signature: Signature | None
    count: int = 1

    @property
    def is_query(self) -> bool:
        return self.method == "GET"


class Sender:
    """Sends requests of one priority to one host. Any thread may call.

    Something is sent twice in three cases only, each of which is certain to be safe: the venue
    refused the time stamp (not executed; stamped anew, once), a query was refused for its rate, or
    a query's kept connection turned out to be dead.

    ``blotted`` takes out of the venue's texts what must not be shown.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: ServerClock,
        limiter: RateLimiter,
        priority: Priority,
        config: SenderConfig,
        tls: ssl.SSLContext | None = None,
        blotted: Callable[[str], str] = str,
    ) -> None:
        self._blotted = blotted
        self._clock = clock
        self._limiter = limiter
        self._priority = priority
        self._config = config
        self._pool = ConnectionPool(
            url,
            size_max=config.connections_max,
            connect_timeout_ms=config.connect_wait_ms,
            idle_ms_max=config.idle_ms_max,
            tls=tls,
        )
        self._host_lines = f"Host: {urlsplit(url).netloc}\r\nAccept: application/json\r\n"

    @property
    def host(self) -> str:
        """The host name, for texts."""
        return self._pool.host

    def close(self) -> None:
        """Close every connection; calls under way end without an answer."""
        self._pool.close()

    def send(
        self,
        method: str,
        target: str,
        payload: str,
        signature: Signature | None,
        *,
        count: int = 1,
    ) -> Reply:
        """Send one request and say what came of it. ``payload`` is the query or the body.

        ``count`` is how many the venue's limit counts for it: one for each order of a batch.
        """
        request = _Request(
            method=method, target=target, payload=payload, signature=signature, count=count
        )
        end_ms = monotonic_ms() + self._config.rate_wait_ms
        reply = self._limited(request)
        if _is_refused(reply, CodeClass.CLOCK) and signature is not None:
            self._limited(_Request(method="GET", target=_TIME_TARGET, payload="", signature=None))
            reply = self._limited(request)
        # Others may use the account: whoever asks next takes the room that this one waited for.
        while request.is_query and _is_refused(reply, CodeClass.RATE) and monotonic_ms() < end_ms:
            reply = self._limited(request)
        return reply

    def _limited(self, request: _Request) -> Reply:
        deadline_ms = monotonic_ms() + self._config.rate_wait_ms
        path = request.target
        wait = self._limiter.acquire(
            path, priority=self._priority, deadline_ms=deadline_ms, count=request.count
        )
        if wait is not None:
            cause = f"the rate limit of {path} leaves no room for another {wait.ms} ms"
            return NotSent(cause=cause, is_rate=True)
        try:
            reply = self._once(request)
        finally:
            self._limiter.answered(path, count=request.count)
        self._learn(path, reply)
        return reply

    def _learn(self, path: str, reply: Reply) -> None:
        match reply:
            case BadStatus(status=status) if status == _BANNED:
                self._limiter.freeze()
            case BadStatus(status=status) if status == _OVERLOADED:
                self._limiter.exhausted(path, None, venue_ms=reply.time_ms)
            case Refused():
                self._limiter.note(path, reply.limits, venue_ms=reply.time_ms)
                if _is_refused(reply, CodeClass.RATE):
                    self._limiter.exhausted(path, reply.limits, venue_ms=reply.time_ms)
            case Answered() | BadStatus():
                self._limiter.note(path, reply.limits, venue_ms=reply.time_ms)
            case NoAnswer() | NotSent():
                return

    def _once(self, request: _Request) -> Reply:
        sent_ms = self._clock.local_ms()

        def stamped() -> bytes:
            nonlocal sent_ms
            sent_ms = self._clock.local_ms()
            return self._text_of(request)

        outcome = self._pool.exchange(
            stamped,
            deadline_ms=monotonic_ms() + self._config.answer_wait_ms,
            may_repeat=request.is_query,
        )
        match outcome:
            case Unsent(cause):
                return NotSent(cause=cause)
            case Broken(cause):
                return NoAnswer(cause=cause, sent_ms=sent_ms)
            case HttpAnswer():
                return self._reply(outcome, sent_ms)

    def _text_of(self, request: _Request) -> bytes:
        target, body = request.target, b""
        if request.is_query and request.payload:
            target = f"{target}?{request.payload}"
        head = f"{request.method} {target} HTTP/1.1\r\n{self._host_lines}"
        if request.signature is not None:
            head += request.signature(request.payload, self._clock.now_ms())
        if not request.is_query:
            body = request.payload.encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body

    def _reply(self, answer: HttpAnswer, sent_ms: int) -> Reply:
        if answer.status in _NOT_EXECUTED:
            return BadStatus(
                status=answer.status,
                text=self._shown(answer.body),
                time_ms=self._clock.now_ms(),
                sent_ms=sent_ms,
                limits=limit_headers(answer.headers),
            )
        if answer.status != _OK:
            return NoAnswer(cause=f"HTTP status {answer.status}", sent_ms=sent_ms)
        try:
            found = envelope(orjson.loads(answer.body))
        except (orjson.JSONDecodeError, Unreadable) as error:
            cause = f"an answer that cannot be read ({type(error).__name__})"
            return NoAnswer(cause=cause, sent_ms=sent_ms)
        if found.time_ms is not None:
            self._clock.note(found.time_ms, sent_ms=sent_ms, received_ms=self._clock.local_ms())
        return self._of_envelope(found, answer, sent_ms)

    def _shown(self, body: bytes) -> str:
        """Return the beginning of a body; it is cut last, so that no part of a key is left."""
        text = body[:_TEXT_READ_MAX].decode("utf-8", "replace")
        return self._blotted(text)[:_TEXT_SHOWN_MAX]

    def _of_envelope(self, found: Envelope, answer: HttpAnswer, sent_ms: int) -> Reply:
        limits = limit_headers(answer.headers)
        time_ms = self._clock.now_ms() if found.time_ms is None else found.time_ms
        if found.code == 0:
            return Answered(
                result=found.result, ext=found.ext, time_ms=time_ms, sent_ms=sent_ms, limits=limits
            )
        return Refused(
            code=found.code,
            message=self._blotted(found.message),
            result=found.result,
            ext=found.ext,
            time_ms=time_ms,
            sent_ms=sent_ms,
            limits=limits,
        )


def _is_refused(reply: Reply, kind: CodeClass) -> bool:
    if not isinstance(reply, Refused):
        return False
    return meaning_for_order(reply.code, reply.message).kind is kind
