"""A tap on the wire: it stands between a client and the venue, and keeps every byte that passes.

Nothing here comes from the code under test. The bytes are read as HTTP/1.1 and as WebSocket frames
(RFC 9112 and RFC 6455, as far as the venue uses them) only when somebody asks.
"""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self, cast
from urllib.parse import urlsplit

import attrs

__all__ = ["Answer", "Conversation", "Json", "Push", "Request", "Tap"]

Json = dict[str, object]

_WAIT_S = 10
_SPLIT = b"\r\n\r\n"
_SWITCHED = 101
_TEXT = 1
_SHORT, _LONG = 126, 127


@attrs.frozen
class Request:
    """One HTTP request as it left the client."""

    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def json(self) -> Json:
        return cast(Json, json.loads(self.body))


@attrs.frozen
class Answer:
    """One HTTP answer that arrived whole, and the request that it answered."""

    request: Request
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json | None:
        """The JSON object of the body; ``None`` for anything else."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return None
        return cast(Json, read) if isinstance(read, dict) else None


@attrs.frozen
class Push:
    """One text message of a stream; ``is_sent`` by the client, and else by the venue."""

    path: str
    text: bytes
    is_sent: bool

    @property
    def json(self) -> Json:
        return cast(Json, json.loads(self.text))


class Conversation:
    """The bytes of one connection, each way. What was read of them once is not read again."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.received = bytearray()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._answers: list[Answer] = []
        self._texts: tuple[list[Push], list[Push]] = ([], [])
        self._sent_at = self._received_at = 0
        self._is_stream = False

    def exchanges(self) -> tuple[list[Request], list[Answer], list[Push]]:
        """Return what is whole by now; the pushes of the client come first."""
        with self._lock:
            self._read()
            told, heard = self._texts
            return list(self._requests), list(self._answers), [*told, *heard]

    def _read(self) -> None:
        sent, received = bytes(self.sent), bytes(self.received)
        while self._read_answers(received):
            parsed = _request(sent, self._sent_at)
            if parsed is None:
                break
            request, self._sent_at = parsed
            self._requests.append(request)
        if self._is_stream:
            told, heard = self._texts
            self._sent_at = self._read_texts(sent, self._sent_at, told, is_sent=True)
            self._received_at = self._read_texts(received, self._received_at, heard, is_sent=False)

    def _read_answers(self, received: bytes) -> bool:
        """Read what answers the requests so far; tell whether requests may go on after it."""
        for request in self._requests[len(self._answers) :]:
            answered = _answer(request, received, self._received_at)
            if answered is None:
                break
            answer, self._received_at = answered
            self._answers.append(answer)
            self._is_stream = answer.status == _SWITCHED
        return not self._is_stream

    def _read_texts(self, data: bytes, at: int, kept: list[Push], *, is_sent: bool) -> int:
        """Keep the text messages among the frames; venue and clients send whole ones."""
        path = self._requests[-1].path
        while (frame := _frame(data, at)) is not None:
            opcode, payload, at = frame
            if opcode == _TEXT:
                kept.append(Push(path, payload, is_sent))
        return at


def _head(data: bytes, at: int) -> tuple[bytes, dict[str, str], int] | None:
    """Return the head that begins at ``at``, its fields in lower case, and where it ends."""
    end = data.find(_SPLIT, at)
    if end < 0:
        return None
    head = data[at:end]
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return (
        head,
        {name.strip().lower(): value.strip() for name, _, value in pairs},
        end + len(_SPLIT),
    )


def _request(data: bytes, at: int) -> tuple[Request, int] | None:
    read = _head(data, at)
    if read is None:
        return None
    head, fields, start = read
    end = start + int(fields.get("content-length", "0"))
    if len(data) < end:
        return None
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    return Request(method, target, head, data[start:end]), end


def _answer(request: Request, data: bytes, at: int) -> tuple[Answer, int] | None:
    read = _head(data, at)
    if read is None:
        return None
    head, fields, start = read
    status = int(head.split(b" ", 2)[1])
    end = start + (0 if status == _SWITCHED else int(fields.get("content-length", "0")))
    assert "transfer-encoding" not in fields, "the tap reads no chunks: the venue sent some"
    if len(data) < end:
        return None
    return Answer(request, status, fields, data[start:end]), end


