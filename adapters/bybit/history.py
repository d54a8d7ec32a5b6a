"""What happened in a range of time, and how much of it the venue still knows.

Executions are kept for two years. Orders with fills are too, but orders that ended without any are
shown for 24 hours only (Bybit V5, order/history and execution/list).
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Execution, FundingPayment, OrderReport
from tidegate.ports.exchange import History, TimeRange

from .paging import WINDOW_MS, all_rows, windows
from .rest import Call, RestClient
from .unread import Heard, ToldOnce, read_each
from .wire.executions import execution_or_funding, execution_sort_key
from .wire.fields import Row
from .wire.orders import order_report
from .wire.requests import CATEGORY

__all__ = ["HistoryQueries", "covered", "is_whole", "scope"]

T = TypeVar("T")

_DAY_MS = 86_400_000
_KEPT_MS = 730 * _DAY_MS
_UNFILLED_KEPT_MS = _DAY_MS
_EXECUTIONS_LIMIT = 100
_ORDERS_LIMIT = 50
_SETTLE = "USDT"
_FUNDING = "Funding"
_EXECUTIONS, _ORDERS = "execution history", "order history"


def scope(symbol: Symbol | None) -> dict[str, object]:
    """Return the parameters for one symbol, or for all that settle in USDT."""
    which = {"settleCoin": _SETTLE} if symbol is None else {"symbol": symbol}
    return {"category": CATEGORY, **which}


def covered(within: TimeRange, now_ms: int) -> TimeRange:
    """Return the part of a range that is not older than the two years that the venue keeps."""
    return _kept(within, now_ms, _KEPT_MS)


class HistoryQueries:
    """History over REST. Methods raise ``QueryFailed`` and ``Unreadable``.

    With a listener, a row that cannot be read is told to it once, and left out.

    Raises:
        QueryFailed: the venue gave no usable answer.
        Unreadable: the answer cannot be understood.

    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest
        self.told = ToldOnce()

    def executions(
        self, symbol: Symbol | None, within: TimeRange, heard: Heard | None = None
    ) -> History[Execution]:
        """Return executions within the range, ascending; funding is left out.

        Outcomes and errors: see :meth:`ExchangePort.executions`.
        """
        covers, read = self._execution_rows(scope(symbol), within, heard)
        found = tuple(item for item in read if isinstance(item, Execution))
        return History(rows=found, covers=covers, is_complete=is_whole(covers, within))

    def funding_payments(
        self, symbol: Symbol | None, within: TimeRange, heard: Heard | None = None
    ) -> History[FundingPayment]:
        """Return funding settlements within the range, ascending.

        Outcomes and errors: see :meth:`ExchangePort.funding_payments`.
        """
        asked = {**scope(symbol), "execType": _FUNDING}
        covers, read = self._execution_rows(asked, within, heard)
        found = tuple(item for item in read if isinstance(item, FundingPayment))
        return History(rows=found, covers=covers, is_complete=is_whole(covers, within))

    def _execution_rows(
        self, params: dict[str, object], within: TimeRange, heard: Heard | None
    ) -> tuple[TimeRange, list[Execution | FundingPayment]]:
        """Return what is covered, and each row of it once in the order of the events.

        Rows come newest first, and rows of one millisecond in no promised order: they are put in
        order by the venue's sequence number.
        """
        rows: dict[str, tuple[tuple[int, int], Execution | FundingPayment]] = {}
        for window in windows(covered(within, self._rest.clock.now_ms())):
            asked = {**params, **_times(window)}
            found, _ = all_rows(self._rest, Call.EXECUTIONS, asked, limit=_EXECUTIONS_LIMIT)
            read = self._read(found, _booking, _EXECUTIONS, heard)
            rows.update((name, (key, item)) for name, key, item in read)
        covers = covered(within, self._rest.clock.now_ms())
        inside = (pair for pair in rows.values() if _is_in(pair[1].time_ms, covers))
        return covers, [item for _, item in sorted(inside, key=lambda pair: pair[0])]

    def _read(
        self, rows: list[Row], read: Callable[[Row], T], source: str, heard: Heard | None
    ) -> list[T]:
        return read_each(
            reversed(rows),
            read,
            source=source,
            time_ms=self._rest.clock.now_ms(),
            heard=self.told.by(heard),
        )

    def order_history(
        self, symbol: Symbol | None, within: TimeRange, heard: Heard | None = None
    ) -> History[OrderReport]:
        """Return orders that ended or were last changed within the range, ascending.

        It is complete for the last 24 hours only. One window before the range is asked too, since
        the venue does not say whether it filters by creation or by change.

        Outcomes and errors: see :meth:`ExchangePort.order_history`.
        """
        earlier = TimeRange(
            start_ms=max(within.start_ms - WINDOW_MS, 0),
            end_ms=within.end_ms,
        )
        orders: dict[str, OrderReport] = {}
        for window in windows(covered(earlier, self._rest.clock.now_ms())):
            asked = {**scope(symbol), **_times(window)}
            found, _ = all_rows(self._rest, Call.ORDER_HISTORY, asked, limit=_ORDERS_LIMIT)
            _add_newest(orders, self._read(found, _order, _ORDERS, heard))
        inside = (order for order in orders.values() if _is_in(order.updated_ms, within))
        covers = _kept(within, self._rest.clock.now_ms(), _UNFILLED_KEPT_MS)
        return History(
            rows=tuple(sorted(inside, key=lambda order: order.updated_ms)),
            covers=covers,
            is_complete=is_whole(covers, within),
        )


def _booking(row: Row) -> tuple[str, tuple[int, int], Execution | FundingPayment]:
    return row.text("execId"), execution_sort_key(row.fields), execution_or_funding(row.fields)


def _order(row: Row) -> OrderReport:
    return order_report(row.fields)


def _add_newest(orders: dict[str, OrderReport], reports: Iterable[OrderReport]) -> None:
    for report in reports:
        known = orders.get(report.venue_id)
        if known is None or known.updated_ms <= report.updated_ms:
            orders[report.venue_id] = report


def _kept(within: TimeRange, now_ms: int, kept_ms: int) -> TimeRange:
    """Return the part of a range that is not older than the venue keeps; at least its last ms.

    What is far in the future holds nothing: an end there would be asked for in windows for ever.
    """
    start_ms = min(max(within.start_ms, now_ms - kept_ms), within.end_ms)
    end_ms = min(within.end_ms, max(start_ms, now_ms + WINDOW_MS))
    return TimeRange(start_ms=start_ms, end_ms=end_ms)


def is_whole(covers: TimeRange, within: TimeRange) -> bool:
    """Tell whether the venue keeps all of a range: nothing of it is too old."""
    return covers.start_ms == within.start_ms


def _times(window: TimeRange) -> dict[str, object]:
    return {"startTime": str(window.start_ms), "endTime": str(window.end_ms)}


def _is_in(time_ms: int, within: TimeRange) -> bool:
    return within.start_ms <= time_ms <= within.end_ms
