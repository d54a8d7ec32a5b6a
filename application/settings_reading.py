"""From nested tables of text and numbers to settings: strict, and with every error at once.

Amounts come from text, whole numbers and decimals, never from a binary float; a rate may be written
as a percentage. ``"false"`` is not true. A key that is not known is an error that names the nearest
one. Each error carries the path of its field, the value, and what would be accepted.
"""

import enum
import re
import types
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override
from tidegate.domain.money import EXACT, Amount, Distance, Money, Price, Qty, Rate, exact
from tidegate.domain.orders import Symbol

from .settings import Settings
from .settings_ranges import NOT_SETTINGS, range_of

__all__ = ["Problem", "Unusable", "accepted_by", "is_table", "read_settings", "setting_fields"]

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_TRUTH = {"true": True, "false": False}
_PERCENT_PLACES = 2
_ACCEPTED: Mapping[Any, str] = {
    Rate: "a number such as 0.02, or a percentage such as 2%",
    Money: "an amount in USDT such as 1000.50",
    Price: "a price such as 64000.5",
    Qty: "a quantity such as 0.001",
    Distance: "a price distance such as 0.1",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    Symbol: "a symbol such as BTCUSDT",
}


class Unusable(ValueError):
    """A value that a setting cannot have; ``accepted`` says what it could."""

    def __init__(self, value: object, accepted: str) -> None:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        super().__init__(f"{shown}; accepted: {accepted}")


def setting_fields(kind: type) -> tuple[Any, ...]:
    """Return the attrs fields of a settings class that a user may set."""
    hidden = NOT_SETTINGS.get(kind, ())
    return tuple(field for field in attrs.fields(kind) if field.name not in hidden)


def is_table(type_: Any) -> bool:
    """Tell whether a field's type stands for a table of settings."""
    return isinstance(type_, type) and attrs.has(type_) and not issubclass(type_, Amount)


@attrs.frozen
class Problem:
    """What is wrong at one path; an unknown key has its name in ``path`` and no value shown."""

    path: tuple[str, ...]
    text: str
    unknown: bool = False


def read_settings(table: Mapping[str, object]) -> Settings | tuple[Problem, ...]:
    """Return the settings of a table, or everything that is wrong with it."""
    try:
        return _CONVERTER.structure(table, Settings)
    except Exception as error:  # noqa: BLE001 - cattrs may raise a group or a single error
        return tuple(_problems(error, ()))


def _problems(error: Exception, path: tuple[str, ...]) -> Iterator[Problem]:
    match error:
        case cattrs.ClassValidationError() | cattrs.IterableValidationError():
            noted, plain = error.group_exceptions()
            for inner, note in noted:
                yield from _problems(inner, (*path, _step(note)))
            for inner in plain:
                yield from _problems(inner, path)
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield Problem((*path, key), "unknown setting", unknown=True)
        case ValueError() | TypeError():
            yield Problem(path, str(error))
        case _:
            raise error


def _step(note: Any) -> str:
    return str(getattr(note, "name", None) or getattr(note, "index", ""))


def accepted_by(type_: Any) -> str:
    """Say what a setting of a type may be."""
    if get_origin(type_) is types.UnionType:
        return accepted_by(next(part for part in get_args(type_) if part is not type(None)))
    if get_origin(type_) is frozenset:
        return "a list of symbols such as BTCUSDT, ETHUSDT"
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return " or ".join(str(member.value) for member in type_)
    return _ACCEPTED.get(type_, "a table")


def _amount(value: Any, kind: type[Amount]) -> Amount:
    try:
        return kind.of(value)
    except (TypeError, ValueError) as error:
        raise Unusable(value, accepted_by(kind)) from error


def _rate(value: object, _: type) -> Rate:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            percents = exact(value.strip().removesuffix("%").strip())
        except ValueError as error:
            raise Unusable(value, accepted_by(Rate)) from error
        return Rate(EXACT.scaleb(percents, -_PERCENT_PLACES))
    return Rate(_amount(value, Rate).value)


def _whole(value: object, _: type) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if type(value) is not int:
        raise Unusable(value, accepted_by(int))
    return value


def _truth(value: object, _: type) -> bool:
    if isinstance(value, bool):
        return value
    known = _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise Unusable(value, accepted_by(bool))
    return known


def _text(value: object, _: type) -> str:
    if not isinstance(value, str):
        raise Unusable(value, accepted_by(str))
    return value


def _path(value: object, _: type) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise Unusable(value, accepted_by(Path))
    return Path(value).expanduser()


def _symbol(value: object, _: type) -> Symbol:
    if not isinstance(value, str) or not _SYMBOL.fullmatch(value.strip()):
        raise Unusable(value, accepted_by(Symbol))
    return Symbol(value.strip())


def _symbols(value: object, type_: Any) -> frozenset[Symbol]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | frozenset) or not parts:
        raise Unusable(value, accepted_by(type_))
    return frozenset(_symbol(part, type_) for part in parts)


def _member(value: object, kind: Any) -> enum.Enum:
    for member in kind:
        if value is member or value == member.value:
            found: enum.Enum = member
            return found
    raise Unusable(value, accepted_by(kind))


def _params(value: object, _: type) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise Unusable(value, "a table such as [strategy.params]")
    return types.MappingProxyType(dict(value))


def _field_hook(converter: cattrs.Converter, kind: type, field: Any) -> Callable[[Any, Any], Any]:
    """Read one field and judge its range, so that each error is found at its own path."""
    bounds = range_of(kind, field.name)

    def read(value: object, type_: Any) -> object:
        found = converter.structure(value, type_)
        if bounds is not None and not bounds.holds(found):
            raise Unusable(value, str(bounds))
        return found

    return read


def _table_hook(converter: cattrs.Converter, kind: type) -> Callable[[Any, Any], Any]:
    overrides: dict[str, Any] = {
        field.name: override(struct_hook=_field_hook(converter, kind, field))
        for field in attrs.fields(kind)
    }
    for name in NOT_SETTINGS.get(kind, ()):
        overrides[name] = override(omit=True)
    read: Callable[[Any, Any], Any] = make_dict_structure_fn(
        kind,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **overrides,
    )

    def structure(value: object, type_: Any) -> object:
        if not isinstance(value, Mapping):
            raise Unusable(value, "a table of settings")
        return read(value, type_)

    return structure


def _is_made_of(type_: Any, origin: Any) -> bool:
    return bool(get_origin(type_) == origin)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for amount in (Price, Qty, Money, Distance):
        converter.register_structure_hook(amount, _amount)
    converter.register_structure_hook(Rate, _rate)
    converter.register_structure_hook(int, _whole)
    converter.register_structure_hook(bool, _truth)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(Path, _path)
    converter.register_structure_hook(Symbol, _symbol)
    converter.register_structure_hook_func(lambda t: _is_made_of(t, frozenset), _symbols)
    converter.register_structure_hook_func(
        lambda t: isinstance(t, type) and issubclass(t, enum.Enum), _member
    )
    converter.register_structure_hook_func(lambda t: _is_made_of(t, Mapping), _params)
    for kind in _tables(Settings):
        converter.register_structure_hook(kind, _table_hook(converter, kind))
    return converter


def _tables(kind: type) -> Iterator[type]:
    """Yield the classes that stand for tables, innermost first."""
    for field in setting_fields(kind):
        if is_table(field.type):
            yield from _tables(field.type)
    yield kind


_CONVERTER = _converter()
