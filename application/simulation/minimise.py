"""A failing plan made smaller for the reader: without every act, kill and fault that it can spare.

What is left out stays out only while the same rule is still broken.
"""

from collections.abc import Callable, Sequence

from .plan import Plan
from .world import Outcome, Run

__all__ = ["RUNS_MAX", "minimise"]

RUNS_MAX = 250
"""How many runs a plan is worth."""


def minimise(outcome: Outcome, *, runs_max: int = RUNS_MAX) -> Outcome:
    """Return a run of the smallest plan found that breaks the same rule; bounded effort."""
    violation = outcome.violation
    assert violation is not None, "a run that held cannot be made smaller"
    rule, best, left = violation.rule, outcome, runs_max

    def still_fails(plan: Plan) -> Outcome | None:
        nonlocal left
        left -= 1
        again = Run(plan).run()
        found = again.violation
        return again if found is not None and found.rule == rule else None

    while left > 0:
        smaller = _pass(best, still_fails, lambda: left > 0)
        if smaller is best:
            break
        best = smaller
    return best


def _pass(
    outcome: Outcome,
    still_fails: Callable[[Plan], Outcome | None],
    may_go_on: Callable[[], bool],
) -> Outcome:
    """Leave out halves, then quarters, down to single names; faults first, acts last."""
    best = outcome
    names: Sequence[str] = sorted(best.plan.names, key=_rank)
    size = max(1, len(names) // 2)
    while size >= 1 and may_go_on():
        for start in range(0, len(names), size):
            group = frozenset(names[start : start + size]) & frozenset(best.plan.names)
            if not group or not may_go_on():
                continue
            found = still_fails(best.plan.leaving_out(group))
            if found is not None:
                best = found
        names = [name for name in names if name in frozenset(best.plan.names)]
        if size == 1:
            break
        size = max(1, size // 2)
    return best


def _rank(name: str) -> tuple[int, int]:
    return ("mcka".index(name[0]), int(name[1:]))
