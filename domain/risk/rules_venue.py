"""What the venue itself would refuse: quantity, notional and leverage off its limits or grid."""

import attrs
from tidegate.domain.grid import is_on_grid, qty_down, qty_up
from tidegate.domain.instrument import Instrument
from tidegate.domain.margin import notional_allowed
from tidegate.domain.money import EXACT, Qty, Rate

from . import wording
from .bounds import INSTRUMENT, Bound, judge_bound, least, per_coin
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = ["is_on_leverage_step", "leverage", "qty_max", "qty_min", "venue_limits"]


def qty_max(instrument: Instrument) -> Qty:
    """Return the largest quantity of one entry: the smaller of the venue's two maxima.

    A limit order may be larger than a market order, but its stop closes at market.
    """
    largest = min(instrument.qty_max_market, instrument.qty_max_limit)
    return qty_down(largest, instrument.qty_step)


def qty_min(proposal: Proposal, instrument: Instrument) -> Qty:
    """Return the smallest quantity of an entry at the plan's price: by quantity and by notional."""
    by_notional = least(instrument.notional_min, per_coin(proposal.price), instrument.qty_step)
    return max(qty_up(instrument.qty_min, instrument.qty_step), by_notional)


def is_on_leverage_step(asked: Rate, instrument: Instrument) -> bool:
    """Tell whether a leverage is a whole number of the instrument's leverage steps."""
    return EXACT.remainder(asked.value, instrument.leverage_step.value) == 0


@attrs.frozen
class _Fault:
    observed: str
    limit: str
    remedy: str


def venue_limits(proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse a quantity, notional or leverage that the venue does not take, all in one answer.

    Sources: Bybit V5 market/instruments-info, ``lotSizeFilter`` and ``leverageFilter``. A wrong
    leverage is no matter of size: then no quantity is named.
    """
    spec = snapshot.instrument
    if spec is None:
        return Missing(rule=Rule.VENUE_LIMITS, what=INSTRUMENT)
    of_leverage = _leverage_faults(proposal, spec)
    faults = of_leverage + _size_faults(proposal, spec)
    if not faults:
        return Passed(rule=Rule.VENUE_LIMITS)
    smallest, largest = qty_min(proposal, spec), qty_max(spec)
    is_too_small = proposal.qty < smallest
    return Breach(
        rule=Rule.VENUE_LIMITS,
        observed="; ".join(fault.observed for fault in faults),
        limit="; ".join(fault.limit for fault in faults),
        remedy="; ".join(fault.remedy for fault in faults),
        largest=None if of_leverage or is_too_small else largest,
        smallest=smallest if is_too_small and not of_leverage else None,
    )


def _size_faults(proposal: Proposal, spec: Instrument) -> tuple[_Fault, ...]:
    qty, coin = proposal.qty, spec.base_coin
    faults: list[_Fault] = []
    if not is_on_grid(qty, spec.qty_step):
        down = wording.coins(qty_down(qty, spec.qty_step), coin)
        limit = f"a multiple of {wording.coins(spec.qty_step, coin)}"
        faults.append(_Fault(wording.coins(qty, coin), limit, f"round it down to {down}"))
    if qty < spec.qty_min:
        limit = f"at least {wording.coins(spec.qty_min, coin)}"
        faults.append(_Fault(wording.coins(qty, coin), limit, _raise(proposal, spec)))
    if proposal.notional < spec.notional_min:
        limit = f"at least {wording.usdt(spec.notional_min)}"
        faults.append(_Fault(wording.usdt_below(proposal.notional), limit, _raise(proposal, spec)))
    if qty > qty_max(spec):
        most = wording.coins(qty_max(spec), coin)
        remedy = f"reduce the quantity to {most} or less"
        faults.append(_Fault(wording.coins(qty, coin), f"at most {most}", remedy))
    return tuple(faults)


def _raise(proposal: Proposal, spec: Instrument) -> str:
    smallest = wording.coins(qty_min(proposal, spec), spec.base_coin)
    return f"raise the quantity to {smallest} or more"


def _leverage_faults(proposal: Proposal, spec: Instrument) -> tuple[_Fault, ...]:
    asked, low, high = proposal.leverage, spec.leverage_min, spec.leverage_max
    faults: list[_Fault] = []
    if not low <= asked <= high:
        span = f"{wording.multiple(low, 'x')} to {wording.multiple(high, 'x')}"
        faults.append(_Fault(_leverage(asked), span, f"choose a leverage from {span}"))
    if not is_on_leverage_step(asked, spec):
        grid = f"a multiple of {wording.multiple(spec.leverage_step, 'x')}"
        faults.append(_Fault(_leverage(asked), grid, f"round the leverage to {grid}"))
    return tuple(faults)


def _leverage(asked: Rate) -> str:
    return f"leverage {wording.multiple(asked, 'x')}"


def leverage(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a leverage above the configured or the instrument's, or above the risk tier's.

    The tier is that of the symbol's exposure with this order added, by the largest opening value
    that the venue allows at a leverage (Bybit V5 market/risk-limit; codes 110013 and 110090).
    """
    spec = snapshot.instrument
    if spec is None:
        return Missing(rule=Rule.LEVERAGE, what=INSTRUMENT)
    highest = min(limits.leverage_max, spec.leverage_max)
    if proposal.leverage > highest:
        return Breach(
            rule=Rule.LEVERAGE,
            observed=wording.multiple(proposal.leverage, "x"),
            limit=wording.multiple(highest, "x"),
            remedy=f"lower the leverage to {wording.multiple(highest, 'x')}",
        )
    allowed = notional_allowed(spec.tiers, proposal.leverage)
    used, per_unit = snapshot.exposure_symbol, per_coin(proposal.price)
    at = wording.multiple(proposal.leverage, "x")
    return judge_bound(
        Rule.LEVERAGE,
        Bound(used=used, per_unit=per_unit, cap=allowed),
        proposal.qty,
        spec,
        otherwise="lower the leverage: no size fits the risk tiers at this one",
        observed=lambda total: f"{wording.usdt_above(total)} at {at}",
        limit=f"{wording.usdt_below(allowed)} at {at}",
    )
