"""Public market data over REST.

Bars come newest first, at most 1,000 at a time (Bybit V5 market/kline).
"""

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import QueryFailed, TimeRange

from .rest import Call, RestClient
from .wire.fields import Unreadable
from .wire.markets import KLINE_SPANS_MS, bar_of_row
from .wire.requests import CATEGORY

__all__ = ["MarketQueries"]

_BARS_LIMIT = 1_000


class MarketQueries:
    """The market over REST. Every method raises ``QueryFailed`` when there is no usable answer."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def bars(self, symbol: Symbol, interval: str, within: TimeRange) -> tuple[Bar, ...]:
        """Return the bars that begin within the range, ascending; the last one may be open.

        ``interval`` is the venue's name of it, such as ``5``, ``60`` or ``D``.
        """
        span_ms = KLINE_SPANS_MS.get(interval)
        if span_ms is None:
            accepted = ", ".join(KLINE_SPANS_MS)
            raise ValueError(f"interval {interval!r}: accepted are {accepted}")
        params: dict[str, object] = {"category": CATEGORY, "symbol": symbol, "interval": interval}
        bars: dict[int, Bar] = {}
        start_ms = within.start_ms
        while start_ms <= within.end_ms:
            end_ms = min(start_ms + _BARS_LIMIT * span_ms - 1, within.end_ms)
            for bar in self._bars(
                symbol, params, span_ms, TimeRange(start_ms=start_ms, end_ms=end_ms)
            ):
                bars[bar.start_ms] = bar
            start_ms = end_ms + 1
        return tuple(bars[start] for start in sorted(bars))

    def _bars(
        self, symbol: Symbol, params: dict[str, object], span_ms: int, part: TimeRange
    ) -> list[Bar]:
        asked = {**params, "start": part.start_ms, "end": part.end_ms, "limit": _BARS_LIMIT}
        result = self._rest.query(Call.KLINES, asked).result
        rows = result.get("list")
        if not isinstance(rows, list):
            raise QueryFailed("get_kline: the answer holds no list")
        try:
            found = [bar_of_row(symbol, row, span_ms=span_ms) for row in rows]
        except Unreadable as error:
            raise QueryFailed(str(error)) from error
        return [bar for bar in found if part.start_ms <= bar.start_ms <= part.end_ms]
