"""Mutations: of JSON by its structure, of text by its lines and words, of files by their bytes."""

import json
import random
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["mutate_bytes", "mutate_json", "mutate_json_text", "mutate_text"]

_HUGE = "9" * 5_000
_JUNK: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**31,
    2**63,
    10**300,
    1.5,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "0",
    "-1",
    "0.00",
    "1e5",
    "1E-99",
    "1e999999999",
    "9" * 39,
    _HUGE,
    "." * 40,
    "NaN",
    "-Infinity",
    "sNaN",
    "0x10",
    "1,5",
    "1_000",
    "\u0661\u0662",
    "\ud800",
    "\0",
    "a\u202eb",
    "UNKNOWN",
    "Buy",
    "BTCUSDT",
    [],
    {},
    ["a", 1],
    [[]],
    [{}],
    [None],
    {"list": []},
    {"": None},
)
_TEXT_JUNK = (
    "",
    "0",
    "-1",
    "1e999999999",
    "nan",
    "inf",
    _HUGE,
    "\0",
    "\u0661",
    '"',
    "[",
    "=",
    ",,",
)
_INSERTED = "09.-+eE x\0\u0661,\"'[]{}=#\n"
_DEPTHS = (3, 50, 2_000)
_PAGE = 4_096
_HEADER = 108


def mutate_json(data: bytes, chance: random.Random) -> bytes:
    """Change a JSON text at one to three places of its structure; it stays JSON."""
    value = json.loads(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        value = _changed(value, chance)
    return json.dumps(value).encode()


def mutate_json_text(data: bytes, chance: random.Random) -> bytes:
    """Change a JSON text by its structure, and now and then by its bytes."""
    changed = mutate_json(data, chance)
    return mutate_bytes(changed, chance) if chance.random() < 0.2 else changed


def _changed(value: Any, chance: random.Random) -> Any:
    """Change one place, each place of the structure with about the same chance."""
    box = {"": value}
    places = list(_places(box))
    container, key = chance.choice(places)
    act = chance.choice(_ACTS)
    act(container, key, chance)
    return box.get("")


def _places(container: Any) -> Any:
    pairs = container.items() if isinstance(container, dict) else enumerate(container)
    for key, inner in pairs:
        yield container, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _drop(container: Any, key: Any, chance: random.Random) -> None:
    if key != "":
        del container[key]
    else:
        _replace(container, key, chance)


def _double(container: Any, key: Any, chance: random.Random) -> None:
    value = json.loads(json.dumps(container[key]))
    if isinstance(container, list):
        container.extend([value] * chance.choice((1, 2, 40)))
    else:
        container[chance.choice((f"{key}2", str(key).upper(), "somethingNew"))] = value


def _replace(container: Any, key: Any, chance: random.Random) -> None:
    container[key] = json.loads(json.dumps(chance.choice(_JUNK)))


def _exchange(container: Any, key: Any, chance: random.Random) -> None:
    keys = list(range(len(container))) if isinstance(container, list) else list(container)
    other = chance.choice(keys)
    container[key], container[other] = container[other], container[key]


def _retype(container: Any, key: Any, chance: random.Random) -> None:
    value = container[key]
    kinds: tuple[Callable[[Any], Any], ...] = (
        str,
        lambda one: [one],
        lambda one: {"value": one},
        bool,
        lambda one: len(str(one)),
        lambda one: float(len(str(one))) / 3,
    )
    container[key] = chance.choice(kinds)(value)


def _deepen(container: Any, key: Any, chance: random.Random) -> None:
    value = container[key]
    for _ in range(chance.choice(_DEPTHS[:2])):
        value = [value] if chance.random() < 0.5 else {"a": value}
    container[key] = value


def _respell(container: Any, key: Any, chance: random.Random) -> None:
    value = container[key]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _replace(container, key, chance)
    elif isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        container[key] = value[:at] + chance.choice(_INSERTED) + value[at + chance.randrange(2) :]
    else:
        container[key] = chance.choice((-value, value + 1, value - 1, value * 10**9, str(value)))


def _rename(container: Any, key: Any, chance: random.Random) -> None:
    if isinstance(container, dict) and key != "":
        container[chance.choice(("", "x", f" {key}", str(key).lower()))] = container.pop(key)
    else:
        _replace(container, key, chance)


_ACTS = (
    _drop,
    _double,
    _replace,
    _replace,
    _exchange,
    _retype,
    _deepen,
    _respell,
    _respell,
    _rename,
)


def mutate_text(data: bytes, chance: random.Random) -> bytes:
    """Change lines, words or characters of a text file at one to three places."""
    text = data.decode(errors="surrogateescape")
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = _TEXT_ACTS[chance.choice(sorted(_TEXT_ACTS))](text, chance)
    changed = text.encode(errors="surrogateescape")
    return mutate_bytes(changed, chance) if chance.random() < 0.1 else changed


def _line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] += lines[other]
        case _:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    return "\n".join(lines)


_WORD = re.compile(r"[^\s,=\[\]{}\"]+")


def _word(text: str, chance: random.Random) -> str:
    words = list(_WORD.finditer(text))
    if not words:
        return text + chance.choice(_TEXT_JUNK)
    found, other = chance.choice(words), chance.choice(words)
    put = chance.choice((*_TEXT_JUNK, other.group(), f"-{found.group()}", found.group() * 9))
    return text[: found.start()] + put + text[found.end() :]


def _character(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_INSERTED) + text[at + chance.randrange(2) :]


_TEXT_ACTS: Mapping[str, Callable[[str, random.Random], str]] = MappingProxyType(
    {"line": _line, "word": _word, "character": _character}
)


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut, wipe, copy or insert bytes; half of the places are in a file's header."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        _mutate_bytes(changed, chance)
    return bytes(changed)


def _mutate_bytes(changed: bytearray, chance: random.Random) -> None:
    if not changed:
        changed += chance.randbytes(chance.choice((1, 16, 200)))
        return
    size = len(changed)
    at = chance.choice((chance.randrange(min(_HEADER, size)), chance.randrange(size)))
    match chance.randrange(6):
        case 0 | 1:
            changed[at] ^= chance.randrange(1, 256)
        case 2:
            del changed[chance.randrange(size) :]
        case 3:
            start = at // _PAGE * _PAGE
            changed[start : start + _PAGE] = bytes(len(changed[start : start + _PAGE]))
        case 4:
            span = chance.choice((1, 8, 100, _PAGE))
            to = chance.randrange(size)
            changed[to : to + span] = changed[at : at + span]
        case _:
            changed[at:at] = chance.randbytes(chance.choice((1, 4, 100)))
