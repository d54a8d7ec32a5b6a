"""One connection's life: connect, authenticate, subscribe, be watched, close. Never a second one.

Everything here runs on the loop of the I/O thread. Answers are registered before their request is
sent, so that an instant answer finds it. No message ends a connection, whatever it holds: what
cannot be read is handed on as such.
"""

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs
import orjson
from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from .dialing import Dialler
from .errors import (
    AnswerOverdue,
    AuthRefused,
    ConnectFailed,
    ConnectionLost,
    SubscriptionRefused,
)
from .frames import (
    PING,
    AuthAnswer,
    Dialect,
    Pong,
    RequestAnswer,
    auth_request,
    read_control,
    topics_request,
)
from .settings import ConnectionLimits, Signer

Answer = TypeVar("Answer", AuthAnswer, RequestAnswer)

__all__ = ["TOPICS_PER_REQUEST_MAX", "Connection", "ConnectionSpec", "Handlers"]

TOPICS_PER_REQUEST_MAX = 50
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ConnectionSpec:
    """Where to connect, as whom, and with which deadlines. No signer means no authentication."""

    name: str
    url: str
    dialect: Dialect
    signer: Signer | None
    limits: ConnectionLimits
    ssl_context: ssl.SSLContext | None
    now_ms: Callable[[], int]


@attrs.frozen(kw_only=True)
class Handlers:
    """Who hears what is pushed: a parsed message, or a text that could not be understood."""

    on_push: Callable[[dict[str, object]], None]
    on_unreadable: Callable[[str], None]


class _Listener(WSListener):
    """Hands picows' callbacks to the connection."""

    def __init__(self, owner: "Connection") -> None:
        self._owner = owner

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._owner.attached(transport)

    def on_ws_frame(self, _: WSTransport, frame: WSFrame) -> None:
        self._owner.framed(frame)


