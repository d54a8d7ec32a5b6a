"""Makes a function of the package raise in this process, whoever holds a reference to it.

The code object of the function is replaced, not its name: a name that was imported elsewhere, a
bound method or a table of functions all lead to the same function.
"""

import functools
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

__all__ = ["Bitten", "find_function", "make_raise"]


class Bitten(Exception):
    """Raised in place of what the function does."""


def find_function(name: str) -> FunctionType:
    """Return the function ``module:qualified.name``; of a class its initialiser.

    The module is below ``tidegate``, or among the ``tests`` where a check of the house is meant.

    Raises ``LookupError`` that says which part is not there, or what stands there instead.
    """
    module, _, qualified = name.partition(":")
    full = module if module.startswith("tests.") else f"tidegate.{module}"
    try:
        found: Any = import_module(full)
    except ImportError as error:
        raise LookupError(f"{name}: there is no module {full} ({error})") from error
    for part in qualified.split("."):
        # A class is asked for what it holds itself: a property would otherwise hand out a value.
        try:
            found = _held(found, part)
        except AttributeError as error:
            raise LookupError(f"{name}: there is no {part!r} ({error})") from error
    return _plain(found, name)


def _held(owner: Any, name: str) -> Any:
    if isinstance(owner, type):
        for base in owner.__mro__:
            if name in vars(base):
                return vars(base)[name]
    return getattr(owner, name)


def _plain(found: Any, name: str) -> FunctionType:
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        match found:
            case type():
                found = _held(found, "__init__")
            case property(fget=inner) if inner is not None:
                found = inner
            case functools.cached_property(func=inner):
                found = inner
            case staticmethod() | classmethod():
                found = found.__func__
            case _ if hasattr(found, "__wrapped__"):
                found = found.__wrapped__
            case _:
                raise LookupError(f"{name}: is {found!r}; accepted: a function or a class")
    return found


def make_raise(name: str) -> None:
    """Let every call of the function raise ``Bitten`` until this process ends."""
    function = find_function(name)
    function.__code__ = _raising(function.__code__.co_freevars, name)


def _raising(free: tuple[str, ...], name: str) -> CodeType:
    """Return code that takes any arguments and raises; it closes over the names it replaces."""
    lines = [
        "def outer():",
        *(f"    {variable} = None" for variable in free),
        "    def inner(*args, **kwargs):",
        "        raise Bitten(name)",
        *(f"        {variable}" for variable in free),
        "    return inner.__code__",
    ]
    # What the code raises with must be reachable without the globals of the function it goes into.
    text = "\n".join(lines).replace(
        "Bitten(name)", f"__import__({__name__!r}, fromlist=['Bitten']).Bitten({name!r})"
    )
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the text is made of the names of a code object, right above
    code: CodeType = space["outer"]()
    return code
