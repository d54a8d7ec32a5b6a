"""Keeping below the venue's rate limits, instead of being told of them.

Limits are for each account and endpoint within one rolling second, and for each address within five
seconds (Bybit V5 "Rate limit rules"). Defaults apply until the first answer states the account's
own limit in its headers.

The venue counts a request when it arrives, which is some time between its send and its answer. So a
request counts from its send, and leaves the window that begins with its answer: however unevenly
requests travel, the venue never sees more of them within its window.
"""

import enum
import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs

from .http11 import monotonic_ms
from .wire.envelope import LimitHeaders

__all__ = ["DEFAULT_LIMITS", "FROZEN_MS", "Priority", "RateLimiter", "Wait"]

FROZEN_MS = 600_000
"""How long everything rests after HTTP 403: the venue asks for at least ten minutes."""

_WINDOW_MS = 1_000
_ADDRESS_WINDOW_MS = 5_000
_ADDRESS_LIMIT = 580
"""Below the venue's 600: the streams' handshakes and other programs share the address."""

_ADDRESS_RESERVE = 30
_RESET_MS_MAX = 60_000
_PUBLIC_PREFIX = "/v5/market/"
_FALLBACK = 10

DEFAULT_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "/v5/order/create",
                "/v5/order/amend",
                "/v5/order/cancel",
                "/v5/order/cancel-all",
                "/v5/order/pre-check",
                "/v5/order/create-batch",
                "/v5/order/amend-batch",
                "/v5/order/cancel-batch",
                "/v5/position/set-leverage",
                "/v5/position/switch-mode",
                "/v5/position/trading-stop",
                "/v5/position/set-auto-add-margin",
                "/v5/position/add-margin",
                "/v5/position/confirm-pending-mmr",
                "/v5/account/set-limit-px-action",
                "/v5/account/instruments-info",
                "/v5/user/query-api",
            ),
            10,
        ),
        **dict.fromkeys(
            (
                "/v5/order/realtime",
                "/v5/order/history",
                "/v5/execution/list",
                "/v5/position/list",
                "/v5/position/closed-pnl",
                "/v5/account/wallet-balance",
                "/v5/account/info",
                "/v5/account/user-setting-config",
                "/v5/apilimit/query",
            ),
            50,
        ),
        "/v5/account/transaction-log": 25,
        **dict.fromkeys(
            (
                "/v5/account/fee-rate",
                "/v5/account/query-dcp-info",
                "/v5/account/set-margin-mode",
                "/v5/order/disconnected-cancel-all",
            ),
            5,
        ),
    }
)
"""Requests per second of an account without a VIP level, by path."""


class Priority(enum.IntEnum):
    """Who goes first: a request that protects or closes never waits behind one that opens."""

    SAFETY = 0
    NORMAL = 1


@attrs.frozen
class Wait:
    """There was no room before the deadline; ``ms`` is how long it would still take."""

    ms: int


class _Bucket:
    """The requests that count. ``blocked_until_ms`` is set by what the venue said."""

    def __init__(self, limit: int, window_ms: int, reserve: int) -> None:
        self.limit = limit
        self.window_ms = window_ms
        self.reserve = reserve
        self.waiting_safety = 0
        self.blocked_until_ms = 0
        self._under_way = 0
        self._answered_ms: deque[int] = deque()

    def room(self, priority: Priority) -> int:
        """Return how many may count at once for a request of this priority; at least one."""
        reserve = min(self.reserve, self.limit - 1) if priority is Priority.NORMAL else 0
        return self.limit - reserve

    def wait_ms(self, now_ms: int, priority: Priority, count: int = 1) -> int:
        """Return how long until ``count`` more may be sent; 0 for now.

        What waits for an answer first waits a window at least, or until that answer is told. More
        than there is ever room for waits for all of the room.
        """
        while self._answered_ms and self._answered_ms[0] <= now_ms - self.window_ms:
            self._answered_ms.popleft()
        blocked_ms = max(self.blocked_until_ms - now_ms, 0)
        room = self.room(priority)
        too_many = self._under_way + len(self._answered_ms) - room + min(count, room)
        if too_many <= 0:
            return blocked_ms
        if too_many > len(self._answered_ms):
            return max(blocked_ms, self.window_ms)
        full_ms = self._answered_ms[too_many - 1] + self.window_ms - now_ms
        return max(blocked_ms, full_ms)

    def spend(self, count: int = 1) -> None:
        """Count a request of ``count`` orders."""
        self._under_way += count

    def answered(self, now_ms: int, count: int = 1) -> None:
        """Begin the window that a request of ``count`` orders leaves at its end."""
        self._under_way -= count
        self._answered_ms.extend([now_ms] * count)


