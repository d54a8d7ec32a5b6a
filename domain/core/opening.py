"""From a signal to an approved entry, or to a refusal that says everything that failed."""

import attrs
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.costs import Costs
from tidegate.domain.entry_terms import time_in_force_of
from tidegate.domain.limits_venue import venue_faults
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.planning import Fault, Plan, PlanInput, make_plan
from tidegate.domain.reports import Ticker
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.judge import RULES, Refused, judge
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.snapshot import Proposal, RiskSnapshot
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket, TicketRung
from tidegate.domain.triggers import watched_price

from . import exposure
from .account import setting_under_way
from .building import build_order
from .by_hand import leverage_wanted
from .config import CoreConfig
from .draft import Draft
from .events import EntryIntended, SignalRefused
from .inputs import OpenRequest
from .refusing import words_of
from .snapshots import risk_snapshot
from .state import State

__all__ = ["entry_order", "open_asked", "plan_input", "proposal_for", "signal_limits", "ticket_of"]


def open_asked(draft: Draft, request: OpenRequest) -> None:
    """Plan, judge, and record the entry or the refusal."""
    request = _joining(draft, request)
    signal = request.signal
    snapshot = risk_snapshot(
        draft.state, signal.symbol, signal.signal_id, draft.config, draft.now_ms
    )
    given = plan_input(draft, signal, snapshot)
    if isinstance(given, str):
        _refuse(draft, request, fault=given)
        return
    plan, asked = _plan(draft, signal, given)
    if isinstance(plan, Fault):
        _refuse(draft, request, fault=str(plan), largest=plan.largest)
        return
    _judge(draft, request, given, _Draught(plan, asked), snapshot)


def _joining(draft: Draft, request: OpenRequest) -> OpenRequest:
    """Give an addition the ladder and management of the position that it joins: there is one."""
    trade = draft.trade(request.signal.symbol)
    if trade is None or trade.side is not request.signal.side:
        return request
    joined = attrs.evolve(
        request.signal, ladder=trade.signal.ladder, management=trade.signal.management
    )
    return attrs.evolve(request, signal=joined)


@attrs.frozen
class _Draught:
    """A plan, and the quantity that was asked where it had to be made smaller."""

    plan: Plan
    asked: Qty | None


def _plan(draft: Draft, signal: Signal, given: PlanInput) -> tuple[Plan | Fault, Qty | None]:
    """Make a plan; above the venue's maximum a smaller one, where the policy is to reduce."""
    plan = make_plan(signal, given)
    may_reduce = draft.config.limits.oversize is Oversize.REDUCE
    if not isinstance(plan, Fault) or plan.largest is None or not may_reduce:
        return plan, None
    return make_plan(signal, attrs.evolve(given, qty_max=plan.largest)), plan.asked


def _judge(
    draft: Draft, request: OpenRequest, given: PlanInput, made: _Draught, snapshot: RiskSnapshot
) -> None:
    signal, plan = request.signal, made.plan
    limits = signal_limits(draft.config.limits, signal)
    order = entry_order(plan, draft.books.client_id(request.key, Purpose(Role.ENTRY), 0))
    faults = venue_faults(order, given.instrument, plan.entry)
    if faults:
        _refuse(draft, request, fault=words_of(faults))
        return
    verdict = judge(order, plan.proposal, snapshot, limits)
    if isinstance(verdict, Approved):
        _intend(draft, request, given, plan, verdict.order, asked=made.asked)
        return
    smaller = _smaller(draft, signal, given, verdict)
    if smaller is None:
        _refuse(draft, request, refused=verdict)
        return
    again = judge(entry_order(smaller, order.client_id), smaller.proposal, snapshot, limits)
    if isinstance(again, Approved):
        asked = plan.qty if made.asked is None else made.asked
        _intend(draft, request, given, smaller, again.order, asked=asked)
    else:
        _refuse(draft, request, refused=verdict)


def signal_limits(limits: RiskLimits, signal: Signal) -> RiskLimits:
    """Return the limits with the signal's own demand, which may only be stricter."""
    least = max(limits.reward_to_risk_net_min, signal.reward_to_risk_min)
    return attrs.evolve(limits, reward_to_risk_net_min=least)


