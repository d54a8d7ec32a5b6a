"""Changes of a position's protection: recorded, sent, read back, and settled by what is shown.

One change of a symbol is under way at a time; an operator's takes the place of another. An answer
proves nothing: the position is read until it shows the change, or until it should have. What was
in force before stays in force until then.
"""

from collections.abc import Iterable

from tidegate.domain.lifecycle import OPEN
from tidegate.domain.money import ZERO_QTY, Amount, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import PartialPair, ProtectionChange, ProtectionSource
from tidegate.domain.reports import OrderReport, Origin, PositionReport

from .draft import Draft
from .effects import ReadPosition
from .events import (
    ProtectionConfirmed,
    ProtectionFailed,
    ProtectionIntended,
    ProtectionTaken,
    ProtectionUnknown,
    StopMoveRefused,
)
from .inputs import ProtectionAnswered, StopAnswered
from .managed import Pending
from .polling import poll_now
from .state import LiveTrade

__all__ = [
    "ask_for_changes",
    "change_protection",
    "end_change",
    "intend_change",
    "is_change_due",
    "is_shown",
    "next_change_ms",
    "next_pending_ms",
    "protection_answered",
    "settle_by_listing",
    "settle_by_order",
    "settle_by_position",
    "stop_answered",
]

REFUSALS_DOUBLING_MAX = 6
"""How often the wait for the next try doubles after refusals: to 64 times the first wait."""


def next_change_ms(draft: Draft, trade: LiveTrade) -> int:
    """Return when the core may ask for a change: after refusals, the later the more there were."""
    managed = trade.managed
    if managed.refused_ms is None:
        return draft.now_ms
    doublings = min(max(0, managed.refusals - 1), REFUSALS_DOUBLING_MAX)
    return managed.refused_ms + (max(1, draft.config.ask_again_ms) << doublings)


def is_change_due(draft: Draft, trade: LiveTrade) -> bool:
    """Tell whether the core may ask for a change of a trade's protection now."""
    is_free = trade.symbol not in draft.books.protecting
    return is_free and draft.now_ms >= next_change_ms(draft, trade)


def change_protection(
    draft: Draft, trade: LiveTrade, source: ProtectionSource, change: ProtectionChange
) -> None:
    """Record a change that the core itself wants of a trade."""
    key = f"{source.name.lower()} {trade.key} {draft.now_ms}"
    intend_change(draft, trade.symbol, key, source, change)


def intend_change(
    draft: Draft, symbol: Symbol, key: str, source: ProtectionSource, change: ProtectionChange
) -> None:
    """Record a change before its request leaves; one that is under way is given up for it."""
    if symbol in draft.books.protecting:
        end_change(draft, symbol, f"a later request, {key}, took its place")
    trade, report = draft.trade(symbol), draft.view.positions.get(symbol)
    draft.note_asked(_subject(symbol))
    draft.emit(
        ProtectionIntended(
            symbol=symbol,
            key=key,
            trade_key=None if trade is None else trade.key,
            source=source,
            change=change,
            was_shown=report is not None and _shows(report, change),
            settle_by_ms=draft.now_ms + draft.config.stop_verify_ms,
            time_ms=draft.now_ms,
        )
    )


def end_change(draft: Draft, symbol: Symbol, why: str) -> None:
    """Give up a change that is under way, if any."""
    pending = draft.books.protecting.get(symbol)
    if pending is not None:
        _fail(draft, pending, why)


def _fail(draft: Draft, pending: Pending, why: str) -> None:
    draft.emit(
        ProtectionFailed(
            symbol=pending.intended.symbol,
            key=pending.intended.key,
            reason=None,
            message=why,
            time_ms=draft.now_ms,
        )
    )


def protection_answered(draft: Draft, answer: ProtectionAnswered) -> None:
    """Note the venue's answer, and read the position: only what it shows settles a change."""
    pending = draft.books.protecting.get(answer.symbol)
    if pending is None or pending.intended.key != answer.key:
        return
    if answer.is_unknown:
        wait_ms = draft.config.not_found_final_ms + draft.config.stop_verify_ms
        draft.emit(
            ProtectionUnknown(
                symbol=answer.symbol,
                key=answer.key,
                cause=answer.refusal or "no answer",
                settle_by_ms=draft.now_ms + wait_ms,
            )
        )
    elif answer.refusal is not None:
        draft.emit(
            ProtectionFailed(
                symbol=answer.symbol,
                key=answer.key,
                reason=answer.reason,
                message=answer.refusal,
                time_ms=draft.now_ms,
            )
        )
    else:
        draft.emit(
            ProtectionTaken(symbol=answer.symbol, key=answer.key, was_already=answer.was_already)
        )
    _ask(draft, answer.symbol, pending)


