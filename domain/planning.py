"""From a signal to a plan: stop, size, ladder, liquidation price, and the proposal to judge.

Pure and without opinion on limits: what the rules think of the plan is the judge's matter.
"""

import enum

import attrs

from .costs import Costs, Liquidity, net_reward_to_risk, worst_loss_per_unit
from .entry_terms import EntryFault, EntryTerms, entry_terms
from .grid import qty_down
from .instrument import Instrument
from .levels import Ladder, LevelRefusal, check_plan, plan_ladder, stop_price
from .liquidation import NOTHING_JOINED, Joined, LiquidationTerms
from .managed_levels import management_faults
from .margin import maintenance_added, order_cost, tier_for
from .money import ZERO_MONEY, Money, Price, Qty, Rate
from .orders import OrderKind, Side, TimeInForce, Trigger
from .reports import MarginMode
from .risk.snapshot import Proposal
from .signal import ExactQty, Signal
from .sizing import Sizing, SizingFault, SizingInput, SizingRefusal, size

__all__ = ["Fault", "FaultKind", "Plan", "PlanInput", "make_plan"]

_ONE_COIN = Qty.of(1)
_TOO_SMALL = frozenset(
    {SizingFault.BELOW_QTY_MIN, SizingFault.BELOW_NOTIONAL_MIN, SizingFault.BELOW_VIABLE}
)


class FaultKind(enum.Enum):
    """Which part of a plan could not be made."""

    ENTRY = "entry"
    STOP = "stop"
    SIZE = "size"
    LADDER = "ladder"
    LEVELS = "levels"
    PRICE = "price"


@attrs.frozen(kw_only=True)
class Fault:
    """Why no plan could be made, with evidence.

    ``smallest`` is the smallest size that would do. ``largest`` and ``asked`` are set where the
    size asked is above the venue's maximum.
    """

    kind: FaultKind
    observed: str
    limit: str
    remedy: str
    smallest: Qty | None = None
    largest: Qty | None = None
    asked: Qty | None = None

    def __str__(self) -> str:
        return f"{self.observed}; limit: {self.limit}; {self.remedy}"


@attrs.frozen(kw_only=True)
class PlanInput:
    """What a plan is made from. ``reference`` is the present price of a market order: ask or bid.

    ``watched`` is the present price of the kind that the entry's trigger watches. ``held_stop`` is
    the stop of the position already there: an addition shares one stop with it, the tighter of the
    two, and is managed as that position (``is_addition``). ``joined`` is that position and the
    entries of its side in flight: they are liquidated as one. ``others_unrealised`` is the sum over
    the other positions, and ``others_maintenance`` over those and every entry that may open or add
    to one.
    """

    instrument: Instrument
    costs: Costs
    equity: Money
    wallet: Money
    reference: Price
    margin_mode: MarginMode
    notional_viable_min: Money
    exposure_symbol: Money = ZERO_MONEY
    held_stop: Price | None = None
    is_addition: bool = False
    joined: Joined = NOTHING_JOINED
    others_unrealised: Money = ZERO_MONEY
    others_maintenance: Money = ZERO_MONEY
    qty_max: Qty | None = None
    watched: Price | None = None


@attrs.frozen(kw_only=True)
class Plan:
    """Everything needed to judge and to send an entry; all prices and quantities on the grid."""

    signal: Signal
    qty: Qty
    entry: Price
    entry_worst: Price
    trigger: Trigger | None
    take_profit: Price | None
    stop: Price | None
    ladder: Ladder
    sizing: Sizing
    proposal: Proposal
    liquidation: Price | None


