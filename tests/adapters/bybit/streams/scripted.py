"""A WebSocket venue that does what a test says: it answers at once, refuses, falls silent, cuts."""

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

__all__ = ["ScriptedVenue", "Session"]

WAIT_S = 10


class Session(WSListener):
    """One client's connection, with everything that it sent."""

    def __init__(self, venue: "ScriptedVenue", path: str) -> None:
        self.venue = venue
        self.path = path
        self.heard: list[dict[str, Any]] = []
        self.topics: set[str] = set()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.venue.note(lambda: self.venue.sessions.append(self))

    def on_ws_disconnected(self, _: WSTransport) -> None:
        self.venue.note(lambda: setattr(self, "transport", None))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect(graceful=False)
        if frame.msg_type is not WSMsgType.TEXT:
            return
        message = json.loads(frame.get_payload_as_bytes())
        for answer in self.venue.answers(self, message):
            self.send(answer)
        self.venue.note(lambda: self.heard.append(message))

    def send(self, message: Any) -> None:
        if self.transport is not None:
            text = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.transport.send(WSMsgType.TEXT, text)

    def send_all(self, messages: Iterable[Any]) -> None:
        for message in messages:
            self.send(message)

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def say_goodbye(self) -> None:
        if self.transport is not None:
            self.transport.send_close()
            self.transport.disconnect()


@attrs.define
class ScriptedVenue:
    """Runs on a thread of its own, on a free port of this machine; use as a context manager.

    ``refuse_auth``, ``refused_topics``, ``mute`` (operations that get no answer) and ``snapshots``
    (what follows the acknowledgement of a topic) may be changed at any time.
    """

    tls: ssl.SSLContext | None = None
    sessions: list[Session] = attrs.field(factory=list)
    refuse_auth: bool = False
    refused_topics: set[str] = attrs.field(factory=set)
    mute: set[str] = attrs.field(factory=set)
    snapshots: dict[str, list[Any]] = attrs.field(factory=dict)
    on_trade: Callable[[dict[str, Any]], list[Any]] = lambda message: [trade_ok(message)]
    is_refusing: bool = False
    refused_s: list[float] = attrs.field(factory=list)
    public_url: str = ""
    private_url: str = ""
    trade_url: str | None = ""
    _changed: threading.Condition = attrs.field(factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "ScriptedVenue":
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        assert self.until(lambda: bool(self.public_url)), "the scripted venue did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(WAIT_S)

    def note(self, act: Callable[[], object]) -> None:
        with self._changed:
            act()
            self._changed.notify_all()

    def until(self, condition: Callable[[], bool], wait_s: float = WAIT_S) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, wait_s)

    def do(self, act: Callable[[], object]) -> None:
        """Run ``act`` on the venue's thread and wait until it has run."""
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(WAIT_S)

    def live(self, path: str) -> list[Session]:
        return [one for one in self.sessions if one.path == path and one.transport is not None]

    def push(self, path: str, *messages: Any) -> None:
        self.do(lambda: self._each(path, lambda one: one.send_all(messages)))

    def abort(self, path: str) -> None:
        """Cut the sockets without a word."""
        self.do(lambda: self._each(path, Session.cut))

    def close(self, path: str) -> None:
        """Send a close frame and then close."""
        self.do(lambda: self._each(path, Session.say_goodbye))

    def _each(self, path: str, act: Callable[[Session], None]) -> None:
        for session in self.live(path):
            act(session)

    def answers(self, session: Session, message: dict[str, Any]) -> list[Any]:
        op = message["op"]
        if op in self.mute:
            return []
        is_trade = session.path == "/v5/trade"
        match op:
            case "ping" if is_trade:
                return [{"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1"]}]
            case "ping" if session.path == "/v5/private":
                return [{"op": "pong", "args": ["1"], "conn_id": "c"}]
            case "ping":
                return [{"success": True, "ret_msg": "pong", "op": "ping", "req_id": ""}]
            case "auth" if is_trade:
                code = 10004 if self.refuse_auth else 0
                return [{"retCode": code, "retMsg": "sign", "op": "auth", "connId": "c"}]
            case "auth":
                return [{"success": not self.refuse_auth, "ret_msg": "sign", "op": "auth"}]
            case "subscribe" | "unsubscribe":
                return self._topics(session, op, message)
            case _:
                return self.on_trade(message)

    def _topics(self, session: Session, op: str, message: dict[str, Any]) -> list[Any]:
        refused = self.refused_topics.intersection(message["args"])
        answer = {"success": not refused, "ret_msg": "", "op": op, "req_id": message["req_id"]}
        if refused:
            return [answer | {"ret_msg": f"error:handler not found,topic:{min(refused)}"}]
        if op == "unsubscribe":
            session.topics.difference_update(message["args"])
            return [answer]
        session.topics.update(message["args"])
        return [answer] + [
            one for topic in message["args"] for one in self.snapshots.get(topic, [])
        ]

    def _listener(self, request: WSUpgradeRequest) -> Session | None:
        if not self.is_refusing:
            return Session(self, request.path.decode())
        self.note(lambda: self.refused_s.append(time.monotonic()))
        return None

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            ws_create_server(self._listener, "127.0.0.1", 0, ssl=self.tls)
        )
        base = f"{'ws' if self.tls is None else 'wss'}://127.0.0.1:{_port(server)}/v5"
        self.private_url, self.trade_url = f"{base}/private", f"{base}/trade"
        self.note(lambda: setattr(self, "public_url", f"{base}/public/linear"))
        self._loop.run_forever()
        server.close()
        for session in self.sessions:
            session.cut()
        with contextlib.suppress(TimeoutError):
            self._loop.run_until_complete(asyncio.wait_for(server.wait_closed(), 1))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def trade_ok(message: dict[str, Any]) -> dict[str, Any]:
    """Return the acknowledgement of an order request."""
    return {
        "reqId": message["reqId"], "retCode": 0, "retMsg": "OK", "op": message["op"],
        "data": {"orderId": "a-1", "orderLinkId": "x"}, "retExtInfo": {},
        "header": {"X-Bapi-Limit": "10"}, "connId": "c",
    }  # fmt: skip


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])
