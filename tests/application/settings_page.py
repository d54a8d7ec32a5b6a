"""Writes the reference of the settings anew: ``python -m tests.application.settings_page``."""

import enum
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
from tidegate.application.settings import Settings
from tidegate.application.settings_ranges import range_of
from tidegate.application.settings_reading import accepted_by, is_table, setting_fields
from tidegate.domain.money import Amount, Money, Rate

from tests.docs.settings_text import attribute_texts, one_line

__all__ = ["PAGE", "settings_page"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_UNITS: Mapping[object, str] = {int: "whole number", Rate: "rate", Money: "USDT"}

_INTRODUCTION = """# Settings

Every choice has a default. Settings come from three places, the later ones being stronger:

1. a TOML file: the one named by `--config` or by the variable `TIDEGATE_CONFIG`, or else
   `tidegate.toml` in the user's configuration folder, where there is one;
2. the environment: `TIDEGATE_` and the name in capitals, two underscores for each dot, such as
   `TIDEGATE_LIMITS__DAY_LOSS_MAX=2%`;
3. the options of a command.

```toml
symbol = "BTCUSDT"
wallet = 5000             # USDT

[limits]
day_loss_max = "2%"       # rates are fractions or percentages: 0.02 is the same
risk_per_trade_max = 0.01
symbols_allowed = ["BTCUSDT", "ETHUSDT"]

[strategy]
name = "my_module:MyStrategy"
params = { channel = 20 }
```

Numbers are read as exact decimals and never become binary floats. A name that is not known, a value
of another type and a number out of range are errors. All of them are reported at once, each with
its path, where it came from, the value, and what would be accepted:

```text
tidegate: 2 settings cannot be used:
  costs.taker_fee (TIDEGATE_COSTS__TAKER_FEE): '-1'; accepted: 0 to 0.5 (such as 0.001 or 0.1%)
  limits.day_los_max (tidegate.toml): no such setting; did you mean limits.day_loss_max?
```

Secrets are not settings. A variable whose name ends in KEY, SECRET, TOKEN, PASSWORD or PASSPHRASE
is never read as one, and such a name in the file is refused without showing its value. Bybit's API
key and its secret are read from the variables `TIDEGATE_BYBIT_KEY` and `TIDEGATE_BYBIT_SECRET`, or
else from the system keyring: user names `key` and `secret` of the service that
`bybit.keyring_service` names.

Whatever the mode is, `tidegate doctor` says whether it could trade with these settings.

The tables below are generated from the classes that hold the settings."""


def settings_page() -> str:
    """Return the whole page."""
    tables = "\n\n".join(_table(kind, path) for kind, path in _kinds(Settings, ""))
    return f"{_INTRODUCTION}\n\n{tables}\n"


def _kinds(kind: type, path: str) -> Iterator[tuple[type, str]]:
    yield kind, path
    for field in setting_fields(kind):
        if is_table(field.type):
            yield from _kinds(field.type, f"{path}{field.name}.")


def _table(kind: type, path: str) -> str:
    title = f"## `[{path.removesuffix('.')}]`" if path else "## At the top"
    about = one_line((kind.__doc__ or "").strip().partition("\n\n")[0])
    rows = ["| setting | default | accepted | meaning |", "|---|---|---|---|"]
    texts = attribute_texts(kind)
    for field in setting_fields(kind):
        name = f"`{path}{field.name}`"
        if is_table(field.type):
            rows.append(f"| {name} | | a table, below | {texts[field.name]} |")
        else:
            accepted = _accepted(kind, field)
            rows.append(f"| {name} | {_default(kind, field)} | {accepted} | {texts[field.name]} |")
    return "\n".join([title, "", about, "", *rows])


def _accepted(kind: type, field: "attrs.Attribute[object]") -> str:
    found = range_of(kind, field.name)
    if found is None:
        return accepted_by(field.type)
    return f"{_UNITS[field.type]}, {found.bounds}"


def _default(kind: type, field: "attrs.Attribute[object]") -> str:
    described = field.metadata.get("default")
    if described is not None:
        return str(described)
    value = getattr(kind(), field.name)
    if value is None:
        return "all" if field.name == "symbols_allowed" else "none"
    if isinstance(value, enum.Enum):
        return f"`{value.value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Amount):
        return f"`{value}`"
    return f"`{value}`" if value != "" and not isinstance(value, Mapping) else "none"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
