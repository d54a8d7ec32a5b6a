"""Changes that somebody makes to a position of ours at the venue: adopted or reverted.

Each is an event and a finding. The finding is settled when the venue and the books agree again: at
once where a change is adopted, and once the wanted value is shown where it is reverted. One R never
changes by it: that is what was at risk when the entry filled.
"""

from typing import Generic, Protocol, TypeVar

import attrs
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO, ZERO_DISTANCE, Distance, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ManualChanges, ProtectionChange, ProtectionSource
from tidegate.domain.reports import Execution, Origin, PositionReport
from tidegate.domain.risk.rules_protection import Objection, judge_protection
from tidegate.domain.risk.verdict import Breach

from .brought import STOP, TARGET, is_brought
from .changing import change_protection, is_change_due
from .comparing import finding_seen
from .draft import Draft
from .events import (
    Event,
    FindingSettled,
    HandDecision,
    LeverageChangedByHand,
    LeverageRevertIntended,
    PositionChangedByHand,
    StopChangedByHand,
    TargetChangedByHand,
    TrailingChangedByHand,
)
from .inputs import FindingSeen
from .late import is_late, is_late_stop, is_stop_on_its_way
from .protect_requests import held_position
from .state import LiveTrade

__all__ = [
    "leverage_wanted",
    "note_by_hand",
    "note_fill_by_hand",
    "note_stop_by_hand",
    "settle_by_hand",
]

_CLEARED = Price(ZERO)
_LATE = "an earlier request of ours arrived late"


@attrs.frozen
class _Verdict:
    """What to do, and why."""

    decision: HandDecision
    why: str

    @property
    def is_adopted(self) -> bool:
        return self.decision is HandDecision.ADOPTED


V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)


class _Event(Protocol[V_contra]):
    def __call__(
        self,
        *,
        symbol: Symbol,
        trade_key: str,
        before: V_contra,
        after: V_contra,
        decision: HandDecision,
        why: str,
        time_ms: int,
    ) -> Event: ...


@attrs.frozen
class _Change(Generic[V]):
    """What may be changed by hand: the name of it, and the event that says so."""

    subject: str
    event: _Event[V]


_STOP: _Change[Price | None] = _Change("stop", StopChangedByHand)
_TARGET: _Change[Price | None] = _Change("take-profit", TargetChangedByHand)
_TRAILING: _Change[Distance | None] = _Change("trailing stop", TrailingChangedByHand)
_LEVERAGE: _Change[Rate] = _Change("leverage", LeverageChangedByHand)


def _finding_id(symbol: Symbol, subject: str) -> str:
    return f"by_hand:{subject}:{symbol}"


def _raise(draft: Draft, symbol: Symbol, subject: str, *, change: str, verdict: _Verdict) -> None:
    """Raise the finding of a change; an adopted one is settled with it."""
    finding_seen(
        draft,
        FindingSeen(
            finding_id=_finding_id(symbol, subject),
            symbol=symbol,
            text=f"{symbol}: {subject} changed by hand, {change}: {verdict.decision.value}, "
            f"{verdict.why}",
            blocks_entries=False,
        ),
    )
    if verdict.is_adopted:
        settle_by_hand(draft, symbol, subject)


def settle_by_hand(draft: Draft, symbol: Symbol, subject: str) -> None:
    """Settle the finding of a change once the venue shows what is wanted."""
    name = _finding_id(symbol, subject)
    if name in draft.books.findings:
        draft.emit(FindingSettled(finding_id=name, time_ms=draft.now_ms))


def _is_open(draft: Draft, symbol: Symbol, subject: str) -> bool:
    return _finding_id(symbol, subject) in draft.books.findings


def _is_halted(draft: Draft) -> bool:
    return draft.books.effective_state is TradingState.HALTED


# The stop


def note_stop_by_hand(
    draft: Draft, trade: LiveTrade, report: PositionReport, earlier: PositionReport | None
) -> bool:
    """Decide about a stop that is not the wanted one; tells whether it may stay as it is.

    It may where it is the wanted one now, or a late one of ours that another is about to replace.
    A stop that an entry or a late request of ours brought is none of somebody's doing, and neither
    is one that is gone with the price beyond it: it fired.
    """
    shown, wanted = report.stop_loss, trade.stop_wanted
    if trade.closing is not None or shown == wanted:
        return False
    if shown is None:
        is_fired = wanted is not None and not is_tighter(report.mark, wanted, side=trade.side)
        if is_fired:
            return False
    elif is_brought(draft, trade, STOP, report, earlier):
        return False
    if is_late_stop(draft, trade, shown):
        return is_stop_on_its_way(draft, trade)
    verdict = _about_stop(draft, trade, shown)
    _tell(draft, trade, _STOP, before=wanted, after=shown, verdict=verdict)
    return verdict.is_adopted


