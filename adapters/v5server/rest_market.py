"""Market endpoints (Bybit V5, market)."""

from collections.abc import Mapping
from types import MappingProxyType

from .exchange import Exchange
from .reading import Params
from .replies import Reply
from .routes import PublicRoute

__all__ = ["MARKET_ROUTES"]


def _time(exchange: Exchange, _: Params) -> Reply:
    now_ms = exchange.clock.now_ms()
    return Reply(result={"timeSecond": str(now_ms // 1_000), "timeNano": f"{now_ms}000000"})


MARKET_ROUTES: Mapping[str, PublicRoute] = MappingProxyType(
    {
        "/v5/market/time": PublicRoute(act=_time),
    }
)
