"""How much to trade: every sizing method, whole steps only, never past the budget.

A quantity is the whole number of steps that the budget covers, found by one exact integer
division, so no rounding of a quotient can add a step.
"""

import enum
from decimal import Decimal
from typing import assert_never

import attrs

from .costs import Costs, Liquidity, worst_loss_per_unit
from .grid import qty_down, qty_up
from .instrument import Instrument
from .level_faults import stop_misplaced
from .money import (
    EXACT,
    ONE,
    WIDE,
    ZERO_DISTANCE,
    ZERO_QTY,
    ZERO_RATE,
    Money,
    Price,
    Qty,
    Rate,
)
from .orders import Side
from .signal import (
    ExactQty,
    KellyFraction,
    MarginAtLeverage,
    Notional,
    RiskFraction,
    SizingMethod,
    VolatilityTarget,
)

__all__ = ["Binding", "Sizing", "SizingFault", "SizingInput", "SizingRefusal", "reduce_to", "size"]


class Binding(enum.Enum):
    """What decided the size.

    ``BUDGET``: the method's amount, which was a whole number of steps. ``QTY_STEP``: that amount
    rounded down. ``KELLY_CAP``: the cap of the Kelly method. ``VENUE_MAX`` and ``RISK_LIMIT``: a
    reduction that the policy allowed.
    """

    BUDGET = "budget"
    QTY_STEP = "quantity step"
    KELLY_CAP = "kelly cap"
    VENUE_MAX = "venue maximum"
    RISK_LIMIT = "risk limit"


class SizingFault(enum.Enum):
    """Why no size is given."""

    STOP_MISSING = "stop missing"
    STOP_ON_WRONG_SIDE = "stop on the wrong side"
    BUDGET_NOT_POSITIVE = "budget not above zero"
    METHOD_INVALID = "sizing parameter out of range"
    KELLY_WITHOUT_EDGE = "no edge to bet on"
    BELOW_QTY_MIN = "below the venue's minimum quantity"
    BELOW_NOTIONAL_MIN = "below the venue's minimum notional"
    BELOW_VIABLE = "below the minimum viable size"
    ABOVE_VENUE_MAX = "above the venue's maximum quantity"


@attrs.frozen(kw_only=True)
class SizingInput:
    """What a size depends on; money is USDT, prices quote currency per base coin.

    ``entry`` is the worst expected fill, its slippage already in it. ``reference`` is the price at
    which the venue values the order for its minimum notional; ``None`` takes ``entry``.
    ``is_market`` chooses between the venue's two maximum quantities.

    Raises:
        ValueError: ``entry`` or ``reference`` is not above zero.

    """

    equity: Money
    entry: Price
    stop: Price | None
    side: Side
    leverage: Rate
    costs: Costs
    instrument: Instrument
    liquidity: Liquidity
    notional_viable_min: Money
    is_market: bool
    reference: Price | None = None

    def __attrs_post_init__(self) -> None:
        for name, price in (("entry", self.entry), ("reference", self.valued_at)):
            if price.sign <= 0:
                raise ValueError(f"{name} price {price}: must be above zero")

    @property
    def valued_at(self) -> Price:
        """Return the price at which the order's notional is compared with the minimums."""
        return self.entry if self.reference is None else self.reference

    @property
    def qty_max(self) -> Qty:
        """Return the largest quantity of one order, in whole steps."""
        spec = self.instrument
        largest = spec.qty_max_market if self.is_market else spec.qty_max_limit
        return qty_down(largest, spec.qty_step)

    @property
    def smallest(self) -> Qty:
        """Return the smallest quantity that passes every minimum."""
        spec = self.instrument
        notional = max(spec.notional_min, self.notional_viable_min)
        by_notional = _steps_up(notional, self.valued_at, spec.qty_step)
        return max(qty_up(spec.qty_min, spec.qty_step), by_notional)

    def refusal(
        self, reason: SizingFault, observed: str, limit: str, *, largest: Qty | None = None
    ) -> "SizingRefusal":
        """Build a refusal that names the smallest size that would pass the minimums."""
        return SizingRefusal(
            reason=reason,
            observed=observed,
            limit=limit,
            smallest=self.smallest,
            largest=largest,
        )