def _tell(
    draft: Draft,
    trade: LiveTrade,
    change: _Change[V],
    *,
    before: V,
    after: V,
    verdict: _Verdict,
) -> None:
    """Journal a change and raise its finding."""
    draft.emit(
        change.event(
            symbol=trade.symbol,
            trade_key=trade.key,
            before=before,
            after=after,
            decision=verdict.decision,
            why=verdict.why,
            time_ms=draft.now_ms,
        )
    )
    _raise(draft, trade.symbol, change.subject, change=_from_to(before, after), verdict=verdict)


def _from_to(before: object, after: object) -> str:
    return f"from {before} to {after}"


def _adopted(why: str) -> _Verdict:
    return _Verdict(HandDecision.ADOPTED, why)


def _reverted(why: str) -> _Verdict:
    return _Verdict(HandDecision.REVERTED, why)


def _about_stop(draft: Draft, trade: LiveTrade, shown: Price | None) -> _Verdict:
    policy = draft.config.manual_changes
    if shown is not None and is_tighter(shown, trade.stop_wanted, side=trade.side):
        if policy is ManualChanges.REVERT and not _is_halted(draft):
            return _reverted("manual_changes is revert")
        return _adopted("it is tighter")
    if policy is not ManualChanges.ADOPT:
        return _reverted("it takes protection away")
    held = held_position(draft, trade.symbol)
    if isinstance(held, str):
        return _reverted(held)
    change = ProtectionChange(stop_loss=_CLEARED if shown is None else shown)
    objections = judge_protection(change, held, draft.config.limits)
    if objections:
        return _reverted("; ".join(map(_written, objections)))
    return _adopted("the rules allow it")


def _written(objection: Objection) -> str:
    if isinstance(objection, Breach):
        return f"{objection.rule.value}: {objection.observed}; limit: {objection.limit}"
    return f"{objection.rule.value}: {objection.what} is not known"


# What is not the stop


def note_by_hand(draft: Draft, report: PositionReport, earlier: PositionReport | None) -> None:
    """Compare take-profit, trailing stop and leverage of a position of ours with what is wanted.

    ``earlier`` is what the venue showed before.
    """
    for look in (_look_at_target, _look_at_trailing, _look_at_leverage):
        trade = draft.trade(report.symbol)
        if trade is None or report.qty.sign == 0 or trade.closing is not None:
            return
        look(draft, trade, report, earlier)


def _is_changing(draft: Draft, symbol: Symbol) -> bool:
    """Tell whether a change of our own is under way: what is shown may be of before or after."""
    return symbol in draft.books.protecting


def _look_at_target(
    draft: Draft, trade: LiveTrade, report: PositionReport, earlier: PositionReport | None
) -> None:
    shown, wanted = report.take_profit, trade.managed.take_profit
    if _is_changing(draft, trade.symbol):
        return
    if shown == wanted:
        settle_by_hand(draft, trade.symbol, _TARGET.subject)
        return
    if shown is None and wanted is not None and is_tighter(report.mark, wanted, side=trade.side):
        # The price is beyond it: it fired.
        return
    is_told = _is_open(draft, trade.symbol, _TARGET.subject)
    if shown is not None and not is_told and is_brought(draft, trade, TARGET, report, earlier):
        return
    verdict = _about_target(draft, trade, shown, is_told=is_told)
    if not is_told:
        _tell(draft, trade, _TARGET, before=wanted, after=shown, verdict=verdict)
    if not verdict.is_adopted:
        back = _CLEARED if wanted is None else wanted
        _restore(draft, trade, ProtectionChange(take_profit=back))


def _about_target(
    draft: Draft, trade: LiveTrade, shown: Price | None, *, is_told: bool
) -> _Verdict:
    """Return what to do; what was told and is open was to be reverted, and still is."""
    if draft.config.manual_changes is ManualChanges.REVERT:
        return _reverted("manual_changes is revert")
    if is_told or is_late(draft, trade, lambda change: change.take_profit, shown):
        return _reverted(_LATE)
    return _adopted("it takes no risk")


