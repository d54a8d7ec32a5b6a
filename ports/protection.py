"""How a request to change a position's protection ends."""

import attrs
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Breach, Missing

from .desk import TimedOut

__all__ = [
    "ProtectOutcome",
    "ProtectRefused",
    "ProtectRejected",
    "ProtectUnresolved",
    "Protected",
]


@attrs.frozen(kw_only=True)
class Protected:
    """The venue shows the change, as it was rounded; ``was_already``: it had it before."""

    symbol: Symbol
    change: ProtectionChange
    was_already: bool


@attrs.frozen(kw_only=True)
class ProtectRefused:
    """Nothing was sent. ``fault`` is set where the rules were not even asked."""

    symbol: Symbol
    breaches: tuple[Breach, ...]
    missing: tuple[Missing, ...]
    fault: str | None


@attrs.frozen(kw_only=True)
class ProtectRejected:
    """The change has no effect; what protected the position before is in force.

    ``reason`` is the venue's class of refusal, ``None`` where another ending is told by
    ``message``: the position was closed, a later request took its place, it never arrived.
    """

    symbol: Symbol
    reason: RejectReason | None
    message: str


@attrs.frozen(kw_only=True)
class ProtectUnresolved:
    """No answer came, or it is not shown yet: the position is being read until it is settled."""

    symbol: Symbol
    cause: str


ProtectOutcome = Protected | ProtectRefused | ProtectRejected | ProtectUnresolved | TimedOut
"""``Protected``: the venue shows it; ``ProtectRefused``: nothing was sent; ``ProtectRejected``: it
has no effect, and what protected before is in force; ``ProtectUnresolved``: not known, and being
read; ``TimedOut``: no end in time, and what was begun goes on."""
