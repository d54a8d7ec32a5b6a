"""What the public and the private stream have in common: the dialect with ``ret_msg``, ``conn_id``.

Source: Bybit V5, websocket connect. The trade stream speaks another one.
"""

from collections.abc import Mapping, Sequence

from .ws_session import Session

__all__ = ["answer", "read_topics", "request_id"]

Message = Mapping[str, object]

ARGS_TEXT_MAX = 21_000
"""Characters of all topics of a public connection together (Bybit V5, websocket connect)."""


def request_id(message: Message) -> str | None:
    """Return the ``req_id`` of a request; ``None`` when it has none."""
    value = message.get("req_id")
    return value if isinstance(value, str) else None


def answer(session: Session, message: Message, *, error: str = "") -> dict[str, object]:
    """Return the answer to a request, with its ``req_id`` if it has one."""
    given = request_id(message)
    return {
        "success": not error,
        "ret_msg": error,
        "conn_id": session.conn_id,
        **({} if given is None else {"req_id": given}),
        "op": message.get("op", ""),
    }


def read_topics(message: Message) -> Sequence[str]:
    """Return the topics of a request.

    Raises:
        ValueError: ``args`` is no list of texts, or is empty.

    """
    args = message.get("args")
    if not isinstance(args, list) or not args or not all(isinstance(arg, str) for arg in args):
        raise ValueError(f"error:args is {args!r}; a list of topics is accepted")
    return args
