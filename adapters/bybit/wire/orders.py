"""Order rows, the same from REST and from the stream, to :class:`OrderReport`."""

from collections.abc import Mapping

from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Money
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Symbol,
    Trigger,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, OrderReport, Origin, RejectReason

from .fields import Row
from .words import (
    CANCEL_TYPES,
    CREATE_TYPES,
    DIRECTIONS,
    KINDS,
    REJECT_CANCELS,
    REJECTS,
    SIDES,
    STATUSES,
    STOP_TYPES,
    TIMES_IN_FORCE,
    TRIGGERS_BY,
)

__all__ = ["only_one_way", "order_report", "origin_of"]

_SOURCE = "order"
_SAYS_NOTHING = ("EC_NoError", "", "UNKNOWN")
_NO_DIRECTION = (0, "0", "", None)


def order_report(value: Mapping[str, object]) -> OrderReport:
    """Read one order row.

    A market order has no price here: what the row shows is its protective bound.

    Raises:
        Unreadable: a needed field is missing or not understood, or the row is of hedge mode.

    """
    row = Row.of(_SOURCE, value)
    only_one_way(row)
    kind = row.one_of("orderType", KINDS)
    status = row.one_of("orderStatus", STATUSES)
    return OrderReport(
        symbol=Symbol(row.text("symbol")),
        venue_id=VenueOrderId(row.text("orderId")),
        client_id=_client_id(row, "orderLinkId"),
        parent_client_id=_client_id(row, "parentOrderLinkId"),
        side=row.one_of("side", SIDES),
        kind=kind,
        status=status,
        origin=origin_of(row),
        qty=row.qty("qty"),
        qty_filled=row.qty("cumExecQty"),
        value_filled=row.amount_or_zero(Money, "cumExecValue"),
        price=row.price("price") if kind is OrderKind.LIMIT else None,
        trigger=_trigger(row),
        stop_loss=_leg(row, "stopLoss", "slTriggerBy"),
        take_profit=_leg(row, "takeProfit", "tpTriggerBy"),
        time_in_force=row.one_of("timeInForce", TIMES_IN_FORCE),
        reduce_only=row.flag("reduceOnly"),
        cancel_reason=_cancel_reason(row, status),
        reject_reason=_reject_reason(row, status),
        created_ms=row.time_ms("createdTime"),
        updated_ms=row.time_ms("updatedTime"),
    )


def only_one_way(row: Row) -> None:
    """Refuse a row of hedge mode, whose two sides this desk does not model.

    Raises:
        Unreadable: it is of hedge mode, or its index is no number.

    """
    if "positionIdx" in row.fields and row.integer("positionIdx") != 0:
        raise row.unreadable("positionIdx")


def origin_of(row: Row) -> Origin:
    """Return who made an order; by ``stopOrderType`` where ``createType`` is empty."""
    word = row.text_or_none("createType")
    if word is not None:
        return CREATE_TYPES.get(word, Origin.OTHER)
    return STOP_TYPES.get(row.text_or_none("stopOrderType") or "", Origin.USER)


def _client_id(row: Row, name: str) -> ClientId | None:
    text = row.text_or_none(name)
    return None if text is None else ClientId(text)


def _trigger(row: Row) -> Trigger | None:
    """Return the condition; a trailing stop that is active at once has no trigger price."""
    price = row.price_or_none("triggerPrice")
    if price is None or row.fields.get("triggerDirection") in _NO_DIRECTION:
        return None
    direction = DIRECTIONS.get(row.integer("triggerDirection"))
    if direction is None:
        raise row.unreadable("triggerDirection")
    by = row.one_of("triggerBy", TRIGGERS_BY) if row.has("triggerBy") else TRIGGERS_BY[""]
    return Trigger(price=price, direction=direction, by=by)


def _leg(row: Row, price_name: str, by_name: str) -> ProtectiveLeg | None:
    price = row.price_or_none(price_name)
    if price is None:
        return None
    by = row.one_of(by_name, TRIGGERS_BY) if row.has(by_name) else TRIGGERS_BY[""]
    return ProtectiveLeg(price=price, by=by)


def _cancel_reason(row: Row, status: Status) -> CancelReason | None:
    """Return why a cancelled order ended; a filled one has no reason, whatever its row says.

    A cancel that loses to a fill leaves ``CancelByUser`` on a filled order.
    """
    if status not in (Status.CANCELLED, Status.DEACTIVATED):
        return None
    exact = REJECT_CANCELS.get(row.text_or_none("rejectReason") or "")
    if exact is CancelReason.NOTHING_TO_FILL and row.qty("cumExecQty") > ZERO_QTY:
        return CancelReason.NOT_FULLY_FILLED
    if exact is not None and exact is not CancelReason.BY_USER:
        return exact
    word = row.text_or_none("cancelType") or ""
    if word not in _SAYS_NOTHING:
        return CANCEL_TYPES.get(word, CancelReason.BY_VENUE)
    if exact is None and (row.text_or_none("rejectReason") or "") not in _SAYS_NOTHING:
        return CancelReason.BY_VENUE
    return exact


def _reject_reason(row: Row, status: Status) -> RejectReason | None:
    if status is not Status.REJECTED:
        return None
    return REJECTS.get(row.text_or_none("rejectReason") or "", RejectReason.OTHER)
