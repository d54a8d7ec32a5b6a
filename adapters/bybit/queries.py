"""Queries of the present state over REST, as domain values."""

from collections.abc import Mapping

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.reports import AccountReport, MarginMode, OrderReport, PositionReport, Ticker
from tidegate.ports.exchange import QueryFailed

from .history import scope
from .paging import all_rows
from .rest import Call, Lane, RestClient
from .unread import Heard, read_each
from .wire.fields import Row, Unreadable
from .wire.instruments import fee_rates, instrument, risk_tiers
from .wire.markets import ticker
from .wire.orders import order_report
from .wire.positions import position_report
from .wire.requests import CATEGORY
from .wire.wallets import account_report, margin_mode

__all__ = ["StateQueries"]

_ORDERS_LIMIT = 50
_POSITIONS_LIMIT = 200
_COIN = "USDT"
_HALF_WEEK_MS = 7 * 86_400_000 // 2
_POSITIONS, _ORDERS = "positions", "open orders"


class StateQueries:
    """What is now. Methods raise ``QueryFailed`` and ``Unreadable``, and return nothing partial.

    Of lists that are given a listener, a row that cannot be read is told to it and left out.

    Raises:
        QueryFailed: the venue gave no usable answer.
        Unreadable: the answer cannot be understood.

    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification: filters and risk tiers together.

        Outcomes and errors: see :meth:`ExchangePort.instrument`.
        """
        params = {"category": CATEGORY, "symbol": symbol}
        rows, _ = all_rows(self._rest, Call.INSTRUMENTS, params)
        row = _the_one(rows, symbol, "instrument")
        tiers, _ = all_rows(self._rest, Call.RISK_LIMITS, params)
        own = [tier.fields for tier in tiers if tier.fields.get("symbol") == symbol]
        return instrument(row.fields, tiers=risk_tiers(own))

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the account's fee rates of a symbol.

        Outcomes and errors: see :meth:`ExchangePort.fee_rates`.
        """
        params = {"category": CATEGORY, "symbol": symbol}
        rows, _ = all_rows(self._rest, Call.FEE_RATES, params)
        return fee_rates(_the_one(rows, symbol, "fee rate").fields)

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the present prices of a symbol.

        Outcomes and errors: see :meth:`ExchangePort.ticker`.
        """
        params = {"category": CATEGORY, "symbol": symbol}
        rows, time_ms = all_rows(self._rest, Call.TICKERS, params)
        return ticker(_the_one(rows, symbol, "ticker").fields, time_ms=time_ms)

    def margin_mode(self) -> MarginMode:
        """Return the account's margin mode."""
        return margin_mode(self._rest.query(Call.ACCOUNT_INFO).result)

    def account(self, mode: MarginMode) -> AccountReport:
        """Return balances, read as the margin mode says. Without any USDT they are zero.

        Outcomes and errors: see :meth:`ExchangePort.account`.
        """
        params = {"accountType": "UNIFIED", "coin": _COIN}
        rows, time_ms = all_rows(self._rest, Call.WALLET, params)
        if not rows:
            raise QueryFailed("get_wallet_balance: the answer holds no account")
        report = account_report(rows[0].fields, mode=mode, time_ms=time_ms)
        if report is not None:
            return report
        return AccountReport(
            wallet=ZERO_MONEY,
            equity=ZERO_MONEY,
            available=ZERO_MONEY,
            initial_margin_rate=None,
            maintenance_margin_rate=None,
            margin_mode=mode,
            time_ms=time_ms,
        )

    def position(self, symbol: Symbol, *, lane: Lane = Lane.READS) -> PositionReport:
        """Return the position of a symbol; a symbol in hedge mode is unreadable.

        Outcomes and errors: see :meth:`ExchangePort.position`.
        """
        rows, time_ms = all_rows(self._rest, Call.POSITIONS, scope(symbol), lane=lane)
        reports = [position_report(row.fields, time_ms=time_ms) for row in rows]
        for report in reports:
            if report.symbol == symbol:
                return report
        raise QueryFailed(f"get_positions: the answer holds no position of {symbol}")

    def positions(self, heard: Heard | None = None) -> tuple[PositionReport, ...]:
        """Return every position that is not flat; one in hedge mode cannot be read.

        Outcomes and errors: see :meth:`ExchangePort.positions`.
        """
        params = scope(None)
        rows, time_ms = all_rows(self._rest, Call.POSITIONS, params, limit=_POSITIONS_LIMIT)
        reports = read_each(
            (row for row in rows if not _is_flat(row)),
            lambda row: position_report(row.fields, time_ms=time_ms),
            source=_POSITIONS,
            time_ms=time_ms,
            heard=heard,
        )
        return tuple(reports)

    def open_orders(
        self, symbol: Symbol | None, heard: Heard | None = None, *, lane: Lane = Lane.READS
    ) -> tuple[OrderReport, ...]:
        """Return every order that is not finished, oldest first.

        Outcomes and errors: see :meth:`ExchangePort.open_orders`.
        """
        rows, time_ms = all_rows(
            self._rest, Call.OPEN_ORDERS, scope(symbol), limit=_ORDERS_LIMIT, lane=lane
        )
        found = read_each(
            reversed(rows),
            lambda row: order_report(row.fields),
            source=_ORDERS,
            time_ms=time_ms,
            heard=heard,
        )
        reports = {report.venue_id: report for report in found}
        return tuple(sorted(reports.values(), key=lambda report: report.created_ms))

    def find_order(
        self, symbol: Symbol, client_id: ClientId, *, lane: Lane = Lane.READS
    ) -> OrderReport | None:
        """Return one order from the live set, else from the history; ``None``: neither knows it.

        The history shows seven days where no range is given, and orders with fills for two years
        where one is. The executions of an id are told whatever the time (Bybit V5 order/history,
        execution/list): the last of them says in which week an older order lies.

        Outcomes and errors: see :meth:`ExchangePort.find_order`.
        """
        return self._find(symbol, "orderLinkId", client_id, lane)

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        """Do as :meth:`find_order` by the venue's id.

        Outcomes and errors: see :meth:`ExchangePort.find_by_venue_id`.
        """
        return self._find(symbol, "orderId", venue_id, Lane.READS)

    def _find(self, symbol: Symbol, name: str, order_id: str, lane: Lane) -> OrderReport | None:
        params = {"category": CATEGORY, "symbol": symbol, name: order_id}
        for call in (Call.OPEN_ORDERS, Call.ORDER_HISTORY):
            for row in self._named(call, params, name, lane):
                return order_report(row.fields)
        fills = self._named(Call.EXECUTIONS, params, name, lane)
        if not fills:
            return None
        start_ms = max(0, max(row.time_ms("execTime") for row in fills) - _HALF_WEEK_MS)
        week = {"startTime": str(start_ms), "endTime": str(start_ms + 2 * _HALF_WEEK_MS)}
        for row in self._named(Call.ORDER_HISTORY, {**params, **week}, name, lane):
            return order_report(row.fields)
        raise QueryFailed(f"order {order_id} has executions, and the venue shows no record of it")

    def _named(self, call: Call, params: Mapping[str, object], name: str, lane: Lane) -> list[Row]:
        """Return the rows that have the id that was asked for, whatever else an answer holds."""
        rows, _ = all_rows(self._rest, call, params, lane=lane)
        return [row for row in rows if row.fields.get(name) == params[name]]


def _is_flat(row: Row) -> bool:
    """Tell whether a row says for certain that nothing is held, in whatever mode."""
    try:
        return row.qty("size") == ZERO_QTY
    except Unreadable:
        return False


def _the_one(rows: list[Row], symbol: Symbol, what: str) -> Row:
    for row in rows:
        if row.fields.get("symbol") == symbol:
            return row
    raise QueryFailed(f"the venue has no {what} of {symbol}")
