"""The table of rules and the table of limits, read from the code that enforces them."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator

from tidegate.domain.risk.judge import RULES
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule

from .settings_text import attribute_texts, one_line, shown

__all__ = ["limits_table", "rules_table"]


def rules_table() -> str:
    """Return one row for each rule, in the order in which they are judged."""
    rows = ["| # | rule | what it does | limit | can size mend it? |", "|---|---|---|---|---|"]
    for number, (rule, function) in enumerate(zip(Rule, RULES, strict=True), 1):
        text = one_line(inspect.cleandoc(function.__doc__ or ""))
        limits = ", ".join(f"`{name}`" for name in _limits_of(function)) or "-"
        rows.append(f"| {number} | {rule.value} | {text} | {limits} | {_size_of(function)} |")
    return "\n".join(rows)


def limits_table() -> str:
    """Return one row for each limit, with its default and unit."""
    rows = ["| limit | default | meaning |", "|---|---|---|"]
    defaults = RiskLimits()
    for name, text in attribute_texts(RiskLimits).items():
        value = getattr(defaults, name)
        rows.append(f"| `{name}` | {shown(name, value, text)} | {text} |")
    return "\n".join(rows)


def _limits_of(function: Callable[..., object]) -> list[str]:
    """Return the limits that a rule reads, itself or through the functions it calls."""
    names = [
        node.attr
        for part in _parts(function)
        for node in ast.walk(part)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "limits"
    ]
    return sorted(set(names), key=list(attribute_texts(RiskLimits)).index)


def _size_of(function: Callable[..., object]) -> str:
    """Say what another quantity can do: the verdicts of a bound name the largest that passes."""
    parts = list(_parts(function))
    calls = [node for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]
    named = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    keywords = {word.arg for call in calls for word in call.keywords}
    ways = [
        way
        for way, is_there in (
            ("smaller", "judge_bound" in named or "largest" in keywords),
            ("larger", "smallest" in keywords),
        )
        if is_there
    ]
    return " or ".join(ways) or "no"


def _parts(function: Callable[..., object]) -> Iterator[ast.AST]:
    """Yield the code of a function and of the functions of its module that it calls."""
    module = sys.modules[function.__module__]
    waiting, seen = [function], {function}
    while waiting:
        present = waiting.pop()
        tree = ast.parse(inspect.getsource(present))
        yield tree
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = getattr(module, node.func.id, None)
                if not inspect.isfunction(called) or called.__module__ != module.__name__:
                    continue
                if called not in seen:
                    seen.add(called)
                    waiting.append(called)
