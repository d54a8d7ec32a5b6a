"""Rules about the desk itself: halted, wrong venue, stream down, signal seen before."""

from tidegate.domain.mode import VENUES_OF, TradingState, mode_agrees

from . import wording
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Passed, Rule, Verdict

__all__ = [
    "duplicate_signal",
    "findings_settled",
    "opposite_position",
    "panic",
    "stream_healthy",
    "trading_mode",
    "trading_state",
]


def panic(_proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse every entry from the start of a panic until its reset."""
    if not snapshot.is_panicked:
        return Passed(rule=Rule.PANIC)
    return Breach(
        rule=Rule.PANIC,
        observed="panic",
        limit="no panic",
        remedy="reset the panic with its literal confirmation",
    )


def trading_state(_proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse every entry while reducing or halted: an entry adds to a position."""
    if snapshot.trading_state is TradingState.ACTIVE:
        return Passed(rule=Rule.TRADING_STATE)
    return Breach(
        rule=Rule.TRADING_STATE,
        observed=snapshot.trading_state.name,
        limit=TradingState.ACTIVE.name,
        remedy="remove what holds the desk back, then resume trading",
    )


def trading_mode(_proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse when the configured mode may not trade on the venue that was built."""
    if mode_agrees(snapshot.mode, snapshot.venue):
        return Passed(rule=Rule.TRADING_MODE)
    accepted = " or ".join(sorted(venue.value for venue in VENUES_OF[snapshot.mode]))
    return Breach(
        rule=Rule.TRADING_MODE,
        observed=f"mode {snapshot.mode.value} on {snapshot.venue.value}",
        limit=f"mode {snapshot.mode.value} on {accepted}",
        remedy="configure the mode and the venue so that they agree",
    )


def stream_healthy(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse once a needed stream is down for longer than the grace time.

    A start of the outage that lies further ahead than the permitted clock lead says nothing of its
    length: that refuses too.
    """
    since = snapshot.stream_down_since_ms
    if since is None or not snapshot.streams_needed:
        return Passed(rule=Rule.STREAM_HEALTHY)
    down_ms = snapshot.now_ms - since
    if -limits.clock_lead_ms_max <= down_ms <= limits.stream_grace_ms:
        return Passed(rule=Rule.STREAM_HEALTHY)
    return Breach(
        rule=Rule.STREAM_HEALTHY,
        observed=f"down for {wording.seconds(down_ms)}",
        limit=wording.seconds(limits.stream_grace_ms),
        remedy="wait until the stream is up again and reconciled",
    )


def findings_settled(_proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse while the books and the venue are known to differ."""
    if not snapshot.has_unsettled_findings:
        return Passed(rule=Rule.FINDINGS_SETTLED)
    return Breach(
        rule=Rule.FINDINGS_SETTLED,
        observed="unsettled differences from the venue",
        limit="none",
        remedy="reconcile, and settle every finding",
    )


def duplicate_signal(proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse a signal whose id was traded before."""
    if not snapshot.signal_seen:
        return Passed(rule=Rule.DUPLICATE_SIGNAL)
    return Breach(
        rule=Rule.DUPLICATE_SIGNAL,
        observed=f"signal {proposal.signal_id} was acted on before",
        limit="each signal once",
        remedy="give a new signal a new id",
    )


def opposite_position(proposal: Proposal, snapshot: RiskSnapshot, _limits: RiskLimits) -> Verdict:
    """Refuse an entry against a position: in one-way mode it would reduce or flip it."""
    held = snapshot.symbol_side
    if held is None or held is proposal.side:
        return Passed(rule=Rule.OPPOSITE_POSITION)
    return Breach(
        rule=Rule.OPPOSITE_POSITION,
        observed=f"{proposal.side.value} against a {held.value} position",
        limit=f"flat or {proposal.side.value}",
        remedy=f"close the position in {proposal.symbol} first",
    )
