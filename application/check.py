"""A dry check: what the rules would say of a trade on a hypothetical account.

It plans and judges with the same functions as the core. Facts that were not stated stay unknown, so
the rules that need them say so instead of passing.
"""

import attrs
from tidegate.domain.core.opening import ticket_of
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Qty
from tidegate.domain.orders import OrderKind
from tidegate.domain.planning import Fault, Plan, PlanInput, make_plan
from tidegate.domain.risk.judge import Assessment, evaluate
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.rules_market import far_enough
from tidegate.domain.risk.rules_venue import qty_max
from tidegate.domain.risk.snapshot import Proposal, RiskSnapshot
from tidegate.domain.risk.verdict import Passed
from tidegate.domain.signal import Entry, Signal
from tidegate.ports.commands import CheckReport, CheckRequest

from .settings import Settings

__all__ = ["ASSUMED", "check_trade"]

ASSUMED = (
    (
        "the account holds the stated equity, all of it available, and nothing else: no position, "
        "no order, no trade before this one"
    ),
    "mode paper; margin mode, fees and slippage as in the settings",
)


def check_trade(request: CheckRequest, settings: Settings, spec: Instrument) -> CheckReport:
    """Judge ``request`` by the limits and costs of ``settings``; sends and stores nothing."""
    signal, given = _signal(request), _plan_input(request, settings, spec)
    plan = make_plan(signal, given)
    if isinstance(plan, Fault):
        return CheckReport(
            base_coin=spec.base_coin,
            ticket=None,
            fault=str(plan),
            largest=None,
            assumed=ASSUMED,
        )
    snapshot, limits = _snapshot(request, settings, spec), settings.limits
    assessment = evaluate(plan.proposal, snapshot, limits)
    largest = _largest(plan.proposal, snapshot, limits) if assessment.breaches else None
    smaller = _smaller(signal, given, limits, largest)
    if smaller is None:
        return _report(plan, given, assessment, largest=largest, asked=None)
    again = evaluate(smaller.proposal, snapshot, limits)
    if again.breaches:
        return _report(plan, given, assessment, largest=largest, asked=None)
    return _report(smaller, given, again, largest=largest, asked=plan.qty)


def _report(
    plan: Plan, given: PlanInput, assessment: Assessment, *, largest: Qty | None, asked: Qty | None
) -> CheckReport:
    passed = tuple(v.rule for v in assessment.verdicts if isinstance(v, Passed))
    ticket = attrs.evolve(ticket_of(plan, given, asked=asked), rules_passed=len(passed))
    return CheckReport(
        base_coin=given.instrument.base_coin,
        ticket=ticket,
        fault=None,
        passed=passed,
        breaches=assessment.breaches,
        missing=assessment.missing,
        largest=largest,
        assumed=ASSUMED,
    )


def _signal(request: CheckRequest) -> Signal:
    is_limit = request.kind is OrderKind.LIMIT
    return Signal(
        signal_id="check",
        symbol=request.symbol,
        side=request.side,
        sizing=request.sizing,
        stop=request.stop,
        ladder=request.ladder,
        entry=Entry(kind=request.kind, price=request.entry if is_limit else None),
        leverage=request.leverage,
    )


def _plan_input(request: CheckRequest, settings: Settings, spec: Instrument) -> PlanInput:
    return PlanInput(
        instrument=spec,
        costs=settings.costs.costs,
        equity=request.equity,
        wallet=request.equity,
        reference=request.entry,
        margin_mode=settings.paper.margin_mode,
        notional_viable_min=settings.limits.notional_viable_min,
    )


def _snapshot(request: CheckRequest, settings: Settings, spec: Instrument) -> RiskSnapshot:
    """State what is known of a flat account; what nobody stated is ``None``."""
    return RiskSnapshot(
        now_ms=0,
        mode=TradingMode.PAPER,
        venue=VenueKind.PAPER,
        trading_state=TradingState.ACTIVE,
        is_panicked=False,
        instrument=spec,
        market_time_ms=None,
        mark=request.mark,
        stream_down_since_ms=None,
        streams_needed=False,
        has_unsettled_findings=False,
        margin_mode=settings.paper.margin_mode,
        wallet=request.equity,
        equity=request.equity,
        available=request.equity,
        initial_margin=ZERO_MONEY,
        maintenance_margin=ZERO_MONEY,
        day_opening_equity=None,
        day_profit=None,
        high_water_equity=None,
        exposure_total=ZERO_MONEY,
        exposure_symbol=ZERO_MONEY,
        trade_loss=ZERO_MONEY,
        symbols_open=frozenset(),
        symbol_side=None,
        pending_orders=0,
        orders_last_second=0,
        orders_last_minute=0,
        orders_today=0,
        signal_seen=False,
        last_loss_ms=None,
        stops_in_window=0,
        symbol_losses_in_row=0,
        symbol_last_loss_ms=None,
    )


def _largest(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Qty | None:
    """Ask at the venue's maximum, as the judge does, but of the rules that can be evaluated.

    Each rule that minds names its own largest size; the smallest of them is asked again with the
    liquidation price of its own size, for a minimum may lie above it. ``None`` where something
    other than size fails.
    """
    assert snapshot.instrument is not None, "a dry check knows its instrument"
    cap = qty_max(snapshot.instrument)
    at_most = evaluate(attrs.evolve(proposal, qty=cap), snapshot, limits)
    if not all(breach.is_about_size for breach in at_most.breaches):
        return None
    named = [breach.largest for breach in at_most.breaches if breach.largest is not None]
    cap = far_enough(proposal, min([cap, *named]), snapshot, limits)
    again = evaluate(proposal.of_size(cap), snapshot, limits)
    return ZERO_QTY if again.breaches else cap


def _smaller(
    signal: Signal, given: PlanInput, limits: RiskLimits, largest: Qty | None
) -> Plan | None:
    """Plan again with the largest quantity that passes, where the policy is to reduce."""
    if limits.oversize is not Oversize.REDUCE or largest is None or largest.sign == 0:
        return None
    plan = make_plan(signal, attrs.evolve(given, qty_max=largest))
    return None if isinstance(plan, Fault) else plan
