"""The account's own records and past bars, for comparing and reporting; they never make the books.

Closed profit and the transaction log are kept for two years and asked in windows of seven days;
bars come newest first, at most 1,000 at a time (Bybit V5 position/closed-pnl,
account/transaction-log, market/kline).
"""

from collections.abc import Callable
from typing import TypeVar

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from .history import covered, scope
from .paging import all_rows, windows
from .rest import Call, RestClient
from .wire.fields import Row, Unreadable
from .wire.markets import KLINE_SPANS_MS, bar_of_row
from .wire.records import ApiKey, ClosedPnl, LogEntry, api_key, closed_pnl, log_entry
from .wire.requests import CATEGORY

__all__ = ["RecordQueries"]

T = TypeVar("T")

_PNL_LIMIT = 100
_LOG_LIMIT = 50
_BARS_LIMIT = 1_000


class RecordQueries:
    """Records over REST. Every method raises ``QueryFailed`` when there is no usable answer."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def closed_pnl(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedPnl]:
        """Return the profit of every closing order within the range, ascending."""
        return self._history(
            Call.CLOSED_PNL,
            scope(symbol),
            within,
            limit=_PNL_LIMIT,
            read=lambda row: (closed_pnl(row.fields), row.time_ms("updatedTime")),
            key=lambda row: row.text("orderId"),
        )

    def transaction_log(self, within: TimeRange) -> History[LogEntry]:
        """Return every change of the account's USDT within the range, ascending."""
        return self._history(
            Call.TRANSACTION_LOG,
            {"accountType": "UNIFIED", "category": CATEGORY, "currency": "USDT"},
            within,
            limit=_LOG_LIMIT,
            read=lambda row: (log_entry(row.fields), row.time_ms("transactionTime")),
            key=lambda row: row.text("id"),
        )

    def _history(
        self,
        call: Call,
        params: dict[str, object],
        within: TimeRange,
        *,
        limit: int,
        read: Callable[[Row], tuple[T, int]],
        key: Callable[[Row], str],
    ) -> History[T]:
        """Ask every window; rows that two pages share are told once, the newest reading counts."""
        covers = covered(within, self._rest.clock.now_ms())
        found: dict[str, tuple[T, int]] = {}
        try:
            for window in windows(covers):
                times = {"startTime": str(window.start_ms), "endTime": str(window.end_ms)}
                rows, _ = all_rows(self._rest, call, {**params, **times}, limit=limit)
                found.update((key(row), read(row)) for row in reversed(rows))
        except Unreadable as error:
            raise QueryFailed(str(error)) from error
        ordered = sorted(found.values(), key=lambda pair: pair[1])
        inside = (item for item, ms in ordered if covers.start_ms <= ms <= covers.end_ms)
        return History(rows=tuple(inside), covers=covers, is_complete=covers == within)

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

    def api_key(self) -> ApiKey:
        """Return what the key may do."""
        try:
            return api_key(self._rest.query(Call.API_KEY).result)
        except Unreadable as error:
            raise QueryFailed(str(error)) from error
