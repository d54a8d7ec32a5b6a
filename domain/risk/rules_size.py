"""Rules about how much: the viable minimum, exposure, and risk per trade."""

from tidegate.domain.money import ZERO_MONEY, Money

from . import wording
from .bounds import EQUITY, INSTRUMENT, Bound, judge_bound, least, per_coin
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = [
    "concentration",
    "exposure",
    "position_size",
    "positions",
    "trade_risk",
    "viable_size",
]


def viable_size(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a position too small to be worth its costs, and name the smallest that is."""
    spec = snapshot.instrument
    if spec is None:
        return Missing(rule=Rule.VIABLE_SIZE, what=INSTRUMENT)
    if proposal.notional >= limits.notional_viable_min:
        return Passed(rule=Rule.VIABLE_SIZE)
    smallest = least(limits.notional_viable_min, per_coin(proposal.price), spec.qty_step)
    return Breach(
        rule=Rule.VIABLE_SIZE,
        observed=wording.usdt_below(proposal.notional),
        limit=wording.usdt(limits.notional_viable_min),
        remedy=f"raise the quantity to {wording.coins(smallest, spec.base_coin)} or more",
        smallest=smallest,
    )


def positions(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse one symbol too many with a position or an entry in flight, this one counted."""
    after = len(snapshot.symbols_open | {proposal.symbol})
    if after <= limits.positions_max:
        return Passed(rule=Rule.POSITIONS)
    return Breach(
        rule=Rule.POSITIONS,
        observed=f"{after} symbols",
        limit=f"{limits.positions_max} symbols",
        remedy="close a position, or add to a symbol that is open already",
    )


def position_size(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a position in one symbol, orders in flight included, above its largest notional."""
    bound = Bound(
        used=snapshot.exposure_symbol,
        per_unit=per_coin(proposal.price),
        cap=limits.position_notional_max,
    )
    return judge_bound(
        Rule.POSITION_SIZE,
        bound,
        proposal.qty,
        snapshot.instrument,
        otherwise=f"reduce what is held or in flight in {proposal.symbol}",
    )


def exposure(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a total notional, orders in flight included, above its multiple of equity."""
    if snapshot.equity is None:
        return Missing(rule=Rule.EXPOSURE, what=EQUITY)
    bound = Bound(
        used=snapshot.exposure_total,
        per_unit=per_coin(proposal.price),
        cap=snapshot.equity * limits.exposure_max,
    )
    return judge_bound(
        Rule.EXPOSURE,
        bound,
        proposal.qty,
        snapshot.instrument,
        otherwise="reduce positions, or cancel entries in flight",
    )


def concentration(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a notional of one symbol above its multiple of equity."""
    if snapshot.equity is None:
        return Missing(rule=Rule.CONCENTRATION, what=EQUITY)
    bound = Bound(
        used=snapshot.exposure_symbol,
        per_unit=per_coin(proposal.price),
        cap=snapshot.equity * limits.concentration_max,
    )
    return judge_bound(
        Rule.CONCENTRATION,
        bound,
        proposal.qty,
        snapshot.instrument,
        otherwise=f"reduce what is held or in flight in {proposal.symbol}",
    )


def trade_risk(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a worst loss at the stop, costs included, above its share of equity.

    What the symbol's position and its other entries in flight may lose counts with it: they are
    one trade. Without a stop the whole notional is at risk: a long can lose no more, and a short
    that loses as much has seen the price double.
    """
    if snapshot.equity is None:
        return Missing(rule=Rule.TRADE_RISK, what=EQUITY)
    loss = _loss_per_unit(proposal)
    if loss is None:
        return Missing(rule=Rule.TRADE_RISK, what="a worst loss at the stop above zero")
    used = snapshot.trade_loss
    if used is None:
        return Missing(rule=Rule.TRADE_RISK, what="the worst loss of what is held and in flight")
    bound = Bound(used=used, per_unit=loss, cap=snapshot.equity * limits.risk_per_trade_max)
    return judge_bound(
        Rule.TRADE_RISK,
        bound,
        proposal.qty,
        snapshot.instrument,
        otherwise=_nearer_stop(proposal, used),
    )


def _nearer_stop(proposal: Proposal, used: Money) -> str:
    if used <= ZERO_MONEY:
        return "set a nearer stop: even the smallest step would risk too much"
    return f"tighten the stop of {proposal.symbol}, or reduce what is held or in flight there"


def _loss_per_unit(proposal: Proposal) -> Money | None:
    """Return the loss of one base coin, ``None`` when the plan does not say one."""
    loss = proposal.worst_loss_per_unit
    if proposal.stop is None:
        notional = per_coin(proposal.price)
        return notional if loss is None else max(loss, notional)
    return loss if loss is not None and loss > ZERO_MONEY else None
