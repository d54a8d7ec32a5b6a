"""How the control reaches the exchange: on the loop itself, or from any other thread."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from .accounts import Account
from .exchange import Exchange

__all__ = ["Caller", "ControlBase", "ControlRefused", "account_of", "accounts_of"]

T = TypeVar("T")


class ControlRefused(ValueError):
    """The control was asked for what cannot be; the text says what was wrong."""


class Caller(Protocol):
    """Runs a function on the server's loop, waits for it, and returns what it returns."""

    def __call__(self, function: Callable[[Exchange], T], /) -> T:
        """Run ``function``; see the class."""


class ControlBase:
    """What the parts of the control share.

    ``account_key`` is the API key of an account, wherever it is a parameter; without it the act is
    about the first account, and about every one where a method says so.
    """

    def __init__(self, call: Caller) -> None:
        self._call = call


def account_of(exchange: Exchange, account_key: str | None) -> Account:
    """Return an account by its key, the first one for ``None``.

    Raises:
        ControlRefused: there is no account of that name.

    """
    if account_key is None:
        return exchange.accounts.first
    account = exchange.accounts.by_key(account_key)
    if account is None:
        known = ", ".join(account.key for account in exchange.accounts)
        raise ControlRefused(f"account {account_key!r} is unknown; known keys: {known}")
    return account


def accounts_of(exchange: Exchange, account_key: str | None) -> tuple[Account, ...]:
    """Return one account by its key, every one for ``None``.

    Raises:
        ControlRefused: there is no account of that name.

    """
    if account_key is None:
        return tuple(exchange.accounts)
    return (account_of(exchange, account_key),)
