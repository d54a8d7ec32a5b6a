"""The right venue, to be bent in one way."""

from typing import ClassVar

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.contracts.exchange_approval import approve
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import (
    OrderRequest,
    Reduction,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    Rejected,
    Unknown,
)

from tests.domain.samples import BTCUSDT, FEES

from .benches import START, WALLET

__all__ = ["Outcome", "WrongVenue", "sendable"]

Outcome = Accepted | Rejected | Unknown


def sendable(request: OrderRequest) -> Approved | Reduction:
    """Return what the port takes for ``request``, approved where it must be."""
    if request.reduce_only:
        return Reduction(request)
    return approve(
        request, venue=VenueKind.MEMORY, instrument=BTCUSDT, price=START, now_ms=1_700_000_000_000
    )


class WrongVenue(MemoryVenue):
    """The right venue, to be bent. ``case`` is what finds the fault."""

    case: ClassVar[str]
    supported: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def __init__(self) -> None:
        super().__init__(
            instruments={BTCUSDT.symbol: BTCUSDT},
            fees=FEES,
            wallet=WALLET,
            options=MemoryOptions(supported=self.supported),
        )
