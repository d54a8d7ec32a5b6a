"""Reading the parameters of a request, with errors that say what was wrong."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from tidegate.domain.money import Amount, Price, Qty, exact

from .errors import V5Error

__all__ = ["BAD_PARAMETER", "Params", "bad", "require_text"]

A = TypeVar("A", bound=Amount)
V = TypeVar("V")

BAD_PARAMETER = 10001
"""The venue's catch-all code for a parameter error."""


def bad(message: str) -> V5Error:
    """Return a parameter error in the venue's words: ``params error: ...``."""
    return V5Error(BAD_PARAMETER, f"params error: {message}")


def require_text(values: object) -> None:
    """Refuse half a surrogate pair, which JSON can escape and no text on the wire can hold.

    Raises:
        ValueError: a text among ``values`` holds one.

    """
    json.dumps(values, ensure_ascii=False, default=str).encode()


class Params:
    """The parameters of one request. An empty text counts as not given, as it does at the venue.

    Raises:
        V5Error: 10001, from each method that reads: the parameter is not one that is accepted.

    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    @property
    def values(self) -> Mapping[str, object]:
        """Return the parameters as they came."""
        return self._values

    def with_default(self, name: str, value: str) -> "Params":
        """Return the parameters with one more, where it was not given."""
        return self if self.has(name) else Params({**self._values, name: value})

    def has(self, name: str) -> bool:
        """Tell whether a parameter was given."""
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text; numbers count as what they look like."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise bad(f"{name} is {value!r}; a text or a number is accepted")
        return format(value, "f") if isinstance(value, Decimal) else str(value)

    def need(self, name: str) -> str:
        """Return a parameter that must be given."""
        text = self.text(name)
        if not text:
            raise bad(f"{name} is missing")
        return text

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within its limits."""
        text = self.text(name)
        if not text:
            return default
        try:
            number = int(text)
        except ValueError:
            raise bad(f"{name} is {text!r}; a whole number is accepted") from None
        if not least <= number <= most:
            raise bad(f"{name} is {number}; {least} to {most} is accepted")
        return number

    def time_ms(self, name: str) -> int | None:
        """Return a time in UTC milliseconds, ``None`` when not given."""
        return self.integer(name, 0, least=0, most=10**15) if self.has(name) else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value, given as one or as the text ``true`` or ``false``."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool):
            return value
        match str(value).lower():
            case "true" | "1":
                return True
            case "false" | "0":
                return False
            case _:
                raise bad(f"{name} is {value!r}; true or false is accepted")

    def amount(self, kind: type[A], name: str) -> A | None:
        """Return an amount, ``None`` when not given."""
        text = self.text(name)
        if not text:
            return None
        try:
            return kind(exact(text))
        except ValueError:
            raise bad(f"{name} invalid: {text!r} is not a number") from None

    def price(self, name: str) -> Price | None:
        """Return a price of zero or more, ``None`` when not given."""
        return self._not_negative(name, self.amount(Price, name))

    def qty(self, name: str) -> Qty | None:
        """Return a quantity of zero or more, ``None`` when not given."""
        return self._not_negative(name, self.amount(Qty, name))

    def _not_negative(self, name: str, amount: A | None) -> A | None:
        if amount is not None and amount.sign < 0:
            raise bad(f"{name} invalid: {amount} is below zero")
        return amount

    def choice(self, name: str, choices: Mapping[str, V], default: V) -> V:
        """Return what a word stands for; the error lists the words that are accepted."""
        text = self.text(name)
        if not text:
            return default
        if text not in choices:
            raise bad(f"{name} is {text!r}; accepted: {', '.join(choices)}")
        return choices[text]

    def items(self, name: str) -> list[Mapping[str, object]]:
        """Return a list of objects that must be given."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad(f"{name} is {value!r}; a list of objects is accepted")
        return value
