"""Adapters of Bybit that read the venue's lists wrongly, each in one way."""

from collections.abc import Mapping, Sequence

import attrs
from tidegate.adapters.bybit.changes import Changes
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.history import HistoryQueries
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.queries import StateQueries
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane, RestClient
from tidegate.adapters.bybit.venue import BybitConfig
from tidegate.adapters.bybit.wire.executions import execution_or_funding
from tidegate.adapters.bybit.wire.fields import Row
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.reports import Execution, FundingPayment, OrderReport, PositionReport
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from tests.adapters.v5server.bench import KEY, SECRET

from .bybit_bench import WatchedVenue
from .wrong_adapter import WrongAdapter

__all__ = [
    "ErrorIsFlat",
    "ExecutionsOfOnePage",
    "ExecutionsOfOneWeek",
    "FollowsItsCursorForEver",
    "FundingAmongExecutions",
    "OrdersOfOnePage",
    "OwnSignOfFunding",
    "RealtimeAlone",
    "RepeatedCursors",
]

_WEEK_MS = 7 * 86_400_000
_PAGES_MAX = 20
"""Where the endless one gives up, so that a test of it ends."""


def _asked(symbol: Symbol | None, within: TimeRange) -> dict[str, object]:
    which = {"settleCoin": "USDT"} if symbol is None else {"symbol": symbol}
    times = {"startTime": str(within.start_ms), "endTime": str(within.end_ms)}
    return {"category": "linear", "limit": "100", **which, **times}


def _executions(rows: Sequence[Row]) -> tuple[Execution, ...]:
    read = (execution_or_funding(row.fields) for row in reversed(rows))
    return tuple(item for item in read if isinstance(item, Execution))


class ExecutionsOfOnePage(WrongAdapter):
    """Asks ``execution/list`` once and leaves its cursor alone."""

    case = "test_a_history_of_several_pages_is_whole"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        answer = self.rest.query(Call.EXECUTIONS, _asked(symbol, within))
        rows = Row.of("executions", answer.result).rows("list")
        return History(rows=_executions(rows), covers=within)


class OrdersOfOnePage(WrongAdapter):
    """Asks ``order/realtime`` once and leaves its cursor alone."""

    case = "test_open_orders_of_several_pages_are_all_listed"

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        return super().open_orders(symbol)[-50:]


class ExecutionsOfOneWeek(WrongAdapter):
    """Shortens a range to what the venue accepts, and says that it covers all of it."""

    case = "test_history_reaches_further_back_than_a_week"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        start_ms = max(within.start_ms, within.end_ms - _WEEK_MS + 1)
        week = TimeRange(start_ms=start_ms, end_ms=within.end_ms)
        return attrs.evolve(super().executions(symbol, week), covers=within)


class FundingAmongExecutions(WrongAdapter):
    """Reads every row of ``execution/list`` as a trade."""

    case = "test_funding_is_no_execution"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        answer = self.rest.query(Call.EXECUTIONS, _asked(symbol, within))
        rows = Row.of("executions", answer.result).rows("list")
        as_trades = [Row.of("execution", {**row.fields, "execType": "Trade"}) for row in rows]
        return History(rows=_executions(as_trades), covers=within)


class OwnSignOfFunding(WrongAdapter):
    """Takes ``execFee`` of a settlement for what was received."""

    case = "test_a_long_pays_a_positive_funding_rate"

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        found = super().funding_payments(symbol, within)
        rows = tuple(attrs.evolve(row, amount=-row.amount) for row in found.rows)
        return attrs.evolve(found, rows=rows)


class RealtimeAlone(WrongAdapter):
    """Looks for an order in ``order/realtime`` and not in the history."""

    case = "test_an_order_is_found_live_and_in_history"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        live = self.open_orders(symbol)
        return next((order for order in live if order.client_id == client_id), None)


class ErrorIsFlat(WrongAdapter):
    """Takes an answer that could not be had for "no positions"."""

    case = "test_an_error_is_never_an_empty_answer[positions]"

    def positions(self) -> tuple[PositionReport, ...]:
        try:
            return super().positions()
        except QueryFailed:
            return ()


class _RepeatingRest(RestClient):
    """A wire whose last page names itself as the next one."""

    def query(
        self, call: Call, params: Mapping[str, object] | None = None, *, lane: Lane = Lane.READS
    ) -> Answered:
        answer = super().query(call, params, lane=lane)
        sent = (params or {}).get("cursor")
        if sent is None or answer.result.get("nextPageCursor"):
            return answer
        return attrs.evolve(answer, result={**answer.result, "nextPageCursor": sent})


class RepeatedCursors(WatchedVenue):
    """The right adapter over a wire that repeats its last cursor; it passes every case."""

    def __init__(self, *, hosts: Hosts, config: BybitConfig) -> None:
        super().__init__(hosts=hosts, config=config)
        self.rest.close()
        self.rest = _RepeatingRest(
            hosts=hosts,
            credentials=Credentials(KEY, SECRET),
            clock=self._clock,
            config=config.rest,
        )
        self._queries = StateQueries(self.rest)
        self._history = HistoryQueries(self.rest)
        self._changes = Changes(self.rest, self._channel(), self._queries)


class FollowsItsCursorForEver(RepeatedCursors, WrongAdapter):
    """Goes on for as long as there is a cursor, also where it is the same one again."""

    case = "test_a_history_of_several_pages_is_whole"

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        asked, found = _asked(symbol, within), list[Row]()
        for _ in range(_PAGES_MAX):
            answer = Row.of("executions", self.rest.query(Call.EXECUTIONS, asked).result)
            found += answer.rows("list")
            asked["cursor"] = answer.fields["nextPageCursor"]
            if not asked["cursor"]:
                return History(rows=_executions(found), covers=within)
        raise QueryFailed(f"still a cursor after {_PAGES_MAX} pages: {asked['cursor']}")
