"""Order endpoints that change something (Bybit V5, order)."""

from collections.abc import Mapping
from types import MappingProxyType

from . import operations
from .replies import Reply
from .routes import Call, PrivateRoute

__all__ = ["ORDER_ROUTES"]


def _operation(name: str) -> PrivateRoute:
    """Return the route of an operation that the trade stream has too."""

    def act(call: Call) -> Reply:
        return operations.run(call.exchange, call.account, name, call.params.values)

    return PrivateRoute(act=act, method="POST", permission="Order", counts_itself=True)


ORDER_ROUTES: Mapping[str, PrivateRoute] = MappingProxyType(
    {path: _operation(name) for name, path in operations.BUCKETS.items()}
)
