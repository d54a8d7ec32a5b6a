"""One WebSocket connection: what comes in is handed on, what goes out leaves in order."""

import asyncio
import enum
import json
from collections.abc import Callable, Mapping
from uuid import uuid4

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

__all__ = ["IDLE_MS_MAX", "Session", "StreamKind", "encoded"]

Message = Mapping[str, object]

IDLE_MS_MAX = 600_000
"""A connection without a message from the client is cut after ten minutes (Bybit V5, connect)."""

OUTBOX_MAX = 20_000
"""Messages that may wait for a client that does not read; one more, and it is cut off."""

_GAP_S = 1e-6


class StreamKind(enum.Enum):
    """The three WebSocket paths."""

    PUBLIC = "public"
    PRIVATE = "private"
    TRADE = "trade"


def encoded(frame: Message) -> str:
    """Return a message as text."""
    return json.dumps(frame, separators=(",", ":"))


class Session:
    """One connection. ``topics`` are the texts that its client subscribed to.

    Frames leave in the order of :meth:`send`, also when one of them is delayed: those after it wait
    behind it. Everything runs on the server's loop.
    """

    def __init__(self, kind: StreamKind, request: web.Request, idle_ms: int = IDLE_MS_MAX) -> None:
        self.kind = kind
        self.conn_id = str(uuid4())
        self.topics: set[str] = set()
        self.account_key: str | None = None
        self.is_silent = False
        self._request = request
        self._idle_s = idle_ms / 1_000
        self._socket = web.WebSocketResponse(autoping=False, compress=False)
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue(OUTBOX_MAX)
        self._loop = asyncio.get_running_loop()
        self._delayed = 0
        self._unsent = 0
        self._last_due_s = 0.0
        self._is_over = False
        self._close_code = int(WSCloseCode.OK)

    # Going out

    def send(self, frame: Message, *, delay_ms: int = 0) -> None:
        """Send a message, ``delay_ms`` from now at the earliest."""
        self.send_text(encoded(frame), delay_ms=delay_ms)

    def send_text(self, text: str, *, delay_ms: int = 0) -> None:
        """Send a message that is encoded already."""
        self.act(lambda: self._put(text), delay_ms=delay_ms)

    def act(self, action: Callable[[], None], *, delay_ms: int = 0) -> None:
        """Do something in the order of what is sent."""
        if delay_ms == 0 and self._delayed == 0:
            action()
            return
        due_s = max(self._loop.time() + delay_ms / 1_000, self._last_due_s + _GAP_S)
        self._last_due_s = due_s
        self._delayed += 1
        self._loop.call_at(due_s, self._act_late, action)

    def _act_late(self, action: Callable[[], None]) -> None:
        self._delayed -= 1
        action()

    def _put(self, text: str) -> None:
        if self.is_silent or self._is_over:
            return
        if self._outbox.full():
            self.abort()
            return
        self._unsent += 1
        self._outbox.put_nowait(text)

    async def _send_all(self) -> None:
        """Write what is in the outbox until the end or until the client is gone."""
        while (text := await self._outbox.get()) is not None:
            try:
                await self._socket.send_str(text)
            except ConnectionError:
                self._is_over = True
                return
            self._unsent -= 1
        await self._socket.close(code=self._close_code)

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing waits to be sent."""
        return self._is_over or (self._delayed == 0 and self._unsent == 0)

    # The end

    def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Send a close frame after what was sent so far; nothing is sent after it."""
        if self._is_over:
            return
        self._is_over, self._close_code = True, int(code)
        if self._outbox.full():
            self.abort()
            return
        self._outbox.put_nowait(None)

    def abort(self) -> None:
        """Reset the connection: no close frame, what waits is lost."""
        self._is_over = True
        if self._request.transport is not None:
            self._request.transport.abort()

    # Coming in

    async def run(self, handle: Callable[[Message], None]) -> web.WebSocketResponse:
        """Serve the connection until it ends; ``handle`` gets every JSON object that comes."""
        await self._socket.prepare(self._request)
        sender = asyncio.create_task(self._send_all())
        try:
            await self._receive_all(handle)
        finally:
            self._is_over = True
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return self._socket

    async def _receive_all(self, handle: Callable[[Message], None]) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=self._idle_s)
            except TimeoutError:
                self.abort()
                return
            if not await self._receive(message, handle):
                return

    async def _receive(self, message: WSMessage, handle: Callable[[Message], None]) -> bool:
        """Handle one frame; tell whether the connection goes on."""
        if message.type is WSMsgType.PING:
            if not self.is_silent and not self._is_over:
                await self._socket.pong(message.data)
        elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            handle(_parsed(message.data))
        elif message.type is not WSMsgType.PONG:
            return False
        return True


def _parsed(text: str | bytes) -> Message:
    """Return the object that ``text`` holds; an empty one for anything else, which no one knows."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
