"""The venue's rows as JSON text and back, exact to the last digit.

Amounts are text, enumeration members are their values. A row with a missing or an unknown field is
an error: the store was then written by something else.
"""

import enum
import json
from typing import Any, TypeVar, cast

import cattrs
from cattrs.errors import BaseValidationError
from tidegate.domain.money import Amount
from tidegate.ports.state import StateCorrupt

__all__ = ["decode", "encode"]

T = TypeVar("T")


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Amount), _amount_text
    )
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Amount), _amount
    )
    converter.register_unstructure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, enum.Enum), lambda e: e.value
    )
    return converter


def _amount_text(amount: Amount) -> str:
    return str(amount.value)


def _amount(text: object, kind: type[Amount]) -> Amount:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no amount; text such as '0.1' is needed")
    return kind.of(text)


_CONVERTER = _converter()
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def encode(row: object) -> str:
    """Return one row as text."""
    return _ENCODER.encode(_CONVERTER.unstructure(row))


def decode(text: str, kind: type[T]) -> T:
    """Return a row from its text.

    Raises:
        StateCorrupt: the text is not such a row.

    """
    try:
        return _CONVERTER.structure(cast(Any, json.loads(text)), kind)
    except (ValueError, BaseValidationError) as error:
        raise StateCorrupt(
            f"a row of the paper venue's store is no {kind.__name__}: {text[:200]!r}; the store "
            "was left as it is"
        ) from error
