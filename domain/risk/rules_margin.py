"""Rules about the account's money: balance, margin rates and what is available.

Bybit reports account-wide margin rates in cross margin only. In isolated margin each position
stands alone with its own margin, so there the rules judge this position.
"""

from tidegate.domain.money import ZERO_MONEY
from tidegate.domain.reports import MarginMode

from . import wording
from .bounds import EQUITY, Bound, judge_bound
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = ["available_margin", "balance", "initial_margin", "maintenance_margin"]

_MARGIN_MODE = "the account's margin mode"


def balance(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse while the wallet holds less than the smallest balance that may open a position."""
    if snapshot.wallet is None:
        return Missing(rule=Rule.BALANCE, what="the wallet balance")
    if snapshot.wallet >= limits.balance_min:
        return Passed(rule=Rule.BALANCE)
    return Breach(
        rule=Rule.BALANCE,
        observed=wording.usdt_below(snapshot.wallet),
        limit=wording.usdt(limits.balance_min),
        remedy="add funds",
    )


def initial_margin(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse an initial margin above its share of equity: the account's, or the position's alone.

    In isolated margin only this order's margin is compared; what the other positions hold is
    already taken out of the available margin, which has a rule of its own.
    """
    rule = Rule.INITIAL_MARGIN
    if snapshot.equity is None:
        return Missing(rule=rule, what=EQUITY)
    if snapshot.margin_mode is None:
        return Missing(rule=rule, what=_MARGIN_MODE)
    used = ZERO_MONEY if snapshot.margin_mode is MarginMode.ISOLATED else snapshot.initial_margin
    if used is None:
        return Missing(rule=rule, what="the account's initial margin")
    cap = snapshot.equity * limits.initial_margin_rate_max
    return judge_bound(
        rule,
        Bound(used=used, per_unit=proposal.initial_margin_per_unit, cap=cap),
        proposal.qty,
        snapshot.instrument,
        otherwise="reduce positions, or lower the leverage of what is open",
    )


def maintenance_margin(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a maintenance margin above its share of what backs it.

    That is the account's equity in cross margin, and what the order locks in isolated margin,
    where the venue liquidates once the maintenance margin is all that is left.
    """
    rule = Rule.MAINTENANCE_MARGIN
    match snapshot.margin_mode:
        case None:
            return Missing(rule=rule, what=_MARGIN_MODE)
        case MarginMode.ISOLATED:
            return _maintenance_of_position(proposal, limits)
        case MarginMode.CROSS:
            return _maintenance_of_account(proposal, snapshot, limits)


def _maintenance_of_account(
    proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits
) -> Verdict:
    rule = Rule.MAINTENANCE_MARGIN
    if snapshot.equity is None:
        return Missing(rule=rule, what=EQUITY)
    if snapshot.maintenance_margin is None:
        return Missing(rule=rule, what="the account's maintenance margin")
    bound = Bound(
        used=snapshot.maintenance_margin,
        per_unit=proposal.maintenance_margin_per_unit,
        cap=snapshot.equity * limits.maintenance_margin_rate_max,
    )
    return judge_bound(rule, bound, proposal.qty, snapshot.instrument, otherwise="reduce positions")


def _maintenance_of_position(proposal: Proposal, limits: RiskLimits) -> Verdict:
    rule = Rule.MAINTENANCE_MARGIN
    backing, needed = proposal.initial_margin_per_unit, proposal.maintenance_margin_per_unit
    if backing.sign == 0:
        return Missing(rule=rule, what="an initial margin of the position above zero")
    if needed <= backing * limits.maintenance_margin_rate_max:
        return Passed(rule=rule)
    return Breach(
        rule=rule,
        observed=f"{wording.percent_above(needed / backing)} of the position's margin",
        limit=wording.percent(limits.maintenance_margin_rate_max),
        remedy="lower the leverage",
    )


def available_margin(proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse an order that would lock more than the account has available, both fees included."""
    if snapshot.available is None:
        return Missing(rule=Rule.AVAILABLE_MARGIN, what="the available margin")
    bound = Bound(
        used=ZERO_MONEY, per_unit=proposal.initial_margin_per_unit, cap=snapshot.available
    )
    return judge_bound(
        Rule.AVAILABLE_MARGIN,
        bound,
        proposal.qty,
        snapshot.instrument,
        otherwise="add funds, or free margin by reducing positions",
    )