@attrs.frozen(kw_only=True)
class Sizing:
    """A size that may be proposed.

    ``worst_loss`` is what is lost at the stop after both fees and slippage, ``None`` without a
    stop; ``notional`` is at the expected entry. ``reduced_from`` is the size before a reduction.
    """

    qty: Qty
    worst_loss: Money | None
    notional: Money
    binding: Binding
    reduced_from: Qty | None = None


@attrs.frozen(kw_only=True)
class SizingRefusal:
    """No size. ``smallest`` passes every minimum.

    ``largest`` and ``asked`` are set where the venue's maximum was hit.
    """

    reason: SizingFault
    observed: str
    limit: str
    smallest: Qty
    largest: Qty | None = None
    asked: Qty | None = None


def size(method: SizingMethod, given: SizingInput) -> Sizing | SizingRefusal:
    """Turn a sizing method into a quantity on the step, rounded down, or a refusal.

    - ``Notional``: amount / entry. ``MarginAtLeverage``: margin x leverage / entry.
    - ``RiskFraction``: fraction x equity / worst loss of one coin, costs included.
    - ``VolatilityTarget``: fraction x equity / ATR.
    - ``KellyFraction``: as a risk fraction, with ``min(scale x kelly, cap)`` of equity.
    - ``ExactQty``: as given.

    A size above the venue's maximum is refused with the largest that would pass: whether to
    reduce is the caller's policy, see :func:`reduce_to`.

    A ``Sizing`` may be proposed; a ``SizingRefusal`` has the value, the limit and the smallest
    size.
    """
    fault = _stop_fault(method, given)
    if fault is not None:
        return fault
    budget = _budget(method, given)
    if isinstance(budget, SizingRefusal):
        return budget
    if budget.amount <= 0:
        return given.refusal(
            SizingFault.BUDGET_NOT_POSITIVE, f"{method} of equity {given.equity}", "above 0"
        )
    qty = budget.covers(given.instrument.qty_step)
    if budget.is_at_risk:
        worst = _worst_loss(qty, given)
        assert worst is not None, f"{method} was sized without a stop"
        assert worst.value <= budget.amount, f"{qty} loses {worst}, more than {budget.amount}"
    return _range_fault(qty, given) or _sizing(qty, given, budget.binding(qty))


def reduce_to(
    qty: Qty, *, asked: Qty, binding: Binding, given: SizingInput
) -> Sizing | SizingRefusal:
    """Return the sizing of ``asked`` reduced to ``qty``, rounded down to the step.

    For the largest quantity that the venue or a risk rule lets through; ``reduced_from`` reports
    what was asked. A reduction below a minimum is a refusal.

    A ``Sizing`` may be proposed; a ``SizingRefusal`` has the value, the limit and the smallest
    size.

    Raises:
        ValueError: when ``qty`` is negative or not below ``asked``.

    """
    if not ZERO_QTY <= qty < asked:
        raise ValueError(
            f"{asked} reduced to {qty}: a reduction lies from 0 to below what was asked"
        )
    reduced = qty_down(qty, given.instrument.qty_step)
    return _range_fault(reduced, given) or attrs.evolve(
        _sizing(reduced, given, binding), reduced_from=asked
    )


@attrs.frozen(kw_only=True)
class _Budget:
    """An amount to spend and what one base coin takes of it; USDT, or coins for an exact size."""

    amount: Decimal
    per_coin: Decimal
    is_at_risk: bool = False
    is_capped: bool = False

    def covers(self, step: Qty) -> Qty:
        """Return the largest whole number of steps that the amount covers."""
        per_step = EXACT.multiply(self.per_coin, step.value)
        return Qty(WIDE.multiply(WIDE.divide_int(self.amount, per_step), step.value))

    def binding(self, qty: Qty) -> Binding:
        """Tell what made ``qty`` what it is."""
        if self.is_capped:
            return Binding.KELLY_CAP
        spent = EXACT.multiply(self.per_coin, qty.value)
        return Binding.BUDGET if spent == self.amount else Binding.QTY_STEP


def _budget(method: SizingMethod, given: SizingInput) -> _Budget | SizingRefusal:
    match method:
        case Notional(amount):
            return _Budget(amount=amount.value, per_coin=given.entry.value)
        case MarginAtLeverage(amount):
            notional = amount * given.leverage
            return _Budget(amount=notional.value, per_coin=given.entry.value)
        case RiskFraction(fraction):
            return _at_risk(fraction, given)
        case VolatilityTarget(fraction, atr):
            if atr <= ZERO_DISTANCE:
                return given.refusal(SizingFault.METHOD_INVALID, f"ATR {atr}", "above 0")
            return _Budget(amount=(given.equity * fraction).value, per_coin=atr.value)
        case KellyFraction():
            return _kelly(method, given)
        case ExactQty(qty):
            return _Budget(amount=qty.value, per_coin=ONE.value)
        case _:
            assert_never(method)