def _smaller(draft: Draft, signal: Signal, given: PlanInput, refused: Refused) -> Plan | None:
    """Plan again with the largest quantity that passes, where the policy is to reduce."""
    if draft.config.limits.oversize is not Oversize.REDUCE or refused.largest is None:
        return None
    if refused.largest.sign == 0:
        return None
    plan = make_plan(signal, attrs.evolve(given, qty_max=refused.largest))
    return None if isinstance(plan, Fault) else plan


def proposal_for(state: State, signal: Signal, config: CoreConfig, now_ms: int) -> Proposal | None:
    """Return what ``signal`` would be judged as now, ``None`` where no plan can be made."""
    draft = Draft(state, config, now_ms)
    snapshot = risk_snapshot(state, signal.symbol, signal.signal_id, config, now_ms)
    given = plan_input(draft, signal, snapshot)
    if isinstance(given, str):
        return None
    plan = make_plan(signal, given)
    return None if isinstance(plan, Fault) else plan.proposal


def plan_input(draft: Draft, signal: Signal, snapshot: RiskSnapshot) -> PlanInput | str:
    """Collect what a plan is made from, or say what is missing."""
    symbol, view = signal.symbol, draft.view
    instrument, fees = view.instruments.get(symbol), view.fees.get(symbol)
    ticker = view.tickers.get(symbol)
    needed = {
        "instrument specification": instrument,
        "fee rates": fees,
        "prices": ticker,
        "equity at mark": snapshot.equity,
        "wallet": snapshot.wallet,
        "margin mode": snapshot.margin_mode,
    }
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        return f"{', '.join(missing)} of {symbol} not known: nothing is sent without"
    assert instrument is not None
    assert fees is not None
    assert ticker is not None
    assert snapshot.equity is not None
    assert snapshot.wallet is not None
    assert snapshot.margin_mode is not None
    trade = draft.trade(symbol)
    if trade is not None and trade.closing is not None:
        return f"position of {symbol} is being closed: wait until it is flat"
    under_way = setting_under_way(
        draft.books, LeverageSetting(symbol=symbol, leverage=signal.leverage)
    )
    if under_way is not None:
        return f"{under_way} is under way: wait until it is answered"
    other = _other_leverage(draft, signal)
    if other is not None:
        return (
            f"leverage {signal.leverage} of {symbol} asked, {other} in use there: a position has "
            "one leverage; close it first or ask for the same"
        )
    return PlanInput(
        instrument=instrument,
        costs=Costs(
            fees=fees,
            entry_slippage=draft.config.entry_slippage,
            stop_slippage=draft.config.stop_slippage,
        ),
        equity=snapshot.equity,
        wallet=snapshot.wallet,
        reference=_reference(signal, ticker),
        watched=_watched(signal, ticker),
        margin_mode=snapshot.margin_mode,
        notional_viable_min=draft.config.limits.notional_viable_min,
        exposure_symbol=snapshot.exposure_symbol,
        held_stop=_held_stop(draft, signal),
        is_addition=trade is not None and trade.side is signal.side,
        joined=exposure.joined_by(draft.books, symbol, signal.side),
        others_unrealised=_others_unrealised(draft, symbol),
        others_maintenance=_others_maintenance(draft, symbol),
    )


def _held_stop(draft: Draft, signal: Signal) -> Price | None:
    """Return the stop of the position that a signal would add to."""
    trade = draft.trade(signal.symbol)
    if trade is None or trade.side is not signal.side:
        return None
    return trade.stop_wanted


def _other_leverage(draft: Draft, signal: Signal) -> Rate | None:
    """Return the leverage of the position or entry that a signal would join, when it differs."""
    trade = draft.trade(signal.symbol)
    joined = [] if trade is None else [leverage_wanted(trade)]
    joined += [o.signal.leverage for o in draft.books.open_orders(signal.symbol) if o.signal]
    return next((leverage for leverage in joined if leverage != signal.leverage), None)


def _reference(signal: Signal, ticker: Ticker) -> Price:
    return ticker.ask if signal.side is Side.BUY else ticker.bid


