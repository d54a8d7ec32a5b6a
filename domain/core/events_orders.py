"""Events about orders: intended, answered, reported by the venue, cancelled, filled."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Symbol, VenueOrderId
from tidegate.domain.reports import CancelReason, Execution, RejectReason

__all__ = [
    "CancelIntended",
    "CancelRefused",
    "EntryReleased",
    "Filled",
    "LeverageRefused",
    "LeverageSet",
    "OrderAcknowledged",
    "OrderIntended",
    "OrderLapsed",
    "OrderRefused",
    "OrderUnknown",
    "OrderUpdated",
    "UpdateIgnored",
]


@attrs.frozen(kw_only=True)
class OrderIntended:
    """A reducing order, recorded before it is sent."""

    trade_key: str
    order: OrderRequest
    decision_price: Price | None
    time_ms: int


@attrs.frozen(kw_only=True)
class EntryReleased:
    """An entry's leverage is set: it may be sent now, once."""

    client_id: ClientId


@attrs.frozen(kw_only=True)
class LeverageSet:
    """The venue confirmed the leverage of a symbol."""

    symbol: Symbol
    leverage: Rate


@attrs.frozen(kw_only=True)
class LeverageRefused:
    """The venue refused the leverage, or its answer never came: entries waiting for it end."""

    symbol: Symbol
    leverage: Rate
    message: str


@attrs.frozen(kw_only=True)
class OrderAcknowledged:
    """The venue took the request; the order is not live yet."""

    client_id: ClientId
    venue_id: VenueOrderId


@attrs.frozen(kw_only=True)
class OrderRefused:
    """The venue refused the request; it had no effect."""

    client_id: ClientId
    reason: RejectReason
    code: int | None
    message: str
    time_ms: int


@attrs.frozen(kw_only=True)
class OrderUnknown:
    """The request may or may not have arrived; it counts as exposure until resolved."""

    client_id: ClientId
    sent_ms: int
    cause: str


@attrs.frozen(kw_only=True)
class OrderLapsed:
    """The order is proven never to have arrived, and will not be sent."""

    client_id: ClientId
    time_ms: int


@attrs.frozen(kw_only=True)
class OrderUpdated:
    """The venue's record of an order moved to ``status``; ``qty_filled`` is cumulative."""

    client_id: ClientId
    venue_id: VenueOrderId
    status: Status
    qty_filled: Qty
    cancel_reason: CancelReason | None
    time_ms: int


@attrs.frozen(kw_only=True)
class UpdateIgnored:
    """An update that the table does not allow from the present state: kept, not applied."""

    client_id: ClientId
    present: Status
    reported: Status
    time_ms: int


@attrs.frozen(kw_only=True)
class CancelIntended:
    """A cancel, recorded before it is sent. ``client_id`` is ``None`` for foreign orders."""

    symbol: Symbol
    client_id: ClientId | None
    venue_id: VenueOrderId | None


@attrs.frozen(kw_only=True)
class CancelRefused:
    """The venue refused a cancel, or its answer never came."""

    symbol: Symbol
    client_id: ClientId | None
    venue_id: VenueOrderId | None
    message: str


@attrs.frozen(kw_only=True)
class Filled:
    """One execution, counted once, with the close reason it would give its trade."""

    execution: Execution
