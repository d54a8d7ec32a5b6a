"""Output for programs: JSON with every amount as the exact decimal text that the books hold."""

import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
from tidegate.domain.money import Amount

__all__ = ["as_json", "as_line", "plain"]


def plain(value: object) -> Any:
    """Turn a value into what JSON knows: amounts and enum members become text.

    Raises:
        TypeError: the value is of a kind that has no form in JSON.

    """
    match value:
        case Amount():
            return str(value)
        case Decimal():
            return format(value, "f")
        case enum.IntEnum():
            return value.name.lower()
        case enum.Enum():
            return value.value
        case Mapping():
            return {str(plain(key)): plain(inner) for key, inner in value.items()}
        case frozenset() | set():
            return sorted(plain(inner) for inner in value)
        case tuple() | list():
            return [plain(inner) for inner in value]
        case None | bool() | int() | str():
            return value
        case _:
            return _fields(value)


def _fields(value: object) -> dict[str, Any]:
    kind = type(value)
    if not attrs.has(kind):
        raise TypeError(f"{value!r} is a {kind.__name__}: it has no form in JSON")
    return {field.name: plain(getattr(value, field.name)) for field in attrs.fields(kind)}


def as_json(value: object) -> str:
    """Write one document, indented."""
    return json.dumps(plain(value), indent=2)


def as_line(value: object) -> str:
    """Write one document on a line of its own."""
    return json.dumps(plain(value), separators=(",", ":"))
