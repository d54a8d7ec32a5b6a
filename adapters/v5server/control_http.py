"""The control over HTTP: ``POST /control/NAME`` with the arguments as a JSON object.

``GET /control/`` lists what there is. Only peers on this machine are served, and only requests
whose body is declared as JSON, which no web page can send here unasked.
"""

import enum
import inspect
import ipaddress
import json
import types
import typing
from collections.abc import Mapping, Sequence

from aiohttp import web
from tidegate.domain.money import Amount

from .control import Control
from .control_base import ControlRefused
from .exchange import Exchange

__all__ = ["ACTS", "add_routes"]

_LOCAL = frozenset({"settle", "set_instrument"})
"""Acts that make sense from Python only."""

ACTS = tuple(
    sorted(
        name
        for name, _ in inspect.getmembers(Control, inspect.isfunction)
        if not name.startswith("_") and name not in _LOCAL
    )
)
"""The names below ``/control/``: the public methods of the control."""


def add_routes(app: web.Application, exchange: Exchange) -> None:
    """Serve the control of ``exchange`` below ``/control/``."""
    control = Control(lambda function: function(exchange))

    async def act(request: web.Request) -> web.Response:
        _check_peer(request)
        name = request.match_info["name"]
        try:
            result = _run(control, name, await _arguments(request))
        except (LookupError, TypeError, ValueError) as error:
            return _answer({"error": _reason(error)}, status=400)
        return _answer({"result": result})

    async def listing(request: web.Request) -> web.Response:
        _check_peer(request)
        return _answer({"acts": {name: _described(name) for name in ACTS}})

    app.router.add_post("/control/{name}", act)
    app.router.add_get("/control/", listing)


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else repr(error)


def _answer(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    return web.json_response(dict(body), status=status)


def _check_peer(request: web.Request) -> None:
    """Refuse everyone who is not on this machine."""
    peer = request.remote or ""
    try:
        is_local = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise web.HTTPForbidden(text=f"the control serves this machine only, not {peer!r}")


async def _arguments(request: web.Request) -> Mapping[str, object]:
    if request.content_type != "application/json":
        raise ValueError(f"content type {request.content_type!r}: application/json is accepted")
    try:
        given = json.loads(await request.text() or "{}", parse_float=_no_float)
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValueError("the body is no JSON object; an object of arguments is accepted")
    return given


def _no_float(text: str) -> str:
    """Keep a number with a point as its text: amounts are exact."""
    return text


def _run(control: Control, name: str, given: Mapping[str, object]) -> object:
    if name not in ACTS:
        raise ControlRefused(f"act {name!r} is unknown; known: {', '.join(ACTS)}")
    method = getattr(control, name)
    hints = typing.get_type_hints(method)
    unknown = sorted(set(given) - set(inspect.signature(method).parameters))
    if unknown:
        raise ControlRefused(f"{name} takes no {', '.join(unknown)}; it takes {_described(name)}")
    arguments = {key: _read(value, hints[key], key) for key, value in given.items()}
    return _shown(method(**arguments))


def _shown(result: object) -> object:
    return str(result) if isinstance(result, Amount) else result


def _described(name: str) -> dict[str, object]:
    method = getattr(Control, name)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {
        "does": inspect.getdoc(method),
        "takes": {p.name: "optional" if p.default is not p.empty else "needed" for p in parameters},
    }


def _read(value: object, hint: object, name: str) -> object:
    """Turn a JSON value into what a parameter takes."""
    if isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return _read_union(value, typing.get_args(hint), name)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _read_enum(value, hint, name)
    if isinstance(hint, type) and issubclass(hint, Amount):
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise ControlRefused(f"{name} is {value!r}; an amount as text is accepted")
        return hint.of(value)
    origin = typing.get_origin(hint)
    if origin in (tuple, frozenset):
        return _read_many(value, hint, name)
    if origin is Mapping:
        return _checked(value, dict, name)
    assert isinstance(hint, type), f"parameter {name} has a type that has no reader: {hint}"
    return _checked(value, hint, name)


def _checked(value: object, kind: type, name: str) -> object:
    is_wrong_bool = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kind) or is_wrong_bool:
        raise ControlRefused(f"{name} is {value!r}; {kind.__name__} is accepted")
    return value


def _read_union(value: object, hints: Sequence[object], name: str) -> object:
    if value is None and type(None) in hints:
        return None
    faults = []
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return _read(value, hint, name)
        except ValueError as error:
            faults.append(str(error))
    raise ControlRefused("; ".join(faults))


def _read_enum(value: object, kind: type[enum.Enum], name: str) -> enum.Enum:
    for member in kind:
        if value in (member.name, member.name.lower(), member.value):
            return member
    accepted = ", ".join(member.name for member in kind)
    raise ControlRefused(f"{name} is {value!r}; accepted: {accepted}")


def _read_many(value: object, hint: object, name: str) -> object:
    if not isinstance(value, list):
        raise ControlRefused(f"{name} is {value!r}; a list is accepted")
    inner = typing.get_args(hint)
    if (len(inner) == 2 and inner[1] is Ellipsis) or typing.get_origin(hint) is frozenset:
        read = [_read(item, inner[0], name) for item in value]
        return frozenset(read) if typing.get_origin(hint) is frozenset else tuple(read)
    if len(value) != len(inner):
        raise ControlRefused(f"{name} has {len(value)} parts in {value!r}; {len(inner)} are needed")
    return tuple(_read(item, part, name) for item, part in zip(value, inner, strict=True))
