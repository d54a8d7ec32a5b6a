"""Bars of Bybit for a strategy: history over REST, closed bars from the public stream."""

import logging
from collections.abc import Callable

from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.bars import BarPort
from tidegate.ports.exchange import QueryFailed, TimeRange

from .asked import asked
from .clock import ServerClock
from .market import MarketQueries
from .streams.errors import StreamTrouble, SubscriptionRefused
from .streams.hub import StreamHub
from .wire.markets import KLINE_SPANS_MS

__all__ = ["LiveBars", "interval_name"]

_LOG = logging.getLogger(__name__)
_MINUTE_MS = 60_000


def interval_name(interval_ms: int) -> str:
    """Return the venue's name of a bar length (Bybit V5 market/kline ``interval``).

    Raises:
        ValueError: the venue has no bars of that length.

    """
    for name, span_ms in KLINE_SPANS_MS.items():
        if span_ms == interval_ms:
            return name
    accepted = ", ".join(str(span_ms // _MINUTE_MS) for span_ms in KLINE_SPANS_MS.values())
    minutes, rest_ms = divmod(interval_ms, _MINUTE_MS)
    shown = f"{interval_ms} ms" if rest_ms else f"{minutes} minutes"
    raise ValueError(f"bars of {shown}; accepted minutes: {accepted}")


class LiveBars(BarPort):
    """``hub`` is ``None`` where streams are not used; it must be open before anyone listens."""

    def __init__(
        self, *, queries: MarketQueries, hub: StreamHub | None, clock: ServerClock
    ) -> None:
        self._queries = queries
        self._hub = hub
        self._clock = clock

    def now_ms(self) -> int:
        """See :meth:`BarPort.now_ms`."""
        return self._clock.now_ms()

    def closed(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        """See :meth:`BarPort.closed`; the venue's own time decides what is closed."""
        interval_name(interval_ms)
        found = asked(lambda: self._queries.bars(symbol, interval_ms, within, TriggerBy.LAST))
        now_ms = self._clock.now_ms()
        return tuple(bar for bar in found.rows if bar.end_ms <= now_ms)

    def listen(self, symbol: Symbol, *, interval_ms: int, heard: Callable[[Bar], None]) -> bool:
        """See :meth:`BarPort.listen`. A stream that is down brings bars once it is up again.

        Raises:
            QueryFailed: the venue refused the topic.
            RuntimeError: the streams were not opened, or were closed.

        """
        name = interval_name(interval_ms)
        if self._hub is None:
            return False
        try:
            self._hub.watch_bars(symbol, name, heard)
        except SubscriptionRefused as refused:
            raise QueryFailed(f"bars of {symbol}: {refused}") from refused
        except StreamTrouble as trouble:
            _LOG.warning("bars of %s come once the stream is up: %s", symbol, trouble)
        return True
