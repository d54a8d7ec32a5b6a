"""What a venue says: order records, executions, funding, positions, accounts, prices, streams.

These are the values that cross the exchange port, whatever transport they came by.
"""

import enum

import attrs

from .lifecycle import Status
from .money import Distance, Money, Price, Qty, Rate
from .orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    VenueOrderId,
)

__all__ = [
    "AccountReport",
    "Bar",
    "CancelReason",
    "Execution",
    "FundingPayment",
    "MarginMode",
    "OrderReport",
    "Origin",
    "PositionReport",
    "RejectReason",
    "StreamReport",
    "StreamState",
    "Ticker",
    "UnreadableReport",
    "VenueMessage",
]


class Origin(enum.Enum):
    """Who created an order or execution (Bybit V5 ``createType``, ``execType``)."""

    USER = "user"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    LIQUIDATION = "liquidation"
    AUTO_DELEVERAGING = "auto_deleveraging"
    SETTLEMENT = "settlement"
    OTHER = "other"


class CancelReason(enum.Enum):
    """Why an order was cancelled or deactivated (Bybit V5 ``cancelType``, ``rejectReason``)."""

    BY_USER = "by_user"
    REDUCE_ONLY = "reduce_only"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    NOTHING_TO_FILL = "nothing_to_fill"
    NOT_FULLY_FILLED = "not_fully_filled"
    SIBLING_TRIGGERED = "sibling_triggered"
    POSITION_CLOSED = "position_closed"
    BEFORE_LIQUIDATION = "before_liquidation"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    SELF_MATCH = "self_match"
    BY_VENUE = "by_venue"


class RejectReason(enum.Enum):
    """Why a venue refused a request, by class; the message keeps the venue's own code and text."""

    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    INVALID_PARAMETER = "invalid_parameter"
    OFF_GRID = "off_grid"
    QTY_OUT_OF_RANGE = "qty_out_of_range"
    NOTIONAL_TOO_SMALL = "notional_too_small"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    TRIGGER_ON_WRONG_SIDE = "trigger_on_wrong_side"
    STOP_ON_WRONG_SIDE = "stop_on_wrong_side"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    LEVERAGE_NOT_ALLOWED = "leverage_not_allowed"
    RISK_LIMIT = "risk_limit"
    NOTHING_TO_REDUCE = "nothing_to_reduce"
    NO_POSITION = "no_position"
    NO_LIQUIDITY = "no_liquidity"
    TOO_MANY_ORDERS = "too_many_orders"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_FINISHED = "order_finished"
    NOT_MODIFIED = "not_modified"
    RATE_LIMITED = "rate_limited"
    CLOCK_SKEW = "clock_skew"
    NOT_AUTHORISED = "not_authorised"
    TRADING_HALTED = "trading_halted"
    NOT_SUPPORTED = "not_supported"
    OTHER = "other"


class MarginMode(enum.Enum):
    """Account-wide margin mode (Bybit V5 account/info ``marginMode``)."""

    ISOLATED = "isolated"
    CROSS = "cross"


class StreamState(enum.Enum):
    """Health of a private or public stream."""

    UP = "up"
    DOWN = "down"


@attrs.frozen(kw_only=True)
class OrderReport:
    """The venue's record of one order.

    ``client_id`` is ``None`` for orders that the venue made itself; ``parent_client_id`` then names
    the entry they travelled in, where the venue tells. ``qty_filled`` and ``value_filled`` (USDT)
    are cumulative. A market order has no ``price``: neither its bound nor its fill is one.
    """

    symbol: Symbol
    venue_id: VenueOrderId
    client_id: ClientId | None
    parent_client_id: ClientId | None = None
    side: Side
    kind: OrderKind
    status: Status
    origin: Origin = Origin.USER
    qty: Qty
    qty_filled: Qty
    value_filled: Money
    price: Price | None = None
    trigger: Trigger | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    cancel_reason: CancelReason | None = None
    reject_reason: RejectReason | None = None
    created_ms: int
    updated_ms: int


@attrs.frozen(kw_only=True)
class Execution:
    """One fill. ``fee`` is in USDT, positive when paid; ``qty`` is unsigned."""

    execution_id: str
    symbol: Symbol
    venue_id: VenueOrderId
    client_id: ClientId | None
    side: Side
    qty: Qty
    price: Price
    fee: Money
    is_maker: bool
    origin: Origin = Origin.USER
    time_ms: int


@attrs.frozen(kw_only=True)
class FundingPayment:
    """One funding settlement of one position. ``amount`` is in USDT, positive when paid."""

    payment_id: str
    symbol: Symbol
    rate: Rate
    mark: Price
    qty: Qty
    amount: Money
    time_ms: int


@attrs.frozen(kw_only=True)
class PositionReport:
    """The venue's view of one symbol's position; ``qty`` is signed, zero when flat.

    ``sequence`` orders reports of one symbol; an older one never replaces a newer.
    ``auto_add_margin`` tells whether margin is added before a liquidation, ``None`` where the venue
    does not say.
    """

    symbol: Symbol
    qty: Qty
    entry_price: Price | None
    mark: Price
    leverage: Rate
    liquidation_price: Price | None
    stop_loss: Price | None
    take_profit: Price | None
    trailing_distance: Distance | None = None
    initial_margin: Money
    maintenance_margin: Money
    unrealised: Money
    auto_add_margin: bool | None = None
    sequence: int
    time_ms: int


@attrs.frozen(kw_only=True)
class AccountReport:
    """Balances in USDT. The two rates are ``None`` where the venue does not define them.

    ``equity`` is wallet plus unrealised profit; account-wide margin rates exist in cross margin
    only (Bybit V5 account/wallet-balance).
    """

    wallet: Money
    equity: Money
    available: Money
    initial_margin_rate: Rate | None
    maintenance_margin_rate: Rate | None
    margin_mode: MarginMode
    time_ms: int


@attrs.frozen(kw_only=True)
class Ticker:
    """Prices of one symbol at one venue time."""

    symbol: Symbol
    last: Price
    mark: Price
    index: Price
    bid: Price
    ask: Price
    bid_size: Qty
    ask_size: Qty
    time_ms: int


@attrs.frozen(kw_only=True)
class Bar:
    """One bar; ``volume`` is in base coin, ``start_ms`` and ``end_ms`` in UTC milliseconds."""

    symbol: Symbol
    start_ms: int
    end_ms: int
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty


@attrs.frozen(kw_only=True)
class StreamReport:
    """A stream went up or down."""

    state: StreamState
    time_ms: int


UNREADABLE_TEXT_MAX = 500
_SOURCE_LENGTH_MAX = 100


def _names_a_source(_: object, __: object, value: str) -> None:
    if not 1 <= len(value) <= _SOURCE_LENGTH_MAX:
        raise ValueError(
            f"source of {len(value)} characters: 1 to {_SOURCE_LENGTH_MAX} are accepted"
        )


def _bounded(text: str) -> str:
    return text[:UNREADABLE_TEXT_MAX]


@attrs.frozen(kw_only=True)
class UnreadableReport:
    """A message of the venue that could not be understood; what it said is not known.

    ``source`` names the stream or topic, from a small fixed set; ``text`` is the message, of which
    the first 500 characters are kept.
    """

    source: str = attrs.field(validator=_names_a_source)
    text: str = attrs.field(converter=_bounded)
    time_ms: int


VenueMessage = (
    OrderReport
    | Execution
    | FundingPayment
    | PositionReport
    | AccountReport
    | Ticker
    | StreamReport
    | UnreadableReport
)
