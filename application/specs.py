"""Instrument specifications from the venue, cached with a time to live.

Concurrent requests for one symbol share one fetch. An expired entry is refreshed by the next
request; while that one fetches, others are served the old one up to ``stale_ms`` beyond its life.
There are no invented defaults: what the venue does not give is an error.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import Symbol
from tidegate.ports.clock import ClockPort

__all__ = ["SpecCache"]

HOUR_MS = 3_600_000


@attrs.frozen
class _Entry:
    spec: Instrument
    fetched_ms: int


class SpecCache:
    """A cache of specifications; every method may be called from any thread."""

    def __init__(
        self,
        fetch: Callable[[Symbol], Instrument],
        clock: ClockPort,
        *,
        ttl_ms: int = HOUR_MS,
        stale_ms: int = HOUR_MS,
    ) -> None:
        if ttl_ms <= 0 or stale_ms < 0:
            raise ValueError(
                f"time to live {ttl_ms} ms, stale {stale_ms} ms: the first must be above zero, "
                "the second at least zero"
            )
        self._fetch = fetch
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._stale_ms = stale_ms
        self._lock = threading.Lock()
        self._entries: dict[Symbol, _Entry] = {}
        self._fetching: dict[Symbol, Future[Instrument]] = {}

    def get(self, symbol: Symbol) -> Instrument:
        """Return a specification that is fresh, or that is being refreshed and not too old.

        Raises:
            QueryFailed: the venue does not know the symbol or could not be asked.

        """
        with self._lock:
            fresh = self._kept(symbol, self._ttl_ms)
            if fresh is not None:
                return fresh
            others = self._fetching.get(symbol)
            shared = self._fetching.setdefault(symbol, Future())
            usable = self._kept(symbol, self._ttl_ms + self._stale_ms)
        if others is None:
            return self._load(symbol, shared)
        return usable if usable is not None else shared.result()

    def _kept(self, symbol: Symbol, age_ms_max: int) -> Instrument | None:
        entry = self._entries.get(symbol)
        if entry is None or self._clock.now_ms() - entry.fetched_ms > age_ms_max:
            return None
        return entry.spec

    def _load(self, symbol: Symbol, shared: "Future[Instrument]") -> Instrument:
        try:
            spec = self._fetch(symbol)
        except BaseException as error:
            with self._lock:
                del self._fetching[symbol]
            shared.set_exception(error)
            raise
        with self._lock:
            self._entries[symbol] = _Entry(spec, self._clock.now_ms())
            del self._fetching[symbol]
        shared.set_result(spec)
        return spec
