"""Order rows of REST and of the ``order`` topic (Bybit V5, order/realtime, order/history)."""

from decimal import Decimal

import attrs
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Trigger
from tidegate.domain.reports import OrderReport, Origin
from tidegate.ports.venue import WireOrder

from .ledger import OrderBooks
from .text import (
    COIN,
    CREATE_TYPES,
    DIRECTIONS,
    KINDS,
    SIDES,
    SMP_TYPES,
    STATUSES,
    STOP_TYPES,
    TIMES_IN_FORCE,
    TRIGGERS_BY,
    cancel_type,
    link_id,
    optional,
    plain,
    reject_reason,
    rounded,
)

__all__ = [
    "OrderView",
    "create_type",
    "history_row",
    "order_row",
    "order_view",
    "stop_type",
    "stream_row",
]

_PERCENT = Rate(Decimal(100))


@attrs.frozen(kw_only=True)
class OrderView:
    """One order with everything that its row shows. Texts are as the wire has them."""

    report: OrderReport
    books: OrderBooks
    close_on_trigger: bool = False
    is_partial: bool = False
    trailing_activation: str = ""
    last_price_on_created: str = ""
    slippage_type: str = "UNKNOWN"
    slippage: str = ""
    tp_limit_price: str = ""
    sl_limit_price: str = ""
    smp_type: str = "None"

    @property
    def leaves(self) -> Qty:
        """Return what is left to fill: nothing of an order that ended."""
        report = self.report
        return ZERO_QTY if report.status in TERMINAL else report.qty - report.qty_filled


def order_view(report: OrderReport, order: WireOrder | None, books: OrderBooks) -> OrderView:
    """Return a view of ``report`` with what the venue keeps besides; without it, of that alone."""
    if order is None:
        return OrderView(report=report, books=books)
    legs = order.legs
    return OrderView(
        report=report,
        books=books,
        close_on_trigger=order.close_on_trigger,
        is_partial=order.is_partial_leg or legs is not None,
        trailing_activation=optional(order.trailing_activation),
        last_price_on_created=optional(order.last_price_on_created),
        slippage_type="UNKNOWN" if order.slippage_max is None else "Percent",
        slippage="" if order.slippage_max is None else rounded(order.slippage_max * _PERCENT),
        tp_limit_price="" if legs is None else optional(legs.take_profit_limit),
        sl_limit_price="" if legs is None else optional(legs.stop_loss_limit),
        smp_type=SMP_TYPES[order.self_match],
    )


def stop_type(report: OrderReport, *, is_partial: bool = False) -> str:
    """Return ``stopOrderType``: empty for an order that never had a trigger."""
    if report.origin in (Origin.STOP_LOSS, Origin.TAKE_PROFIT) and is_partial:
        return f"Partial{STOP_TYPES[report.origin]}"
    return STOP_TYPES.get(report.origin, "" if report.trigger is None else "Stop")


def create_type(report: OrderReport, *, is_partial: bool = False) -> str:
    """Return ``createType``."""
    if report.origin in (Origin.STOP_LOSS, Origin.TAKE_PROFIT) and is_partial:
        return f"CreateByPartial{STOP_TYPES[report.origin]}"
    return CREATE_TYPES[report.origin]


def order_row(view: OrderView) -> dict[str, object]:
    """Return the row of ``GET /v5/order/realtime``."""
    report = view.report
    return {
        **_identity(view),
        **_progress(view),
        **_trigger(report.trigger, view),
        **_legs(view),
        "isLeverage": "",
        "positionIdx": 0,
        "orderIv": "",
        "marketUnit": "",
        "lastPriceOnCreated": view.last_price_on_created,
        "reduceOnly": report.reduce_only,
        "closeOnTrigger": view.close_on_trigger or report.origin in STOP_TYPES,
        "placeType": "",
        "smpType": view.smp_type,
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(report.created_ms),
        "updatedTime": str(report.updated_ms),
    }


def _identity(view: OrderView) -> dict[str, object]:
    report = view.report
    return {
        "orderId": report.venue_id,
        "orderLinkId": link_id(report.client_id),
        "parentOrderLinkId": link_id(report.parent_client_id),
        "blockTradeId": "",
        "symbol": report.symbol,
        "price": "0" if report.price is None else plain(report.price),
        "qty": plain(report.qty),
        "side": SIDES[report.side],
        "timeInForce": TIMES_IN_FORCE[report.time_in_force],
        "orderType": KINDS[report.kind],
        "stopOrderType": stop_type(report, is_partial=view.is_partial),
        "createType": create_type(report, is_partial=view.is_partial),
    }


def _progress(view: OrderView) -> dict[str, object]:
    report = view.report
    filled = report.qty_filled > ZERO_QTY
    return {
        "orderStatus": STATUSES[report.status],
        "cancelType": cancel_type(report.cancel_reason, report.origin),
        "rejectReason": reject_reason(report.cancel_reason, report.time_in_force),
        "avgPrice": rounded(report.value_filled / report.qty_filled) if filled else "",
        "leavesQty": plain(view.leaves),
        "leavesValue": plain(_leaves_value(view)),
        "cumExecQty": plain(report.qty_filled),
        "cumExecValue": plain(report.value_filled),
        "cumExecFee": rounded(view.books.fee),
        "cumFeeDetail": {COIN: rounded(view.books.fee)} if filled else {},
    }


def _leaves_value(view: OrderView) -> Money:
    price = view.report.price
    return ZERO_MONEY if price is None else price * view.leaves


def _trigger(trigger: Trigger | None, view: OrderView) -> dict[str, object]:
    if view.report.origin is Origin.TRAILING_STOP:
        price = view.trailing_activation
    else:
        price = "" if trigger is None else plain(trigger.price)
    return {
        "triggerPrice": price,
        "triggerDirection": 0 if trigger is None else DIRECTIONS[trigger.direction],
        "triggerBy": "" if trigger is None else TRIGGERS_BY[trigger.by],
    }


def _legs(view: OrderView) -> dict[str, object]:
    stop, target = view.report.stop_loss, view.report.take_profit
    has_legs = stop is not None or target is not None
    mode = "Partial" if view.is_partial else "Full"
    return {
        "takeProfit": optional(None if target is None else target.price),
        "stopLoss": optional(None if stop is None else stop.price),
        "tpslMode": mode if has_legs or view.report.origin in STOP_TYPES else "",
        "ocoTriggerBy": "",
        "tpLimitPrice": view.tp_limit_price,
        "slLimitPrice": view.sl_limit_price,
        "tpTriggerBy": _leg_by(target),
        "slTriggerBy": _leg_by(stop),
    }


def _leg_by(leg: ProtectiveLeg | None) -> str:
    return "" if leg is None else TRIGGERS_BY[leg.by]


def history_row(view: OrderView) -> dict[str, object]:
    """Return the row of ``GET /v5/order/history``, which has a few fields more."""
    return {
        **order_row(view),
        "slippageToleranceType": view.slippage_type,
        "slippageTolerance": view.slippage,
        "extraFees": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def stream_row(view: OrderView) -> dict[str, object]:
    """Return the row of the ``order`` topic."""
    return {
        **history_row(view),
        "category": "linear",
        "closedPnl": rounded(view.books.closed_profit),
        "brokerOrderPrice": "",
        "feeCurrency": "",
    }