def make_plan(signal: Signal, given: PlanInput) -> Plan | Fault:
    """Plan ``signal``, all on the grid, or say by a ``Fault`` what is wrong and the remedy."""
    terms = entry_terms(
        signal.entry,
        side=signal.side,
        reference=given.reference,
        watched=given.watched,
        tick=given.instrument.tick,
        costs=given.costs,
    )
    if isinstance(terms, EntryFault):
        return Fault(
            kind=FaultKind.ENTRY,
            observed=terms.observed,
            limit=terms.limit,
            remedy=terms.remedy,
        )
    stop = _stop(signal, given, terms.entry)
    if isinstance(stop, Fault):
        return stop
    sizing = _size(signal, given, terms, stop)
    if isinstance(sizing, SizingRefusal):
        return Fault(
            kind=FaultKind.SIZE,
            observed=sizing.observed,
            limit=sizing.limit,
            remedy=_size_remedy(sizing, given.instrument),
            smallest=sizing.smallest,
            largest=sizing.largest,
            asked=sizing.asked,
        )
    qty = sizing.qty
    ladder = _ladder(signal, given, terms.entry, stop, qty)
    if isinstance(ladder, LevelRefusal):
        return _fault(FaultKind.LADDER, ladder)
    hidden = _hidden_rung(signal, terms.take_profit, ladder)
    if hidden is not None:
        return hidden
    return _checked(signal, given, _Parts(terms, stop, qty, ladder, sizing))


@attrs.frozen
class _Parts:
    """The parts of a plan before they are checked as one."""

    terms: EntryTerms
    stop: Price | None
    qty: Qty
    ladder: Ladder
    sizing: Sizing

    @property
    def entry(self) -> Price:
        """Return the decision price."""
        return self.terms.entry

    @property
    def worst(self) -> Price:
        """Return the worst fill allowed for."""
        return self.terms.worst


def _hidden_rung(signal: Signal, target: Price | None, ladder: Ladder) -> Fault | None:
    """Refuse a take-profit for the whole position that fires before a rung of the ladder."""
    if target is None:
        return None
    for rung in ladder.rungs:
        if (rung.price - target).times(signal.side.sign).sign > 0:
            return Fault(
                kind=FaultKind.LADDER,
                observed=f"target {rung.number} at {rung.price}, beyond the take-profit {target}",
                limit="the take-profit closes the whole position: no target lies beyond it",
                remedy="give a take-profit at the last target or farther, or a shorter ladder",
            )
    return None


def _size_remedy(refusal: SizingRefusal, spec: Instrument) -> str:
    """Say what would do: below a minimum, the smallest size that passes all of them."""
    remedy = f"{refusal.reason.value}: use another size or stop"
    if refusal.reason not in _TOO_SMALL:
        return remedy
    return f"{remedy}; the smallest that passes is {refusal.smallest} {spec.base_coin}"


def _fault(kind: FaultKind, refusal: LevelRefusal) -> Fault:
    return Fault(kind=kind, observed=refusal.observed, limit=refusal.limit, remedy=refusal.remedy)


def _stop(signal: Signal, given: PlanInput, entry: Price) -> Price | Fault | None:
    if signal.stop is None:
        return given.held_stop
    tick = given.instrument.tick
    planned = stop_price(
        signal.stop, entry=entry, side=signal.side, leverage=signal.leverage, tick=tick
    )
    if isinstance(planned, LevelRefusal):
        return _fault(FaultKind.STOP, planned)
    if given.held_stop is None:
        return planned
    # One stop protects the whole position: the tighter keeps both approvals.
    is_long = signal.side is Side.BUY
    return max(planned, given.held_stop) if is_long else min(planned, given.held_stop)


def _liquidity(signal: Signal) -> Liquidity:
    is_maker = signal.entry.time_in_force is TimeInForce.POST_ONLY
    return Liquidity.MAKER if is_maker else Liquidity.TAKER


def _size(
    signal: Signal, given: PlanInput, terms: EntryTerms, stop: Price | None
) -> Sizing | SizingRefusal:
    to_size = SizingInput(
        equity=given.equity,
        entry=terms.worst,
        stop=stop,
        side=signal.side,
        leverage=signal.leverage,
        costs=given.costs,
        instrument=given.instrument,
        liquidity=_liquidity(signal),
        notional_viable_min=given.notional_viable_min,
        is_market=signal.entry.kind is OrderKind.MARKET,
        reference=terms.entry,
    )
    sized = size(signal.sizing, to_size)
    if given.qty_max is None or not _exceeds(sized, given.qty_max):
        return sized
    smaller = qty_down(given.qty_max, given.instrument.qty_step)
    return size(ExactQty(smaller), to_size)


def _exceeds(sized: Sizing | SizingRefusal, qty_max: Qty) -> bool:
    if isinstance(sized, SizingRefusal):
        return sized.largest is not None
    return sized.qty > qty_max