def stop_answered(draft: Draft, answer: StopAnswered) -> None:
    """Read the position after each answer: only what it shows proves a stop."""
    if draft.trade(answer.symbol) is not None:
        draft.ask(ReadPosition(symbol=answer.symbol))
    if answer.refusal is not None:
        draft.emit(
            StopMoveRefused(
                symbol=answer.symbol,
                price=answer.price,
                message=answer.refusal,
                unknown_ms=draft.now_ms if answer.is_unknown else None,
            )
        )


def _ask(draft: Draft, symbol: Symbol, pending: Pending) -> None:
    """Ask for what shows the change: the position, or the open orders for a partial pair."""
    draft.note_asked(_subject(symbol))
    if pending.intended.change.pair is None:
        draft.ask(ReadPosition(symbol=symbol))
    else:
        poll_now(draft)


def _subject(symbol: Symbol) -> str:
    return f"protection {symbol}"


def ask_for_changes(draft: Draft) -> None:
    """Ask again for every change under way whose time has come."""
    for symbol, pending in tuple(draft.books.protecting.items()):
        if draft.is_due(_subject(symbol)):
            _ask(draft, symbol, pending)


def next_pending_ms(draft: Draft) -> int | None:
    """Return when :func:`ask_for_changes` has something to ask, ``None`` for never."""
    return min((draft.due_ms(_subject(symbol)) for symbol in draft.books.protecting), default=None)


def settle_by_position(draft: Draft, report: PositionReport) -> None:
    """Settle a change by what a position report shows; a late one counts as no."""
    pending = draft.books.protecting.get(report.symbol)
    if pending is None:
        return
    change = pending.intended.change
    if report.qty == ZERO_QTY:
        if pending.intended.trade_key is None:
            _fail(draft, pending, f"{report.symbol} is flat: there is nothing to protect")
    elif change.pair is None and pending.may_be_seen and _shows(report, change):
        _confirm(draft, pending)
    elif draft.now_ms >= pending.settle_by_ms and change.pair is None:
        _fail(draft, pending, f"the venue does not show it: {_shown(report)}")


def settle_by_order(draft: Draft, report: OrderReport) -> None:
    """Settle a partial pair by the venue's own order for its first leg."""
    pending = draft.books.protecting.get(report.symbol)
    pair = None if pending is None else pending.intended.change.pair
    if pending is None or pair is None or report.trigger is None or report.status not in OPEN:
        return
    origin, price = _first_leg(pair)
    is_new = report.created_ms >= pending.intended.time_ms or pending.is_taken
    if (report.origin, report.trigger.price, report.qty) == (origin, price, pair.qty) and is_new:
        _confirm(draft, pending)


def settle_by_listing(draft: Draft, listed: Iterable[OrderReport]) -> None:
    """Settle partial pairs by a list of all open orders; what should be there and is not, failed.

    A list of before the deadline proves nothing: it may have been made before the request arrived.
    """
    for report in listed:
        settle_by_order(draft, report)
    for pending in tuple(draft.books.protecting.values()):
        if pending.intended.change.pair is not None and draft.now_ms >= pending.settle_by_ms:
            _fail(draft, pending, "the venue shows no such order")


def _first_leg(pair: PartialPair) -> tuple[Origin, Price]:
    if pair.stop_loss is not None:
        return Origin.STOP_LOSS, pair.stop_loss.price
    assert pair.take_profit is not None, "a pair has a leg"
    return Origin.TAKE_PROFIT, pair.take_profit.price


def _confirm(draft: Draft, pending: Pending) -> None:
    draft.emit(
        ProtectionConfirmed(
            symbol=pending.intended.symbol,
            key=pending.intended.key,
            was_already=pending.was_already,
            time_ms=draft.now_ms,
        )
    )


def _shows(report: PositionReport, change: ProtectionChange) -> bool:
    """Tell whether a position shows every leg that a change names; zero means cleared."""
    return (
        change.pair is None
        and is_shown(change.stop_loss, report.stop_loss)
        and is_shown(change.take_profit, report.take_profit)
        and is_shown(change.trailing_distance, report.trailing_distance)
    )


def is_shown(wanted: Amount | None, shown: Amount | None) -> bool:
    """Tell whether a leg of a change is shown: ``None`` asks for nothing, zero for none."""
    if wanted is None:
        return True
    return wanted.sign == 0 if shown is None else wanted == shown


def _shown(report: PositionReport) -> str:
    return (
        f"stop-loss {report.stop_loss}, take-profit {report.take_profit}, "
        f"trailing {report.trailing_distance}"
    )
