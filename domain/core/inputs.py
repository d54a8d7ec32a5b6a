"""Everything that can reach the core, as one closed union."""

import attrs
from tidegate.domain.account_settings import AccountSetting
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    RejectReason,
    StreamReport,
    Ticker,
    UnreadableReport,
)
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason

from .events_account import SettingCause
from .inputs_orders import (
    AmendAnswered,
    AmendRequest,
    CancelRequest,
    MassCancelRequest,
    ReduceRequest,
)

__all__ = [
    "ActivityRead",
    "AmendAnswered",
    "AmendRequest",
    "CancelAnswered",
    "CancelRequest",
    "CloseRequest",
    "FindingSeen",
    "FindingsCleared",
    "HistoryCovered",
    "HistoryRows",
    "Input",
    "InstrumentRead",
    "Inventory",
    "LeverageAnswered",
    "MassCancelRequest",
    "OpenRequest",
    "OrderNotFound",
    "PanicRequest",
    "PanicResetRequest",
    "PlaceAccepted",
    "PlaceRefused",
    "PlaceUnknown",
    "ProtectRequest",
    "ProtectionAnswered",
    "ReconcileRequest",
    "RecordsRead",
    "ReduceRequest",
    "SettingAnswered",
    "SettingRequest",
    "SpecsLoaded",
    "StartRequest",
    "StateRequest",
    "StopAnswered",
    "StopRequest",
    "TimePassed",
]


@attrs.frozen(kw_only=True)
class StartRequest:
    """A process begins to trade; ``wallet`` opens the books when they are empty.

    ``wallet_ms`` is when it was that much, by the venue's clock in UTC milliseconds: executions
    are dated by that clock, and are in the wallet or not. ``None`` takes the desk's own time.
    ``account`` is the venue's id of the account, ``None`` where a venue has one only. ``tag`` marks
    the journal's client ids where it has no tag yet; ``None`` leaves it without. ``guard_key`` is
    for the closes of positions that tidegate did not open, where the journal has no such key yet.
    """

    mode: TradingMode
    venue: VenueKind
    wallet: Money
    wallet_ms: int | None = None
    account: str | None = None
    tag: str | None = None
    guard_key: str | None = None


@attrs.frozen(kw_only=True)
class StopRequest:
    """A process stops in an orderly way."""

    reason: str


@attrs.frozen(kw_only=True)
class OpenRequest:
    """A signal to be traded under the trade key ``key``."""

    signal: Signal
    key: str


@attrs.frozen(kw_only=True)
class CloseRequest:
    """Close the position of a symbol at market."""

    symbol: Symbol
    reason: CloseReason
    key: str


@attrs.frozen(kw_only=True)
class ProtectRequest:
    """An operator asks for a change of a position's protection; ``key`` names the request."""

    symbol: Symbol
    key: str
    change: ProtectionChange


@attrs.frozen(kw_only=True)
class PanicRequest:
    """Halt, cancel and close everything."""

    cause: str
    key: str


@attrs.frozen(kw_only=True)
class PanicResetRequest:
    """Leave panic; the caller has checked the literal confirmation."""


@attrs.frozen(kw_only=True)
class StateRequest:
    """An operator sets the trading state."""

    state: TradingState
    cause: str


@attrs.frozen(kw_only=True)
class SpecsLoaded:
    """The venue's specification and fees of a symbol, fresh from the venue."""

    instrument: Instrument
    fees: FeeRates


@attrs.frozen(kw_only=True)
class PlaceAccepted:
    """The venue acknowledged an order."""

    client_id: ClientId
    venue_id: VenueOrderId


@attrs.frozen(kw_only=True)
class PlaceRefused:
    """The venue refused an order."""

    client_id: ClientId
    reason: RejectReason
    code: int | None
    message: str


@attrs.frozen(kw_only=True)
class PlaceUnknown:
    """No answer came for an order that was sent."""

    client_id: ClientId
    sent_ms: int
    cause: str


@attrs.frozen(kw_only=True)
class OrderNotFound:
    """Neither the live nor the history query knows the order, asked at ``asked_ms``.

    ``has_executions`` means that all executions since the order's intent were read as well, and
    that those of the order came before this.
    """

    client_id: ClientId
    asked_ms: int
    has_executions: bool = False


@attrs.frozen(kw_only=True)
class CancelAnswered:
    """How a cancel ended: ``refusal`` is ``None`` when the venue took it.

    ``is_gone`` means that it was refused since the venue has no such order, or none that is open.
    """

    symbol: Symbol
    client_id: ClientId | None
    venue_id: VenueOrderId | None
    refusal: str | None
    is_gone: bool = False


