"""The largest size with which a signal would be approved, whatever size it asks for itself.

Every size is planned and judged as one that was asked: ladder, risk tier and liquidation are its
own. The sizes that pass are taken to lie side by side.
"""

import attrs
from tidegate.domain.grid import qty_down
from tidegate.domain.limits_venue import venue_faults
from tidegate.domain.money import ZERO_QTY, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest
from tidegate.domain.planning import Fault, FaultKind, Plan, PlanInput, make_plan
from tidegate.domain.risk.judge import evaluate, passes
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.queries import largest_position
from tidegate.domain.risk.rules_venue import qty_max
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.risk.verdict import Breach, Missing, Rule
from tidegate.domain.signal import ExactQty, Signal

from .building import entry_order
from .refusing import words_of

__all__ = ["Fit", "Wish", "largest_fit"]

_TWO = Rate.of(2)
_NO_ORDER = ClientId("not-sent")
_BY_SIZE = frozenset({FaultKind.SIZE, FaultKind.LADDER, FaultKind.LEVELS})
"""The faults of a plan that another size may not have."""
_BETTER_LARGER = frozenset({Rule.LIQUIDATION_DISTANCE, Rule.REWARD_TO_RISK})
"""The rules that may let a larger size through where they refuse the smallest.

A small ladder loses its targets, and an addition may bring the liquidation farther away. Whatever
else refuses the smallest size, not for being too small, refuses all of them.
"""


@attrs.frozen
class Wish:
    """A signal with all that it is planned and judged by."""

    signal: Signal
    given: PlanInput
    snapshot: RiskSnapshot
    limits: RiskLimits

    def plan_of(self, qty: Qty) -> Plan | Fault:
        """Plan the signal with the size ``qty``, base coin.

        A ``Plan`` may be judged; a ``Fault`` says what is wrong, of the size or of something else.
        """
        return make_plan(attrs.evolve(self.signal, sizing=ExactQty(qty)), self.given)


@attrs.frozen(kw_only=True)
class Fit:
    """``largest`` is base coin on the step; zero where no size would be approved.

    Then ``breaches``, ``missing`` and ``fault`` say what refuses the smallest size.
    """

    largest: Qty
    breaches: tuple[Breach, ...] = ()
    missing: tuple[Missing, ...] = ()
    fault: str | None = None


def largest_fit(wish: Wish) -> Fit:
    """Return the largest size that would be approved now; what the signal asks for is no matter."""
    lowest = _smallest(wish)
    plan = wish.plan_of(lowest)
    if isinstance(plan, Fault):
        none, named = Fit(largest=ZERO_QTY, fault=str(plan)), None
        is_hopeless = plan.kind not in _BY_SIZE
    else:
        said = evaluate(plan.proposal, wish.snapshot, wish.limits)
        faults = venue_faults(_order_of(plan), wish.given.instrument, plan.entry)
        none = Fit(
            largest=ZERO_QTY,
            breaches=said.breaches,
            missing=said.missing,
            fault=words_of(faults) if faults else None,
        )
        named = said.largest
        is_hopeless = bool(said.missing) or not all(
            one.rule in _BETTER_LARGER or one.smallest is not None for one in said.breaches
        )
    if is_hopeless:
        return none
    found = _any_passing(wish, lowest, named)
    return none if found is None else Fit(largest=_last_passing(wish, *found))


def _smallest(wish: Wish) -> Qty:
    """Return the smallest size that passes all minimums; one step where something else is wrong."""
    step = wish.given.instrument.qty_step
    plan = wish.plan_of(step)
    return step if isinstance(plan, Plan) or plan.smallest is None else plan.smallest


def _passes(wish: Wish, qty: Qty) -> bool:
    """Tell whether a signal of ``qty`` would be approved."""
    return _is_approved(wish, wish.plan_of(qty))


def _is_approved(wish: Wish, plan: Plan | Fault) -> bool:
    if isinstance(plan, Fault) or not passes(plan.proposal, wish.snapshot, wish.limits):
        return False
    return not venue_faults(_order_of(plan), wish.given.instrument, plan.entry)


def _order_of(plan: Plan) -> OrderRequest:
    """Return the entry as it would be; it is not sent, so its name is no matter."""
    return entry_order(plan, _NO_ORDER)


def _any_passing(wish: Wish, lowest: Qty, named: Qty | None) -> tuple[Qty, Qty] | None:
    """Return a size that passes, and a larger one from which on none does.

    What the rules ``named`` for the lowest size is tried first. Else the size is halved from the
    highest on until one passes, or what the rules name for it.
    """
    step, highest = wish.given.instrument.qty_step, qty_max(wish.given.instrument)
    size, bad = highest, highest + step
    if named is not None and lowest <= named and _passes(wish, named):
        return named, bad
    while size >= lowest:
        plan = wish.plan_of(size)
        if _is_approved(wish, plan):
            return size, bad
        bad = size
        if isinstance(plan, Plan):
            named = largest_position(plan.proposal, wish.snapshot, wish.limits)
            if lowest <= named < bad and _passes(wish, named):
                return named, bad
        if size == lowest:
            break
        size = max(lowest, qty_down(size / _TWO, step))
    return None


def _last_passing(wish: Wish, good: Qty, bad: Qty) -> Qty:
    """Return the size from ``good`` on after which the next step does not pass."""
    step = wish.given.instrument.qty_step
    jump = step
    while bad - good > step:
        middle = good + jump
        if _passes(wish, middle):
            good = middle
        else:
            bad = middle
        jump = max(step, qty_down((bad - good) / _TWO, step))
    return good
