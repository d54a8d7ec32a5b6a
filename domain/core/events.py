"""Everything that happens, as one closed union. Events are facts: they are never refused."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Side, Symbol, VenueOrderId
from tidegate.domain.reports import (
    CancelReason,
    Execution,
    FundingPayment,
    RejectReason,
)
from tidegate.domain.risk.verdict import Breach, Missing
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket
from tidegate.domain.trade import ClosedTrade, CloseReason

from .events_desk import (
    AccountOpened,
    DayRolled,
    EquityMarked,
    FindingRaised,
    FindingSettled,
    HistoryRead,
    PanicEnded,
    PanicReset,
    PanicStarted,
    SessionStarted,
    SessionStopped,
    TradingStateChanged,
)

__all__ = [
    "AccountOpened",
    "CancelIntended",
    "CancelRefused",
    "CloseStarted",
    "DayRolled",
    "EntryIntended",
    "EntryReleased",
    "EquityMarked",
    "Event",
    "Excursion",
    "Filled",
    "FindingRaised",
    "FindingSettled",
    "FundingBooked",
    "HistoryRead",
    "LeverageRefused",
    "LeverageSet",
    "OrderAcknowledged",
    "OrderIntended",
    "OrderLapsed",
    "OrderRefused",
    "OrderUnknown",
    "OrderUpdated",
    "PanicEnded",
    "PanicReset",
    "PanicStarted",
    "PlannedRung",
    "Replanned",
    "SessionStarted",
    "SessionStopped",
    "SignalRefused",
    "StopConfirmed",
    "StopLost",
    "StopMissing",
    "StopMoveIntended",
    "StopMoveRefused",
    "TradeClosed",
    "TradingStateChanged",
    "UpdateIgnored",
]


@attrs.frozen(kw_only=True)
class SignalRefused:
    """A signal was refused; ``breaches`` and ``missing`` name every rule that failed.

    ``fault`` is set where no plan could be made at all. ``largest`` is the largest quantity that
    would have passed, ``None`` where size was not the matter.
    """

    trade_key: str
    signal_id: str
    symbol: Symbol
    side: Side
    breaches: tuple[Breach, ...]
    missing: tuple[Missing, ...]
    fault: str | None
    largest: Qty | None
    time_ms: int


@attrs.frozen(kw_only=True)
class EntryIntended:
    """An approved entry, recorded before it is sent; it reserves its exposure."""

    trade_key: str
    signal: Signal
    ticket: Ticket
    order: OrderRequest
    worst_price: Price
    time_ms: int


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


@attrs.frozen(kw_only=True)
class FundingBooked:
    """One funding payment, counted once."""

    payment: FundingPayment


@attrs.frozen(kw_only=True)
class PlannedRung:
    """One rung as it is wanted now: total quantity, the closed part included."""

    number: int
    price: Price
    qty: Qty


@attrs.frozen(kw_only=True)
class Replanned:
    """Levels computed again from the actual average fill. ``risk`` is one R in USDT."""

    symbol: Symbol
    trade_key: str
    entry_price: Price
    stop: Price | None
    rungs: tuple[PlannedRung, ...]
    risk: Money | None
    verify_by_ms: int


@attrs.frozen(kw_only=True)
class StopMoveIntended:
    """The position's stop is to be set to ``price``, recorded before it is sent."""

    symbol: Symbol
    price: Price


@attrs.frozen(kw_only=True)
class StopMoveRefused:
    """The venue refused the stop, or its answer never came."""

    symbol: Symbol
    price: Price
    message: str


@attrs.frozen(kw_only=True)
class StopConfirmed:
    """The venue itself showed the wanted stop on the position."""

    symbol: Symbol
    price: Price
    time_ms: int


@attrs.frozen(kw_only=True)
class StopLost:
    """The venue showed another stop, or none, where the wanted one had been confirmed."""

    symbol: Symbol
    shown: Price | None
    verify_by_ms: int
    time_ms: int


@attrs.frozen(kw_only=True)
class StopMissing:
    """The wanted stop was not seen on the venue in time; the position is closed."""

    symbol: Symbol
    wanted: Price | None
    time_ms: int


@attrs.frozen(kw_only=True)
class CloseStarted:
    """The position is being closed; no rung or stop is placed for it from here."""

    symbol: Symbol
    reason: CloseReason
    key: str
    time_ms: int


@attrs.frozen(kw_only=True)
class TradeClosed:
    """A position became flat."""

    trade: ClosedTrade


@attrs.frozen(kw_only=True)
class Excursion:
    """The price profit of a live trade at mark reached a new worst or best."""

    symbol: Symbol
    profit: Money


Event = (
    SessionStarted
    | SessionStopped
    | HistoryRead
    | AccountOpened
    | SignalRefused
    | EntryIntended
    | OrderIntended
    | EntryReleased
    | LeverageSet
    | LeverageRefused
    | OrderAcknowledged
    | OrderRefused
    | OrderUnknown
    | OrderLapsed
    | OrderUpdated
    | UpdateIgnored
    | CancelIntended
    | CancelRefused
    | Filled
    | FundingBooked
    | Replanned
    | StopMoveIntended
    | StopMoveRefused
    | StopConfirmed
    | StopLost
    | StopMissing
    | CloseStarted
    | TradeClosed
    | Excursion
    | EquityMarked
    | DayRolled
    | TradingStateChanged
    | PanicStarted
    | PanicEnded
    | PanicReset
    | FindingRaised
    | FindingSettled
)
