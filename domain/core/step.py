"""``step``: one input in, events, the next state and effects out. Pure: time is an argument."""

from typing import assert_never

import attrs
from tidegate.domain.mode import TradingState
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    StreamReport,
    Ticker,
    UnreadableReport,
)

from . import inputs as given
from .account import lose_settings, setting_answered, setting_asked
from .amending import amend_answered, amend_asked
from .answering import (
    cancel_answered,
    order_not_found,
    place_accepted,
    place_refused,
    place_unknown,
)
from .asking import ask_for_unlisted, ask_in_doubt, cancel_again, next_question_ms
from .cancelling import (
    cancel_asked,
    mass_cancel_asked,
    mass_cancel_listed,
    mass_cancel_when_due,
    next_mass_cancel_ms,
)
from .changing import (
    ask_for_changes,
    next_pending_ms,
    protection_answered,
    settle_by_listing,
    stop_answered,
)
from .closing import check_deadlines, close_asked, next_deadline_ms
from .comparing import activity_read, finding_seen, findings_cleared
from .config import CoreConfig
from .draft import Draft
from .effects import Effect
from .events import (
    AccountOpened,
    Event,
    GuardKeyTaken,
    SessionStarted,
    SessionStopped,
    TradingStateChanged,
)
from .filling import (
    order_reported,
)
from .holding import book_or_hold, history_rows, next_release_ms, release_when_due
from .leverage import leverage_answered
from .managing import manage
from .marking import account_reported, mark_now, ticked
from .naked import guard_naked, next_naked_ms
from .opening import open_asked
from .panicking import (
    inventory_taken,
    look_when_due,
    next_look_ms,
    panic_asked,
    reset_asked,
)
from .polling import history_covered, next_poll_ms, poll_when_due, unreadable_reported
from .position_ends import cancel_for_ended
from .position_reports import position_reported
from .protect_requests import protect_asked
from .protecting import keep_levels
from .react import react
from .reconciling import (
    ask_for_transfers,
    next_reconcile_ms,
    reconcile_asked,
    reconcile_when_due,
    records_read,
)
from .reducing import reduce_asked
from .specs import instrument_read, specs_loaded
from .state import State
from .streams import (
    cancel_entries,
    guard_when_due,
    next_guard_ms,
    stream_read_back,
    stream_reported,
)
from .unlisted import flatten_unlisted

__all__ = ["Step", "deadline_ms", "step"]


@attrs.frozen(kw_only=True)
class Step:
    """The outcome of one input: events in order, the state after them, effects in order."""

    events: tuple[Event, ...]
    state: State
    effects: tuple[Effect, ...]


def step(state: State, item: given.Input, config: CoreConfig, now_ms: int) -> Step:
    """Decide on one input. The state given is unchanged; refusals are events, never exceptions."""
    draft = Draft(state, config, now_ms)
    _decide(draft, item)
    effects: list[Effect] = []
    for event in draft.events:
        effects += [effect for effect in react(event, draft.books) if effect not in effects]
    effects += [query for query in draft.queries if query not in effects]
    return Step(events=tuple(draft.events), state=draft.state, effects=tuple(effects))


def deadline_ms(state: State, config: CoreConfig, now_ms: int) -> int | None:
    """Return when a ``TimePassed`` is due, ``None`` when nothing waits for time."""
    draft = Draft(state, config, now_ms)
    due = (
        next_deadline_ms(draft),
        next_question_ms(draft),
        next_look_ms(draft),
        next_mass_cancel_ms(draft),
        next_poll_ms(draft),
        next_reconcile_ms(draft),
        next_release_ms(draft),
        next_guard_ms(draft),
        next_pending_ms(draft),
        next_naked_ms(draft),
    )
    return min((when for when in due if when is not None), default=None)


def _decide(draft: Draft, item: given.Input) -> None:
    if isinstance(item, _REPORTS):
        _reported(draft, item)
    elif isinstance(item, _ANSWERS):
        _answered(draft, item)
    else:
        _asked(draft, item)


_Report = (
    OrderReport
    | Execution
    | FundingPayment
    | PositionReport
    | AccountReport
    | Ticker
    | StreamReport
    | UnreadableReport
)
_REPORTS = (
    OrderReport,
    Execution,
    FundingPayment,
    PositionReport,
    AccountReport,
    Ticker,
    StreamReport,
    UnreadableReport,
)
_ChangeAnswer = (
    given.LeverageAnswered | given.StopAnswered | given.ProtectionAnswered | given.InstrumentRead
)
_Answer = (
    given.PlaceAccepted
    | given.PlaceRefused
    | given.PlaceUnknown
    | given.OrderNotFound
    | given.CancelAnswered
    | given.AmendAnswered
    | _ChangeAnswer
)
_ANSWERS = (
    given.PlaceAccepted,
    given.PlaceRefused,
    given.PlaceUnknown,
    given.OrderNotFound,
    given.CancelAnswered,
    given.AmendAnswered,
    given.LeverageAnswered,
    given.StopAnswered,
    given.ProtectionAnswered,
    given.InstrumentRead,
)
_Reading = (
    given.Inventory
    | given.SpecsLoaded
    | given.ActivityRead
    | given.RecordsRead
    | given.HistoryRows
    | given.HistoryCovered
)
_Running = (
    given.StartRequest
    | given.StopRequest
    | given.TimePassed
    | given.ReconcileRequest
    | given.ProtectRequest
    | given.FindingSeen
    | given.FindingsCleared
    | _Reading
)
_Operating = (
    given.PanicRequest
    | given.PanicResetRequest
    | given.StateRequest
    | given.SettingRequest
    | given.SettingAnswered
    | _Running
)
_Request = (
    given.OpenRequest
    | given.CloseRequest
    | given.ReduceRequest
    | given.AmendRequest
    | given.CancelRequest
    | given.MassCancelRequest
    | _Operating
)