class RateLimiter:
    """One for each account. Any thread may call; waiting ends by an event or at its deadline.

    One fifth of an endpoint's limit is kept for :attr:`Priority.SAFETY`, which also goes first
    whenever both wait.
    """

    def __init__(self, *, clock_ms: Callable[[], int] = monotonic_ms) -> None:
        self._clock_ms = clock_ms
        self._changed = threading.Condition()
        self._buckets: dict[str, _Bucket] = {}
        self._address = _Bucket(_ADDRESS_LIMIT, _ADDRESS_WINDOW_MS, _ADDRESS_RESERVE)
        self._frozen_until_ms = 0

    def acquire(
        self, path: str, *, priority: Priority, deadline_ms: int, count: int = 1
    ) -> Wait | None:
        """Take the right to send one request; ``None`` once it is taken.

        Whoever takes it calls :meth:`answered` afterwards, whatever came of the request.
        ``deadline_ms`` is monotonic. A wait that cannot end before it is not begun. ``count`` is
        how many the endpoint counts for it: one for each order of a batch.
        """
        with self._changed:
            bucket = self._bucket(path)
            is_safety = priority is Priority.SAFETY
            bucket.waiting_safety += is_safety
            try:
                return self._wait_for_room(bucket, priority, deadline_ms, count)
            finally:
                bucket.waiting_safety -= is_safety
                self._changed.notify_all()

    def _wait_for_room(
        self, bucket: _Bucket, priority: Priority, deadline_ms: int, count: int
    ) -> Wait | None:
        while True:
            now_ms = self._clock_ms()
            wait_ms = self._wait_ms(bucket, priority, now_ms, count)
            if wait_ms <= 0:
                bucket.spend(count)
                self._address.spend()
                return None
            if now_ms + wait_ms > deadline_ms:
                return Wait(wait_ms)
            self._changed.wait(wait_ms / 1_000)

    def _wait_ms(self, bucket: _Bucket, priority: Priority, now_ms: int, count: int) -> int:
        waits = (
            self._frozen_until_ms - now_ms,
            bucket.wait_ms(now_ms, priority, count),
            self._address.wait_ms(now_ms, priority),
        )
        if priority is Priority.NORMAL and bucket.waiting_safety and max(waits) <= 0:
            return 1
        return max(*waits, 0)

    def answered(self, path: str, *, count: int = 1) -> None:
        """Note that a request was answered, or that nobody waits for its answer any more."""
        with self._changed:
            now_ms = self._clock_ms()
            self._bucket(path).answered(now_ms, count)
            self._address.answered(now_ms)
            self._changed.notify_all()

    def note(self, path: str, headers: LimitHeaders | None, *, venue_ms: int) -> None:
        """Take what an answer said about its endpoint; ``venue_ms`` is its time."""
        if headers is None or headers.limit <= 0:
            return
        with self._changed:
            bucket = self._bucket(path)
            bucket.limit = headers.limit
            bucket.reserve = _reserve(headers.limit)
            if headers.remaining <= 0:
                self._block(bucket, headers.reset_ms - venue_ms)
            self._changed.notify_all()

    def exhausted(self, path: str, headers: LimitHeaders | None, *, venue_ms: int) -> None:
        """Take a refusal for too many requests: nothing more goes there before the reset."""
        with self._changed:
            reset_ms = _WINDOW_MS if headers is None else headers.reset_ms - venue_ms
            self._block(self._bucket(path), max(reset_ms, 1))

    def freeze(self, for_ms: int = FROZEN_MS) -> None:
        """Stop everything, safety included: sending on would only prolong a ban."""
        with self._changed:
            self._frozen_until_ms = self._clock_ms() + for_ms

    @property
    def is_frozen(self) -> bool:
        """Tell whether everything rests after a ban."""
        return self._clock_ms() < self._frozen_until_ms

    def limit_of(self, path: str) -> int:
        """Return the requests per second that ``path`` may make, as far as is known."""
        with self._changed:
            return self._bucket(path).limit

    def room(self, path: str, *, priority: Priority) -> int:
        """Return how many orders one request to ``path`` may hold, as far as is known."""
        with self._changed:
            return self._bucket(path).room(priority)

    def _block(self, bucket: _Bucket, for_ms: int) -> None:
        until_ms = self._clock_ms() + min(max(for_ms, 0), _RESET_MS_MAX)
        bucket.blocked_until_ms = max(bucket.blocked_until_ms, until_ms)

    def _bucket(self, path: str) -> _Bucket:
        if path not in self._buckets:
            is_public = path.startswith(_PUBLIC_PREFIX)
            limit = _ADDRESS_LIMIT if is_public else DEFAULT_LIMITS.get(path, _FALLBACK)
            self._buckets[path] = _Bucket(limit, _WINDOW_MS, _reserve(limit))
        return self._buckets[path]


def _reserve(limit: int) -> int:
    return limit // 5
