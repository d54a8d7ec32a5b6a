"""Events about what protects a held position: break-even, trailing, requests, changes by hand."""

import enum

import attrs
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ProtectionChange, ProtectionSource
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Breach, Missing

__all__ = [
    "BreakEvenDue",
    "GuardKeyTaken",
    "HandDecision",
    "LeverageChangedByHand",
    "LeverageRevertIntended",
    "PositionChangedByHand",
    "ProtectionConfirmed",
    "ProtectionEvent",
    "ProtectionFailed",
    "ProtectionIntended",
    "ProtectionRefused",
    "ProtectionTaken",
    "ProtectionUnknown",
    "StopChangedByHand",
    "TargetChangedByHand",
    "TrailingChangedByHand",
    "TrailingDue",
]


@attrs.frozen(kw_only=True)
class BreakEvenDue:
    """The rung that it waits for has filled: the stop is to go to break-even."""

    symbol: Symbol
    trade_key: str
    rung: int
    time_ms: int


@attrs.frozen(kw_only=True)
class TrailingDue:
    """The trailing stop is to be set, with these values from now on.

    ``activation`` is the price from which it trails, ``None`` for at once.
    """

    symbol: Symbol
    trade_key: str
    distance: Distance
    activation: Price | None
    time_ms: int


@attrs.frozen(kw_only=True)
class ProtectionIntended:
    """A change of a position's protection, recorded before its request leaves.

    ``trade_key`` is ``None`` for a position that tidegate did not open. ``was_shown`` means that
    the venue showed the wanted values already: then only its answer settles the request.
    """

    symbol: Symbol
    key: str
    trade_key: str | None
    source: ProtectionSource
    change: ProtectionChange
    was_shown: bool
    settle_by_ms: int
    time_ms: int


@attrs.frozen(kw_only=True)
class ProtectionTaken:
    """The venue took the change, or had it already; what it shows then is still to be read."""

    symbol: Symbol
    key: str
    was_already: bool


@attrs.frozen(kw_only=True)
class ProtectionUnknown:
    """The change may or may not have arrived; what the venue shows by then decides."""

    symbol: Symbol
    key: str
    cause: str
    settle_by_ms: int


@attrs.frozen(kw_only=True)
class ProtectionConfirmed:
    """The venue itself showed the change."""

    symbol: Symbol
    key: str
    was_already: bool
    time_ms: int


@attrs.frozen(kw_only=True)
class ProtectionFailed:
    """The change had no effect; what protected the position before is in force.

    ``reason`` is the venue's, ``None`` where the venue did not say.
    """

    symbol: Symbol
    key: str
    reason: RejectReason | None
    message: str
    time_ms: int


@attrs.frozen(kw_only=True)
class ProtectionRefused:
    """A request was refused before anything was sent, by the rules named or by ``fault``."""

    symbol: Symbol
    key: str
    breaches: tuple[Breach, ...]
    missing: tuple[Missing, ...]
    fault: str | None
    time_ms: int


@attrs.frozen(kw_only=True)
class GuardKeyTaken:
    """The key of the closes that this journal's desk sends for positions that it did not open."""

    key: str


class HandDecision(enum.Enum):
    """What is done about a change that somebody made at the venue."""

    ADOPTED = "adopted"
    REVERTED = "reverted"


@attrs.frozen(kw_only=True)
class StopChangedByHand:
    """Somebody moved the stop of a position of ours, or took it away (``after`` is ``None``)."""

    symbol: Symbol
    trade_key: str
    before: Price | None
    after: Price | None
    decision: HandDecision
    why: str
    time_ms: int


@attrs.frozen(kw_only=True)
class TargetChangedByHand:
    """Somebody set, moved or cleared the take-profit of a whole position of ours."""

    symbol: Symbol
    trade_key: str
    before: Price | None
    after: Price | None
    decision: HandDecision
    why: str
    time_ms: int


@attrs.frozen(kw_only=True)
class TrailingChangedByHand:
    """Somebody set, changed or cleared the trailing stop of a position of ours."""

    symbol: Symbol
    trade_key: str
    before: Distance | None
    after: Distance | None
    decision: HandDecision
    why: str
    time_ms: int


@attrs.frozen(kw_only=True)
class LeverageChangedByHand:
    """Somebody changed the leverage of a position of ours."""

    symbol: Symbol
    trade_key: str
    before: Rate
    after: Rate
    decision: HandDecision
    why: str
    time_ms: int


@attrs.frozen(kw_only=True)
class PositionChangedByHand:
    """Somebody added to a position of ours, or reduced it. A fill is a fact: it is adopted.

    Quantities are signed base coin.
    """

    symbol: Symbol
    trade_key: str
    before: Qty
    after: Qty
    time_ms: int


@attrs.frozen(kw_only=True)
class LeverageRevertIntended:
    """The leverage that a trade was approved with is to be set again."""

    symbol: Symbol
    leverage: Rate


ProtectionEvent = (
    BreakEvenDue
    | GuardKeyTaken
    | LeverageChangedByHand
    | LeverageRevertIntended
    | PositionChangedByHand
    | ProtectionConfirmed
    | ProtectionFailed
    | ProtectionIntended
    | ProtectionRefused
    | ProtectionTaken
    | ProtectionUnknown
    | StopChangedByHand
    | TargetChangedByHand
    | TrailingChangedByHand
    | TrailingDue
)
