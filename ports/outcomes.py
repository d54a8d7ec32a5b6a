"""How requests and queries at a venue end, and what a venue can do.

Three kinds of result, never mixed. What a caller must handle is a member of a closed union
(``Accepted | Rejected | Unknown``, ``Done | Rejected | Unknown``). A query that fails raises
:class:`QueryFailed`: an error is never an empty answer. A capability that a venue lacks raises
:class:`NotSupported`.
"""

import enum
from typing import Generic, TypeVar

import attrs
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import RejectReason

__all__ = [
    "Accepted",
    "Capabilities",
    "Capability",
    "Done",
    "History",
    "NotSupported",
    "QueryFailed",
    "Rejected",
    "TimeRange",
    "Unknown",
    "VenueError",
]

T = TypeVar("T")


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
    AMEND_LEGS = "amending the legs inside an order"
    CANCEL_ALL = "cancelling all orders at once"
    PARTIAL_STOP = "a stop-loss or take-profit for a part of a position"
    MARGIN_MODE = "setting the margin mode"
    POSITION_MODE = "querying the position mode"
    ADD_MARGIN = "adding margin to a position"
    AUTO_ADD_MARGIN = "adding margin by itself"
    RISK_TIERS = "querying risk tiers"
    BALANCES = "querying coins of the wallet"
    COLLATERAL = "choosing collateral"
    BORROWINGS = "querying interest on borrowings"
    CLOSED_PROFITS = "closed profit by closing order"
    ACCOUNT_CHANGES = "the log of the wallet's changes"
    ORDER_BOOK = "querying the order book"
    RECENT_TRADES = "querying recent trades"
    BARS = "querying bars"
    FUNDING_RATES = "querying funding rates"


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
        """Raise :class:`NotSupported` when ``capability`` is not declared.

        Raises:
            NotSupported: it is not declared.

        """
        if capability not in self.supported:
            raise NotSupported(capability)

    def check_batch(self, size: int) -> None:
        """Raise ``ValueError`` for a batch that is larger than this venue takes at once.

        Raises:
            ValueError: ``size`` is above ``batch_size_max``.

        """
        if size > self.batch_size_max:
            raise ValueError(f"a batch of {size}: this venue takes at most {self.batch_size_max}")


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
