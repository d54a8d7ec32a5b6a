"""Instruments that a user defines in a TOML file.

One table for each symbol under ``instruments``; every field of the specification is required::

    [instruments.XRPUSDT]
    base_coin = "XRP"
    quote_coin = "USDT"
    status = "trading"            # trading, reduce_only, pre_launch or closed
    tick = 0.0001                 # quote currency per base coin, as all prices
    price_min = 0.0001
    price_max = 199.9998
    qty_step = 1                  # base coin, as all quantities
    qty_min = 1
    qty_max_limit = 3000000
    qty_max_market = 1000000
    notional_min = 5              # USDT
    leverage_min = 1
    leverage_max = 75
    leverage_step = 0.01
    funding_interval_minutes = 480
    funding_rate_min = -0.0075    # fractions, as all rates
    funding_rate_max = 0.0075
    price_band_x = 0.05           # the venue's priceLimitRatioX and Y
    price_band_y = 0.15

    [[instruments.XRPUSDT.tiers]] # ascending by notional_max, USDT
    notional_max = 200000
    maintenance_rate = 0.0067
    initial_rate = 0.0134
    leverage_max = 75
    deduction = 0

The figures above show the form and describe no listed instrument. Numbers are read as exact
decimals, from TOML numbers or from text.
"""

import enum
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from tidegate.domain.instrument import Instrument, RiskTier
from tidegate.domain.money import Amount
from tidegate.domain.orders import Symbol

from .checks import instrument_problems
from .errors import CatalogueError

__all__ = ["load_instruments"]


_PLACES_MAX = 28
"""Steps and limits of more places could not be counted in each other exactly."""


def load_instruments(path: str | Path) -> Mapping[Symbol, Instrument]:
    """Return the instruments that a TOML file defines, by symbol.

    Raises:
        CatalogueError: for a file that cannot be read, and with every missing, unknown or
            contradictory field of every instrument at once.

    """
    path = Path(path)
    tables = _tables(path)
    problems: list[str] = []
    loaded = {}
    for symbol, table in tables.items():
        spec = _instrument(Symbol(symbol), table, problems)
        if spec is not None:
            loaded[spec.symbol] = spec
    if problems:
        raise CatalogueError(path.name, problems)
    return MappingProxyType(loaded)


def _tables(path: Path) -> Mapping[str, object]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise CatalogueError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except (
        ArithmeticError,
        ValueError,
        RecursionError,
    ) as error:  # also a number of too many digits
        raise CatalogueError(path.name, [f"is no TOML file: {error}"]) from error
    unknown = sorted(set(content) - {"instruments"})
    tables = content.get("instruments")
    if unknown or not isinstance(tables, dict) or not tables:
        found = ", ".join(sorted(content)) or "none"
        why = f"top-level keys: {found}; accepted: [instruments.SYMBOL], one or more, and no other"
        raise CatalogueError(path.name, [why])
    return tables


def _instrument(symbol: Symbol, table: object, problems: list[str]) -> Instrument | None:
    place = f"instruments.{symbol}"
    own: list[str] = []
    fields = _fields(place, table, Instrument, own, tables=("tiers",))
    tiers = _tiers(place, table, own) if isinstance(table, dict) else ()
    spec = None
    if not own:
        try:
            spec = Instrument(symbol=symbol, tiers=tiers, **fields)
        except ValueError as error:
            own.append(f"{place}: {error}")
    if spec is not None:
        own.extend(f"{place}: {problem}" for problem in instrument_problems(spec))
    problems.extend(own)
    return spec


def _tiers(place: str, table: Mapping[str, object], problems: list[str]) -> tuple[RiskTier, ...]:
    rows = table.get("tiers")
    if not isinstance(rows, list) or not rows:
        problems.append(f"{place}.tiers: missing; accepted: one or more [[{place}.tiers]]")
        return ()
    tiers = []
    for number, row in enumerate(rows, start=1):
        found: list[str] = []
        fields = _fields(f"{place}.tiers[{number}]", row, RiskTier, found)
        if not found:
            tiers.append(RiskTier(**fields))
        problems.extend(found)
    return tuple(tiers)


def _fields(
    place: str, table: object, kind: type, problems: list[str], *, tables: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Read every field of ``kind`` from a table; what cannot be read goes to ``problems``."""
    if not isinstance(table, dict):
        problems.append(f"{place}: {table!r}; accepted: a table of fields")
        return {}
    names = [field.name for field in attrs.fields(kind) if field.name != "symbol"]
    unknown = [name for name in table if name not in names]
    problems.extend(f"{place}.{name}: unknown; accepted: {', '.join(names)}" for name in unknown)
    wanted = {
        field.name: field.type
        for field in attrs.fields(kind)
        if field.name in names and field.name not in tables
    }
    fields = {}
    for name, type_ in wanted.items():
        if name not in table:
            problems.append(f"{place}.{name}: missing; accepted: {_accepted(type_)}")
            continue
        try:
            fields[name] = _reader(type_)(table[name])
        except (TypeError, ValueError):
            problems.append(f"{place}.{name}: {table[name]!r}; accepted: {_accepted(type_)}")
    return fields


def _reader(type_: Any) -> Callable[[Any], Any]:
    if issubclass(type_, Amount):
        return lambda value: _in_range(type_.of(value))
    if issubclass(type_, enum.Enum):
        members: Callable[[Any], Any] = type_
        return members
    return _whole if type_ is int else _text


def _in_range(amount: Amount) -> Amount:
    if abs(amount.value.adjusted()) > _PLACES_MAX:
        raise ValueError(amount)
    return amount


def _accepted(type_: Any) -> str:
    if issubclass(type_, Amount):
        return f"a number such as 0.5, of at most {_PLACES_MAX} places before or after its point"
    if issubclass(type_, enum.Enum):
        return " or ".join(repr(member.value) for member in type_)
    return "a whole number" if type_ is int else "text"


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value
