"""What position/closed-pnl shows: one row per order that closed something (Bybit V5).

``closedPnl = +-(exit value - entry value) - open fee - close fee``, shown at 8 decimals, half away
from zero; funding is not in it.
"""

from collections.abc import Iterator, Sequence

from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Qty
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import Origin

from .ledger import Booked
from .paging import Keyed, window
from .routes import Call
from .text import KINDS, SIDES, optional, plain, rounded

__all__ = ["closed_profit_rows"]

Row = dict[str, object]


def closed_profit_rows(call: Call) -> Iterator[Keyed[Row]]:
    """Yield the rows whose last closing fill is within the window.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    start, end = window(call.params, call.now_ms)
    symbol = call.params.text("symbol")
    if symbol:
        call.exchange.instrument(symbol)
    for fills in _by_order(call).values():
        last = fills[-1].execution
        if symbol in ("", last.symbol) and start <= last.time_ms <= end:
            row = _row(call, fills)
            yield Keyed(time_ms=last.time_ms, number=fills[-1].seq, item=row)


def _by_order(call: Call) -> dict[VenueOrderId, list[Booked]]:
    closing: dict[VenueOrderId, list[Booked]] = {}
    for entry in call.account.ledger.entries:
        if isinstance(entry, Booked) and entry.qty_closed > ZERO_QTY:
            closing.setdefault(entry.execution.venue_id, []).append(entry)
    return closing


def _row(call: Call, fills: Sequence[Booked]) -> Row:
    first, last = fills[0].execution, fills[-1].execution
    order = call.account.report(last.venue_id)
    closed = sum((fill.qty_closed for fill in fills), ZERO_QTY)
    entry = _total(fill.entry_value for fill in fills)
    exit_value = _total(fill.execution.price * fill.qty_closed for fill in fills)
    profit = _total(fill.profit - fill.open_fee - fill.close_fee for fill in fills)
    qty: Qty = closed if order is None else order.qty
    return {
        "symbol": last.symbol,
        "orderId": last.venue_id,
        "side": SIDES[last.side],
        "qty": plain(qty),
        "orderPrice": "0" if order is None else optional(order.price) or "0",
        "orderType": "Market" if order is None else KINDS[order.kind],
        "execType": _exec_type(last.origin),
        "closedSize": plain(closed),
        "cumEntryValue": rounded(entry),
        "avgEntryPrice": rounded(entry / closed),
        "cumExitValue": rounded(exit_value),
        "avgExitPrice": rounded(exit_value / closed),
        "closedPnl": rounded(profit),
        "fillCount": str(len(fills)),
        "leverage": plain(call.account.venue.leverage(last.symbol)),
        "openFee": rounded(_total(fill.open_fee for fill in fills)),
        "closeFee": rounded(_total(fill.close_fee for fill in fills)),
        "createdTime": str(first.time_ms),
        "updatedTime": str(last.time_ms),
    }


def _total(amounts: Iterator[Money]) -> Money:
    return sum(amounts, ZERO_MONEY)


def _exec_type(origin: Origin) -> str:
    match origin:
        case Origin.LIQUIDATION:
            return "BustTrade"
        case Origin.SETTLEMENT:
            return "Settle"
        case _:
            return "Trade"
