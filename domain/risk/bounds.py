"""Rules that bound a sum from above: what is used already plus what this order adds per coin.

The one place that turns a bound into a verdict and into the largest quantity that would pass, so
both come from the same comparison.
"""

from collections.abc import Callable

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import EXACT, ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate

from . import wording
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = [
    "EQUITY",
    "INSTRUMENT",
    "Bound",
    "judge_bound",
    "least",
    "most",
    "per_coin",
    "reduce_to",
    "value_of",
]

INSTRUMENT = "the instrument's specification"
EQUITY = "the account's equity"


@attrs.frozen(kw_only=True)
class Bound:
    """``used + quantity x per_unit <= cap``, in USDT. ``per_unit`` is per base coin."""

    used: Money
    per_unit: Money
    cap: Money

    def total(self, qty: Qty) -> Money:
        """Return what is used once ``qty`` is added."""
        return self.used + value_of(self.per_unit, qty)

    def holds(self, qty: Qty) -> bool:
        """Tell whether ``qty`` stays within the cap."""
        return self.total(qty) <= self.cap


def per_coin(price: Price) -> Money:
    """Return the notional of one base coin at ``price``."""
    return Money(price.value)


def value_of(per_unit: Money, qty: Qty) -> Money:
    """Return the amount of ``qty`` at ``per_unit`` each."""
    return per_unit * Rate(qty.value)


def most(bound: Bound, step: Qty) -> Qty:
    """Return the largest quantity on the step that keeps a broken bound; zero when none does.

    The whole number of steps comes from an exact integer division: a rounded quotient could name
    a size that fails. What breaks a bound with room in it costs more than nothing per coin.
    """
    room = bound.cap - bound.used
    if room <= ZERO_MONEY:
        return ZERO_QTY
    steps = EXACT.divide_int(room.value, value_of(bound.per_unit, step).value)
    return Qty(EXACT.multiply(steps, step.value))


def least(need: Money, per_unit: Money, step: Qty) -> Qty:
    """Return the smallest quantity on the step that is worth ``need`` or more."""
    worth_of_step = value_of(per_unit, step)
    steps = EXACT.divide_int(need.value, worth_of_step.value)
    floor = Qty(EXACT.multiply(steps, step.value))
    return floor if value_of(per_unit, floor) >= need else floor + step


def reduce_to(largest: Qty, instrument: Instrument, *, otherwise: str) -> str:
    """Word the remedy of a size that is too large; ``otherwise`` where no size passes."""
    if largest < instrument.qty_step:
        return otherwise
    return f"reduce the quantity to {wording.coins(largest, instrument.base_coin)} or less"


def judge_bound(
    rule: Rule,
    bound: Bound,
    qty: Qty,
    instrument: Instrument | None,
    *,
    otherwise: str,
    observed: Callable[[Money], str] = wording.usdt_above,
    limit: str | None = None,
) -> Verdict:
    """Compare ``qty`` with a bound. ``otherwise`` is the remedy where no size passes.

    ``observed`` and ``limit`` word both sides in another unit than USDT. Without the instrument's
    step no size can be named, and the rule is not evaluated.
    """
    if instrument is None:
        return Missing(rule=rule, what=INSTRUMENT)
    if bound.holds(qty):
        return Passed(rule=rule)
    largest = most(bound, instrument.qty_step)
    return Breach(
        rule=rule,
        observed=observed(bound.total(qty)),
        limit=limit or wording.usdt_below(bound.cap),
        remedy=reduce_to(largest, instrument, otherwise=otherwise),
        largest=largest,
    )