def _frame(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Return opcode, payload and end of the frame at ``at``; ``None`` unless it is whole."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    assert not first & 0x70, "the tap reads no compressed frames: one was sent"
    length, at = second & 0x7F, at + 2
    extra = {_SHORT: 2, _LONG: 8}.get(length, 0)
    if extra:
        length = int.from_bytes(data[at : at + extra])
    mask_size = 4 if second & 0x80 else 0
    start = at + extra + mask_size
    if len(data) < start + length:
        return None
    payload, mask = data[start : start + length], data[start - mask_size : start]
    if mask_size:
        repeated = (mask * (length // 4 + 1))[:length]
        payload = (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(length)
    return first & 0x0F, payload, start + length


class _End(asyncio.Protocol):
    """One end of a tapped connection. What ends one end ends the other in the same way."""

    def __init__(self, kept: bytearray, may_pass: Callable[[], bool]) -> None:
        self._kept = kept
        self._may_pass = may_pass
        self._early: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._other: _End | None = None
        self._is_lost = False

    def join(self, other: "_End") -> None:
        self._other, other._other = other, self
        for one in (self, other):
            early, one._early = one._early, []
            for data in early:
                one._pass_on(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._kept += data
        if self._may_pass():
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._other is None:
            self._early.append(data)
        elif self._other._transport is not None:
            self._other._transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        if self._other is not None:
            self._other.end(has_broken=error is not None)

    def end(self, *, has_broken: bool) -> None:
        if self._transport is None or self._is_lost:
            return
        if has_broken:
            _reset(self._transport)
        else:
            self._transport.close()


def _reset(transport: asyncio.Transport) -> None:
    """End a connection with a reset, so that the other side notices a break and no end."""
    wants_reset = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wants_reset)
    transport.abort()


class Tap:
    """Listens on a port of its own, and passes everything on to the venue's.

    ``gate`` is asked before what has come is passed on, in the tap's thread: with the conversation,
    and whether a client sent it. What it holds back never arrives.
    """

    def __init__(
        self, venue_url: str, *, gate: Callable[[Conversation, bool], bool] | None = None
    ) -> None:
        self._gate = gate or (lambda *_: True)
        parts = urlsplit(venue_url)
        self._venue = (parts.hostname or "", parts.port or 0)
        self._conversations: list[Conversation] = []
        self._ends: list[_End] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tap", daemon=True)
        self._server: asyncio.Server | None = None
        self.authority = ""

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()

    @property
    def rest_url(self) -> str:
        return f"http://{self.authority}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.authority}"

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self._accept, "127.0.0.1", 0)
        self.authority = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _accept(self) -> _End:
        conversation = Conversation()
        self._conversations.append(conversation)
        client = _End(conversation.sent, lambda: self._gate(conversation, True))
        dial = self._loop.create_task(self._dial(client, conversation))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)
        return client

    async def _dial(self, client: _End, conversation: Conversation) -> None:
        venue = _End(conversation.received, lambda: self._gate(conversation, False))
        self._ends += [client, venue]
        try:
            transport, _ = await self._loop.create_connection(lambda: venue, *self._venue)
        except OSError:
            client.end(has_broken=True)
            return
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.join(venue)
        if client._is_lost:
            venue.end(has_broken=False)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for dial in tuple(self._dials):
            dial.cancel()
        for end in self._ends:
            end.end(has_broken=True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    # What crossed; any thread may ask

    @property
    def raw_sent(self) -> list[bytes]:
        """Everything that clients sent, one text for each connection."""
        return [bytes(one.sent) for one in tuple(self._conversations)]

    @property
    def raw_received(self) -> list[bytes]:
        """Everything that the venue sent, one text for each connection."""
        return [bytes(one.received) for one in tuple(self._conversations)]

    def requests(self, path: str | None = None) -> list[Request]:
        """Return the REST requests, of one path or all, ordered within their connections."""
        every = (one.exchanges()[0] for one in tuple(self._conversations))
        return [request for some in every for request in some if path in (None, request.path)]

    def answers(self, path: str | None = None) -> list[Answer]:
        """Return the REST answers that arrived whole."""
        every = (one.exchanges()[1] for one in tuple(self._conversations))
        return [answer for some in every for answer in some if path in (None, answer.request.path)]

    def pushes(self, path: str) -> list[Push]:
        """Return the messages of one stream that the venue sent."""
        every = (one.exchanges()[2] for one in tuple(self._conversations))
        return [push for some in every for push in some if push.path == path and not push.is_sent]

    def sent(self, path: str) -> list[Push]:
        """Return the messages of one stream that clients sent."""
        every = (one.exchanges()[2] for one in tuple(self._conversations))
        return [push for some in every for push in some if push.path == path and push.is_sent]
