"""What the paper venue keeps: orders, positions, requests under way and its head."""

import enum

import attrs
from tidegate.domain.bookkeeping import Closing
from tidegate.domain.lifecycle import TERMINAL, Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    VenueOrderId,
)
from tidegate.domain.position import FLAT, Position
from tidegate.domain.reports import CancelReason, MarginMode, OrderReport, Origin
from tidegate.ports.venue import PartialLegs, SelfMatch, WireOrder

__all__ = [
    "PROTECTIVE",
    "Head",
    "PaperOrder",
    "PaperPosition",
    "PendingKind",
    "PendingRequest",
    "Trailing",
]

PROTECTIVE = frozenset({Origin.STOP_LOSS, Origin.TAKE_PROFIT, Origin.TRAILING_STOP})
# Tuples: membership of an enumeration member in a short tuple is faster than in a set.
_LIVE = (Status.NEW, Status.PARTIALLY_FILLED)
_ENDED = tuple(sorted(TERMINAL, key=lambda status: status.value))


@attrs.frozen(kw_only=True)
class Trailing:
    """A trailing stop: ``best`` is the best price since it began to trail, ``None`` before."""

    distance: Distance
    activation: Price | None
    best: Price | None


@attrs.define(kw_only=True)
class PaperOrder:
    """One order of the venue. ``number`` counts creations; ``priority`` is its place in time.

    ``queue_ahead`` is the displayed quantity before it at its price. A market order's ``price`` is
    its protective bound, once it is live; ``live_point`` is the book's point at which it became so.
    ``last_price`` is that of its arrival, ``fee`` the sum of its fees, ``closing`` what it closed.
    ``partial`` is set on an order whose legs protect what it fills; ``pair`` numbers the pair of a
    leg that protects a part.
    """

    number: int
    priority: int
    venue_id: VenueOrderId
    client_id: ClientId | None
    symbol: Symbol
    side: Side
    kind: OrderKind
    qty: Qty
    created_ms: int
    updated_ms: int
    status: Status
    parent_client_id: ClientId | None = None
    origin: Origin = Origin.USER
    qty_filled: Qty = ZERO_QTY
    value_filled: Money = ZERO_MONEY
    price: Price | None = None
    trigger: Trigger | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_on_trigger: bool = False
    slippage_max: Rate | None = None
    trailing: Trailing | None = None
    queue_ahead: Qty = ZERO_QTY
    live_point: int = 0
    cancel_reason: CancelReason | None = None
    last_price: Price | None = None
    fee: Money = ZERO_MONEY
    partial: PartialLegs | None = None
    pair: int | None = None
    self_match: SelfMatch = SelfMatch.NONE
    closing: Closing | None = None

    @property
    def left(self) -> Qty:
        """Return the quantity that is not filled."""
        return self.qty - self.qty_filled

    @property
    def is_open(self) -> bool:
        """Tell whether the order is not finished."""
        return self.status not in _ENDED

    @property
    def is_live(self) -> bool:
        """Tell whether the order can fill."""
        return self.status in _LIVE

    @property
    def is_waiting(self) -> bool:
        """Tell whether the order waits for its trigger."""
        return self.status is Status.UNTRIGGERED

    @property
    def is_protection(self) -> bool:
        """Tell whether the order belongs to a position's protection."""
        return self.origin in PROTECTIVE

    def wire(self) -> WireOrder:
        """Return the record with what only a wire shows."""
        trailing = self.trailing
        return WireOrder(
            report=self.report(),
            bound=self.price if self.kind is OrderKind.MARKET else None,
            close_on_trigger=self.close_on_trigger,
            slippage_max=self.slippage_max,
            trailing_distance=None if trailing is None else trailing.distance,
            trailing_activation=None if trailing is None else trailing.activation,
            last_price_on_created=self.last_price,
            fee=self.fee,
            is_partial_leg=self.pair is not None,
            legs=self.partial,
            self_match=self.self_match,
        )

    def report(self) -> OrderReport:
        """Return the venue's record of this order; a market order has no price in it."""
        return OrderReport(
            symbol=self.symbol,
            venue_id=self.venue_id,
            client_id=self.client_id,
            parent_client_id=self.parent_client_id,
            side=self.side,
            kind=self.kind,
            status=self.status,
            origin=self.origin,
            qty=self.qty,
            qty_filled=self.qty_filled,
            value_filled=self.value_filled,
            price=self.price if self.kind is OrderKind.LIMIT else None,
            trigger=self.trigger,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            time_in_force=self.time_in_force,
            reduce_only=self.reduce_only,
            cancel_reason=self.cancel_reason,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
        )


@attrs.define(kw_only=True)
class PaperPosition:
    """One symbol's position and leverage.

    ``extra_margin`` is what was added to the isolated margin; negative when funding ate into it.
    ``auto_add_margin`` adds more before a liquidation. ``open_fees`` were paid for what is held.
    ``sequence`` grows with every change.
    """

    symbol: Symbol
    leverage: Rate
    position: Position = FLAT
    extra_margin: Money = ZERO_MONEY
    sequence: int = 0
    auto_add_margin: bool = False
    open_fees: Money = ZERO_MONEY


class PendingKind(enum.Enum):
    """What a request under way will do."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


@attrs.frozen(kw_only=True)
class PendingRequest:
    """A request that was acknowledged and has its effect at ``due_ms`` or after."""

    number: int
    kind: PendingKind
    symbol: Symbol
    order_number: int
    due_ms: int
    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None


@attrs.define(kw_only=True)
class Head:
    """The venue's one row of scalars: money, time, progress through the feed, and counters.

    ``piece`` is the next piece of the item at ``cursor``; ``is_high_first`` is what was chosen for
    the bar in progress, ``None`` before the choice. ``margin_mode`` is ``None`` until it changes.
    Market data is kept from ``market_since_ms`` on.
    """

    wallet: Money
    now_ms: int = 0
    cursor: int = 0
    piece: int = 0
    is_high_first: bool | None = None
    orders_made: int = 0
    priorities_given: int = 0
    executions_made: int = 0
    payments_made: int = 0
    requests_made: int = 0
    pairs_made: int = 0
    margin_mode: MarginMode | None = None
    changes_made: int = 0
    trades_made: int = 0
    market_since_ms: int = 0
