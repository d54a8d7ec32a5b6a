"""Building a strategy from its name and parameters."""

import importlib
import inspect
from collections.abc import Mapping
from types import ModuleType

from tidegate.ports.session import ExitAtOnce
from tidegate.ports.strategy import StrategyPort

from .errors import StrategyError

__all__ = ["load_strategy"]


def load_strategy(name: str, params: Mapping[str, object]) -> StrategyPort:
    """Build the strategy ``module:Class`` with ``params`` as its keyword arguments.

    The module is imported, which runs it: name only code that you trust with your account.

    Raises:
        StrategyError: for a name of another form, a module that is missing or fails, a class that
            is missing or no strategy, and parameters that the class does not take or refuses.

    """
    module_name, colon, class_name = name.partition(":")
    if not colon or not all(part.isidentifier() for part in module_name.split(".")):
        raise StrategyError(
            f"strategy {name!r}; accepted: module:Class, such as "
            "tidegate.adapters.strategies.donchian:DonchianBreakout"
        )
    kind = _class(name, _module(name, module_name), class_name)
    _check_names(name, kind, params)
    try:
        return kind(**params)
    except (TypeError, ValueError, ArithmeticError) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in params.items()) or "none"
        raise StrategyError(
            f"strategy {name!r} refuses its parameters ({given}): {error}"
        ) from error
    except ExitAtOnce:
        raise
    except (Exception, SystemExit) as error:
        raise StrategyError(
            f"strategy {name!r} fails when it is built: {type(error).__name__}: {error}"
        ) from error


def _module(name: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if f"{module_name}.".startswith(f"{missing}."):
            raise StrategyError(
                f"strategy {name!r}: there is no module {missing!r}; accepted: a module that "
                "Python can import from here"
            ) from error
        raise StrategyError(
            f"strategy {name!r}: its module imports {missing!r}, which is not installed"
        ) from error
    except ExitAtOnce:
        raise
    except (Exception, SystemExit) as error:
        raise StrategyError(
            f"strategy {name!r}: its module fails when imported: {type(error).__name__}: {error}"
        ) from error


def _class(name: str, module: ModuleType, class_name: str) -> type[StrategyPort]:
    found = getattr(module, class_name, None)
    if isinstance(found, type) and issubclass(found, StrategyPort):
        if not inspect.isabstract(found):
            return found
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise StrategyError(f"strategy {name!r} is abstract: it does not define {lacking}")
    usable = sorted(
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, StrategyPort) and value is not StrategyPort
    )
    what = "is not in the module" if found is None else "is not a class derived from StrategyPort"
    raise StrategyError(
        f"strategy {name!r}: {class_name!r} {what}; accepted: {', '.join(usable) or 'none there'}"
    )


def _check_names(name: str, kind: type[StrategyPort], params: Mapping[str, object]) -> None:
    signature = inspect.signature(kind)
    try:
        signature.bind(**params)
    except TypeError as error:
        accepted = ", ".join(signature.parameters) or "no parameters"
        raise StrategyError(f"strategy {name!r}: {error}; accepted: {accepted}") from error
