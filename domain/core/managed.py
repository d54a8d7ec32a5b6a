"""What was decided about a live trade's protection since its entry; a part of its books."""

import attrs
from tidegate.domain.money import Distance, Price, Rate
from tidegate.domain.protection import ProtectionChange

from .events_protection import ProtectionIntended

__all__ = ["Late", "Managed", "Pending", "StopChoice", "Trail"]

LATE_KEPT = 8
"""How many changes without an answer are remembered of a trade, the last ones."""


@attrs.frozen(kw_only=True)
class StopChoice:
    """Where a stop was last put, in place of the planned one; ``None`` where it was taken away."""

    price: Price | None
    time_ms: int


@attrs.frozen(kw_only=True)
class Trail:
    """A trailing stop as it is wanted; ``activation`` is ``None`` when it trails at once."""

    distance: Distance
    activation: Price | None


@attrs.frozen(kw_only=True)
class Late:
    """A change of ours that was given up at ``time_ms`` and may still arrive for a while after."""

    change: ProtectionChange
    time_ms: int


@attrs.frozen(kw_only=True)
class Managed:
    """The protection of a trade beyond its plan.

    ``break_even_due_ms`` and ``trailing_due_ms`` are since when each is due. ``trail`` is wanted,
    and ``is_trail_shown`` once the venue showed it. ``take_profit`` is that of the whole position.
    ``leverage`` is the one in force where it is not the signal's. ``refusals`` counts changes that
    the core asked for in vain since the last that was confirmed, ``refused_ms`` is when the last
    of them ended: each makes the wait for the next longer. ``late`` are the last changes that were
    given up without the venue's refusal.
    """

    stop_choice: StopChoice | None = None
    break_even_due_ms: int | None = None
    is_break_even_set: bool = False
    trailing_due_ms: int | None = None
    trail: Trail | None = None
    is_trail_shown: bool = False
    take_profit: Price | None = None
    leverage: Rate | None = None
    refusals: int = 0
    refused_ms: int | None = None
    late: tuple[Late, ...] = ()

    def with_late(self, change: ProtectionChange, time_ms: int) -> "Managed":
        """Return the same with a change that was given up at ``time_ms`` and may still arrive."""
        others = tuple(known for known in self.late if known.change != change)
        late = (*others, Late(change=change, time_ms=time_ms))
        return attrs.evolve(self, late=late[-LATE_KEPT:])


@attrs.frozen(kw_only=True)
class Pending:
    """A change of protection under way; one for each symbol.

    ``settle_by_ms`` is when what the venue shows counts as its answer.
    """

    intended: ProtectionIntended
    settle_by_ms: int
    is_taken: bool = False
    was_already: bool = False

    @property
    def may_be_seen(self) -> bool:
        """Tell whether seeing the wanted values proves that this change did it."""
        return self.is_taken or not self.intended.was_shown
