"""The judge: every rule over one snapshot, and the only maker of an approval.

There is no bypass. A rule that fails, or that cannot be evaluated, refuses the whole plan.
"""

from collections.abc import Callable

import attrs
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, ZERO_RATE, Qty
from tidegate.domain.orders import OrderRequest, Role

from . import rules_history, rules_margin, rules_market, rules_size, rules_state, rules_venue
from .approval import _SEAL, Approved
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Verdict

__all__ = ["RULES", "Assessment", "Refused", "evaluate", "judge", "passes", "recall"]

RuleFunction = Callable[[Proposal, RiskSnapshot, RiskLimits], Verdict]

RULES: tuple[RuleFunction, ...] = (
    rules_state.panic,
    rules_state.trading_state,
    rules_state.trading_mode,
    rules_market.symbol_allowed,
    rules_market.symbol_trading,
    rules_market.protective_stop,
    rules_market.market_fresh,
    rules_state.stream_healthy,
    rules_state.findings_settled,
    rules_state.duplicate_signal,
    rules_state.opposite_position,
    rules_history.day_loss,
    rules_history.drawdown,
    rules_history.loss_cooldown,
    rules_history.stop_guard,
    rules_history.losing_symbol,
    rules_history.order_rate_second,
    rules_history.order_rate_minute,
    rules_history.order_rate_day,
    rules_history.pending_orders,
    rules_margin.balance,
    rules_size.viable_size,
    rules_venue.venue_limits,
    rules_market.price_deviation,
    rules_venue.leverage,
    rules_market.liquidation_distance,
    rules_market.reward_to_risk,
    rules_size.positions,
    rules_size.position_size,
    rules_size.exposure,
    rules_size.concentration,
    rules_size.trade_risk,
    rules_margin.initial_margin,
    rules_margin.maintenance_margin,
    rules_margin.available_margin,
)
"""Every rule, in the order of :class:`~tidegate.domain.risk.verdict.Rule`."""


@attrs.frozen(kw_only=True)
class Assessment:
    """What every rule says of a plan, in their fixed order, and the largest size that passes all.

    ``largest`` is on the instrument's step and already respects the venue's and the viable
    minimum. It is ``None`` when something other than size fails or is unknown, so that no size
    would pass, and zero when size is the only matter and no size that can be traded passes. It
    keeps the plan's prices, leverage and amounts per base coin; a plan made again for the smaller
    size is judged again.
    """

    verdicts: tuple[Verdict, ...]
    largest: Qty | None

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Return every rule that does not hold."""
        return tuple(v for v in self.verdicts if isinstance(v, Breach))

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Return every rule that could not be evaluated."""
        return tuple(v for v in self.verdicts if isinstance(v, Missing))

    @property
    def passes(self) -> bool:
        """Tell whether every rule holds."""
        return _all_pass(self.verdicts)


@attrs.frozen(kw_only=True)
class Refused:
    """The plan is not allowed. All failing rules are named; ``largest`` as in an assessment."""

    breaches: tuple[Breach, ...]
    missing: tuple[Missing, ...]
    largest: Qty | None


