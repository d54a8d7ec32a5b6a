"""Order entry over the venue's trade stream: one request, one answer, or honest ignorance.

The frame of a request is written by the I/O thread; the caller's thread waits. What was written and
not answered is unknown, whatever the cause; what was surely not written was not sent. Answers may
come in any order and are matched by the id of the request (Bybit V5, trade stream guideline).
"""

import asyncio
import enum
import itertools
import logging
import secrets
import threading
from collections.abc import Callable, Mapping

import attrs
import orjson

from .connection import Connection

__all__ = [
    "TradeAnswer",
    "TradeNotSent",
    "TradeOutcome",
    "TradeSocket",
    "TradeUnknown",
]

_LOG = logging.getLogger(__name__)
_RESTARTING = 10019
"""The service restarts: requests under way are completed, new ones are not accepted."""


@attrs.frozen(kw_only=True)
class TradeAnswer:
    """What the venue answered to this request; ``code`` 0 is accepted, which is not executed."""

    code: int
    message: str
    result: Mapping[str, object]
    extra: Mapping[str, object]
    headers: Mapping[str, str]


@attrs.frozen(kw_only=True)
class TradeUnknown:
    """The request was sent at ``sent_ms`` and may or may not have had its effect."""

    sent_ms: int
    cause: str


@attrs.frozen(kw_only=True)
class TradeNotSent:
    """Nothing left this process: the request has had no effect and may be made another way."""

    cause: str


TradeOutcome = TradeAnswer | TradeUnknown | TradeNotSent
"""``TradeAnswer``: the venue's answer, a refusal too; ``TradeUnknown``: sent, and perhaps executed;
``TradeNotSent``: nothing left this process."""


class _Stage(enum.Enum):
    QUEUED = "queued"
    WRITTEN = "written"
    WITHDRAWN = "withdrawn"


class _Pending:
    """One request under way. The lock is held until the outcome is known; waiting takes it."""

    __slots__ = ("_known", "connection", "outcome", "payload", "request_id", "sent_ms", "stage")

    def __init__(self, request_id: str, payload: bytes, sent_ms: int) -> None:
        self.request_id = request_id
        self.payload = payload
        self.sent_ms = sent_ms
        self.stage = _Stage.QUEUED
        self.connection: Connection | None = None
        self.outcome: TradeOutcome | None = None
        self._known = threading.Lock()
        self._known.acquire()

    def settle(self, outcome: TradeOutcome) -> None:
        """Set the outcome; called once, by whoever took the request out of those that wait."""
        assert self.outcome is None, "a request has one outcome"
        self.outcome = outcome
        self._known.release()

    def wait(self, wait_ms: int) -> TradeOutcome | None:
        """Wait for the outcome; ``None`` when it is not known in time."""
        self._known.acquire(timeout=max(0, wait_ms) / 1000)
        return self.outcome

    def unknown(self, cause: str) -> TradeUnknown:
        """Return that nobody can tell."""
        return TradeUnknown(sent_ms=self.sent_ms, cause=cause)