def _reported(draft: Draft, item: _Report) -> None:
    match item:
        case Ticker():
            ticked(draft, item)
            manage(draft, item.symbol)
        case Execution():
            book_or_hold(draft, item)
        case OrderReport():
            order_reported(draft, item)
        case PositionReport():
            position_reported(draft, item)
        case AccountReport():
            account_reported(draft, item)
        case FundingPayment():
            book_or_hold(draft, item)
        case StreamReport():
            stream_reported(draft, item)
        case UnreadableReport():
            unreadable_reported(draft, item)
        case _:
            assert_never(item)


def _answered(draft: Draft, item: _Answer) -> None:
    match item:
        case given.PlaceAccepted():
            place_accepted(draft, item)
        case given.PlaceRefused():
            place_refused(draft, item)
        case given.PlaceUnknown():
            place_unknown(draft, item)
        case given.OrderNotFound():
            order_not_found(draft, item)
        case given.CancelAnswered():
            cancel_answered(draft, item)
        case given.AmendAnswered():
            amend_answered(draft, item)
        case _:
            _changed(draft, item)


def _changed(draft: Draft, item: _ChangeAnswer) -> None:
    """Take the answers of what changes no order."""
    match item:
        case given.LeverageAnswered():
            leverage_answered(draft, item)
        case given.StopAnswered():
            stop_answered(draft, item)
        case given.ProtectionAnswered():
            protection_answered(draft, item)
        case given.InstrumentRead():
            instrument_read(draft, item)
        case _:
            assert_never(item)


def _asked(draft: Draft, item: _Request) -> None:
    match item:
        case given.OpenRequest():
            open_asked(draft, item)
        case given.CloseRequest():
            close_asked(draft, item)
        case given.ReduceRequest():
            reduce_asked(draft, item)
        case given.AmendRequest():
            amend_asked(draft, item)
        case given.CancelRequest():
            cancel_asked(draft, item)
        case given.MassCancelRequest():
            mass_cancel_asked(draft, item)
        case _:
            _operated(draft, item)


def _operated(draft: Draft, item: _Operating) -> None:
    match item:
        case given.PanicRequest():
            panic_asked(draft, item)
        case given.PanicResetRequest():
            reset_asked(draft)
        case given.StateRequest():
            _state_asked(draft, item)
        case given.SettingRequest():
            setting_asked(draft, item)
        case given.SettingAnswered():
            setting_answered(draft, item)
        case _:
            _run(draft, item)


def _run(draft: Draft, item: _Running) -> None:
    match item:
        case given.TimePassed():
            _time_passed(draft)
        case given.StartRequest():
            _start_asked(draft, item)
        case given.StopRequest():
            draft.emit(SessionStopped(reason=item.reason))
        case given.ReconcileRequest():
            reconcile_asked(draft, item)
        case given.ProtectRequest():
            protect_asked(draft, item)
        case given.FindingSeen():
            finding_seen(draft, item)
        case given.FindingsCleared():
            findings_cleared(draft, item)
        case _:
            _read(draft, item)


def _read(draft: Draft, item: _Reading) -> None:
    match item:
        case given.Inventory():
            mass_cancel_listed(draft, item)
            inventory_taken(draft, item)
        case given.SpecsLoaded():
            specs_loaded(draft, item)
        case given.ActivityRead():
            ask_for_unlisted(draft, item.orders)
            activity_read(draft, item)
            settle_by_listing(draft, item.orders)
            cancel_for_ended(draft, item)
            flatten_unlisted(draft, item)
            stream_read_back(draft, item)
            ask_for_transfers(draft)
        case given.RecordsRead():
            records_read(draft, item)
        case given.HistoryRows():
            history_rows(draft, item)
        case given.HistoryCovered():
            history_covered(draft, item)
        case _:
            assert_never(item)


def _state_asked(draft: Draft, item: given.StateRequest) -> None:
    """Change the trading state; a stricter one takes resting entries off the venue."""
    draft.emit(TradingStateChanged(state=item.state, cause=item.cause))
    if item.state is not TradingState.ACTIVE:
        cancel_entries(draft)


def _start_asked(draft: Draft, item: given.StartRequest) -> None:
    is_begun = draft.is_begun
    draft.emit(SessionStarted(mode=item.mode, venue=item.venue, account=item.account))
    if item.tag is not None:
        draft.tag_journal(item.tag, has_untagged=is_begun)
    if draft.books.ledger is None:
        opened_ms = draft.now_ms if item.wallet_ms is None else item.wallet_ms
        draft.emit(AccountOpened(wallet=item.wallet, time_ms=opened_ms))
    lose_settings(draft)
    if item.guard_key is not None and draft.books.guard_key is None:
        draft.emit(GuardKeyTaken(key=item.guard_key))


def _time_passed(draft: Draft) -> None:
    mark_now(draft)
    check_deadlines(draft)
    for symbol in tuple(draft.books.trades):
        keep_levels(draft, symbol)
    ask_for_changes(draft)
    guard_naked(draft)
    ask_in_doubt(draft)
    cancel_again(draft)
    look_when_due(draft)
    release_when_due(draft)
    reconcile_when_due(draft)
    mass_cancel_when_due(draft)
    poll_when_due(draft)
    guard_when_due(draft)