def _at_risk(fraction: Rate, given: SizingInput) -> _Budget:
    per_coin = _worst_loss(Qty(ONE.value), given)
    assert per_coin is not None, "a method that sizes by risk is refused without a stop"
    return _Budget(amount=(given.equity * fraction).value, per_coin=per_coin.value, is_at_risk=True)


def _kelly(method: KellyFraction, given: SizingInput) -> _Budget | SizingRefusal:
    if not ZERO_RATE <= method.win_rate <= ONE:
        return given.refusal(
            SizingFault.METHOD_INVALID, f"win rate {method.win_rate}", "from 0 to 1"
        )
    for name, rate in (("payoff", method.payoff), ("scale", method.scale), ("cap", method.cap)):
        if rate <= ZERO_RATE:
            return given.refusal(SizingFault.METHOD_INVALID, f"{name} {rate}", "above 0")
    kelly = method.win_rate - (ONE - method.win_rate) / method.payoff
    if kelly <= ZERO_RATE:
        return given.refusal(
            SizingFault.KELLY_WITHOUT_EDGE,
            f"Kelly share {kelly} (win rate {method.win_rate}, payoff {method.payoff})",
            "above 0",
        )
    wanted = kelly * method.scale
    return attrs.evolve(_at_risk(min(wanted, method.cap), given), is_capped=wanted > method.cap)


def _stop_fault(method: SizingMethod, given: SizingInput) -> SizingRefusal | None:
    if given.stop is None:
        if isinstance(method, RiskFraction | KellyFraction):
            return given.refusal(
                SizingFault.STOP_MISSING,
                f"{type(method).__name__} without a stop",
                "a stop, which the risk is measured to",
            )
        return None
    fault = stop_misplaced(given.stop, entry=given.entry, side=given.side)
    if fault is None:
        return None
    return given.refusal(SizingFault.STOP_ON_WRONG_SIDE, fault.observed, fault.limit)


def _range_fault(qty: Qty, given: SizingInput) -> SizingRefusal | None:
    spec, coin = given.instrument, given.instrument.base_coin
    value = given.valued_at * qty
    if qty < spec.qty_min:
        return given.refusal(
            SizingFault.BELOW_QTY_MIN, f"{qty} {coin}", f"at least {spec.qty_min} {coin}"
        )
    if value < spec.notional_min:
        return given.refusal(
            SizingFault.BELOW_NOTIONAL_MIN, f"{value} USDT", f"at least {spec.notional_min} USDT"
        )
    if value < given.notional_viable_min:
        return given.refusal(
            SizingFault.BELOW_VIABLE, f"{value} USDT", f"at least {given.notional_viable_min} USDT"
        )
    if qty > given.qty_max:
        kind = "market" if given.is_market else "limit"
        refusal = given.refusal(
            SizingFault.ABOVE_VENUE_MAX,
            f"{qty} {coin}",
            f"at most {given.qty_max} {coin} in one {kind} order",
            largest=given.qty_max,
        )
        return attrs.evolve(refusal, asked=qty)
    return None


def _sizing(qty: Qty, given: SizingInput, binding: Binding) -> Sizing:
    return Sizing(
        qty=qty,
        worst_loss=_worst_loss(qty, given),
        notional=given.entry * qty,
        binding=binding,
    )


def _worst_loss(qty: Qty, given: SizingInput) -> Money | None:
    if given.stop is None:
        return None
    per_coin = worst_loss_per_unit(
        side=given.side,
        entry=given.entry,
        stop=given.stop,
        costs=given.costs,
        entry_liquidity=given.liquidity,
    )
    return per_coin * Rate(qty.value)


def _steps_up(notional: Money, price: Price, step: Qty) -> Qty:
    per_step = price * step
    steps = EXACT.divide_int(notional.value, per_step.value)
    if EXACT.multiply(steps, per_step.value) < notional.value:
        steps = EXACT.add(steps, ONE.value)
    return Qty(EXACT.multiply(steps, step.value))