class Connection:
    """A socket to one endpoint. Made on the loop that it will live on."""

    def __init__(self, spec: ConnectionSpec, handlers: Handlers) -> None:
        self._spec = spec
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._auth: asyncio.Future[AuthAnswer] | None = None
        self._answers: dict[str, asyncio.Future[RequestAnswer]] = {}
        self._numbers = itertools.count(1)
        self._dialler = Dialler(spec.limits.connect_wait_ms)
        self._transport: WSTransport | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._fragments = bytearray()
        self._pushed_s = self._loop.time()
        self._next_ping: asyncio.TimerHandle | None = None
        self._pong_due: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether a frame sent now would leave."""
        return self._transport is not None and not self._ended.done()

    @property
    def silent_ms(self) -> int:
        """How long ago the last message was pushed, or the connection made."""
        return int((self._loop.time() - self._pushed_s) * 1000)

    async def open(self) -> None:
        """Connect and, with a signer, authenticate.

        Raises:
            ConnectFailed: when there is no connection within ``connect_wait_ms``.
            AuthRefused: when the venue says no.
            AnswerOverdue: when it does not say anything.
            ConnectionLost: when the connection ends meanwhile.

        """
        await self._connect()
        if self._spec.signer is not None:
            await self._authenticate(self._spec.signer)
        self._pushed_s = self._loop.time()
        self._ping_later()

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe; returns when the venue accepted every topic. Raises like :meth:`open`.

        Raises:
            SubscriptionRefused: the venue refused; the whole request counts as failed.
            AnswerOverdue: the venue did not answer in time; the connection was closed.
            ConnectionLost: the connection ended meanwhile, or was not open.

        """
        await self._request_topics("subscribe", topics)

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """End subscriptions; messages that are under way may still come. Raises likewise.

        Raises:
            AnswerOverdue: the venue did not answer in time; the connection was closed.
            ConnectionLost: the connection ended meanwhile, or was not open.
            SubscriptionRefused: the venue refused; the topics may still be pushed.

        """
        await self._request_topics("unsubscribe", topics)

    def send(self, payload: bytes) -> bool:
        """Send a frame; ``False`` when nothing was sent, because the connection is not open."""
        if self._transport is None or self._ended.done():
            return False
        self._transport.send(WSMsgType.TEXT, payload)
        return True

    async def wait_closed(self) -> str:
        """Wait until the connection has ended and return why."""
        return await asyncio.shield(self._ended)

    def close(self, cause: str) -> None:
        """End the connection at once and free its socket; later calls change nothing."""
        if self._ended.done():
            return
        self._ended.set_result(cause)
        for timer in (self._next_ping, self._pong_due):
            if timer is not None:
                timer.cancel()
        self._fail_waiting(ConnectionLost(f"{self._spec.name}: {cause}"))
        if self._transport is None:
            self._dialler.cut()
        else:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful=False)

    # -- called by the listener ------------------------------------------------------------------

    def attached(self, transport: WSTransport) -> None:
        """Take the transport of a finished handshake."""
        self._transport = transport
        self._watcher = self._loop.create_task(self._watch_end(transport))
        if self._ended.done():
            transport.disconnect(graceful=False)

    def framed(self, frame: WSFrame) -> None:
        """Take one frame; its memory is the library's and valid during this call only."""
        if self._ended.done():
            return
        kind = frame.msg_type
        if kind is WSMsgType.TEXT and frame.fin:
            self._receive(frame.get_payload_as_memoryview())
        elif kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._gather(frame)
        elif kind is WSMsgType.CLOSE:
            self.close(f"closed by the venue: {frame.get_close_code()} {frame.get_close_reason()}")
        elif kind is WSMsgType.BINARY:
            self._unreadable("a binary frame; only text is expected")

    async def _watch_end(self, transport: WSTransport) -> None:
        try:
            await transport.wait_disconnected()
        except Exception as error:  # noqa: BLE001 - whatever broke the protocol, it is the cause
            self.close(f"the protocol was broken: {error}")
        else:
            self.close("the socket was closed by the other side")

    # -- opening -----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        wait_ms = self._spec.limits.connect_wait_ms
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._shake_hands()
        except TimeoutError:
            self.close(f"no connection within {wait_ms} ms")
        except (OSError, WSError, RuntimeError, ValueError) as error:
            self.close(f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            self.close("given up")
            raise
        if self._ended.done():
            raise ConnectFailed(f"{self._spec.name}: {self._ended.result()}")
        if self._transport is None:
            self.close("closed by the other side during the handshake")
            raise ConnectFailed(f"{self._spec.name}: {self._ended.result()}")

    async def _shake_hands(self) -> None:
        context = self._spec.ssl_context
        await ws_connect(
            lambda: _Listener(self),
            self._spec.url,
            ssl_context=context,
            disconnect_on_exception=False,
            websocket_handshake_timeout=self._spec.limits.connect_wait_ms / 1000,
            max_frame_size=self._spec.limits.frame_bytes_max,
            max_redirects=0,
            socket_factory=self._dialler.dial,
        )

    async def _authenticate(self, signer: Signer) -> None:
        expires_ms = self._spec.now_ms() + self._spec.limits.auth_lead_ms
        waiting: asyncio.Future[AuthAnswer] = self._loop.create_future()
        self._auth = waiting
        key, expiry_ms, signature = signer.auth_args(expires_ms)
        answer = await self._answered(waiting, auth_request(key, expiry_ms, signature), "auth")
        if not answer.is_ok:
            cause = f"authentication refused: {answer.text.replace(key, '<hidden>')}"
            self.close(cause)
            raise AuthRefused(f"{self._spec.name}: {cause}")

    # -- requests ----------------------------------------------------------------------------------

    async def _request_topics(self, op: str, topics: Sequence[str]) -> None:
        # All-in-one topics, which have no dot, and categorised ones cannot share a request.
        for group in ([t for t in topics if "." not in t], [t for t in topics if "." in t]):
            for first in range(0, len(group), TOPICS_PER_REQUEST_MAX):
                await self._request_some(op, group[first : first + TOPICS_PER_REQUEST_MAX])

    async def _request_some(self, op: str, topics: Sequence[str]) -> None:
        request_id = f"{op}-{next(self._numbers)}"
        waiting: asyncio.Future[RequestAnswer] = self._loop.create_future()
        self._answers[request_id] = waiting
        payload = topics_request(op, request_id, topics)
        try:
            answer = await self._answered(waiting, payload, f"{op} {', '.join(topics)}")
        finally:
            self._answers.pop(request_id, None)
        if not answer.is_ok:
            raise SubscriptionRefused(
                f"{self._spec.name}: {op} refused for {', '.join(topics)}: {answer.text}"
            )

    async def _answered(
        self, waiting: "asyncio.Future[Answer]", payload: bytes, what: str
    ) -> Answer:
        if not self.send(payload):
            raise ConnectionLost(f"{self._spec.name}: not connected, {what} was not sent")
        wait_ms = self._spec.limits.answer_wait_ms
        try:
            async with asyncio.timeout(wait_ms / 1000):
                return await waiting
        except TimeoutError:
            raise AnswerOverdue(
                f"{self._spec.name}: no answer to {what} within {wait_ms} ms"
            ) from None

    def _fail_waiting(self, trouble: ConnectionLost) -> None:
        for waiting in (self._auth, *self._answers.values()):
            if waiting is not None and not waiting.done():
                waiting.set_exception(trouble)
                waiting.exception()  # retrieved here: perhaps nobody waits any more

    # -- messages ----------------------------------------------------------------------------------

    def _gather(self, frame: WSFrame) -> None:
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > self._spec.limits.frame_bytes_max:
            self.close(f"a message above {self._spec.limits.frame_bytes_max} bytes")
        elif frame.fin:
            whole, self._fragments = bytes(self._fragments), bytearray()
            self._receive(whole)

    def _receive(self, payload: bytes | memoryview) -> None:
        try:
            self._route(orjson.loads(payload))
        except Exception as error:  # noqa: BLE001 - nothing that a message holds may end a stream
            text = bytes(payload).decode(errors="replace")
            self._unreadable(f"{type(error).__name__}: {error}: {text}")

    def _route(self, message: object) -> None:
        if not isinstance(message, dict):
            raise TypeError("a message that is no object")
        if "topic" in message:
            self._pushed_s = self._loop.time()
            self._handlers.on_push(message)
            return
        match read_control(message, self._spec.dialect):
            case None:
                self._handlers.on_push(message)
            case Pong():
                self._ponged()
            case AuthAnswer() as answer:
                _settle(self._auth, answer)
            case RequestAnswer() as answer:
                _settle(self._asked(answer.request_id), answer)

    def _asked(self, request_id: str) -> "asyncio.Future[RequestAnswer] | None":
        # The venue repeats the id that we always send; an answer without one can only be the
        # answer to the single request that waits.
        if not request_id and len(self._answers) == 1:
            return next(iter(self._answers.values()))
        return self._answers.get(request_id)

    def _unreadable(self, text: str) -> None:
        _LOG.warning("%s: unreadable message: %.200s", self._spec.name, text)
        try:
            self._handlers.on_unreadable(text)
        except Exception:  # noqa: BLE001 - a fault of the hearer must not end the stream
            _LOG.exception("%s: the report of an unreadable message failed", self._spec.name)

    # -- the watch ---------------------------------------------------------------------------------

    def _ping_later(self) -> None:
        if not self._ended.done():
            self._next_ping = self._loop.call_later(
                self._spec.limits.ping_every_ms / 1000, self._ping
            )

    def _ping(self) -> None:
        silence_ms_max = self._spec.limits.silence_ms_max
        if silence_ms_max is not None and self.silent_ms > silence_ms_max:
            self.close(f"nothing was pushed for {self.silent_ms} ms, more than {silence_ms_max}")
        elif self.send(PING):
            wait_ms = self._spec.limits.pong_wait_ms
            if self._pong_due is None:
                self._pong_due = self._loop.call_later(
                    wait_ms / 1000, self.close, f"no pong within {wait_ms} ms"
                )
            self._ping_later()

    def _ponged(self) -> None:
        if self._pong_due is not None:
            self._pong_due.cancel()
            self._pong_due = None


def _settle(waiting: "asyncio.Future[Answer] | None", answer: Answer) -> None:
    if waiting is None or waiting.done():
        _LOG.debug("an answer to nothing that waits: %r", answer)
        return
    waiting.set_result(answer)
