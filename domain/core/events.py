"""Everything that happens, as one closed union. Events are facts: they are never refused."""

import attrs
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import OrderRequest, Side, Symbol
from tidegate.domain.reports import (
    FundingPayment,
)
from tidegate.domain.risk.verdict import Breach, Missing
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket
from tidegate.domain.trade import ClosedTrade, CloseReason

from .events_account import SettingCause, SettingDeclined, SettingDone, SettingIntended
from .events_desk import (
    AccountOpened,
    DayRolled,
    EquityMarked,
    FindingRaised,
    FindingSettled,
    HistoryRead,
    JournalTagged,
    PanicEnded,
    PanicReset,
    PanicStarted,
    SessionStarted,
    SessionStopped,
    StreamsLost,
    StreamsRegained,
    TradingStateChanged,
)
from .events_operator import (
    AmendIntended,
    AmendRejected,
    AmendSettled,
    CancelRequested,
    MassCancelEnded,
    MassCancelStarted,
    RequestRefused,
    RungsDropped,
)
from .events_orders import (
    CancelIntended,
    CancelRefused,
    EntryReleased,
    Filled,
    LeverageRefused,
    LeverageSet,
    OrderAcknowledged,
    OrderIntended,
    OrderLapsed,
    OrderRefused,
    OrderUnknown,
    OrderUpdated,
    UpdateIgnored,
)
from .events_protection import (
    BreakEvenDue,
    GuardKeyTaken,
    HandDecision,
    LeverageChangedByHand,
    LeverageRevertIntended,
    PositionChangedByHand,
    ProtectionConfirmed,
    ProtectionEvent,
    ProtectionFailed,
    ProtectionIntended,
    ProtectionRefused,
    ProtectionTaken,
    ProtectionUnknown,
    StopChangedByHand,
    TargetChangedByHand,
    TrailingChangedByHand,
    TrailingDue,
)
from .events_transfers import TransferBooked

__all__ = [
    "AccountOpened",
    "AmendIntended",
    "AmendRejected",
    "AmendSettled",
    "BreakEvenDue",
    "CancelIntended",
    "CancelRefused",
    "CancelRequested",
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
    "GuardKeyTaken",
    "HandDecision",
    "HistoryRead",
    "JournalTagged",
    "LeverageChangedByHand",
    "LeverageRefused",
    "LeverageRevertIntended",
    "LeverageSet",
    "MassCancelEnded",
    "MassCancelStarted",
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
    "PositionChangedByHand",
    "ProtectionConfirmed",
    "ProtectionFailed",
    "ProtectionIntended",
    "ProtectionRefused",
    "ProtectionTaken",
    "ProtectionUnknown",
    "Replanned",
    "RequestRefused",
    "RungsDropped",
    "SessionStarted",
    "SessionStopped",
    "SettingCause",
    "SettingDeclined",
    "SettingDone",
    "SettingIntended",
    "SignalRefused",
    "StopChangedByHand",
    "StopConfirmed",
    "StopLost",
    "StopMissing",
    "StopMoveIntended",
    "StopMoveRefused",
    "StreamsLost",
    "StreamsRegained",
    "TargetChangedByHand",
    "TradeClosed",
    "TradingStateChanged",
    "TrailingChangedByHand",
    "TrailingDue",
    "TransferBooked",
    "UpdateIgnored",
]


@attrs.frozen(kw_only=True)
class SignalRefused:
    """A signal was refused; ``breaches`` and ``missing`` name every rule that failed.

    ``fault`` is set where no plan could be made at all. ``largest`` is the largest quantity that
    would have been approved, ``None`` where size was not the matter. Zero beside a ``fault`` means
    that the rules refuse the smallest quantity too, as ``breaches`` and ``missing`` say.
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
    """The venue refused the stop, or its answer never came.

    ``unknown_ms`` is when the answer was given up: until a while after, the stop may still arrive.
    ``None`` where the venue, or the desk itself, refused it.
    """

    symbol: Symbol
    price: Price
    message: str
    unknown_ms: int | None = None


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
    | JournalTagged
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
    | AmendIntended
    | AmendRejected
    | AmendSettled
    | CancelRequested
    | MassCancelEnded
    | MassCancelStarted
    | RequestRefused
    | RungsDropped
    | TradeClosed
    | Excursion
    | EquityMarked
    | TransferBooked
    | DayRolled
    | TradingStateChanged
    | StreamsLost
    | StreamsRegained
    | PanicStarted
    | PanicEnded
    | PanicReset
    | FindingRaised
    | FindingSettled
    | SettingIntended
    | SettingDone
    | SettingDeclined
    | ProtectionEvent
)
