"""Order states and their legal transitions, as one table."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OPEN", "TERMINAL", "TRANSITIONS", "Status", "may_become"]


class Status(enum.Enum):
    """The state of an order as tidegate knows it.

    ``INTENDED`` is recorded before the request leaves; ``UNKNOWN`` means that the request may or
    may not have reached the venue; ``ACKNOWLEDGED`` means accepted, not yet live (Bybit V5
    order/create answers acceptance only). ``LAPSED`` means proven never to have arrived.
    """

    INTENDED = "intended"
    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    UNTRIGGERED = "untriggered"
    TRIGGERED = "triggered"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    DEACTIVATED = "deactivated"
    REJECTED = "rejected"
    LAPSED = "lapsed"


_ENDINGS = frozenset({Status.FILLED, Status.CANCELLED, Status.DEACTIVATED, Status.REJECTED})
_AT_VENUE = frozenset(
    {Status.UNTRIGGERED, Status.TRIGGERED, Status.NEW, Status.PARTIALLY_FILLED} | _ENDINGS
)

TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.INTENDED: _AT_VENUE | {Status.ACKNOWLEDGED, Status.UNKNOWN, Status.LAPSED},
        Status.UNKNOWN: _AT_VENUE | {Status.ACKNOWLEDGED, Status.LAPSED},
        Status.ACKNOWLEDGED: _AT_VENUE,
        Status.UNTRIGGERED: _AT_VENUE - {Status.UNTRIGGERED},
        Status.TRIGGERED: frozenset({Status.NEW, Status.PARTIALLY_FILLED}) | _ENDINGS,
        Status.NEW: frozenset({Status.PARTIALLY_FILLED}) | _ENDINGS,
        Status.PARTIALLY_FILLED: frozenset({Status.FILLED, Status.CANCELLED}),
        Status.FILLED: frozenset(),
        Status.CANCELLED: frozenset(),
        Status.DEACTIVATED: frozenset(),
        Status.REJECTED: frozenset(),
        Status.LAPSED: frozenset(),
    }
)

TERMINAL: frozenset[Status] = frozenset(s for s, following in TRANSITIONS.items() if not following)
OPEN: frozenset[Status] = frozenset(Status) - TERMINAL


def may_become(now: Status, then: Status) -> bool:
    """Tell whether an order in state ``now`` may move to ``then``; staying is not a move."""
    return then in TRANSITIONS[now]
