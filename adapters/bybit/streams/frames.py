"""Requests as bytes, and answers as values, in the two dialects of Bybit's WebSockets.

Public and private streams answer in snake case with ``success``; the order-entry stream in camel
case with ``retCode``. A linear public stream's pong keeps ``op`` at ``ping`` (Bybit V5, connect).
"""

import enum
from collections.abc import Mapping, Sequence

import attrs
import orjson

__all__ = [
    "PING",
    "AuthAnswer",
    "Control",
    "Dialect",
    "Pong",
    "RequestAnswer",
    "auth_request",
    "read_control",
    "topics_request",
]

PING = orjson.dumps({"op": "ping"})
_REPEATED_AUTH = 20001


class Dialect(enum.Enum):
    """Which of the two forms of answer a connection uses."""

    STREAM = "stream"
    TRADE = "trade"


@attrs.frozen(kw_only=True)
class AuthAnswer:
    """The venue accepted or refused the authentication."""

    is_ok: bool
    text: str


@attrs.frozen(kw_only=True)
class RequestAnswer:
    """The venue accepted or refused a subscription or its end."""

    request_id: str
    is_ok: bool
    text: str


@attrs.frozen
class Pong:
    """The venue is there."""


Control = AuthAnswer | RequestAnswer | Pong
"""``AuthAnswer``: to the authentication; ``RequestAnswer``: to a subscription or its end; ``Pong``:
to a ping."""


def auth_request(key: str, expires_ms: int, signature: str) -> bytes:
    """Return the frame that authenticates a connection."""
    return orjson.dumps({"op": "auth", "args": [key, expires_ms, signature]})


def topics_request(op: str, request_id: str, topics: Sequence[str]) -> bytes:
    """Return the frame that subscribes to topics or ends it (``subscribe``, ``unsubscribe``)."""
    return orjson.dumps({"req_id": request_id, "op": op, "args": list(topics)})


def read_control(message: Mapping[str, object], dialect: Dialect) -> Control | None:
    """Tell what a message without a topic says; ``None`` when it is no control message."""
    op = message.get("op")
    if op == "pong" or (op == "ping" and message.get("ret_msg") == "pong"):
        return Pong()
    if op == "auth":
        return _auth_answer(message, dialect)
    if dialect is Dialect.STREAM and "success" in message:
        return RequestAnswer(
            request_id=str(message.get("req_id") or ""),
            is_ok=message["success"] is True,
            text=_text(message.get("ret_msg")),
        )
    return None


def _auth_answer(message: Mapping[str, object], dialect: Dialect) -> AuthAnswer:
    if dialect is Dialect.STREAM:
        is_ok = message.get("success") is True
        return AuthAnswer(is_ok=is_ok, text=_text(message.get("ret_msg")))
    code = message.get("retCode")
    return AuthAnswer(
        is_ok=code in (0, _REPEATED_AUTH), text=f"{code} {_text(message.get('retMsg'))}"
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
