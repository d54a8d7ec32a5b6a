"""The public stream, ``/v5/public/linear``: subscribe, unsubscribe, ping."""

from collections.abc import Mapping, Sequence

from .exchange import Exchange
from .ws_session import Session
from .ws_snake import ARGS_TEXT_MAX, answer, read_topics

__all__ = ["PublicDialog"]

Message = Mapping[str, object]


class PublicDialog:
    """One client of the public stream. A refused request subscribes to none of its topics."""

    def __init__(self, session: Session, exchange: Exchange) -> None:
        self._session = session
        self._exchange = exchange

    def handle(self, message: Message) -> None:
        """Answer one message."""
        match message.get("op"):
            case "ping":
                self._reply({**self._with_id(message), "ret_msg": "pong"})
            case "subscribe":
                self._subscribe(message)
            case "unsubscribe":
                self._unsubscribe(message)
            case other:
                self._reply(self._with_id(message, error=f"error:unknown op {other!r}"))

    def _with_id(self, message: Message, *, error: str = "") -> dict[str, object]:
        return {"req_id": "", **answer(self._session, message, error=error)}

    def _reply(self, frame: Message) -> None:
        self._session.send(frame, delay_ms=self._exchange.pushes.ack_delay_ms)

    def _subscribe(self, message: Message) -> None:
        try:
            topics = read_topics(message)
            self._check(topics)
        except ValueError as error:
            self._reply(self._with_id(message, error=str(error)))
            return
        self._reply(self._with_id(message))
        self._session.act(lambda: self._begin(topics))

    def _check(self, topics: Sequence[str]) -> None:
        for topic in topics:
            if not self._exchange.market.has_topic(topic):
                raise ValueError(f"error:handler not found,topic:{topic}")
        length = sum(map(len, (*self._session.topics, *topics)))
        if length > ARGS_TEXT_MAX:
            raise ValueError(f"error:topics of {length} characters; {ARGS_TEXT_MAX} are accepted")

    def _begin(self, topics: Sequence[str]) -> None:
        """Send the first snapshots, once the answer has left; changes follow from here on."""
        for topic in topics:
            snapshot = self._exchange.market.snapshot(topic)
            self._session.topics.add(topic)
            if snapshot is not None:
                self._session.send(snapshot.frame)

    def _unsubscribe(self, message: Message) -> None:
        try:
            topics = read_topics(message)
        except ValueError as error:
            self._reply(self._with_id(message, error=str(error)))
            return
        self._session.topics.difference_update(topics)
        self._session.act(lambda: self._session.topics.difference_update(topics))
        self._reply(self._with_id(message))
