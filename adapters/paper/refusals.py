"""The venue's refusals: code, text and class (Bybit V5 error list, trading section)."""

import enum
from types import MappingProxyType

from tidegate.domain.reports import RejectReason

__all__ = ["Refusal", "Refused"]


class Refusal(enum.Enum):
    """Every refusal that this venue knows; the value is its key in the table of codes."""

    DUPLICATE = "duplicate client id"
    UNKNOWN_SYMBOL = "unknown symbol"
    PARAMETER = "parameter"
    OFF_GRID = "off grid"
    QTY_RANGE = "quantity range"
    NOTIONAL = "notional"
    PRICE_RANGE = "price range"
    TRIGGER_RISES = "trigger must be above"
    TRIGGER_FALLS = "trigger must be below"
    STOP_SIDE = "stop side"
    MARGIN = "margin"
    LEVERAGE = "leverage"
    LEVERAGE_MARGIN = "leverage margin"
    LIQUIDATES = "would liquidate"
    RISK_LIMIT = "risk limit"
    NOTHING_TO_REDUCE = "nothing to reduce"
    ZERO_POSITION = "zero position"
    NO_LIQUIDITY = "no liquidity"
    TOO_MANY_ACTIVE = "too many active orders"
    TOO_MANY_CONDITIONAL = "too many conditional orders"
    NOT_FOUND = "order not found"
    FINISHED = "order finished"
    QTY_BELOW_FILLED = "quantity below filled"
    NOT_MODIFIED = "order not modified"
    PROTECTION_NOT_MODIFIED = "protection not modified"
    SLIPPAGE_RANGE = "slippage range"
    HALTED = "trading halted"
    REDUCE_ONLY_SYMBOL = "reduce-only symbol"
    TOO_MANY_PARTIAL = "too many partial legs"
    MARGIN_MODE = "margin mode"
    MARGIN_ISOLATED_ONLY = "margin of a position in isolated mode only"
    AUTO_MARGIN_ISOLATED_ONLY = "automatic margin in isolated mode only"
    MARGIN_NO_POSITION = "margin without a position"
    MARGIN_TO_ADD = "margin to add"
    MARGIN_TO_TAKE = "margin to take"
    WALLET = "wallet"


_CODES = MappingProxyType(
    {
        Refusal.DUPLICATE: (110072, RejectReason.DUPLICATE_CLIENT_ID),
        Refusal.UNKNOWN_SYMBOL: (10001, RejectReason.INVALID_PARAMETER),
        Refusal.PARAMETER: (10001, RejectReason.INVALID_PARAMETER),
        Refusal.OFF_GRID: (10001, RejectReason.OFF_GRID),
        Refusal.QTY_RANGE: (10001, RejectReason.QTY_OUT_OF_RANGE),
        Refusal.NOTIONAL: (110094, RejectReason.NOTIONAL_TOO_SMALL),
        Refusal.PRICE_RANGE: (110003, RejectReason.PRICE_OUT_OF_RANGE),
        Refusal.TRIGGER_RISES: (110092, RejectReason.TRIGGER_ON_WRONG_SIDE),
        Refusal.TRIGGER_FALLS: (110093, RejectReason.TRIGGER_ON_WRONG_SIDE),
        Refusal.STOP_SIDE: (10001, RejectReason.STOP_ON_WRONG_SIDE),
        Refusal.MARGIN: (110007, RejectReason.INSUFFICIENT_MARGIN),
        Refusal.LEVERAGE: (110013, RejectReason.LEVERAGE_NOT_ALLOWED),
        Refusal.LEVERAGE_MARGIN: (110044, RejectReason.INSUFFICIENT_MARGIN),
        Refusal.LIQUIDATES: (110011, RejectReason.RISK_LIMIT),
        Refusal.RISK_LIMIT: (110090, RejectReason.RISK_LIMIT),
        Refusal.NOTHING_TO_REDUCE: (110017, RejectReason.NOTHING_TO_REDUCE),
        Refusal.ZERO_POSITION: (10001, RejectReason.NO_POSITION),
        Refusal.NO_LIQUIDITY: (110118, RejectReason.NO_LIQUIDITY),
        Refusal.TOO_MANY_ACTIVE: (110020, RejectReason.TOO_MANY_ORDERS),
        Refusal.TOO_MANY_CONDITIONAL: (110009, RejectReason.TOO_MANY_ORDERS),
        Refusal.NOT_FOUND: (110001, RejectReason.ORDER_NOT_FOUND),
        Refusal.FINISHED: (110001, RejectReason.ORDER_FINISHED),
        Refusal.QTY_BELOW_FILLED: (110064, RejectReason.INVALID_PARAMETER),
        Refusal.NOT_MODIFIED: (10001, RejectReason.NOT_MODIFIED),
        Refusal.PROTECTION_NOT_MODIFIED: (34040, RejectReason.NOT_MODIFIED),
        Refusal.SLIPPAGE_RANGE: (110108, RejectReason.INVALID_PARAMETER),
        Refusal.HALTED: (110074, RejectReason.TRADING_HALTED),
        Refusal.REDUCE_ONLY_SYMBOL: (30228, RejectReason.TRADING_HALTED),
        Refusal.TOO_MANY_PARTIAL: (110061, RejectReason.TOO_MANY_ORDERS),
        Refusal.MARGIN_MODE: (3400045, RejectReason.OTHER),
        Refusal.MARGIN_ISOLATED_ONLY: (110015, RejectReason.NOT_SUPPORTED),
        Refusal.AUTO_MARGIN_ISOLATED_ONLY: (110076, RejectReason.NOT_SUPPORTED),
        Refusal.MARGIN_NO_POSITION: (110033, RejectReason.NO_POSITION),
        Refusal.MARGIN_TO_ADD: (110014, RejectReason.INSUFFICIENT_MARGIN),
        Refusal.MARGIN_TO_TAKE: (110051, RejectReason.INSUFFICIENT_MARGIN),
        Refusal.WALLET: (110004, RejectReason.INSUFFICIENT_MARGIN),
    }
)


class Refused(Exception):
    """A request that the venue refuses; it had no effect. Turned into ``Rejected`` by the venue."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal

    @property
    def code(self) -> int:
        """Return the venue's code."""
        return _CODES[self.refusal][0]

    @property
    def reason(self) -> RejectReason:
        """Return the class of the refusal."""
        return _CODES[self.refusal][1]
