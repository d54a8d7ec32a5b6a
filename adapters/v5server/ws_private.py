"""The private stream, ``/v5/private``: authentication, subscriptions, ping."""

from collections.abc import Mapping

from .exchange import Exchange
from .ws_auth import AuthRefused, authenticate
from .ws_session import Session
from .ws_snake import answer, read_topics
from .ws_topics import refusal

__all__ = ["PrivateDialog"]

Message = Mapping[str, object]


class PrivateDialog:
    """One client of the private stream. There is no snapshot, and nothing missed comes again."""

    def __init__(self, session: Session, exchange: Exchange) -> None:
        self._session = session
        self._exchange = exchange

    def handle(self, message: Message) -> None:
        """Answer one message."""
        match message.get("op"):
            case "ping":
                self._pong(message)
            case "auth":
                self._authenticate(message)
            case "subscribe":
                self._subscribe(message)
            case "unsubscribe":
                self._unsubscribe(message)
            case other:
                self._reply(message, error=f"error:unknown op {other!r}")

    def _reply(self, message: Message, *, error: str = "") -> None:
        frame = answer(self._session, message, error=error)
        self._session.send(frame, delay_ms=self._exchange.pushes.ack_delay_ms)

    def _pong(self, message: Message) -> None:
        frame = {
            "req_id": message.get("req_id", ""),
            "op": "pong",
            "args": [str(self._exchange.clock.now_ms())],
            "conn_id": self._session.conn_id,
        }
        self._session.send(frame, delay_ms=self._exchange.pushes.ack_delay_ms)

    def _authenticate(self, message: Message) -> None:
        try:
            account = authenticate(self._exchange, message.get("args"))
        except AuthRefused as refused:
            self._reply(message, error=refused.message)
            return
        self._session.account_key = account.key
        self._reply(message)

    def _subscribe(self, message: Message) -> None:
        if self._session.account_key is None:
            self._reply(message, error="Request not authorized")
            return
        try:
            topics = read_topics(message)
        except ValueError as error:
            self._reply(message, error=str(error))
            return
        why = refusal(topics)
        if why is None:
            self._session.topics.update(topics)
        self._reply(message, error=why or "")

    def _unsubscribe(self, message: Message) -> None:
        try:
            topics = read_topics(message)
        except ValueError as error:
            self._reply(message, error=str(error))
            return
        self._session.topics.difference_update(topics)
        self._reply(message)