def _watched(signal: Signal, ticker: Ticker) -> Price | None:
    trigger = signal.entry.trigger
    return None if trigger is None else watched_price(ticker, trigger.by)


def _others_unrealised(draft: Draft, symbol: Symbol) -> Money:
    total = ZERO_MONEY
    for other, position in draft.books.positions.items():
        ticker = draft.view.tickers.get(other)
        if other != symbol and ticker is not None:
            total = total + position.unrealised(ticker.mark)
    return total


def _others_maintenance(draft: Draft, symbol: Symbol) -> Money:
    total = ZERO_MONEY
    for other, report in draft.view.positions.items():
        if other != symbol:
            total = total + report.maintenance_margin
    return total


def entry_order(plan: Plan, order_id: ClientId) -> OrderRequest:
    """Build the entry with its stop, and its take-profit where there is one, inside."""
    entry = plan.signal.entry
    return build_order(
        order_id,
        purpose=Purpose(Role.ENTRY),
        symbol=plan.signal.symbol,
        side=plan.signal.side,
        qty=plan.qty,
        price=plan.entry if entry.kind is OrderKind.LIMIT else None,
        time_in_force=entry.time_in_force,
        trigger=plan.trigger,
        stop_loss=plan.stop,
        take_profit=plan.take_profit,
    )


def ticket_of(plan: Plan, given: PlanInput, *, asked: Qty | None) -> Ticket:
    """Write the ticket of a plan; ``asked`` is the quantity before it was reduced."""
    proposal = plan.proposal
    price_risk = cost_risk = None
    if plan.stop is not None and proposal.worst_loss_per_unit is not None:
        worst = proposal.worst_loss_per_unit * Rate(plan.qty.value)
        price_risk = (plan.entry - plan.stop).times(proposal.side.sign) * plan.qty
        cost_risk = worst - price_risk
    return Ticket(
        symbol=proposal.symbol,
        side=proposal.side,
        kind=plan.signal.entry.kind,
        time_in_force=time_in_force_of(plan.signal.entry.kind, plan.signal.entry.time_in_force),
        trigger=plan.trigger,
        take_profit=plan.take_profit,
        qty=plan.qty,
        entry=plan.entry,
        entry_worst=plan.entry_worst,
        stop=plan.stop,
        price_risk=price_risk,
        cost_risk=cost_risk,
        equity=given.equity,
        rungs=tuple(
            TicketRung(
                number=rung.number,
                price=rung.price,
                qty=rung.qty,
                reward_to_risk=rung.reward_to_risk,
            )
            for rung in plan.ladder.rungs
        ),
        reward_to_risk_net=proposal.reward_to_risk_net,
        leverage=proposal.leverage,
        initial_margin=proposal.initial_margin_per_unit * Rate(plan.qty.value),
        liquidation=plan.liquidation,
        rules_passed=len(RULES),
        reduced_from=asked,
        notes=tuple(str(note) for note in plan.ladder.notes),
    )


def _intend(
    draft: Draft,
    request: OpenRequest,
    given: PlanInput,
    plan: Plan,
    order: OrderRequest,
    *,
    asked: Qty | None,
) -> None:
    before = exposure.total(draft.books, draft.view)
    draft.emit(
        EntryIntended(
            trade_key=request.key,
            signal=request.signal,
            ticket=ticket_of(plan, given, asked=asked),
            order=order,
            worst_price=plan.entry_worst,
            time_ms=draft.now_ms,
        )
    )
    reserved = exposure.total(draft.books, draft.view) - before
    assert reserved == plan.proposal.notional, f"{reserved} reserved for {plan.proposal.notional}"


def _refuse(
    draft: Draft,
    request: OpenRequest,
    *,
    refused: Refused | None = None,
    fault: str | None = None,
    largest: Qty | None = None,
) -> None:
    signal = request.signal
    draft.emit(
        SignalRefused(
            trade_key=request.key,
            signal_id=signal.signal_id,
            symbol=signal.symbol,
            side=signal.side,
            breaches=() if refused is None else refused.breaches,
            missing=() if refused is None else refused.missing,
            fault=fault,
            largest=largest if refused is None else refused.largest,
            time_ms=draft.now_ms,
        )
    )
