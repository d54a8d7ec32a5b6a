"""Requests per second and endpoint, counted per user id in a rolling window.

Figures: Bybit V5, rate limit, Unified account, linear. Endpoints that the account's tier raises
have no figure of their own here.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from .accounts import Account

__all__ = [
    "FIXED_LIMITS",
    "MINUTE_MS",
    "ORDER_LIMIT_MAX",
    "PEER_SHUT_OUT_MS",
    "PEER_WINDOW_MS",
    "WINDOW_MS",
    "PeerLimiter",
    "RateLimiter",
    "Spent",
]

ORDER_LIMIT_MAX = 1_200
"""The highest limit per second that a user id can have."""

WINDOW_MS = 1_000
"""The rolling window of every limit but that of demo funds."""
MINUTE_MS = 60_000
PEER_WINDOW_MS = 5_000
PEER_SHUT_OUT_MS = 10 * MINUTE_MS

FIXED_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "/v5/order/disconnected-cancel-all": 5,
        "/v5/order/realtime": 50,
        "/v5/order/history": 50,
        "/v5/execution/list": 50,
        "/v5/position/list": 50,
        "/v5/position/closed-pnl": 50,
        "/v5/position/symbol-info": 50,
        "/v5/position/set-leverage": 10,
        "/v5/position/switch-mode": 10,
        "/v5/position/trading-stop": 10,
        "/v5/position/set-auto-add-margin": 10,
        "/v5/position/add-margin": 10,
        "/v5/position/confirm-pending-mmr": 10,
        "/v5/account/wallet-balance": 50,
        "/v5/account/withdrawal": 50,
        "/v5/account/info": 50,
        "/v5/account/collateral-info": 50,
        "/v5/account/borrow-history": 50,
        "/v5/account/user-setting-config": 50,
        "/v5/account/transaction-log": 25,
        "/v5/account/fee-rate": 5,
        "/v5/account/query-dcp-info": 5,
        "/v5/account/smp-group": 5,
        "/v5/account/instruments-info": 10,
        "/v5/account/set-margin-mode": 5,
        "/v5/account/set-limit-px-action": 10,
        "/v5/user/query-api": 10,
        "/v5/apilimit/query": 50,
        "/v5/apilimit/query-all": 50,
        "/v5/apilimit/query-cap": 50,
        "/v5/apilimit/set": 50,
        "/v5/account/demo-apply-money": 1,
        "/v5/asset/coin/query-info": 5,
    }
)
"""Requests per second of the endpoints that no tier raises; of demo funds per minute."""

_PER_MINUTE = frozenset({"/v5/account/demo-apply-money"})


@attrs.frozen(kw_only=True)
class Spent:
    """What a request found: ``granted`` of the wanted count may go on, more at ``reset_ms``.

    The first three are the headers ``X-Bapi-Limit``, ``-Limit-Status`` and
    ``-Limit-Reset-Timestamp``.
    """

    limit: int
    remaining: int
    reset_ms: int
    granted: int

    def headers(self) -> dict[str, str]:
        """Return the three headers that every answer carries."""
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.remaining),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class PeerLimiter:
    """Requests of one address over all endpoints; beyond the limit it is shut out for a while.

    The venue's figures are 600 requests in 5 s and at least 10 minutes. ``None`` counts nothing.
    """

    def __init__(self, requests_max: int | None = None) -> None:
        self._requests_max = requests_max
        self._seen: dict[str, deque[int]] = {}
        self._shut_out_until_ms: dict[str, int] = {}

    def may_pass(self, peer: str, now_ms: int) -> bool:
        """Count a request, and tell whether it is served."""
        if self._requests_max is None:
            return True
        if now_ms < self._shut_out_until_ms.get(peer, 0):
            return False
        times = self._seen.setdefault(peer, deque())
        while times and times[0] <= now_ms - PEER_WINDOW_MS:
            times.popleft()
        if len(times) >= self._requests_max:
            self._shut_out_until_ms[peer] = now_ms + PEER_SHUT_OUT_MS
            return False
        times.append(now_ms)
        return True


class RateLimiter:
    """The windows of every user id and bucket. A bucket is the path of a REST endpoint."""

    def __init__(self) -> None:
        self._spent: dict[tuple[int, str], deque[int]] = {}

    def spend(self, account: Account, bucket: str, now_ms: int, count: int = 1) -> Spent:
        """Take up to ``count`` from the account's window of ``bucket``.

        A request that is refused for the limit is not counted. With nothing left the reset time is
        when the oldest request leaves the window, otherwise it is now.
        """
        limit = FIXED_LIMITS.get(bucket, account.level.value)
        window_ms = MINUTE_MS if bucket in _PER_MINUTE else WINDOW_MS
        times = self._spent.setdefault((account.uid, bucket), deque())
        while times and times[0] <= now_ms - window_ms:
            times.popleft()
        granted = min(count, limit - len(times))
        times.extend([now_ms] * granted)
        remaining = limit - len(times)
        reset_ms = now_ms if remaining else times[0] + window_ms
        return Spent(limit=limit, remaining=remaining, reset_ms=reset_ms, granted=granted)
