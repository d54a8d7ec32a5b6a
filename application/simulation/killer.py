"""Where the process dies next."""

from collections import deque
from collections.abc import Callable

from .names import RECOVERY, Boundary
from .plan import KillPlan, Plan

__all__ = ["SNAPSHOTS", "Killer"]

SNAPSHOTS = frozenset({Boundary.BEFORE_SNAPSHOT, Boundary.AFTER_SNAPSHOT})
OVERDUE_ACTS = 4


class Killer:
    """Counts passings of boundaries, and says when one is the last of a life.

    A kill that does not find its boundary within a few acts takes the next one of any kind, so
    that a life is seldom wasted.
    """

    def __init__(self, plan: Plan) -> None:
        self._kills = deque(plan.kills)
        self._passed = 0
        self.acts = 0

    @property
    def next(self) -> KillPlan | None:
        """The next kill, ``None`` where no life ends by one any more."""
        return self._kills[0] if self._kills else None

    def done(self) -> None:
        """Go on to the next kill."""
        self._kills.popleft()
        self._passed = 0

    def end(self) -> None:
        """Kill no more."""
        self._kills.clear()

    def wants_stop(self) -> bool:
        """Tell whether the next kill is one of an orderly stop, and due."""
        kill = self.next
        return kill is not None and kill.boundary in SNAPSHOTS and self.acts >= kill.after

    def wants(self, boundary: Boundary, is_unsettled: Callable[[], bool]) -> bool:
        """Tell whether the process dies at this passing."""
        kill = self.next
        if kill is None:
            return False
        if boundary is kill.boundary:
            if self.acts < kill.after and boundary not in RECOVERY:
                return False
        elif self.acts < kill.after + OVERDUE_ACTS:
            return False
        if not is_unsettled():
            return False
        self._passed += 1
        return self._passed >= kill.ordinal or boundary in SNAPSHOTS
