"""Docstrings under attributes, and values with their units, as the documents show them."""

import ast
import enum
import inspect
from decimal import Decimal

from tidegate.domain.money import Money, Qty, Rate

__all__ = ["attribute_texts", "one_line", "shown"]

_MULTIPLES = ("multiple", "leverage", "reward-to-risk")


def attribute_texts(cls: type) -> dict[str, str]:
    """Return the docstring under each attribute of a class, on one line, in order."""
    (tree,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for node, following in zip(tree.body, tree.body[1:], strict=False):
        match node, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = one_line(text)
            case _:
                continue
    return found


def one_line(text: str) -> str:
    """Put a docstring on one line of Markdown."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def shown(name: str, value: object, text: str) -> str:
    """Write a default with its unit; ``name`` and ``text`` tell what a bare number counts."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case enum.Enum():
            return f"`{value.value}`"
        case Money():
            return f"{value} USDT"
        case Qty():
            return f"{value} base coin"
        case Rate():
            is_multiple = any(word in text.lower() for word in _MULTIPLES)
            return f"{value} x" if is_multiple else f"{value} ({_percent(value)} %)"
        case int() if name.endswith("_ms") or "_ms_" in name:
            return _duration(value)
        case int():
            return f"{value:,}"
        case _:
            raise TypeError(f"{name} is {value!r}: its unit is not known here")


def _percent(rate: Rate) -> str:
    return f"{(rate.value * Decimal(100)).normalize():f}"


def _duration(ms: int) -> str:
    for unit_ms, unit in ((3_600_000, "h"), (1_000, "s")):
        if ms >= unit_ms and ms % unit_ms == 0:
            return f"{ms:,} ms ({ms // unit_ms} {unit})"
    return f"{ms:,} ms"