@attrs.frozen(kw_only=True)
class LeverageAnswered:
    """How setting a leverage ended: ``refusal`` is ``None`` when it is as wanted."""

    symbol: Symbol
    leverage: Rate
    refusal: str | None


@attrs.frozen(kw_only=True)
class StopAnswered:
    """How setting a position's stop ended, in the words of :class:`ProtectionAnswered`."""

    symbol: Symbol
    price: Price
    refusal: str | None
    is_unknown: bool = False


@attrs.frozen(kw_only=True)
class SettingRequest:
    """An operator asks for a setting of the account, under the key that its answer will carry."""

    setting: AccountSetting
    key: str


@attrs.frozen(kw_only=True)
class SettingAnswered:
    """How a setting ended: ``cause`` is ``None`` when the venue shows it as wanted."""

    key: str
    cause: SettingCause | None
    message: str = ""
    was_already: bool = False


@attrs.frozen(kw_only=True)
class ProtectionAnswered:
    """How a change of protection ended: ``refusal`` is ``None`` when the venue took it.

    ``is_unknown`` means that no answer came: it may or may not have had its effect.
    """

    symbol: Symbol
    key: str
    refusal: str | None
    reason: RejectReason | None = None
    is_unknown: bool = False
    was_already: bool = False


@attrs.frozen(kw_only=True)
class InstrumentRead:
    """The venue's specification of a symbol that was not known."""

    instrument: Instrument


@attrs.frozen(kw_only=True)
class Inventory:
    """All positions and open orders of the account, queried for panic.

    ``unreadable`` are rows that were not understood: something is held, and it is not known what.
    """

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    unreadable: tuple[UnreadableReport, ...] = ()


@attrs.frozen(kw_only=True)
class ActivityRead:
    """All positions and open orders of the account, at the end of a reading of its activity.

    ``unreadable_count`` and ``stream_changes`` are those of the question: unreadable messages and
    outages since then are not covered. So are ``wanted`` and ``is_alone``.
    """

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    unreadable_count: int
    stream_changes: int = 0
    wanted: int = 0
    is_alone: bool = False


@attrs.frozen(kw_only=True)
class RecordsRead:
    """The venue's closed profits from ``since_ms`` on, asked for at ``until_ms``.

    ``profits`` is ``None`` where the venue has no such records. ``is_complete`` is false where it
    keeps less than was asked for. ``wanted`` is that of the question. ``changes`` are those of the
    wallet, ``None`` where they were not asked for or the venue keeps no log of them.
    """

    profits: tuple[ClosedProfit, ...] | None
    since_ms: int
    until_ms: int
    is_complete: bool = True
    wanted: int = 0
    changes: tuple[AccountChange, ...] | None = None


@attrs.frozen(kw_only=True)
class ReconcileRequest:
    """Compare everything with the venue now. ``number`` grows with each request."""

    number: int


@attrs.frozen(kw_only=True)
class HistoryRows:
    """Bookings as the venue's history shows them, in its order."""

    rows: tuple[Execution | FundingPayment, ...]


@attrs.frozen(kw_only=True)
class HistoryCovered:
    """All bookings that the venue knows up to ``until_ms`` came before this."""

    until_ms: int


@attrs.frozen(kw_only=True)
class TimePassed:
    """A timer fired: deadlines are looked at."""


@attrs.frozen(kw_only=True)
class FindingSeen:
    """Reconciliation found a difference."""

    finding_id: str
    symbol: Symbol | None
    text: str
    blocks_entries: bool


@attrs.frozen(kw_only=True)
class FindingsCleared:
    """Reconciliation looked at everything; only the findings in ``still_open`` remain."""

    still_open: frozenset[str]


Input = (
    StartRequest
    | StopRequest
    | OpenRequest
    | CloseRequest
    | ProtectRequest
    | PanicRequest
    | AmendAnswered
    | AmendRequest
    | CancelRequest
    | MassCancelRequest
    | ReduceRequest
    | PanicResetRequest
    | StateRequest
    | SpecsLoaded
    | PlaceAccepted
    | PlaceRefused
    | PlaceUnknown
    | OrderNotFound
    | CancelAnswered
    | LeverageAnswered
    | StopAnswered
    | SettingRequest
    | SettingAnswered
    | ProtectionAnswered
    | InstrumentRead
    | Inventory
    | ActivityRead
    | RecordsRead
    | ReconcileRequest
    | HistoryRows
    | HistoryCovered
    | TimePassed
    | FindingSeen
    | FindingsCleared
    | OrderReport
    | Execution
    | FundingPayment
    | PositionReport
    | AccountReport
    | Ticker
    | StreamReport
    | UnreadableReport
)
