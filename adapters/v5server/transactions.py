"""What account/transaction-log shows: everything that changed the wallet (Bybit V5).

``change = cashFlow + funding - fee``; funding has the opposite sign of the execution's fee.
"""

from collections.abc import Iterator
from typing import assert_never

from tidegate.domain.money import ZERO_MONEY, ZERO_QTY
from tidegate.domain.reports import Origin

from .ledger import Booked, Entry, Moved, Paid
from .paging import Keyed
from .routes import Call
from .text import COIN, SIDES, link_id, plain, rounded

__all__ = ["Row", "transaction_rows"]

Row = dict[str, object]

_FILTERS = (("category", "category"), ("currency", "currency"), ("type", "type"))


def transaction_rows(call: Call, within: tuple[int, int]) -> Iterator[Keyed[Row]]:
    """Yield the rows within a window that fit the filters.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    base = call.params.text("baseCoin")
    for entry in call.account.ledger.entries:
        time_ms = _time_ms(entry)
        if not within[0] <= time_ms <= within[1]:
            continue
        row = _row(entry, call.account.uid)
        fits = all(call.params.text(asked, str(row[name])) == row[name] for asked, name in _FILTERS)
        if fits and (not base or _base(call, row) == base):
            yield Keyed(time_ms=time_ms, number=entry.seq, item=row)


def _base(call: Call, row: Row) -> str:
    symbol = str(row["symbol"])
    return call.exchange.instrument(symbol).base_coin if symbol else ""


def _time_ms(entry: Entry) -> int:
    match entry:
        case Booked(execution=execution):
            return execution.time_ms
        case Paid(payment=payment):
            return payment.time_ms
        case Moved(time_ms=time_ms):
            return time_ms
        case other:
            assert_never(other)


def _row(entry: Entry, uid: int) -> Row:
    common: Row = {
        "id": f"{uid}_{entry.seq}",
        "transactionTime": str(_time_ms(entry)),
        "transSubType": "",
        "currency": COIN,
        "cashBalance": rounded(entry.wallet),
        "bonusChange": "",
        "extraFees": "",
    }
    match entry:
        case Booked():
            return {**common, **_trade(entry)}
        case Paid():
            return {**common, **_funding(entry)}
        case Moved():
            return {**common, **_transfer(entry)}
        case other:
            assert_never(other)


def _trade(entry: Booked) -> Row:
    execution = entry.execution
    value = execution.price * execution.qty
    return {
        "symbol": execution.symbol,
        "category": "linear",
        "side": SIDES[execution.side],
        "type": _type(execution.origin),
        "qty": plain(execution.qty),
        "size": plain(entry.position.qty),
        "tradePrice": plain(execution.price),
        "funding": "",
        "fee": rounded(execution.fee),
        "cashFlow": rounded(entry.profit),
        "change": rounded(entry.profit - execution.fee),
        "feeRate": rounded(execution.fee / value),
        "tradeId": execution.execution_id,
        "orderId": execution.venue_id,
        "orderLinkId": link_id(execution.client_id),
    }


def _type(origin: Origin) -> str:
    match origin:
        case Origin.LIQUIDATION:
            return "LIQUIDATION"
        case Origin.AUTO_DELEVERAGING:
            return "ADL"
        case Origin.SETTLEMENT:
            return "DELIVERY"
        case _:
            return "TRADE"


def _funding(entry: Paid) -> Row:
    payment = entry.payment
    return {
        "symbol": payment.symbol,
        "category": "linear",
        "side": "Buy" if payment.qty > ZERO_QTY else "Sell",
        "type": "SETTLEMENT",
        "qty": plain(abs(payment.qty)),
        "size": plain(entry.position.qty),
        "tradePrice": plain(payment.mark),
        "funding": rounded(-payment.amount),
        "fee": "0",
        "cashFlow": "0",
        "change": rounded(-payment.amount),
        "feeRate": rounded(payment.rate),
        "tradeId": payment.payment_id,
        "orderId": payment.payment_id,
        "orderLinkId": "",
    }


def _transfer(entry: Moved) -> Row:
    came = entry.amount >= ZERO_MONEY
    return {
        "symbol": "",
        "category": "",
        "side": "None",
        "type": "TRANSFER_IN" if came else "TRANSFER_OUT",
        "qty": plain(abs(entry.amount)),
        "size": "0",
        "tradePrice": "",
        "funding": "",
        "fee": "0",
        "cashFlow": rounded(entry.amount),
        "change": rounded(entry.amount),
        "feeRate": "",
        "tradeId": "",
        "orderId": "",
        "orderLinkId": "",
    }
