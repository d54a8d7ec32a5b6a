"""How the server writes amounts, and the names that the wire uses for what the domain knows."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType

from tidegate.domain.lifecycle import Status
from tidegate.domain.money import EXACT, ZERO, Amount, half_up
from tidegate.domain.orders import (
    OrderKind,
    Side,
    TimeInForce,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import CancelReason, MarginMode, Origin
from tidegate.ports.venue import SelfMatch

__all__ = [
    "COIN",
    "CREATE_TYPES",
    "DIRECTIONS",
    "HIDDEN_PREFIX",
    "KINDS",
    "MARGIN_MODES",
    "SHOWN_DECIMALS",
    "SIDES",
    "SMP_TYPES",
    "STATUSES",
    "STOP_TYPES",
    "TIMES_IN_FORCE",
    "TRIGGERS_BY",
    "cancel_type",
    "link_id",
    "optional",
    "plain",
    "reject_reason",
    "rounded",
    "truncated",
]

COIN = "USDT"
"""The only coin of the accounts here."""

SHOWN_DECIMALS = 8
"""Decimals to which the venue rounds the amounts that it shows, half away from zero."""

HIDDEN_PREFIX = "-_-"
"""Begins the client id that the server gives to an order without one; the wire shows none."""

SIDES: Mapping[Side, str] = MappingProxyType({Side.BUY: "Buy", Side.SELL: "Sell"})
KINDS: Mapping[OrderKind, str] = MappingProxyType(
    {OrderKind.MARKET: "Market", OrderKind.LIMIT: "Limit"}
)
TIMES_IN_FORCE: Mapping[TimeInForce, str] = MappingProxyType(
    {
        TimeInForce.GTC: "GTC",
        TimeInForce.IOC: "IOC",
        TimeInForce.FOK: "FOK",
        TimeInForce.POST_ONLY: "PostOnly",
    }
)
TRIGGERS_BY: Mapping[TriggerBy, str] = MappingProxyType(
    {
        TriggerBy.LAST: "LastPrice",
        TriggerBy.MARK: "MarkPrice",
        TriggerBy.INDEX: "IndexPrice",
    }
)
DIRECTIONS: Mapping[TriggerDirection, int] = MappingProxyType(
    {TriggerDirection.RISES_TO: 1, TriggerDirection.FALLS_TO: 2}
)
MARGIN_MODES: Mapping[MarginMode, str] = MappingProxyType(
    {MarginMode.ISOLATED: "ISOLATED_MARGIN", MarginMode.CROSS: "REGULAR_MARGIN"}
)
STATUSES: Mapping[Status, str] = MappingProxyType(
    {
        Status.UNTRIGGERED: "Untriggered",
        Status.TRIGGERED: "Triggered",
        Status.NEW: "New",
        Status.PARTIALLY_FILLED: "PartiallyFilled",
        Status.FILLED: "Filled",
        Status.CANCELLED: "Cancelled",
        Status.DEACTIVATED: "Deactivated",
        Status.REJECTED: "Rejected",
    }
)
"""What the wire shows; an order that is only acknowledged is not shown yet."""

CREATE_TYPES: Mapping[Origin, str] = MappingProxyType(
    {
        Origin.USER: "CreateByUser",
        Origin.STOP_LOSS: "CreateByStopLoss",
        Origin.TAKE_PROFIT: "CreateByTakeProfit",
        Origin.TRAILING_STOP: "CreateByTrailingStop",
        Origin.LIQUIDATION: "CreateByTakeOver_PassThrough",
        Origin.AUTO_DELEVERAGING: "CreateByAdl_PassThrough",
        Origin.SETTLEMENT: "CreateBySettle",
        Origin.OTHER: "CreateByAdminClosing",
    }
)
STOP_TYPES: Mapping[Origin, str] = MappingProxyType(
    {
        Origin.STOP_LOSS: "StopLoss",
        Origin.TAKE_PROFIT: "TakeProfit",
        Origin.TRAILING_STOP: "TrailingStop",
    }
)

SMP_TYPES: Mapping[SelfMatch, str] = MappingProxyType(
    {
        SelfMatch.NONE: "None",
        SelfMatch.CANCEL_MAKER: "CancelMaker",
        SelfMatch.CANCEL_TAKER: "CancelTaker",
        SelfMatch.CANCEL_BOTH: "CancelBoth",
    }
)

_CANCEL_TYPES: Mapping[CancelReason, str] = MappingProxyType(
    {
        CancelReason.BY_USER: "CancelByUser",
        CancelReason.REDUCE_ONLY: "CancelByReduceOnly",
        CancelReason.POST_ONLY_WOULD_TAKE: "UNKNOWN",
        CancelReason.NOTHING_TO_FILL: "UNKNOWN",
        CancelReason.NOT_FULLY_FILLED: "UNKNOWN",
        CancelReason.SIBLING_TRIGGERED: "CancelByOCOTpCanceledBySlTriggered",
        CancelReason.POSITION_CLOSED: "CancelByTpSlTsClear",
        CancelReason.BEFORE_LIQUIDATION: "CancelAllBeforeLiq",
        CancelReason.INSUFFICIENT_MARGIN: "UNKNOWN",
        CancelReason.SELF_MATCH: "CancelBySmp",
        CancelReason.BY_VENUE: "CancelByAdmin",
    }
)
_REJECT_REASONS: Mapping[CancelReason, str] = MappingProxyType(
    {
        CancelReason.BY_USER: "EC_PerCancelRequest",
        CancelReason.POST_ONLY_WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
        CancelReason.NOTHING_TO_FILL: "EC_NoImmediateQtyToFill",
        CancelReason.NOT_FULLY_FILLED: "EC_NoImmediateQtyToFill",
        CancelReason.INSUFFICIENT_MARGIN: "EC_Others",
        CancelReason.SELF_MATCH: "EC_BySelfMatch",
    }
)


def plain(amount: Amount | Decimal) -> str:
    """Write an amount in full, without an exponent and without zeros at its end."""
    value = amount.value if isinstance(amount, Amount) else amount
    return format(ZERO if value == 0 else value.normalize(EXACT), "f")


def rounded(amount: Amount) -> str:
    """Write an amount as the venue shows it: at most 8 decimals, half away from zero."""
    return plain(half_up(amount.value, SHOWN_DECIMALS))


def truncated(amount: Amount, places: int) -> str:
    """Write an amount cut off after ``places`` decimals."""
    cut = amount.value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN, context=EXACT)
    return plain(cut)


def optional(amount: Amount | None) -> str:
    """Write an amount, or nothing where there is none."""
    return "" if amount is None else plain(amount)


def link_id(client_id: str | None) -> str:
    """Return the ``orderLinkId`` of an order: empty when its sender gave none."""
    return "" if client_id is None or client_id.startswith(HIDDEN_PREFIX) else client_id


def cancel_type(reason: CancelReason | None, origin: Origin) -> str:
    """Return ``cancelType``; a leg is named by what its sibling did."""
    if reason is None:
        return "UNKNOWN"
    if reason is CancelReason.SIBLING_TRIGGERED and origin is not Origin.TAKE_PROFIT:
        return "CancelByOCOSlCanceledByTpTriggered"
    return _CANCEL_TYPES[reason]


def reject_reason(reason: CancelReason | None, time_in_force: TimeInForce) -> str:
    """Return ``rejectReason``; a fill-or-kill order has one of its own."""
    if reason is None:
        return "EC_NoError"
    if reason is CancelReason.NOT_FULLY_FILLED and time_in_force is TimeInForce.FOK:
        return "EC_CancelForNoFullFill"
    return _REJECT_REASONS.get(reason, "EC_NoError")
