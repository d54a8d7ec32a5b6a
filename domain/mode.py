"""Trading states, trading modes and the venues that each mode may trade on."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["VENUES_OF", "TradingMode", "TradingState", "VenueKind", "mode_agrees", "strictest"]


class TradingState(enum.IntEnum):
    """What the desk may do; combined by taking the strictest.

    ``REDUCING`` lets only orders that reduce through. ``HALTED`` leaves cancels, an operator's
    reductions, placing or tightening a protective stop, and panic.
    """

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


def strictest(*states: TradingState) -> TradingState:
    """Combine the states that several causes ask for."""
    return max(states, default=TradingState.ACTIVE)


class TradingMode(enum.Enum):
    """What the user configured.

    ``MEMORY`` is the scripted venue alone: a desk that is put together and touches nothing.
    """

    PAPER = "paper"
    MEMORY = "memory"
    DEMO = "demo"
    TESTNET = "testnet"
    LIVE = "live"


class VenueKind(enum.Enum):
    """What the adapter that was built really talks to."""

    MEMORY = "memory"
    PAPER = "paper"
    BYBIT_DEMO = "bybit demo"
    BYBIT_TESTNET = "bybit testnet"
    BYBIT_MAINNET = "bybit mainnet"


VENUES_OF: Mapping[TradingMode, frozenset[VenueKind]] = MappingProxyType(
    {
        TradingMode.PAPER: frozenset({VenueKind.PAPER, VenueKind.MEMORY}),
        TradingMode.MEMORY: frozenset({VenueKind.MEMORY}),
        TradingMode.DEMO: frozenset({VenueKind.BYBIT_DEMO}),
        TradingMode.TESTNET: frozenset({VenueKind.BYBIT_TESTNET}),
        TradingMode.LIVE: frozenset({VenueKind.BYBIT_MAINNET}),
    }
)


def mode_agrees(mode: TradingMode, venue: VenueKind) -> bool:
    """Tell whether orders of ``mode`` may go to ``venue``."""
    return venue in VENUES_OF[mode]
