"""What surrounds every answer: code, text, result, and the headers that tell of limits."""

from collections.abc import Mapping

import attrs

from .fields import Row, Unreadable

__all__ = ["Envelope", "LimitHeaders", "envelope", "limit_headers"]


@attrs.frozen(kw_only=True)
class LimitHeaders:
    """The rate limit of the endpoint that answered: per second, what is left, when it is whole."""

    limit: int
    remaining: int
    reset_ms: int


@attrs.frozen(kw_only=True)
class Envelope:
    """One JSON answer. ``time_ms`` is ``None`` where the venue left it out."""

    code: int
    message: str
    result: Mapping[str, object]
    ext: Mapping[str, object]
    time_ms: int | None


def envelope(value: object) -> Envelope:
    """Read an answer; some endpoints leave out ``result``, ``retExtInfo`` or ``time``.

    Raises:
        Unreadable: it is no object, or has no code.

    """
    row = Row.of("answer", value)
    message = row.fields.get("retMsg")
    return Envelope(
        code=row.integer("retCode"),
        message=message if isinstance(message, str) else "",
        result=_object(row, "result"),
        ext=_object(row, "retExtInfo"),
        time_ms=row.time_ms("time") if row.has("time") else None,
    )


def _object(row: Row, name: str) -> Mapping[str, object]:
    value = row.fields.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise row.unreadable(name)
    return value


def limit_headers(headers: Mapping[str, str]) -> LimitHeaders | None:
    """Read the three limit headers (lower-case names); ``None`` unless all are understood."""
    row = Row("headers", headers)
    try:
        return LimitHeaders(
            limit=row.time_ms("x-bapi-limit"),
            remaining=row.time_ms("x-bapi-limit-status"),
            reset_ms=row.time_ms("x-bapi-limit-reset-timestamp"),
        )
    except Unreadable:
        return None
