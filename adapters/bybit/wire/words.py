"""The venue's words and what they mean here (Bybit V5 "Enums definitions").

A set is closed when a new member would change what we must do: an unknown word is then unreadable.
It is open when the venue adds members freely (``createType``, ``cancelType``, ``rejectReason``):
an unknown word is then the set's "something else".
"""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.orders import OrderKind, Side, TimeInForce, TriggerBy, TriggerDirection
from tidegate.domain.records import CHANGE_WORDS, ChangeKind
from tidegate.domain.reports import CancelReason, MarginMode, Origin, RejectReason

__all__ = [
    "CANCEL_TYPES",
    "CHANGE_KINDS",
    "CREATE_TYPES",
    "DIRECTIONS",
    "EXEC_TYPES",
    "INSTRUMENT_STATUSES",
    "KINDS",
    "KIND_WORDS",
    "MARGIN_MODES",
    "MARGIN_MODE_WORDS",
    "REJECTS",
    "REJECT_CANCELS",
    "SIDES",
    "SIDE_WORDS",
    "STATUSES",
    "STOP_TYPES",
    "TIMES_IN_FORCE",
    "TIME_IN_FORCE_WORDS",
    "TRIGGERS_BY",
    "TRIGGER_BY_WORDS",
]

SIDES: Mapping[str, Side] = MappingProxyType({"Buy": Side.BUY, "Sell": Side.SELL})
SIDE_WORDS: Mapping[Side, str] = MappingProxyType({side: word for word, side in SIDES.items()})

KINDS: Mapping[str, OrderKind] = MappingProxyType(
    {"Market": OrderKind.MARKET, "Limit": OrderKind.LIMIT}
)
KIND_WORDS: Mapping[OrderKind, str] = MappingProxyType({k: word for word, k in KINDS.items()})

CHANGE_KINDS: Mapping[str, ChangeKind] = MappingProxyType(
    {word: kind for kind, word in CHANGE_WORDS.items()}
)

STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "New": Status.NEW,
        "PartiallyFilled": Status.PARTIALLY_FILLED,
        "Untriggered": Status.UNTRIGGERED,
        "Triggered": Status.TRIGGERED,
        "Rejected": Status.REJECTED,
        "Filled": Status.FILLED,
        "Cancelled": Status.CANCELLED,
        "PartiallyFilledCanceled": Status.CANCELLED,
        "Deactivated": Status.DEACTIVATED,
    }
)

TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType(
    {
        "GTC": TimeInForce.GTC,
        "IOC": TimeInForce.IOC,
        "FOK": TimeInForce.FOK,
        "PostOnly": TimeInForce.POST_ONLY,
        "RPI": TimeInForce.POST_ONLY,
    }
)
"""Retail price improvement orders, which this adapter never sends, are post-only by nature."""

TIME_IN_FORCE_WORDS: Mapping[TimeInForce, str] = MappingProxyType(
    {
        TimeInForce.GTC: "GTC",
        TimeInForce.IOC: "IOC",
        TimeInForce.FOK: "FOK",
        TimeInForce.POST_ONLY: "PostOnly",
    }
)

TRIGGERS_BY: Mapping[str, TriggerBy] = MappingProxyType(
    {
        "LastPrice": TriggerBy.LAST,
        "MarkPrice": TriggerBy.MARK,
        "IndexPrice": TriggerBy.INDEX,
        "UNKNOWN": TriggerBy.LAST,
        "": TriggerBy.LAST,
    }
)
"""The last price is the venue's default, and what it means when it names none."""

TRIGGER_BY_WORDS: Mapping[TriggerBy, str] = MappingProxyType(
    {
        TriggerBy.LAST: "LastPrice",
        TriggerBy.MARK: "MarkPrice",
        TriggerBy.INDEX: "IndexPrice",
    }
)

DIRECTIONS: Mapping[int, TriggerDirection] = MappingProxyType(
    {1: TriggerDirection.RISES_TO, 2: TriggerDirection.FALLS_TO}
)

CREATE_TYPES: Mapping[str, Origin] = MappingProxyType(
    {
        "CreateByUser": Origin.USER,
        "CreateByStopOrder": Origin.USER,
        "CreateByBboOrder": Origin.USER,
        "CreateByStopLoss": Origin.STOP_LOSS,
        "CreateByPartialStopLoss": Origin.STOP_LOSS,
        "CreateByTakeProfit": Origin.TAKE_PROFIT,
        "CreateByPartialTakeProfit": Origin.TAKE_PROFIT,
        "CreateByTrailingStop": Origin.TRAILING_STOP,
        "CreateByTrailingProfit": Origin.TRAILING_STOP,
        "CreateByLiq": Origin.LIQUIDATION,
        "CreateByTakeOver_PassThrough": Origin.LIQUIDATION,
        "CreateByAdl_PassThrough": Origin.AUTO_DELEVERAGING,
        "CreateBySettle": Origin.SETTLEMENT,
    }
)
"""Open: anything else is ``OTHER``. A conditional order of the user's own is the user's."""

