"""Where settings come from: defaults, a TOML file, the environment, the command line.

Each overrides the one before. In the environment ``TIDEGATE_LIMITS__DAY_LOSS_MAX`` is
``day_loss_max`` of the table ``limits``. A name that ends like a secret is never read here.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from .settings import Settings, default_config_path
from .settings_reading import Problem, is_table, read_settings, setting_fields

__all__ = ["CONFIG_VARIABLE", "PREFIX", "SettingsError", "load_settings"]

PREFIX = "TIDEGATE_"
CONFIG_VARIABLE = "TIDEGATE_CONFIG"
_SECRET = re.compile(r"(?:KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE)$", re.IGNORECASE)
_COMMAND_LINE = "command line"
_LIKENESS_MIN = 0.6

Table = Mapping[str, object]


class SettingsError(Exception):
    """Settings that cannot be used; ``problems`` holds all of them, each with its path."""

    def __init__(self, problems: Sequence[str]) -> None:
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        super().__init__("\n".join([f"{count} cannot be used:", *(f"  {p}" for p in problems)]))
        self.problems = tuple(problems)


@attrs.define
class _Merged:
    """One nested table made of several, and where each value came from."""

    table: dict[str, Any] = attrs.field(factory=dict)
    origins: dict[tuple[str, ...], str] = attrs.field(factory=dict)

    def put(self, path: tuple[str, ...], value: object, origin: str) -> None:
        """Set one value; a table is set key by key, so that it does not hide what is there."""
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                self.put((*path, str(key)), inner, origin)
            return
        place = self.table
        for key in path[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[path[-1]] = value
        self.origins[path] = origin


def load_settings(
    *, file: Path | None, env: Mapping[str, str], options: Table | None = None
) -> Settings:
    """Return the settings of a file, the environment and ``options``, the last being strongest.

    ``file`` of ``None`` means the file that ``TIDEGATE_CONFIG`` names, or else the user's own
    where there is one. ``options`` are nested tables as the file has them.

    Raises:
        SettingsError: with every problem at once.

    """
    merged = _Merged()
    path, table = _file(file, env)
    for key, value in table.items():
        merged.put((key,), value, str(path))
    for name, text in sorted(env.items()):
        if _is_setting(name):
            keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
            merged.put(keys, text, name)
    for key, value in (options or {}).items():
        merged.put((key,), value, _COMMAND_LINE)
    found = read_settings(merged.table)
    if isinstance(found, Settings):
        return found
    raise SettingsError([_line(problem, merged) for problem in found])


def _is_setting(name: str) -> bool:
    is_ours = name.startswith(PREFIX) and name != CONFIG_VARIABLE
    return is_ours and _SECRET.search(name) is None


def _file(file: Path | None, env: Mapping[str, str]) -> tuple[Path, Table]:
    named = file if file is not None else env.get(CONFIG_VARIABLE)
    path = Path(named).expanduser() if named else default_config_path()
    if not named and not path.exists():
        return path, {}
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise SettingsError(
            [f"{path}: cannot be read: {error.strerror}; accepted: a TOML file"]
        ) from error
    except (
        ArithmeticError,
        ValueError,
        RecursionError,
    ) as error:  # also a number of too many digits
        raise SettingsError([f"{path}: is no TOML file: {error}"]) from error


def _line(problem: Problem, merged: _Merged) -> str:
    name = ".".join(problem.path) or "settings"
    origin = merged.origins.get(problem.path) or _origin_below(problem.path, merged)
    where = f"{name} ({origin})" if origin else name
    return f"{where}: {_unknown(problem) if problem.unknown else problem.text}"


def _origin_below(path: tuple[str, ...], merged: _Merged) -> str | None:
    below = (o for at, o in merged.origins.items() if path and at[: len(path)] == path)
    return next(below, None)


def _unknown(problem: Problem) -> str:
    """Name the nearest known setting; the value is not shown, it may be a secret."""
    key = problem.path[-1]
    if _SECRET.search(key):
        return "no setting; secrets belong in the environment or the system keyring, never here"
    near = _nearest(problem.path)
    return (
        f"no such setting; did you mean {near}?" if near else f"no such setting{_siblings(problem)}"
    )


def _nearest(path: tuple[str, ...]) -> str | None:
    """Find the setting that was probably meant: of that name elsewhere, beside, or anywhere."""
    known = tuple(_paths(Settings, ()))
    key, wanted = path[-1], ".".join(path)
    same = [".".join(found) for found in known if found[-1] == key]
    if same:
        return difflib.get_close_matches(wanted, same, n=1, cutoff=0)[0]
    beside = [found for found in known if found[:-1] == path[:-1]]
    for among in (beside, known):
        ends = [found[-1] for found in among]
        close = difflib.get_close_matches(key, ends, n=1, cutoff=_LIKENESS_MIN)
        if close:
            return ".".join(next(found for found in among if found[-1] == close[0]))
    return None


def _siblings(problem: Problem) -> str:
    beside = sorted(found[-1] for found in _paths(Settings, ()) if found[:-1] == problem.path[:-1])
    return f"; accepted here: {', '.join(beside)}" if beside else ""


def _paths(kind: type, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for field in setting_fields(kind):
        here = (*path, field.name)
        yield here
        if is_table(field.type):
            yield from _paths(field.type, here)
