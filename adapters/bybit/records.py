"""The account's own records, for comparing and reporting; they never make the books.

Closed profit and the transaction log are kept for two years and asked in windows of seven days
(Bybit V5 position/closed-pnl, account/transaction-log).
"""

from collections.abc import Callable
from typing import TypeVar

from tidegate.domain.orders import Symbol
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from .history import covered, is_whole, scope
from .paging import all_rows, windows
from .rest import Call, RestClient
from .wire.fields import Row, Unreadable
from .wire.records import ApiKey, account_change, api_key, closed_profit

__all__ = ["RecordQueries"]

T = TypeVar("T")

_PNL_LIMIT = 100
_LOG_LIMIT = 50
_COIN = "USDT"


class RecordQueries:
    """Records over REST. Every method raises ``QueryFailed`` when there is no usable answer.

    Raises:
        QueryFailed: the venue gave no usable answer.
        Unreadable: the answer cannot be understood.

    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """Return the profit of every closing order within the range, ascending.

        Outcomes and errors: see :meth:`AccountPort.closed_profits`.
        """
        return self._history(
            Call.CLOSED_PNL,
            scope(symbol),
            within,
            limit=_PNL_LIMIT,
            read=lambda row: (closed_profit(row.fields), row.time_ms("updatedTime")),
            key=lambda row: row.text("orderId"),
        )

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """Return every change of the account's USDT within the range, ascending.

        No category is named: transfers, bonuses and interest have none.

        Outcomes and errors: see :meth:`AccountPort.account_changes`.
        """
        return self._history(
            Call.TRANSACTION_LOG,
            {"accountType": "UNIFIED", "currency": _COIN},
            within,
            limit=_LOG_LIMIT,
            read=lambda row: (account_change(row.fields), row.time_ms("transactionTime")),
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
        found: dict[str, tuple[T, int]] = {}
        try:
            for window in windows(covered(within, self._rest.clock.now_ms())):
                times = {"startTime": str(window.start_ms), "endTime": str(window.end_ms)}
                rows, _ = all_rows(self._rest, call, {**params, **times}, limit=limit)
                found.update((key(row), read(row)) for row in reversed(rows))
        except Unreadable as error:
            raise QueryFailed(str(error)) from error
        # By the clock of the last answer: what was kept when it was asked is what counts.
        covers = covered(within, self._rest.clock.now_ms())
        ordered = sorted(found.values(), key=lambda pair: pair[1])
        inside = (item for item, ms in ordered if covers.start_ms <= ms <= covers.end_ms)
        return History(rows=tuple(inside), covers=covers, is_complete=is_whole(covers, within))

    def api_key(self) -> ApiKey:
        """Return what the key may do."""
        try:
            return api_key(self._rest.query(Call.API_KEY).result)
        except Unreadable as error:
            raise QueryFailed(str(error)) from error