def _restore(draft: Draft, trade: LiveTrade, change: ProtectionChange) -> None:
    if is_change_due(draft, trade):
        change_protection(draft, trade, ProtectionSource.REVERT, change)


def _look_at_trailing(
    draft: Draft, trade: LiveTrade, report: PositionReport, _: PositionReport | None
) -> None:
    trail, shown = trade.managed.trail, report.trailing_distance
    wanted = None if trail is None else trail.distance
    if shown == wanted:
        settle_by_hand(draft, trade.symbol, _TRAILING.subject)
        return
    if _is_changing(draft, trade.symbol) or (
        trail is not None and not trade.managed.is_trail_shown
    ):
        return
    is_told = _is_open(draft, trade.symbol, _TRAILING.subject)
    is_ours = is_late(draft, trade, lambda change: change.trailing_distance, shown)
    verdict = _about_trailing(draft, wanted, shown, is_kept_out=is_told or is_ours)
    if not is_told:
        _tell(draft, trade, _TRAILING, before=wanted, after=shown, verdict=verdict)
    if not verdict.is_adopted and trail is None:
        _restore(draft, trade, ProtectionChange(trailing_distance=ZERO_DISTANCE))


def _about_trailing(
    draft: Draft, wanted: Distance | None, shown: Distance | None, *, is_kept_out: bool
) -> _Verdict:
    policy = draft.config.manual_changes
    if is_kept_out and not _is_halted(draft):
        return _reverted(_LATE)
    is_tighter_now = shown is not None and (wanted is None or shown < wanted)
    if is_tighter_now:
        if policy is ManualChanges.REVERT and not _is_halted(draft):
            return _reverted("manual_changes is revert")
        return _adopted("it is tighter")
    if policy is ManualChanges.ADOPT and not _is_halted(draft):
        return _adopted("the position's own stop bounds the risk")
    return _reverted("it takes protection away")


def note_fill_by_hand(draft: Draft, trade: LiveTrade, execution: Execution, before: Qty) -> None:
    """Note that somebody else's order added to a position of ours, or reduced it."""
    is_foreign = execution.origin is Origin.USER and draft.books.order(execution.client_id) is None
    if not is_foreign:
        return
    after = draft.books.position(trade.symbol).qty
    draft.emit(
        PositionChangedByHand(
            symbol=trade.symbol,
            trade_key=trade.key,
            before=before,
            after=after,
            time_ms=draft.now_ms,
        )
    )
    verdict = _adopted("a fill is a fact")
    _raise(draft, trade.symbol, "quantity", change=_from_to(before, after), verdict=verdict)


def leverage_wanted(trade: LiveTrade) -> Rate:
    """Return the leverage that a trade is to have: the signal's, or one that was adopted."""
    return trade.signal.leverage if trade.managed.leverage is None else trade.managed.leverage


def _look_at_leverage(
    draft: Draft, trade: LiveTrade, report: PositionReport, _: PositionReport | None
) -> None:
    wanted, shown = leverage_wanted(trade), report.leverage
    if shown == wanted:
        settle_by_hand(draft, trade.symbol, _LEVERAGE.subject)
        return
    if _is_set_now(draft, trade.symbol):
        return
    verdict = _about_leverage(draft, wanted, shown)
    if not _is_open(draft, trade.symbol, _LEVERAGE.subject):
        _tell(draft, trade, _LEVERAGE, before=wanted, after=shown, verdict=verdict)
    subject = f"leverage {trade.symbol}"
    if not verdict.is_adopted and draft.is_due(subject):
        draft.note_asked(subject)
        draft.emit(LeverageRevertIntended(symbol=trade.symbol, leverage=wanted))


def _is_set_now(draft: Draft, symbol: Symbol) -> bool:
    """Tell whether an operator's leverage is under way: what is shown may be of before or after."""
    settings = draft.books.settings.values()
    return any(isinstance(one, LeverageSetting) and one.symbol == symbol for one in settings)


def _about_leverage(draft: Draft, wanted: Rate, shown: Rate) -> _Verdict:
    policy, cap = draft.config.manual_changes, draft.config.limits.leverage_max
    if shown < wanted:
        if policy is ManualChanges.REVERT and not _is_halted(draft):
            return _reverted("manual_changes is revert")
        return _adopted("it is lower")
    if policy is ManualChanges.ADOPT and shown <= cap and not _is_halted(draft):
        return _adopted(f"at most {cap} is allowed")
    if policy is ManualChanges.ADOPT and shown > cap:
        return _reverted(f"it is above the cap of {cap}")
    return _reverted("it is higher")