def _ladder(
    signal: Signal, given: PlanInput, entry: Price, stop: Price | None, qty: Qty
) -> Ladder | LevelRefusal:
    if not signal.ladder:
        return Ladder()
    return plan_ladder(
        signal.ladder,
        entry=entry,
        stop=stop,
        side=signal.side,
        qty=qty,
        instrument=given.instrument,
    )


def _liquidation_terms(signal: Signal, given: PlanInput, worst: Price) -> LiquidationTerms:
    return LiquidationTerms(
        instrument=given.instrument,
        side=signal.side,
        worst=worst,
        leverage=signal.leverage,
        taker=given.costs.fees.taker,
        margin_mode=given.margin_mode,
        wallet=given.wallet,
        exposure_symbol=given.exposure_symbol,
        others_unrealised=given.others_unrealised,
        others_maintenance=given.others_maintenance,
        joined=given.joined,
    )


def _checked(signal: Signal, given: PlanInput, parts: _Parts) -> Plan | Fault:
    spec = given.instrument
    terms = _liquidation_terms(signal, given, parts.worst)
    liquidation = terms.at(parts.qty)
    faults = check_plan(
        side=signal.side,
        entry=parts.entry,
        stop=parts.stop,
        rungs=parts.ladder.rungs,
        qty=parts.qty,
        liquidation=liquidation,
        price_min=spec.price_min,
        price_max=spec.price_max,
        tick=spec.tick,
    )
    if not given.is_addition:
        faults += management_faults(signal, entry=parts.entry, stop=parts.stop)
    if faults:
        return Fault(
            kind=FaultKind.LEVELS,
            observed="; ".join(fault.observed for fault in faults),
            limit="; ".join(fault.limit for fault in faults),
            remedy="; ".join(fault.remedy for fault in faults),
        )
    return Plan(
        signal=signal,
        qty=parts.qty,
        entry=parts.entry,
        entry_worst=parts.worst,
        trigger=parts.terms.trigger,
        take_profit=parts.terms.take_profit,
        stop=parts.stop,
        ladder=parts.ladder,
        sizing=parts.sizing,
        proposal=_proposal(signal, given, parts, terms),
        liquidation=liquidation,
    )


def _proposal(
    signal: Signal, given: PlanInput, parts: _Parts, liquidation: LiquidationTerms
) -> Proposal:
    taker = given.costs.fees.taker
    tier = tier_for(given.instrument.tiers, given.exposure_symbol + parts.worst * parts.qty)
    return Proposal(
        signal_id=signal.signal_id,
        symbol=signal.symbol,
        side=signal.side,
        qty=parts.qty,
        price=parts.worst,
        reference_price=parts.entry,
        stop=parts.stop,
        worst_loss_per_unit=_worst_loss(signal, given, parts),
        leverage=signal.leverage,
        reward_to_risk_net=_net_reward(signal, given, parts),
        liquidation_price=liquidation.at(parts.qty),
        liquidation_terms=liquidation,
        initial_margin_per_unit=order_cost(
            side=signal.side,
            qty=_ONE_COIN,
            price=parts.worst,
            leverage=signal.leverage,
            taker=taker,
        ),
        maintenance_margin_per_unit=maintenance_added(
            side=signal.side,
            qty=_ONE_COIN,
            price=parts.worst,
            leverage=signal.leverage,
            tier=tier,
            taker=taker,
        ),
        orders_to_send=1 + len(parts.ladder.rungs),
    )


def _worst_loss(signal: Signal, given: PlanInput, parts: _Parts) -> Money | None:
    if parts.stop is None:
        return None
    return worst_loss_per_unit(
        side=signal.side,
        entry=parts.worst,
        stop=parts.stop,
        costs=given.costs,
        entry_liquidity=_liquidity(signal),
    )


def _net_reward(signal: Signal, given: PlanInput, parts: _Parts) -> Rate | None:
    if parts.stop is None:
        return None
    return net_reward_to_risk(
        side=signal.side,
        entry=parts.worst,
        stop=parts.stop,
        rungs=parts.ladder.rungs,
        qty=parts.qty,
        costs=given.costs,
        entry_liquidity=_liquidity(signal),
        take_profit=parts.terms.take_profit,
    )