STOP_TYPES: Mapping[str, Origin] = MappingProxyType(
    {
        "StopLoss": Origin.STOP_LOSS,
        "PartialStopLoss": Origin.STOP_LOSS,
        "TakeProfit": Origin.TAKE_PROFIT,
        "PartialTakeProfit": Origin.TAKE_PROFIT,
        "TrailingStop": Origin.TRAILING_STOP,
    }
)
"""``stopOrderType``, for rows whose ``createType`` is empty."""

EXEC_TYPES: Mapping[str, Origin | None] = MappingProxyType(
    {
        "Trade": None,
        "AdlTrade": Origin.AUTO_DELEVERAGING,
        "BustTrade": Origin.LIQUIDATION,
        "Delivery": Origin.SETTLEMENT,
        "Settle": Origin.SETTLEMENT,
        "BlockTrade": Origin.OTHER,
        "MovePosition": Origin.OTHER,
        "CorporateAction": Origin.OTHER,
    }
)
"""What an execution is by its own type; ``None``: by the order's ``createType``. Closed."""

CANCEL_TYPES: Mapping[str, CancelReason] = MappingProxyType(
    {
        "CancelByUser": CancelReason.BY_USER,
        "CancelByReduceOnly": CancelReason.REDUCE_ONLY,
        "CancelByPrepareLiq": CancelReason.BEFORE_LIQUIDATION,
        "CancelAllBeforeLiq": CancelReason.BEFORE_LIQUIDATION,
        "CancelByTpSlTsClear": CancelReason.POSITION_CLOSED,
        "CancelBySmp": CancelReason.SELF_MATCH,
        "CancelByOCOTpCanceledBySlTriggered": CancelReason.SIBLING_TRIGGERED,
        "CancelByOCOSlCanceledByTpTriggered": CancelReason.SIBLING_TRIGGERED,
    }
)
"""Open: any other word is ``BY_VENUE``; ``UNKNOWN`` and ``""`` say nothing."""

REJECT_CANCELS: Mapping[str, CancelReason] = MappingProxyType(
    {
        "EC_PostOnlyWillTakeLiquidity": CancelReason.POST_ONLY_WOULD_TAKE,
        "EC_NoImmediateQtyToFill": CancelReason.NOTHING_TO_FILL,
        "EC_NoEnoughQtyToFill": CancelReason.NOT_FULLY_FILLED,
        "EC_CancelForNoFullFill": CancelReason.NOT_FULLY_FILLED,
        "EC_BySelfMatch": CancelReason.SELF_MATCH,
        "EC_PerCancelRequest": CancelReason.BY_USER,
    }
)
"""What a cancelled order's ``rejectReason`` tells; it is more exact than ``cancelType``."""

REJECTS: Mapping[str, RejectReason] = MappingProxyType(
    {
        "EC_QtyCannotBeZero": RejectReason.QTY_OUT_OF_RANGE,
        "EC_LimitOrderInvalidPrice": RejectReason.PRICE_OUT_OF_RANGE,
        "EC_InvalidPriceScale": RejectReason.OFF_GRID,
        "EC_InvalidSymbolStatus": RejectReason.TRADING_HALTED,
        "EC_ReachRiskPriceLimit": RejectReason.PRICE_OUT_OF_RANGE,
        "EC_ReachMarketPriceLimit": RejectReason.PRICE_OUT_OF_RANGE,
        "EC_NoImmediateQtyToFill": RejectReason.NO_LIQUIDITY,
        "EC_NoEnoughQtyToFill": RejectReason.NO_LIQUIDITY,
    }
)
"""Open: anything else on a rejected order is ``OTHER``."""

INSTRUMENT_STATUSES: Mapping[str, InstrumentStatus] = MappingProxyType(
    {
        "PreLaunch": InstrumentStatus.PRE_LAUNCH,
        "Trading": InstrumentStatus.TRADING,
        "Delivering": InstrumentStatus.REDUCE_ONLY,
        "Closed": InstrumentStatus.CLOSED,
    }
)

MARGIN_MODES: Mapping[str, MarginMode] = MappingProxyType(
    {"ISOLATED_MARGIN": MarginMode.ISOLATED, "REGULAR_MARGIN": MarginMode.CROSS}
)
"""Portfolio margin is not supported, and so unreadable."""

MARGIN_MODE_WORDS: Mapping[MarginMode, str] = MappingProxyType(
    {mode: word for word, mode in MARGIN_MODES.items()}
)
