"""The exchange port: what a venue must be able to do for the desk.

Three kinds of result, never mixed. What a caller must handle is a member of a closed union
(``Accepted | Rejected | Unknown``). A query that fails raises :class:`QueryFailed`: an error is
never an empty answer. A capability that a venue lacks raises :class:`NotSupported`.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Reduction, Symbol, TriggerBy, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    RejectReason,
    Ticker,
    UnreadableReport,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved

__all__ = [
    "Accepted",
    "Capabilities",
    "Capability",
    "Done",
    "ExchangePort",
    "History",
    "Holdings",
    "MessageSink",
    "NotSupported",
    "PositionStop",
    "QueryFailed",
    "Rejected",
    "TimeRange",
    "Unknown",
    "VenueError",
]

T = TypeVar("T")

MessageSink = Callable[[VenueMessage], None]


class VenueError(Exception):
    """Infrastructure trouble at the exchange port."""


class QueryFailed(VenueError):
    """A query got no usable answer; nothing may be concluded from it."""


class NotSupported(VenueError):
    """The venue lacks a capability; ``capability`` says which."""

    def __init__(self, capability: "Capability") -> None:
        super().__init__(f"this venue does not support {capability.value}")
        self.capability = capability


class Capability(enum.Enum):
    """What a venue may or may not be able to do; the contract suite checks both."""

    ATTACHED_STOP = "a stop-loss inside the entry order"
    POSITION_STOP = "a stop-loss or take-profit on a position"
    TRAILING_STOP = "a trailing stop"
    CONDITIONAL_ORDERS = "conditional orders"
    POST_ONLY = "post-only orders"
    FILL_OR_KILL = "fill-or-kill orders"
    AMEND = "amending an order"
    LEVERAGE = "setting leverage"
    FEE_RATES = "querying fee rates"
    STREAM = "pushing updates"
    FUNDING = "funding payments"
    HISTORY = "order and execution history"


@attrs.frozen(kw_only=True)
class Capabilities:
    """What this adapter supports, and its limits.

    ``not_found_final_ms``: how long after a request was sent an order that neither the live nor the
    history query knows is proven never to have arrived (receive window + permitted clock lead +
    history lag; 0 for a venue in this process).
    """

    supported: frozenset[Capability]
    batch_size_max: int = 1
    not_found_final_ms: int = 0

    def require(self, capability: Capability) -> None:
        """Raise :class:`NotSupported` when ``capability`` is not declared."""
        if capability not in self.supported:
            raise NotSupported(capability)


@attrs.frozen(kw_only=True)
class Accepted:
    """The venue acknowledged the request. Acknowledged is not live and not filled."""

    venue_id: VenueOrderId
    time_ms: int


@attrs.frozen(kw_only=True)
class Done:
    """The venue confirmed the change, or the value was already as wanted (``was_already``)."""

    time_ms: int
    was_already: bool = False


@attrs.frozen(kw_only=True)
class Rejected:
    """The venue answered this request with a refusal: it had no effect."""

    reason: RejectReason
    code: int | None
    message: str
    time_ms: int


@attrs.frozen(kw_only=True)
class Unknown:
    """No answer: the request may or may not have had its effect. Ask before acting."""

    sent_ms: int
    cause: str


@attrs.frozen(kw_only=True)
class PositionStop:
    """Set or clear a position's protection. ``None`` leaves a leg as it is; zero clears it."""

    symbol: Symbol
    stop_loss: Price | None = None
    stop_loss_by: TriggerBy = TriggerBy.LAST
    take_profit: Price | None = None
    take_profit_by: TriggerBy = TriggerBy.LAST
    trailing_distance: Distance | None = None
    trailing_activation: Price | None = None


def _is_ordered(instance: "TimeRange", _: object, end_ms: int) -> None:
    if end_ms < instance.start_ms:
        raise ValueError(f"time range ends at {end_ms}, before its start {instance.start_ms}")


@attrs.frozen(kw_only=True)
class TimeRange:
    """Inclusive UTC milliseconds. History queries have no implicit range."""

    start_ms: int
    end_ms: int = attrs.field(validator=_is_ordered)


@attrs.frozen(kw_only=True)
class History(Generic[T]):
    """Rows in ascending venue time, and the range that they really cover.

    ``is_complete`` is false when part of the asked range is older than the venue keeps.
    """

    rows: tuple[T, ...]
    covers: TimeRange
    is_complete: bool = True


@attrs.frozen(kw_only=True)
class Holdings:
    """What the whole account holds: positions that are not flat, and orders that are not finished.

    ``unreadable`` are rows that were not understood: something is there, and it is not known what.
    """

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    unreadable: tuple[UnreadableReport, ...] = ()


class ExchangePort(ABC):
    """A venue. Every method may be called from any thread."""

    @property
    @abstractmethod
    def kind(self) -> VenueKind:
        """What this adapter really talks to, for the agreement check with the trading mode."""

    def account_id(self) -> str | None:
        """Return the venue's id of the account, ``None`` where a venue has one account only."""
        return None

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this venue supports."""

    @abstractmethod
    def connect(self, sink: MessageSink) -> None:
        """Open streams and deliver every message to ``sink``, which never raises or blocks.

        There is no replay of what was missed before. A second call replaces the sink.
        """

    @abstractmethod
    def close(self) -> None:
        """Close streams and connections. A second call is harmless."""

    @abstractmethod
    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``; :class:`QueryFailed` for an unknown one."""

    @abstractmethod
    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the account's fee rates for ``symbol``."""

    @abstractmethod
    def ticker(self, symbol: Symbol) -> Ticker:
        """Return current prices."""

    @abstractmethod
    def account(self) -> AccountReport:
        """Return balances and margin."""

    @abstractmethod
    def position(self, symbol: Symbol) -> PositionReport:
        """Return the position of ``symbol``, with quantity zero when flat."""

    @abstractmethod
    def positions(self) -> tuple[PositionReport, ...]:
        """Return every position that is not flat."""

    @abstractmethod
    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        """Send an order. A client id that the venue already knows is rejected as a duplicate."""

    @abstractmethod
    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
    ) -> Accepted | Rejected | Unknown:
        """Change a resting order; ``qty`` is the new total. ``None`` leaves a value as it is."""

    @abstractmethod
    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        """Cancel one order by either id. An ended order is ``ORDER_NOT_FOUND`` or ``_FINISHED``."""

    @abstractmethod
    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        """Set, move or clear the protection of an open position, for its whole size."""

    @abstractmethod
    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        """Set the leverage of ``symbol``; the same leverage again is done, ``was_already``."""

    @abstractmethod
    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every order that is not finished, oldest first."""

    def holdings(self) -> Holdings:
        """Return every position and open order, and what could not be read of them.

        Where :meth:`positions` and :meth:`open_orders` are whole or fail, that is all of it.
        """
        return Holdings(positions=self.positions(), orders=self.open_orders())

    @abstractmethod
    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Return one order from the live set or the history; ``None`` when neither knows it."""

    @abstractmethod
    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return orders last updated within the range."""

    @abstractmethod
    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range."""

    @abstractmethod
    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range."""
