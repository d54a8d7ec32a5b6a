"""``evolve``: the effect of one event on the books. Pure, total, and it never refuses."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import attrs
from tidegate.domain import ledger as ledgers
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.day import DayBoundary
from tidegate.domain.trade import ClosedTrade

from . import events as ev
from .evolve_operator import (
    amend_intended,
    amend_rejected,
    amend_settled,
    mass_cancel_ended,
    mass_cancel_started,
    rungs_dropped,
)
from .evolve_orders import (
    cancel_intended,
    cancel_refused,
    entry_intended,
    entry_numbered,
    entry_released,
    order_acknowledged,
    order_intended,
    order_lapsed,
    order_refused,
    order_unknown,
    order_updated,
    settled_at_opening,
)
from .evolve_protection import (
    break_even_due,
    guard_key_taken,
    leverage_changed_by_hand,
    leverage_settled,
    protection_confirmed,
    protection_failed,
    protection_intended,
    protection_taken,
    protection_unknown,
    stop_changed_by_hand,
    target_changed_by_hand,
    trailing_changed_by_hand,
    trailing_due,
)
from .evolve_trades import (
    close_started,
    excursion,
    filled,
    funding_booked,
    replanned,
    stop_confirmed,
    stop_lost,
    stop_missing,
    stop_move_intended,
    stop_move_refused,
)
from .state import Books, frozen, with_item, without

__all__ = ["evolve"]


def evolve(books: Books, event: ev.Event, day: DayBoundary) -> Books:
    """Fold one event into the books."""
    if isinstance(event, ev.DayRolled):
        return _day_rolled(books, event, day)
    if isinstance(event, ev.AccountOpened):
        ledger = ledgers.opened(event.wallet, event.time_ms, day)
        # What happened before is in the opening wallet: a restart must not book it again.
        return attrs.evolve(
            settled_at_opening(books),
            ledger=ledger,
            early=tuple(books.orders),
            opened_ms=event.time_ms,
            last_execution_ms=event.time_ms,
        )
    return _HANDLERS[type(event)](books, event)


def _unchanged(books: Books, _: ev.Event) -> Books:
    return books


def _session_started(books: Books, event: ev.SessionStarted) -> Books:
    return attrs.evolve(
        _leverage_forgotten(books),
        venue=event.venue if books.venue is None else books.venue,
        account=event.account if books.account is None else books.account,
    )


def _leverage_forgotten(books: Books) -> Books:
    """Forget what nobody watched: entries set it again.

    That of a position is read and compared with what its trade is to have; it is forgotten too,
    because the position may have ended unseen, and its leverage with it.
    """
    return attrs.evolve(books, leverage=frozen({}))


def _journal_tagged(books: Books, event: ev.JournalTagged) -> Books:
    return attrs.evolve(books, tag=event.tag, has_untagged=event.has_untagged)


def _day_rolled(books: Books, event: ev.DayRolled, day: DayBoundary) -> Books:
    assert books.ledger is not None, "the day rolled before the account was opened"
    ledger, closed = ledgers.roll_day(
        books.ledger, now_ms=event.time_ms, equity=event.equity, boundary=day
    )
    tally = books.tally
    for finished in closed:
        tally = tally.book_day(finished)
    return attrs.evolve(books, ledger=ledger, tally=tally, sends_today=0)


def _history_read(books: Books, event: ev.HistoryRead) -> Books:
    return attrs.evolve(books, history_until_ms=max(books.history_until_ms, event.until_ms))


def _signal_refused(books: Books, event: ev.SignalRefused) -> Books:
    rules = [breach.rule for breach in event.breaches] + [gap.rule for gap in event.missing]
    return attrs.evolve(
        books,
        tally=books.tally.book_refusal(tuple(rules)),
        signals=books.signals.add(event.signal_id),
        decided_ms=with_item(books.decided_ms, event.symbol, event.time_ms),
    )


def _leverage_set(books: Books, event: ev.LeverageSet) -> Books:
    return attrs.evolve(books, leverage=with_item(books.leverage, event.symbol, event.leverage))


def _leverage_refused(books: Books, event: ev.LeverageRefused) -> Books:
    # No answer may also mean that it was set: what is in use at the venue is not known any more.
    return attrs.evolve(books, leverage=without(books.leverage, event.symbol))


def _trade_closed(books: Books, event: ev.TradeClosed) -> Books:
    trade: ClosedTrade = event.trade
    assert books.ledger is not None, "a trade closed before the account was opened"
    ended = books.trades.get(trade.symbol)
    numbered = books if ended is None else entry_numbered(books, ended.key, ended.sequence)
    return attrs.evolve(
        numbered,
        ledger=ledgers.book_trade(books.ledger, trade),
        tally=books.tally.book_trade(trade),
        trades=without(books.trades, trade.symbol),
    )


def _equity_marked(books: Books, event: ev.EquityMarked) -> Books:
    assert books.ledger is not None, "equity was marked before the account was opened"
    return attrs.evolve(books, ledger=ledgers.mark_equity(books.ledger, event.equity, event.anchor))


def _transfer_booked(books: Books, event: ev.TransferBooked) -> Books:
    assert books.ledger is not None, "money was moved before the account was opened"
    ledger = ledgers.book_transfer(
        books.ledger, amount=event.amount, equity_before=event.equity_before
    )
    return attrs.evolve(books, ledger=ledger, transfers=books.transfers.add(event.change_id))


def _state_changed(books: Books, event: ev.TradingStateChanged) -> Books:
    return attrs.evolve(books, trading_state=event.state)


def _streams_lost(books: Books, event: ev.StreamsLost) -> Books:
    return attrs.evolve(_leverage_forgotten(books), streams_lost=event)


def _streams_regained(books: Books, _: ev.StreamsRegained) -> Books:
    return attrs.evolve(books, streams_lost=None)


def _panic_started(books: Books, event: ev.PanicStarted) -> Books:
    # Panic cancels what a mass cancel would, and more.
    return attrs.evolve(
        books, panic=event, is_panic_running=True, panic_remaining=(), mass_cancel=None
    )


def _panic_ended(books: Books, event: ev.PanicEnded) -> Books:
    return attrs.evolve(books, is_panic_running=False, panic_remaining=event.remaining)


def _panic_reset(books: Books, _: ev.PanicReset) -> Books:
    return attrs.evolve(
        books,
        panic=None,
        is_panic_running=False,
        panic_orders=0,
        panic_remaining=(),
    )


def _finding_raised(books: Books, event: ev.FindingRaised) -> Books:
    return attrs.evolve(books, findings=with_item(books.findings, event.finding_id, event))


def _finding_settled(books: Books, event: ev.FindingSettled) -> Books:
    return attrs.evolve(books, findings=without(books.findings, event.finding_id))


def _setting_intended(books: Books, event: ev.SettingIntended) -> Books:
    return attrs.evolve(books, settings=with_item(books.settings, event.key, event.setting))


def _setting_done(books: Books, event: ev.SettingDone) -> Books:
    ended = attrs.evolve(books, settings=without(books.settings, event.key))
    return leverage_settled(ended, event.setting)


def _setting_declined(books: Books, event: ev.SettingDeclined) -> Books:
    if event.cause is ev.SettingCause.DESK:
        return books
    ended = attrs.evolve(books, settings=without(books.settings, event.key))
    is_unknown = event.cause is ev.SettingCause.UNKNOWN
    if not is_unknown or not isinstance(event.setting, LeverageSetting):
        return ended
    # It may have been set: what is in use at the venue is not known any more.
    return attrs.evolve(ended, leverage=without(books.leverage, event.setting.symbol))


_Handler = Callable[[Books, Any], Books]
_HANDLERS: Mapping[type, _Handler] = MappingProxyType(
    cast(
        "dict[type, _Handler]",
        {
            ev.SessionStarted: _session_started,
            ev.SessionStopped: _unchanged,
            ev.HistoryRead: _history_read,
            ev.JournalTagged: _journal_tagged,
            ev.UpdateIgnored: _unchanged,
            ev.SignalRefused: _signal_refused,
            ev.EntryIntended: entry_intended,
            ev.EntryReleased: entry_released,
            ev.OrderIntended: order_intended,
            ev.LeverageSet: _leverage_set,
            ev.LeverageRefused: _leverage_refused,
            ev.OrderAcknowledged: order_acknowledged,
            ev.OrderRefused: order_refused,
            ev.OrderUnknown: order_unknown,
            ev.OrderLapsed: order_lapsed,
            ev.OrderUpdated: order_updated,
            ev.CancelIntended: cancel_intended,
            ev.CancelRefused: cancel_refused,
            ev.RequestRefused: _unchanged,
            ev.CancelRequested: _unchanged,
            ev.AmendIntended: amend_intended,
            ev.AmendRejected: amend_rejected,
            ev.AmendSettled: amend_settled,
            ev.RungsDropped: rungs_dropped,
            ev.MassCancelStarted: mass_cancel_started,
            ev.MassCancelEnded: mass_cancel_ended,
            ev.Filled: filled,
            ev.FundingBooked: funding_booked,
            ev.Replanned: replanned,
            ev.StopMoveIntended: stop_move_intended,
            ev.StopMoveRefused: stop_move_refused,
            ev.StopConfirmed: stop_confirmed,
            ev.StopLost: stop_lost,
            ev.StopMissing: stop_missing,
            ev.CloseStarted: close_started,
            ev.TradeClosed: _trade_closed,
            ev.Excursion: excursion,
            ev.EquityMarked: _equity_marked,
            ev.TransferBooked: _transfer_booked,
            ev.TradingStateChanged: _state_changed,
            ev.StreamsLost: _streams_lost,
            ev.StreamsRegained: _streams_regained,
            ev.PanicStarted: _panic_started,
            ev.PanicEnded: _panic_ended,
            ev.PanicReset: _panic_reset,
            ev.FindingRaised: _finding_raised,
            ev.FindingSettled: _finding_settled,
            ev.SettingIntended: _setting_intended,
            ev.SettingDone: _setting_done,
            ev.SettingDeclined: _setting_declined,
            ev.GuardKeyTaken: guard_key_taken,
            ev.BreakEvenDue: break_even_due,
            ev.TrailingDue: trailing_due,
            ev.ProtectionIntended: protection_intended,
            ev.ProtectionTaken: protection_taken,
            ev.ProtectionUnknown: protection_unknown,
            ev.ProtectionConfirmed: protection_confirmed,
            ev.ProtectionFailed: protection_failed,
            ev.ProtectionRefused: _unchanged,
            ev.StopChangedByHand: stop_changed_by_hand,
            ev.TargetChangedByHand: target_changed_by_hand,
            ev.TrailingChangedByHand: trailing_changed_by_hand,
            ev.LeverageChangedByHand: leverage_changed_by_hand,
            ev.PositionChangedByHand: _unchanged,
            ev.LeverageRevertIntended: _unchanged,
        },
    )
)
