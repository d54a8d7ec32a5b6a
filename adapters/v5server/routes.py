"""What a REST endpoint is: its verb, whether it needs a signature, its permission, its act."""

from collections.abc import Callable

import attrs

from .accounts import Account
from .errors import V5Error
from .exchange import Exchange
from .reading import Params
from .replies import Reply

__all__ = ["Call", "PrivateRoute", "PublicRoute", "Route"]

_NO_PERMISSION = 10005


@attrs.frozen(kw_only=True)
class Call:
    """One authenticated request as an act sees it."""

    exchange: Exchange
    account: Account
    params: Params

    @property
    def now_ms(self) -> int:
        """Return the server's time."""
        return self.exchange.clock.now_ms()


@attrs.frozen(kw_only=True)
class PublicRoute:
    """An endpoint that anyone may ask, with GET."""

    act: Callable[[Exchange, Params], Reply]
    method: str = "GET"


@attrs.frozen(kw_only=True)
class PrivateRoute:
    """An endpoint of an account. ``permission`` is needed in ``ContractTrade`` to change things."""

    act: Callable[[Call], Reply]
    method: str = "GET"
    permission: str = ""
    counts_itself: bool = False
    """Whether the act counts against the rate limit: a batch counts its orders."""
    is_in_demo: bool = True

    def check_permission(self, account: Account) -> None:
        """Refuse (10005) what the key may not do.

        Raises:
            V5Error: 10005: the key may only read, or lacks the permission.

        """
        if self.method == "GET":
            return
        permissions = dict(account.spec.permissions).get("ContractTrade", ())
        lacks = bool(self.permission) and self.permission not in permissions
        if account.spec.is_read_only or lacks:
            raise V5Error(
                _NO_PERMISSION, "Permission denied, please check your API key permissions."
            )

    def check_environment(self, account: Account) -> None:
        """Refuse what a demo account of the venue lacks.

        Raises:
            V5Error: 10001: demo trading lacks the endpoint.

        """
        if account.spec.is_demo and not self.is_in_demo:
            raise V5Error(10001, "Demo trading are not supported.")


Route = PublicRoute | PrivateRoute
