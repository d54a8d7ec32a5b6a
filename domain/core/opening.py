"""From a signal to an approved entry, or to a refusal that says everything that failed."""

import attrs
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.costs import Costs
from tidegate.domain.entry_terms import time_in_force_of
from tidegate.domain.limits_venue import venue_faults
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderRequest,
    Purpose,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.planning import Fault, FaultKind, Plan, PlanInput, make_plan
from tidegate.domain.reports import Ticker
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.judge import RULES, Refused, judge
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.risk.verdict import Breach, Missing
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket, TicketRung
from tidegate.domain.triggers import watched_price

from . import exposure, maintenance
from .account import setting_under_way
from .building import entry_order
from .by_hand import leverage_wanted
from .config import CoreConfig
from .draft import Draft
from .events import EntryIntended, SignalRefused
from .fitting import Wish, largest_fit
from .inputs import OpenRequest
from .refusing import words_of
from .snapshots import risk_snapshot
from .state import State

__all__ = ["largest_for", "open_asked", "plan_input", "signal_limits", "ticket_of"]


def open_asked(draft: Draft, request: OpenRequest) -> None:
    """Plan, judge, and record the entry or the refusal."""
    request = attrs.evolve(request, signal=_joining(draft, request.signal))
    wish = _wish(draft, request.signal)
    if isinstance(wish, str):
        _refuse(draft, request, fault=wish)
        return
    plan = make_plan(wish.signal, wish.given)
    if isinstance(plan, Fault):
        _unplanned(draft, request, wish, plan)
    else:
        _judge(draft, request, wish, _Draught(plan))


def largest_for(state: State, signal: Signal, config: CoreConfig, now_ms: int) -> Qty:
    """Return the largest size that ``signal`` would be approved with now, base coin; zero if none.

    It is what a refusal of the signal names, whatever size was asked.
    """
    draft = Draft(state, config, now_ms)
    wish = _wish(draft, _joining(draft, signal))
    return ZERO_QTY if isinstance(wish, str) else largest_fit(wish).largest


def _wish(draft: Draft, signal: Signal) -> Wish | str:
    snapshot = risk_snapshot(
        draft.state, signal.symbol, signal.signal_id, draft.config, draft.now_ms
    )
    given = plan_input(draft, signal, snapshot)
    if isinstance(given, str):
        return given
    return Wish(signal, given, snapshot, signal_limits(draft.config.limits, signal))


def _joining(draft: Draft, signal: Signal) -> Signal:
    """Give an addition the ladder and management of the position that it joins: there is one."""
    trade = draft.trade(signal.symbol)
    if trade is None or trade.side is not signal.side:
        return signal
    return attrs.evolve(signal, ladder=trade.signal.ladder, management=trade.signal.management)


def _unplanned(draft: Draft, request: OpenRequest, wish: Wish, fault: Fault) -> None:
    """Refuse what cannot be planned; above the venue's maximum reduce, where that is the policy."""
    if fault.largest is not None and draft.config.limits.oversize is Oversize.REDUCE:
        plan = make_plan(wish.signal, attrs.evolve(wish.given, qty_max=fault.largest))
        if isinstance(plan, Plan):
            _judge(draft, request, wish, _Draught(plan, fault.asked))
            return
    fit = largest_fit(wish)
    if fault.kind is not FaultKind.SIZE:
        largest = None if fit.largest == ZERO_QTY else fit.largest
        _refuse(draft, request, fault=str(fault), largest=largest)
        return
    text = str(fault)
    if fit.fault is not None and fit.fault != text:
        text = f"{text}; the smallest size is refused as well: {fit.fault}"
    _refuse(
        draft,
        request,
        fault=text,
        breaches=fit.breaches,
        missing=fit.missing,
        largest=fit.largest,
    )


@attrs.frozen
class _Draught:
    """A plan, and the quantity that was asked where it had to be made smaller."""

    plan: Plan
    asked: Qty | None = None


def _judge(draft: Draft, request: OpenRequest, wish: Wish, made: _Draught) -> None:
    plan = made.plan
    order = entry_order(plan, draft.books.client_id(request.key, Purpose(Role.ENTRY), 0))
    faults = venue_faults(order, wish.given.instrument, plan.entry)
    if faults:
        _refuse(draft, request, fault=words_of(faults))
        return
    verdict = judge(order, plan.proposal, wish.snapshot, wish.limits)
    if isinstance(verdict, Approved):
        _intend(draft, request, wish.given, plan, verdict.order, asked=made.asked)
        return
    largest = largest_fit(wish).largest
    smaller = _smaller(draft, wish, verdict, largest)
    if smaller is not None:
        reduced = entry_order(smaller, order.client_id)
        again = judge(reduced, smaller.proposal, wish.snapshot, wish.limits)
        if isinstance(again, Approved):
            asked = plan.qty if made.asked is None else made.asked
            _intend(draft, request, wish.given, smaller, again.order, asked=asked)
            return
    _refuse(
        draft,
        request,
        breaches=verdict.breaches,
        missing=verdict.missing,
        largest=None if verdict.largest is None and largest == ZERO_QTY else largest,
    )


def _smaller(draft: Draft, wish: Wish, refused: Refused, largest: Qty) -> Plan | None:
    """Plan again with the largest quantity that passes, where the policy is to reduce.

    Where less passes than the rules name, it is for what a smaller size loses, such as a target:
    then nothing is reduced.
    """
    named = refused.largest
    if draft.config.limits.oversize is not Oversize.REDUCE or named is None:
        return None
    if named == ZERO_QTY or largest < named:
        return None
    plan = make_plan(wish.signal, attrs.evolve(wish.given, qty_max=largest))
    return None if isinstance(plan, Fault) else plan


def signal_limits(limits: RiskLimits, signal: Signal) -> RiskLimits:
    """Return the limits with the signal's own demand, which may only be stricter."""
    least = max(limits.reward_to_risk_net_min, signal.reward_to_risk_min)
    return attrs.evolve(limits, reward_to_risk_net_min=least)


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
    """Return what all else must maintain; where it is not known, a rule of the account refuses."""
    known = maintenance.of_others(draft.state, symbol)
    return ZERO_MONEY if known is None else known


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
    breaches: tuple[Breach, ...] = (),
    missing: tuple[Missing, ...] = (),
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
            breaches=breaches,
            missing=missing,
            fault=fault,
            largest=largest,
            time_ms=draft.now_ms,
        )
    )
