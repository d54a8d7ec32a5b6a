"""Who may trade on a served venue: two accounts for trying things out, or those of a file.

::

    [[accounts]]
    key = "my-key"               # both are made up here and worth nothing elsewhere
    secret = "my-secret"
    wallet = 25000               # USDT, the default is 10000
    permissions = ["Order", "Position"]
    read_only = false
    is_demo = false              # true takes away what a demo account lacks
    ips = ["127.0.0.1"]          # addresses that the key is bound to
"""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from tidegate.domain.money import Money
from tidegate.ports.commands import BadInput

__all__ = ["DEFAULT_ACCOUNTS", "AccountSettings", "load_accounts"]

_UID_FIRST = 1_001


@attrs.frozen(kw_only=True)
class AccountSettings:
    """One account of a served venue; ``wallet`` is its opening balance in USDT."""

    key: str
    secret: str = attrs.field(repr=False)
    uid: int
    wallet: Money = attrs.field(factory=lambda: Money.of(10_000))
    permissions: tuple[str, ...] = ("Order", "Position")
    may_withdraw: bool = False
    read_only: bool = False
    is_demo: bool = False
    ips: tuple[str, ...] = ("127.0.0.1",)


DEFAULT_ACCOUNTS = tuple(
    AccountSettings(
        key=f"tidegate-venue-{number}", secret=f"not-a-secret-{number}", uid=_UID_FIRST + number
    )
    for number in (1, 2)
)
"""Two accounts whose secrets everybody knows: for this machine alone."""


def load_accounts(path: Path) -> tuple[AccountSettings, ...]:
    """Return the accounts of a TOML file.

    Raises:
        BadInput: with everything that is wrong with it; no secret is shown.

    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise BadInput(
            [f"{path}: cannot be read: {error.strerror}; accepted: a TOML file"]
        ) from error
    except (
        ArithmeticError,
        ValueError,
        RecursionError,
    ) as error:  # also a number of too many digits
        raise BadInput([f"{path}: is no TOML file: {error}"]) from error
    rows = table.get("accounts")
    if not isinstance(rows, list) or not rows:
        raise BadInput([f"{path}: no account; accepted: a table [[accounts]] for each"])
    problems: list[str] = []
    found = [_account(row, number, problems) for number, row in enumerate(rows, start=1)]
    if problems:
        raise BadInput([f"{path}: {problem}" for problem in problems])
    return tuple(found)


def _account(row: Mapping[str, Any], number: int, problems: list[str]) -> AccountSettings:
    where = f"account {number}"
    read = _Reading(row, where, problems)
    account = AccountSettings(
        key=read.text("key"),
        secret=read.text("secret"),
        uid=_UID_FIRST + number,
        wallet=read.wallet(),
        permissions=read.texts("permissions", ("Order", "Position")),
        may_withdraw=read.truth("may_withdraw"),
        read_only=read.truth("read_only"),
        is_demo=read.truth("is_demo"),
        ips=read.texts("ips", ("127.0.0.1",)),
    )
    known = {field.name for field in attrs.fields(AccountSettings)} - {"uid"}
    problems += [
        f"{where}: no setting {name!r}; accepted: {', '.join(sorted(known))}"
        for name in sorted(set(row) - known)
    ]
    return account


@attrs.frozen
class _Reading:
    """Reads one table; what cannot be used becomes a problem, and a stand-in is returned."""

    row: Mapping[str, Any]
    where: str
    problems: list[str]

    def text(self, name: str) -> str:
        """Return a text that must be there; the value is not shown, it may be a secret."""
        value = self.row.get(name)
        if isinstance(value, str) and value:
            return value
        self.problems.append(f"{self.where}: {name} is absent or no text; accepted: any text")
        return name

    def texts(self, name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.row.get(name, list(otherwise))
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        self.problems.append(f"{self.where}: {name} is {value!r}; accepted: a list of texts")
        return otherwise

    def truth(self, name: str) -> bool:
        """Return true or false, false where it is absent."""
        value = self.row.get(name, False)
        if not isinstance(value, bool):
            self.problems.append(f"{self.where}: {name} is {value!r}; accepted: true or false")
        return value is True

    def wallet(self) -> Money:
        """Return the opening balance."""
        value = self.row.get("wallet", 10_000)
        found = None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            with suppress(ValueError):  # not finite, or out of range
                found = Money.of(value)
        if found is None or found.sign < 0:
            self.problems.append(f"{self.where}: wallet is {value!r}; accepted: USDT, 0 or more")
            return Money.of(0)
        return found