class TradeSocket:
    """Sends order requests from any thread but the I/O thread itself.

    ``soon`` runs an act on the I/O thread and says whether it will run.
    """

    def __init__(
        self,
        *,
        soon: Callable[[Callable[[], object]], bool],
        now_ms: Callable[[], int],
        recv_window_ms: int,
        drain_ms: int,
        pending_max: int,
    ) -> None:
        self._soon = soon
        self._now_ms = now_ms
        self._recv_window = str(recv_window_ms)
        self._drain_s = drain_ms / 1000
        self._pending_max = pending_max
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._connection: Connection | None = None
        self._draining: Connection | None = None
        self._io_thread: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether a request made now would be sent."""
        return self._connection is not None

    @property
    def pending_count(self) -> int:
        """How many requests wait for an answer."""
        return len(self._pending)

    def send(self, op: str, args: Mapping[str, object], *, deadline_ms: int) -> TradeOutcome:
        """Send one request and wait for its answer, at most ``deadline_ms`` from now.

        When none came in time the connection is closed at once: the venue answers within moments,
        and a socket whose other end is gone would take more requests in silence.

        ``op`` is the venue's name of the act, such as ``order.create``; ``args`` is the body that
        the REST route of the same act takes, category included.

        Raises:
            RuntimeError: called on the I/O thread, which has to read the answer.

        """
        if threading.get_ident() == self._io_thread:
            raise RuntimeError("the I/O thread cannot wait for an answer that it has to read")
        if self._connection is None:
            return TradeNotSent(cause="the trade stream is not up")
        pending = self._registered(op, args)
        if isinstance(pending, TradeNotSent):
            return pending
        if not self._soon(lambda: self._write(pending)):
            return self._given_up(pending, "the streams are closed")
        outcome = pending.wait(deadline_ms)
        if outcome is not None:
            return outcome
        return self._given_up(pending, f"no answer within {deadline_ms} ms")

    def _registered(self, op: str, args: Mapping[str, object]) -> _Pending | TradeNotSent:
        sent_ms = self._now_ms()
        request_id = f"{self._prefix}-{next(self._numbers)}"
        header = {"X-BAPI-TIMESTAMP": str(sent_ms), "X-BAPI-RECV-WINDOW": self._recv_window}
        payload = orjson.dumps({"reqId": request_id, "header": header, "op": op, "args": [args]})
        pending = _Pending(request_id, payload, sent_ms)
        with self._lock:
            if len(self._pending) >= self._pending_max:
                cause = f"{self._pending_max} requests wait for an answer already"
                return TradeNotSent(cause=cause)
            self._pending[request_id] = pending
        return pending

    def _given_up(self, pending: _Pending, cause: str) -> TradeOutcome:
        """Stop waiting; a frame that was not written yet will never be."""
        with self._lock:
            self._pending.pop(pending.request_id, None)
            if pending.outcome is not None:
                return pending.outcome
            if pending.stage is not _Stage.WRITTEN:
                pending.stage = _Stage.WITHDRAWN
                return TradeNotSent(cause=cause)
            written_to = pending.connection
            if written_to is self._connection:
                self._connection = None
        if written_to is not None:
            self._soon(lambda: written_to.close(f"a request got {cause}"))
        return pending.unknown(cause)

    # -- on the I/O thread -------------------------------------------------------------------------

    def went_up(self, connection: Connection) -> None:
        """Take a connection that is authenticated."""
        self._io_thread = threading.get_ident()
        with self._lock:
            self._connection = connection

    def went_down(self, cause: str) -> None:
        """Let go of the connection: what was written and not answered is unknown."""
        with self._lock:
            self._connection = self._draining = None
            lost = [one for one in self._pending.values() if one.stage is _Stage.WRITTEN]
            for pending in lost:
                del self._pending[pending.request_id]
                pending.settle(pending.unknown(cause))

    def take(self, message: Mapping[str, object]) -> None:
        """Take one answer; one that nothing waits for is left out."""
        if message.get("retCode") == _RESTARTING:
            self._drain()
        with self._lock:
            pending = self._pending.pop(str(message.get("reqId")), None)
            if pending is None:
                _LOG.info("an answer to nothing that waits: %.200s", message)
                return
            pending.settle(_answer(message, pending))
        if self._draining is not None and not self._pending:
            self._draining.close("the venue's trade service restarts")

    def _write(self, pending: _Pending) -> None:
        connection = self._connection
        with self._lock:
            if pending.stage is _Stage.WITHDRAWN:
                return
            # Written is noted first: an error half way leaves the request unknown, never unsent.
            pending.stage, pending.connection = _Stage.WRITTEN, connection
            if connection is None or not connection.send(pending.payload):
                self._pending.pop(pending.request_id, None)
                pending.settle(TradeNotSent(cause="the trade stream is not up"))

    def _drain(self) -> None:
        """Send nothing more; close when everything under way was answered, or had the time."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            self._draining = connection
            cause = "the venue's trade service restarts"
            asyncio.get_running_loop().call_later(self._drain_s, connection.close, cause)


def _answer(message: Mapping[str, object], pending: _Pending) -> TradeOutcome:
    code, result, extra = message.get("retCode"), message.get("data"), message.get("retExtInfo")
    headers = message.get("header")
    if not isinstance(code, int) or isinstance(code, bool):
        return pending.unknown(f"an answer with retCode {code!r}")
    return TradeAnswer(
        code=code,
        message=str(message.get("retMsg", "")),
        result=result if isinstance(result, dict) else {},
        extra=extra if isinstance(extra, dict) else {},
        headers={str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {},
    )
