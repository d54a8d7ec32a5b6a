"""Execution rows of REST and of the ``execution`` topic (Bybit V5, execution/list).

The venue keeps no mark price per execution: ``markPrice`` shows the price of the execution.
"""

from tidegate.domain.money import ZERO_QTY, Qty
from tidegate.domain.reports import Execution, OrderReport, Origin

from .ledger import Booked, Paid
from .rows_orders import create_type, stop_type
from .text import COIN, KINDS, SIDES, link_id, plain, rounded, truncated

__all__ = [
    "FUNDING_RATE_DECIMALS",
    "execution_row",
    "execution_stream_row",
    "funding_row",
    "funding_stream_row",
]

FUNDING_RATE_DECIMALS = 6
"""Decimals after which the venue cuts off the ``feeRate`` of a funding row; its fee is exact."""

_NOT_APPLICABLE = ("tradeIv", "markIv", "indexPrice", "underlyingPrice", "blockTradeId")


def _exec_type(booked: Booked) -> str:
    match booked.execution.origin:
        case Origin.LIQUIDATION:
            return "BustTrade" if booked.position.is_flat else "Trade"
        case Origin.AUTO_DELEVERAGING:
            return "AdlTrade"
        case Origin.SETTLEMENT:
            return "Settle"
        case _:
            return "Trade"


def _create_type(booked: Booked, order: OrderReport | None, *, is_partial: bool) -> str:
    if booked.execution.origin is Origin.LIQUIDATION:
        ladder = not booked.position.is_flat
        return "CreateByLiq" if ladder else "CreateByTakeOver_PassThrough"
    if order is not None:
        return create_type(order, is_partial=is_partial)
    return "CreateBySettle" if booked.execution.origin is Origin.SETTLEMENT else "CreateByUser"


def _leaves(booked: Booked, order: OrderReport | None) -> Qty:
    return ZERO_QTY if order is None else order.qty - booked.order_filled


def execution_row(booked: Booked, order: OrderReport | None, is_partial: bool) -> dict[str, object]:
    """Return the row of one fill; ``order`` is ``None`` where it had none, as in a settlement."""
    execution = booked.execution
    value = execution.price * execution.qty
    return {
        **dict.fromkeys(_NOT_APPLICABLE, ""),
        **_of_order(order, execution, is_partial=is_partial),
        "symbol": execution.symbol,
        "side": SIDES[execution.side],
        "leavesQty": plain(_leaves(booked, order)),
        "createType": _create_type(booked, order, is_partial=is_partial),
        "execFee": rounded(execution.fee),
        "execFeeV2": "",
        "execId": execution.execution_id,
        "execPrice": plain(execution.price),
        "execQty": plain(execution.qty),
        "execType": _exec_type(booked),
        "execValue": plain(value),
        "execTime": str(execution.time_ms),
        "feeCurrency": COIN,
        "isMaker": execution.is_maker,
        "feeRate": rounded(execution.fee / value),
        "markPrice": plain(execution.price),
        "closedSize": plain(booked.qty_closed),
        "seq": booked.seq,
        "extraFees": "",
    }


def _of_order(
    order: OrderReport | None, execution: Execution, *, is_partial: bool
) -> dict[str, object]:
    if order is None:
        return {
            "orderId": execution.venue_id,
            "orderLinkId": link_id(execution.client_id),
            "orderPrice": plain(execution.price),
            "orderQty": plain(execution.qty),
            "orderType": "UNKNOWN",
            "stopOrderType": "UNKNOWN",
        }
    return {
        "orderId": order.venue_id,
        "orderLinkId": link_id(order.client_id),
        "orderPrice": "0" if order.price is None else plain(order.price),
        "orderQty": plain(order.qty),
        "orderType": KINDS[order.kind],
        "stopOrderType": stop_type(order, is_partial=is_partial) or "UNKNOWN",
    }


def execution_stream_row(
    booked: Booked, order: OrderReport | None, is_partial: bool
) -> dict[str, object]:
    """Return the row of one fill on the ``execution`` topic."""
    row = execution_row(booked, order, is_partial)
    return {**row, **_stream_part(rounded(booked.profit))}


def _stream_part(profit: str) -> dict[str, object]:
    return {"category": "linear", "execPnl": profit, "isLeverage": "", "marketUnit": ""}


def funding_row(paid: Paid) -> dict[str, object]:
    """Return the row of one funding settlement: its fee is positive when paid."""
    payment = paid.payment
    return {
        **dict.fromkeys(_NOT_APPLICABLE, ""),
        "orderId": payment.payment_id,
        "orderLinkId": "",
        "orderPrice": "0",
        "orderQty": "0",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "symbol": payment.symbol,
        "side": "Buy" if payment.qty > ZERO_QTY else "Sell",
        "leavesQty": "0",
        "createType": "",
        "execFee": rounded(payment.amount),
        "execFeeV2": "",
        "execId": payment.payment_id,
        "execPrice": plain(payment.mark),
        "execQty": plain(abs(payment.qty)),
        "execType": "Funding",
        "execValue": plain(payment.mark * abs(payment.qty)),
        "execTime": str(payment.time_ms),
        "feeCurrency": COIN,
        "isMaker": False,
        "feeRate": truncated(payment.rate, FUNDING_RATE_DECIMALS),
        "markPrice": plain(payment.mark),
        "closedSize": "0",
        "seq": paid.seq,
        "extraFees": "",
    }


def funding_stream_row(paid: Paid) -> dict[str, object]:
    """Return the row of one funding settlement on the ``execution`` topic."""
    return {**funding_row(paid), **_stream_part("0")}
