"""Every REST endpoint by its path."""

from collections.abc import Mapping
from types import MappingProxyType

from .rest_account import ACCOUNT_ROUTES
from .rest_market import MARKET_ROUTES
from .rest_orders import ORDER_ROUTES
from .rest_positions import POSITION_ROUTES
from .rest_user import USER_ROUTES
from .routes import Route

__all__ = ["ROUTES"]

ROUTES: Mapping[str, Route] = MappingProxyType(
    {**MARKET_ROUTES, **ORDER_ROUTES, **POSITION_ROUTES, **ACCOUNT_ROUTES, **USER_ROUTES}
)
