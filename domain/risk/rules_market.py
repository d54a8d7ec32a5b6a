"""Rules about the symbol, its prices and the plan's levels. None names a size of its own."""

from tidegate.domain.grid import qty_down
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.money import ZERO_QTY, Distance, Price, Qty, Rate
from tidegate.domain.orders import Side

from . import wording
from .bounds import INSTRUMENT
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = [
    "far_enough",
    "liquidation_distance",
    "market_fresh",
    "price_deviation",
    "protective_stop",
    "reward_to_risk",
    "symbol_allowed",
    "symbol_trading",
]

_TWO = Rate.of(2)


def symbol_allowed(proposal: Proposal, _snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a symbol outside the configured list, where there is one."""
    allowed = limits.symbols_allowed
    if allowed is None or proposal.symbol in allowed:
        return Passed(rule=Rule.SYMBOL_ALLOWED)
    return Breach(
        rule=Rule.SYMBOL_ALLOWED,
        observed=str(proposal.symbol),
        limit=", ".join(sorted(allowed)) or "no symbol",
        remedy="add the symbol to the allowed ones, or trade one of them",
    )


def symbol_trading(proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse a symbol that the venue does not let anyone enter now."""
    if snapshot.instrument is None:
        return Missing(rule=Rule.SYMBOL_TRADING, what=INSTRUMENT)
    status = snapshot.instrument.status
    if status is InstrumentStatus.TRADING:
        return Passed(rule=Rule.SYMBOL_TRADING)
    return Breach(
        rule=Rule.SYMBOL_TRADING,
        observed=f"{proposal.symbol} is {status.value}",
        limit=InstrumentStatus.TRADING.value,
        remedy="wait until the venue trades the symbol, or trade another",
    )


def protective_stop(proposal: Proposal, _snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Require a stop unless the policy says otherwise, and one on the losing side in any case.

    A stop must lie beyond both the expected fill and the price that was asked: between the two it
    would fire at once.
    """
    if proposal.stop is None:
        if not limits.stop_required:
            return Passed(rule=Rule.PROTECTIVE_STOP)
        return Breach(
            rule=Rule.PROTECTIVE_STOP,
            observed="no stop",
            limit="a protective stop",
            remedy="give the signal a stop",
        )
    buys = proposal.side is Side.BUY
    first = (min if buys else max)(proposal.price, proposal.reference_price)
    if _lead(proposal.side, first, proposal.stop).sign > 0:
        return Passed(rule=Rule.PROTECTIVE_STOP)
    where = f"{'below' if buys else 'above'} {wording.price(first)}"
    return Breach(
        rule=Rule.PROTECTIVE_STOP,
        observed=f"stop at {wording.price(proposal.stop)}",
        limit=where,
        remedy=f"put the stop of a {proposal.side.value} {where}",
    )


def market_fresh(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse on a price that is too old, or further ahead of this clock than is permitted."""
    if snapshot.market_time_ms is None:
        return Missing(rule=Rule.MARKET_FRESH, what="the time of the last price")
    age_ms = snapshot.now_ms - snapshot.market_time_ms
    if age_ms > limits.market_age_ms_max:
        return Breach(
            rule=Rule.MARKET_FRESH,
            observed=f"{wording.seconds(age_ms)} old",
            limit=wording.seconds(limits.market_age_ms_max),
            remedy="wait for a fresh price",
        )
    if -age_ms > limits.clock_lead_ms_max:
        return Breach(
            rule=Rule.MARKET_FRESH,
            observed=f"{wording.seconds(-age_ms)} ahead of this clock",
            limit=f"{wording.seconds(limits.clock_lead_ms_max)} ahead",
            remedy="set this machine's clock right",
        )
    return Passed(rule=Rule.MARKET_FRESH)


def price_deviation(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a price too far from the mark, on either side (fat finger)."""
    mark = snapshot.mark
    if mark is None or mark.sign <= 0:
        return Missing(rule=Rule.PRICE_DEVIATION, what="a mark price above zero")
    distance = abs(proposal.reference_price - mark)
    if distance <= mark * limits.price_deviation_max:
        return Passed(rule=Rule.PRICE_DEVIATION)
    return Breach(
        rule=Rule.PRICE_DEVIATION,
        observed=wording.percent_above(distance / mark),
        limit=wording.percent(limits.price_deviation_max),
        remedy=f"ask for a price nearer to the mark of {wording.price(mark)}",
    )


def liquidation_distance(
    proposal: Proposal, _snapshot: RiskSnapshot, limits: RiskLimits
) -> Verdict:
    """Refuse a plan that could be liquidated too near to its entry, or before its stop fires.

    A stop exactly at the liquidation price does not lie before it. Where the venue could never
    liquidate there is nothing to be near to.
    """
    liquidation = proposal.liquidation_price
    if liquidation is None:
        return Passed(rule=Rule.LIQUIDATION_DISTANCE)
    distance = _lead(proposal.side, proposal.price, liquidation)
    if distance < proposal.price * limits.liquidation_distance_min:
        return Breach(
            rule=Rule.LIQUIDATION_DISTANCE,
            observed=wording.percent_below(distance / proposal.price),
            limit=wording.percent(limits.liquidation_distance_min),
            remedy=f"lower the leverage: {wording.price(liquidation)} would liquidate the position",
        )
    stop = proposal.stop
    if stop is None or _lead(proposal.side, stop, liquidation).sign > 0:
        return Passed(rule=Rule.LIQUIDATION_DISTANCE)
    return Breach(
        rule=Rule.LIQUIDATION_DISTANCE,
        observed=f"stop at {wording.price(stop)}",
        limit=f"before the liquidation at {wording.price(liquidation)}",
        remedy="move the stop nearer to the entry, or lower the leverage",
    )


def far_enough(proposal: Proposal, cap: Qty, snapshot: RiskSnapshot, limits: RiskLimits) -> Qty:
    """Return the largest quantity up to ``cap`` whose own liquidation price passes, base coin.

    The plan's own quantity passes. A larger one may not, and neither may a smaller one, where an
    addition brings the liquidation farther away: then zero.
    """

    def passes(qty: Qty) -> bool:
        return isinstance(liquidation_distance(proposal.of_size(qty), snapshot, limits), Passed)

    if snapshot.instrument is None or passes(cap):
        return cap
    good, bad, step = proposal.qty, cap, snapshot.instrument.qty_step
    if good >= bad:
        return ZERO_QTY
    while bad - good > step:
        middle = good + max(step, qty_down((bad - good) / _TWO, step))
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return good


def reward_to_risk(proposal: Proposal, _snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a ladder whose net reward-to-risk after costs is too low."""
    net = proposal.reward_to_risk_net
    if net is None or net >= limits.reward_to_risk_net_min:
        return Passed(rule=Rule.REWARD_TO_RISK)
    return Breach(
        rule=Rule.REWARD_TO_RISK,
        observed=wording.multiple_below(net, "R"),
        limit=wording.multiple(limits.reward_to_risk_net_min, "R"),
        remedy="set farther targets, a nearer stop, or cheaper execution",
    )


def _lead(side: Side, near: Price, far: Price) -> Distance:
    """Return how far ``far`` lies on the losing side of ``near``; negative on the other."""
    return (near - far).times(side.sign)
