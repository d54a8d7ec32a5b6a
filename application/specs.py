"""Instrument specifications from the venue, cached with a time to live.

Concurrent requests for one symbol share one fetch. Late in its life an entry is refreshed in the
background; where that did not come about, the first request after its life fetches it, and others
are served the old one meanwhile. A fetch that fails leaves the old one in use up to ``stale_ms``
beyond its life; then it is an error. There are no invented defaults: what the venue does not give
is an error too.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.verdict import Missing, Rule
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import QueryFailed, VenueError
from tidegate.ports.orders import Refused

__all__ = ["KnownSpec", "SpecCache", "SpecTooOld", "in_background"]

HOUR_MS = 3_600_000
_LOG = logging.getLogger(__name__)
_RETRY_MS = 5_000

Refresh = Callable[[Callable[[], object]], object]


def in_background(work: Callable[[], object]) -> None:
    """Do ``work`` in a thread of its own, which ends with the process at the latest."""
    threading.Thread(target=work, name="tidegate-specs", daemon=True).start()


class SpecTooOld(QueryFailed):
    """A specification is older than it may be in use, and no newer one could be had."""

    def __init__(self, symbol: Symbol, *, age_ms: int, age_ms_max: int, cause: object) -> None:
        super().__init__(
            f"the specification of {symbol} is {age_ms} ms old, at most {age_ms_max} ms is "
            f"accepted, and none newer could be had: {cause}"
        )
        self.age_ms = age_ms
        self.age_ms_max = age_ms_max

    def refusal(self) -> Refused:
        """Return what becomes of a signal that needs the specification: a missing one refuses."""
        lacking = Missing(rule=Rule.VENUE_LIMITS, what=str(self))
        return Refused(breaches=(), missing=(lacking,), fault=None, largest=None)


@attrs.frozen(kw_only=True)
class KnownSpec:
    """A specification, and when the venue gave it, by the cache's clock."""

    spec: Instrument
    fetched_ms: int


class SpecCache:
    """A cache of specifications; every method may be called from any thread.

    ``ttl_ms`` is the life of an entry. With ``refresh`` one that has lived three quarters of it is
    refreshed that way: at once, and once. After a failure nobody asks for 5 s what is still usable.

    Raises:
        ValueError: ``ttl_ms`` is not above zero, or ``stale_ms`` is below it.

    """

    def __init__(
        self,
        fetch: Callable[[Symbol], Instrument],
        clock: ClockPort,
        *,
        ttl_ms: int = HOUR_MS,
        stale_ms: int = HOUR_MS,
        refresh: Refresh | None = None,
    ) -> None:
        if ttl_ms <= 0 or stale_ms < 0:
            raise ValueError(
                f"time to live {ttl_ms} ms, stale {stale_ms} ms: the first must be above zero, "
                "the second at least zero"
            )
        self._fetch = fetch
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._usable_ms = ttl_ms + stale_ms
        self._refresh = refresh
        self._lock = threading.Lock()
        self._entries: dict[Symbol, KnownSpec] = {}
        self._failed_ms: dict[Symbol, int] = {}
        self._fetching: dict[Symbol, Future[KnownSpec]] = {}

    def get(self, symbol: Symbol) -> Instrument:
        """Return a specification that is not too old.

        Raises:
            SpecTooOld: there is one that was in use for too long, and the venue gives no other.
            QueryFailed: the venue does not know the symbol or could not be asked.

        """
        return self.known(symbol).spec

    def known(self, symbol: Symbol) -> KnownSpec:
        """Return a specification with its time; raises as :meth:`get` does."""
        with self._lock:
            entry = self._entries.get(symbol)
            age_ms = 0 if entry is None else self._clock.now_ms() - entry.fetched_ms
            others = self._fetching.get(symbol)
            wants_fetch = others is None and self._wants_fetch(symbol, entry, age_ms)
            shared: Future[KnownSpec] = others or Future()
            if wants_fetch:
                self._fetching[symbol] = shared
        if entry is None or age_ms > self._usable_ms:
            return self._load(symbol, shared) if wants_fetch else shared.result()
        if not wants_fetch:
            return entry
        if age_ms <= self._ttl_ms:
            assert self._refresh is not None, "only a refresh fetches what is fresh"
            self._refresh(lambda: self._load_quietly(symbol, shared))
            return entry
        return self._load_quietly(symbol, shared) or entry

    def _wants_fetch(self, symbol: Symbol, entry: KnownSpec | None, age_ms: int) -> bool:
        if entry is None or age_ms > self._usable_ms:
            return True
        failed_ms = self._failed_ms.get(symbol)
        if failed_ms is not None and self._clock.now_ms() - failed_ms < _RETRY_MS:
            return False
        is_late = self._refresh is not None and age_ms * 4 > self._ttl_ms * 3
        return is_late or age_ms > self._ttl_ms

    def _load_quietly(self, symbol: Symbol, shared: "Future[KnownSpec]") -> KnownSpec | None:
        """Load while an old one is usable: a failure is told in the log and leaves the old one."""
        try:
            return self._load(symbol, shared)
        except VenueError as error:
            _LOG.warning("the specification of %s stays the old one: %s", symbol, error)
            return None

    def _load(self, symbol: Symbol, shared: "Future[KnownSpec]") -> KnownSpec:
        """Fetch, and tell everyone who waits; nobody is left waiting, whatever happens."""
        try:
            found = KnownSpec(spec=self._fetch(symbol), fetched_ms=self._clock.now_ms())
        except BaseException as error:
            with self._lock:
                del self._fetching[symbol]
                self._failed_ms[symbol] = self._clock.now_ms()
                too_old = self._too_old(symbol, error)
            shared.set_exception(too_old or error)
            if too_old is not None:
                raise too_old from error
            raise
        with self._lock:
            self._entries[symbol] = found
            self._failed_ms.pop(symbol, None)
            del self._fetching[symbol]
        shared.set_result(found)
        return found

    def _too_old(self, symbol: Symbol, error: BaseException) -> SpecTooOld | None:
        """Return what a failure means where there is an entry that may not be used any more."""
        entry = self._entries.get(symbol)
        if entry is None or not isinstance(error, VenueError):
            return None
        age_ms = self._clock.now_ms() - entry.fetched_ms
        if age_ms <= self._usable_ms:
            return None
        return SpecTooOld(symbol, age_ms=age_ms, age_ms_max=self._usable_ms, cause=error)