def evaluate(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Assessment:
    """Ask every rule about ``proposal``; approves nothing."""
    _is_well_formed(proposal, snapshot)
    return Assessment(
        verdicts=_verdicts(proposal, snapshot, limits),
        largest=_largest(proposal, snapshot, limits),
    )


def passes(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> bool:
    """Tell whether every rule lets ``proposal`` through; approves nothing."""
    _is_well_formed(proposal, snapshot)
    return _all_pass(_verdicts(proposal, snapshot, limits))


def judge(
    order: OrderRequest, proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits
) -> Approved | Refused:
    """Approve ``order``, the entry of the plan ``proposal``, or say every rule that forbids it.

    ``Approved`` may be sent, as it is; ``Refused`` names every rule that does not hold or cannot be
    asked.

    Raises:
        AssertionError: when the order is not the one that the proposal describes, or the snapshot
            is of another symbol: our own bug, after which nothing may be sent.

    """
    _is_well_formed(proposal, snapshot)
    _is_the_order_of(proposal, order)
    verdicts = _verdicts(proposal, snapshot, limits)
    if _all_pass(verdicts):
        return Approved(order, seal=_SEAL)
    assessment = Assessment(verdicts=verdicts, largest=_largest(proposal, snapshot, limits))
    return Refused(
        breaches=assessment.breaches, missing=assessment.missing, largest=assessment.largest
    )


def recall(order: OrderRequest) -> Approved:
    """Return the approval that :func:`judge` gave to an intent already in the journal.

    Only for the core, where it turns a recorded entry into its send. The journal holds an entry
    only after `judge` let it through, so nothing new is approved here.
    """
    _can_enter(order)
    return Approved(order, seal=_SEAL)


def _verdicts(
    proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits
) -> tuple[Verdict, ...]:
    return tuple(rule(proposal, snapshot, limits) for rule in RULES)


def _all_pass(verdicts: tuple[Verdict, ...]) -> bool:
    return all(isinstance(verdict, Passed) for verdict in verdicts)


def _largest(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Qty | None:
    """Ask at the venue's maximum, where each rule names its own largest; the smallest of them wins.

    It is then asked again, with the liquidation price of its own size: a minimum may lie above it,
    and then no size passes.
    """
    if snapshot.instrument is None:
        return None
    cap = rules_venue.qty_max(snapshot.instrument)
    for verdict in _verdicts(attrs.evolve(proposal, qty=cap), snapshot, limits):
        match verdict:
            case Passed():
                continue
            case Breach() if verdict.is_about_size:
                cap = cap if verdict.largest is None else min(cap, verdict.largest)
            case Breach() | Missing():
                return None
    cap = rules_market.far_enough(proposal, cap, snapshot, limits)
    is_enough = _all_pass(_verdicts(proposal.of_size(cap), snapshot, limits))
    return cap if is_enough else ZERO_QTY


def _is_well_formed(proposal: Proposal, snapshot: RiskSnapshot) -> None:
    spec = snapshot.instrument
    assert spec is None or spec.symbol == proposal.symbol, (
        f"a plan for {proposal.symbol} is judged on a snapshot of {spec.symbol}"
    )
    assert proposal.qty >= ZERO_QTY, f"a plan of quantity {proposal.qty}: must not be negative"
    assert proposal.price.sign > 0, f"a plan at price {proposal.price}: must be above zero"
    assert proposal.leverage > ZERO_RATE, f"leverage {proposal.leverage}: must be above zero"
    assert ZERO_MONEY <= snapshot.exposure_symbol <= snapshot.exposure_total, (
        f"exposure of {snapshot.exposure_symbol} in {proposal.symbol} and "
        f"{snapshot.exposure_total} in total: unsigned, and the total holds the symbol's"
    )
    assert proposal.orders_to_send >= 1, f"{proposal.orders_to_send} orders to send: at least 1"
    for name, amount in (
        ("initial margin", proposal.initial_margin_per_unit),
        ("maintenance margin", proposal.maintenance_margin_per_unit),
    ):
        assert amount >= ZERO_MONEY, f"{name} per unit is {amount}: must not be negative"


def _is_the_order_of(proposal: Proposal, order: OrderRequest) -> None:
    _can_enter(order)
    assert order.symbol == proposal.symbol, f"order {order.symbol}, plan {proposal.symbol}"
    assert order.side is proposal.side, f"order {order.side.value}, plan {proposal.side.value}"
    assert order.qty == proposal.qty, f"order of {order.qty}, plan of {proposal.qty}"
    stop = None if order.stop_loss is None else order.stop_loss.price
    assert stop == proposal.stop, f"stop {stop} inside the order, {proposal.stop} in the plan"
    if order.price is not None:
        worse = (order.price - proposal.price).times(order.side.sign)
        assert worse.sign <= 0, f"limit {order.price} is worse than the plan's {proposal.price}"


def _can_enter(order: OrderRequest) -> None:
    assert order.purpose.role is Role.ENTRY, f"{order.client_id} is a {order.purpose}, no entry"
    assert not order.reduce_only, f"{order.client_id} is reduce-only: it needs no approval"
