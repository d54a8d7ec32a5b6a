"""What execution/list shows: fills and funding settlements of an account (Bybit V5)."""

from collections.abc import Iterator

from .ledger import Booked, Moved, Paid
from .paging import Keyed, window
from .routes import Call
from .rows_executions import execution_row, funding_row
from .text import COIN

__all__ = ["Row", "execution_rows"]

Row = dict[str, object]


def execution_rows(call: Call) -> Iterator[Keyed[Row]]:
    """Yield the rows that a query means. An order id makes the other filters ignored.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    params = call.params
    venue_id, client_id = params.text("orderId"), params.text("orderLinkId")
    if venue_id or client_id:
        for keyed in _rows(call, 0, call.now_ms):
            row = keyed.item
            if row["orderId"] == venue_id if venue_id else row["orderLinkId"] == client_id:
                yield keyed
        return
    kind = params.text("execType")
    start, end = window(params, call.now_ms)
    for keyed in _rows(call, start, end):
        if _is_wanted(call, str(keyed.item["symbol"])) and kind in ("", keyed.item["execType"]):
            yield keyed


def _is_wanted(call: Call, symbol: str) -> bool:
    params = call.params
    if params.has("symbol"):
        return symbol == call.exchange.instrument(params.text("symbol")).symbol
    if params.has("baseCoin"):
        return call.exchange.instrument(symbol).base_coin == params.text("baseCoin")
    return params.text("settleCoin", COIN) == COIN


def _rows(call: Call, start_ms: int, end_ms: int) -> Iterator[Keyed[Row]]:
    account = call.account
    for entry in account.ledger.entries:
        match entry:
            case Booked(seq=seq, execution=execution):
                time_ms = execution.time_ms
                if start_ms <= time_ms <= end_ms:
                    row = execution_row(entry, *account.of_execution(execution))
                    yield Keyed(time_ms=time_ms, number=seq, item=row)
            case Paid(seq=seq, payment=payment):
                if start_ms <= payment.time_ms <= end_ms:
                    yield Keyed(time_ms=payment.time_ms, number=seq, item=funding_row(entry))
            case Moved():
                continue
