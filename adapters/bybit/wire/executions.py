"""Execution rows to :class:`Execution` or, for ``execType`` Funding, :class:`FundingPayment`."""

from collections.abc import Mapping

from tidegate.domain.money import ZERO_QTY, Money, Qty
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.reports import Execution, FundingPayment

from .fields import Row, Unreadable
from .orders import origin_of
from .words import EXEC_TYPES, SIDES

__all__ = ["execution_or_funding", "execution_sort_key", "settles_in_usdt"]

_SOURCE = "execution"
_FUNDING = "Funding"
_COIN = "USDT"


def execution_or_funding(value: Mapping[str, object]) -> Execution | FundingPayment:
    """Read one execution row of REST or of the stream.

    A row of a settlement is a ``FundingPayment``, every other one an ``Execution``.

    Raises:
        Unreadable: a needed field is missing or not understood, or the fee was taken in another
            coin than USDT (the account pays fees in MNT): the books count USDT alone.

    """
    row = Row.of(_SOURCE, value)
    if row.has("feeCurrency") and row.fields["feeCurrency"] != _COIN:
        raise row.unreadable("feeCurrency")
    kind = row.text("execType")
    if kind == _FUNDING:
        return _funding(row)
    if kind not in EXEC_TYPES:
        raise row.unreadable("execType")
    origin = EXEC_TYPES[kind]
    client_id = row.text_or_none("orderLinkId")
    return Execution(
        execution_id=row.text("execId"),
        symbol=Symbol(row.text("symbol")),
        venue_id=VenueOrderId(row.text("orderId")),
        client_id=None if client_id is None else ClientId(client_id),
        side=row.one_of("side", SIDES),
        qty=_positive(row, "execQty"),
        price=row.price("execPrice"),
        fee=row.money("execFee"),
        is_maker=row.flag("isMaker"),
        origin=origin_of(row) if origin is None else origin,
        time_ms=row.time_ms("execTime"),
    )


def settles_in_usdt(symbol: object) -> bool:
    """Tell whether a contract settles in USDT: ``BTCUSDT``, or ``BTCUSDT-27MAR26`` with a date.

    Contracts in USDC share the category and the stream (``BTCPERP``, ``BTC-27MAR26``). What is no
    text is left to the reader of the row, which refuses it.
    """
    return not isinstance(symbol, str) or symbol.partition("-")[0].endswith(_COIN)


def _positive(row: Row, name: str) -> Qty:
    qty = row.qty(name)
    if qty == ZERO_QTY:
        raise row.unreadable(name)
    return qty


def _funding(row: Row) -> FundingPayment:
    """Read a settlement; its ``execFee`` is positive when paid (opposite to the account log).

    The direction of the position follows from what was paid at which rate: longs pay a positive
    one. The row's side decides only where either is zero.
    """
    rate, amount = row.rate("feeRate"), row.money("execFee")
    sign = rate.sign * amount.sign or row.one_of("side", SIDES).sign
    return FundingPayment(
        payment_id=row.text("execId"),
        symbol=Symbol(row.text("symbol")),
        rate=rate,
        mark=row.price("execPrice"),
        qty=_positive(row, "execQty").times(sign),
        amount=Money(amount.value),
        time_ms=row.time_ms("execTime"),
    )


def execution_sort_key(value: object) -> tuple[int, int]:
    """Return what puts raw rows in the order in which they happened: time, then sequence.

    Raises:
        Unreadable: the row has no readable time.

    """
    row = Row.of(_SOURCE, value)
    try:
        sequence = row.integer("seq")
    except Unreadable:
        sequence = 0
    return row.time_ms("execTime"), sequence
