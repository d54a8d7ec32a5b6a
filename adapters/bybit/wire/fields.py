"""Fields of a message: text to exact values, once, at the border.

The venue writes decimals as text, and ``""`` or a zero where something does not apply (Bybit V5:
"Number encoding" differs by endpoint, so both are read alike). New fields are ignored; a field
that is needed and cannot be understood raises :class:`Unreadable`, and nothing else does.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import attrs
from tidegate.domain.money import Amount, Distance, Money, Price, Qty, Rate

__all__ = ["Row", "Unreadable", "rows_of"]

A = TypeVar("A", bound=Amount)
E = TypeVar("E", bound=enum.Enum)

_NUMBER = re.compile(r"-?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_INTEGER_MAX = 10**18
_TEXT_MAX = 256
_SHOWN_MAX = 200


class Unreadable(Exception):
    """A message of the venue that cannot be understood: where from, which field, what it said."""

    def __init__(self, source: str, field: str, text: str) -> None:
        shown = text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."
        super().__init__(f"{source}: {field} is {shown}")
        self.source = source
        self.field = field
        self.text = shown


def _show(value: object) -> str:
    """Return a bounded text of any JSON value."""
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    if isinstance(value, list):
        return f"a list of {len(value)} values"
    if isinstance(value, str):
        return repr(value[:_SHOWN_MAX])
    return repr(value)[:_SHOWN_MAX]


@attrs.frozen
class Row:
    """One JSON object, read field by field. ``source`` says what it is, for errors.

    Raises:
        Unreadable: from each method that reads: the field is absent or is not what was asked for.

    """

    source: str
    fields: Mapping[str, object]

    @classmethod
    def of(cls, source: str, value: object) -> "Row":
        """Take a decoded JSON value that must be an object."""
        if not isinstance(value, Mapping):
            raise Unreadable(source, "the row", _show(value))
        return cls(source, value)

    def unreadable(self, name: str) -> Unreadable:
        """Return the error that ``name`` cannot be understood; the caller raises it."""
        shown = _show(self.fields[name]) if name in self.fields else "missing"
        return Unreadable(self.source, name, shown)

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not empty."""
        return self.fields.get(name) not in (None, "")

    def text(self, name: str) -> str:
        """Return a text that must be there and not empty."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= _TEXT_MAX:
            raise self.unreadable(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text; ``None`` when it is missing or empty."""
        return self.text(name) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """Return a boolean; a missing one is false."""
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise self.unreadable(name)
        return value

    def integer(self, name: str) -> int:
        """Return a whole number, written as a number or as text."""
        value = self.fields.get(name)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _INTEGER_MAX:
            raise self.unreadable(name)
        return value

    def time_ms(self, name: str) -> int:
        """Return a time in UTC milliseconds, not negative."""
        value = self.integer(name)
        if value < 0:
            raise self.unreadable(name)
        return value

    def one_of(self, name: str, members: Mapping[str, E]) -> E:
        """Return the member that a text of a closed set stands for."""
        value = self.fields.get(name)
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise self.unreadable(name)
        return member

    def amount(self, kind: type[A], name: str) -> A:
        """Return an exact amount that must be there."""
        return kind(self._decimal(name))

    def amount_or_none(self, kind: type[A], name: str) -> A | None:
        """Return an exact amount; ``None`` when it is missing, empty or zero."""
        if not self.has(name):
            return None
        value = self._decimal(name)
        return kind(value) if value else None

    def amount_or_zero(self, kind: type[A], name: str) -> A:
        """Return an exact amount; zero when it is missing or empty."""
        return kind(self._decimal(name)) if self.has(name) else kind(Decimal(0))

    def price(self, name: str) -> Price:
        """Return a price that must be above zero."""
        value = self._decimal(name)
        if value <= 0:
            raise self.unreadable(name)
        return Price(value)

    def price_or_none(self, name: str) -> Price | None:
        """Return a price; ``None`` when it is missing, empty or zero."""
        if not self.has(name):
            return None
        value = self._decimal(name)
        if value < 0:
            raise self.unreadable(name)
        return Price(value) if value else None

    def qty(self, name: str) -> Qty:
        """Return a quantity that must be there and not negative."""
        value = self._decimal(name)
        if value < 0:
            raise self.unreadable(name)
        return Qty(value)

    def money(self, name: str) -> Money:
        """Return money that must be there."""
        return Money(self._decimal(name))

    def rate(self, name: str) -> Rate:
        """Return a rate that must be there."""
        return Rate(self._decimal(name))

    def distance(self, name: str) -> Distance:
        """Return a distance that must be there."""
        return Distance(self._decimal(name))

    def row(self, name: str) -> "Row":
        """Return an object inside this one."""
        value = self.fields.get(name)
        if not isinstance(value, Mapping):
            raise self.unreadable(name)
        return Row(f"{self.source}.{name}", value)

    def rows(self, name: str) -> "tuple[Row, ...]":
        """Return a list of objects inside this one."""
        value = self.fields.get(name)
        if not isinstance(value, list):
            raise self.unreadable(name)
        return tuple(Row.of(f"{self.source}.{name}", item) for item in value)

    def _decimal(self, name: str) -> Decimal:
        value = self.fields.get(name)
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise self.unreadable(name)
        return Decimal(value)


def rows_of(source: str, values: object) -> tuple[Row, ...]:
    """Take a decoded JSON value that must be a list of objects.

    Raises:
        Unreadable: it is no list, or holds something else than objects.

    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise Unreadable(source, "the list", _show(values))
    return tuple(Row.of(source, value) for value in values)
