"""A changed entry as a whole plan: made as if the order were not there, judged if it adds risk."""

import attrs
from tidegate.domain.limits_venue import venue_faults
from tidegate.domain.money import ZERO_QTY, Price
from tidegate.domain.orders import OrderRequest, ProtectiveLeg, Side
from tidegate.domain.planning import Fault, Plan, make_plan
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.judge import Refused, judge
from tidegate.domain.signal import Entry, ExactQty, Signal, StopAtPrice
from tidegate.domain.triggers import TriggerSpec

from .draft import Draft
from .opening import plan_input, signal_limits
from .refusing import words_of
from .snapshots import risk_snapshot
from .state import Order, State, without

__all__ = ["EntryChange", "adds_risk", "entry_change"]


@attrs.frozen
class EntryChange:
    """An order as it is wanted; for an entry the plan behind it, and its worst fill."""

    request: OrderRequest
    signal: Signal | None
    worst_price: Price | None


def entry_change(
    draft: Draft, order: Order, signal: Signal, wanted: OrderRequest
) -> EntryChange | Refused | str:
    """Plan the changed entry without its own reservation, and judge it where it adds risk.

    What only makes the order smaller, its price better or its stop tighter is planned, and checked
    against the venue's limits, and passes the rules.

    An ``EntryChange`` may be sent; ``Refused`` says which rules fail; a text says why no plan can
    be made.
    """
    alone = _without(draft.state, order)
    snapshot = attrs.evolve(
        risk_snapshot(alone, signal.symbol, signal.signal_id, draft.config, draft.now_ms),
        signal_seen=False,
    )
    amended = _amended(order, signal, wanted)
    given = plan_input(Draft(alone, draft.config, draft.now_ms), amended, snapshot)
    if isinstance(given, str):
        return given
    plan = make_plan(amended, given)
    if isinstance(plan, Fault):
        return str(plan)
    made = _planned(order, wanted, plan)
    faults = venue_faults(made, given.instrument, plan.entry)
    if faults:
        return words_of(faults)
    if adds_risk(order.request, made):
        judged = attrs.evolve(made, qty=plan.qty, stop_loss=_leg(plan.stop, made.stop_loss))
        limits = signal_limits(draft.config.limits, amended)
        verdict = judge(judged, plan.proposal, snapshot, limits)
        if not isinstance(verdict, Approved):
            return verdict
    return EntryChange(made, _kept(order, signal, amended, made), plan.entry_worst)


def adds_risk(present: OrderRequest, wanted: OrderRequest) -> bool:
    """Tell whether a changed entry is anything but smaller, better priced or tighter stopped."""
    if wanted.qty > present.qty or wanted.trigger != present.trigger:
        return True
    if wanted.take_profit != present.take_profit:
        return True
    if wanted.price is not None and present.price is not None:
        worse = (wanted.price - present.price).times(present.side.sign)
        if worse.sign > 0:
            return True
    return _is_looser(present, wanted)


def _is_looser(present: OrderRequest, wanted: OrderRequest) -> bool:
    before, after = present.stop_loss, wanted.stop_loss
    if before == after or before is None:
        return False
    if after is None or after.by is not before.by:
        return True
    if present.side is Side.BUY:
        return after.price < before.price
    return after.price > before.price


def _without(state: State, order: Order) -> State:
    orders = without(state.books.orders, order.request.client_id)
    return attrs.evolve(state, books=attrs.evolve(state.books, orders=orders))


def _amended(order: Order, signal: Signal, wanted: OrderRequest) -> Signal:
    """Return the signal that asks for what is left of the changed entry.

    What has filled shares the position's stop with the rest, whatever the order carried.
    """
    trigger = wanted.trigger
    entry = Entry(
        kind=wanted.kind,
        price=wanted.price,
        time_in_force=wanted.time_in_force,
        trigger=(
            None
            if trigger is None or order.is_triggered
            else TriggerSpec(price=trigger.price, by=trigger.by, direction=trigger.direction)
        ),
        take_profit=None if wanted.take_profit is None else wanted.take_profit.price,
    )
    stop = signal.stop
    if order.qty_filled > ZERO_QTY:
        stop = None
    elif wanted.stop_loss != order.request.stop_loss:
        stop = None if wanted.stop_loss is None else StopAtPrice(wanted.stop_loss.price)
    sizing = ExactQty(wanted.qty - order.qty_filled)
    return attrs.evolve(signal, entry=entry, stop=stop, sizing=sizing)


def _planned(order: Order, wanted: OrderRequest, plan: Plan) -> OrderRequest:
    """Return the order with the levels of its plan; what has filled keeps the legs that it has."""
    if order.qty_filled > ZERO_QTY:
        return wanted
    return attrs.evolve(
        wanted,
        stop_loss=_leg(plan.stop, wanted.stop_loss),
        take_profit=_leg(plan.take_profit, wanted.take_profit),
    )


def _leg(price: Price | None, present: ProtectiveLeg | None) -> ProtectiveLeg | None:
    if price is None:
        return None
    return ProtectiveLeg(price=price) if present is None else attrs.evolve(present, price=price)


def _kept(order: Order, signal: Signal, amended: Signal, made: OrderRequest) -> Signal:
    """Return the signal that stands behind the order, and behind the trade that it opens."""
    stop = signal.stop if order.qty_filled > ZERO_QTY else amended.stop
    return attrs.evolve(amended, sizing=ExactQty(made.qty), stop=stop)
