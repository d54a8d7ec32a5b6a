"""From ``module:factory`` on the command line to the factory, or to an error that says why not."""

import importlib
from collections.abc import Callable

__all__ = ["BenchFactory", "FactoryNotFound", "load_factory"]

BenchFactory = Callable[[], object]

_FORM = "give module:factory, such as acme.adapter:make"


class FactoryNotFound(Exception):
    """The text on the command line leads to no factory; the message says where it ends."""


def load_factory(text: str) -> BenchFactory:
    """Return the factory that ``text`` names, as ``module:factory``.

    Raises:
        FactoryNotFound: the text has another form, the module cannot be imported, or it has no
            such callable.

    """
    module_name, colon, name = text.partition(":")
    if not (module_name and colon and name.isidentifier()):
        raise FactoryNotFound(f"{text!r} names no factory; {_FORM}")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise FactoryNotFound(
            f"{text!r}: cannot import {module_name!r}: {error}; it must be installed or on "
            "sys.path (python -m pytest adds the current folder)"
        ) from error
    factory: BenchFactory | None = getattr(module, name, None)
    if not callable(factory):
        known = sorted(key for key, value in vars(module).items() if _could_be_meant(key, value))
        raise FactoryNotFound(
            f"{text!r}: module {module_name!r} has no callable {name!r}; "
            f"it has {', '.join(known) or 'none'}"
        )
    return factory


def _could_be_meant(name: str, value: object) -> bool:
    return callable(value) and not name.startswith("_")
