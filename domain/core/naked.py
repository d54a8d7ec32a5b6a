"""Positions without a stop on the venue: reported, protected or closed, as the policy says.

Ours get their stop back in any case (see :mod:`.protecting`), unless the policy closes them. A
foreign position is touched only where the policy says so. None is judged at first sight: a fill
of our own may be shown before its message comes.
"""

from decimal import Decimal

import attrs
from tidegate.domain.grid import price_down, price_up, protective_stop
from tidegate.domain.instrument import Instrument
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.money import EXACT, ZERO_QTY, Price
from tidegate.domain.orders import Role, Side, Symbol
from tidegate.domain.protection import NakedPositions, ProtectionChange, ProtectionSource
from tidegate.domain.reports import PositionReport
from tidegate.domain.trade import CloseReason

from .changing import intend_change
from .closing import close_unowned, start_close
from .comparing import finding_seen
from .draft import Draft
from .effects import ReadInstrument
from .events import FindingSettled, StopLost
from .inputs import FindingSeen
from .state import with_item, without

_TWO = Decimal(2)

__all__ = ["guard_naked", "next_naked_ms", "note_naked"]


def note_naked(draft: Draft, report: PositionReport) -> None:
    """Note since when a foreign position is shown without a stop; close one of ours if so set."""
    symbol, since = report.symbol, draft.view.naked_since_ms
    if draft.trade(symbol) is not None:
        _close_ours(draft, report)
    is_naked = _is_foreign(draft, symbol) and report.qty != ZERO_QTY and report.stop_loss is None
    if is_naked:
        if symbol not in since:
            draft.view = attrs.evolve(
                draft.view, naked_since_ms=with_item(since, symbol, draft.now_ms)
            )
        return
    if symbol in since:
        draft.view = attrs.evolve(draft.view, naked_since_ms=without(since, symbol))
    if _finding_id(symbol) in draft.books.findings:
        draft.emit(FindingSettled(finding_id=_finding_id(symbol), time_ms=draft.now_ms))


def _close_ours(draft: Draft, report: PositionReport) -> None:
    trade = draft.trade(report.symbol)
    is_bared = any(isinstance(event, StopLost) and event.shown is None for event in draft.events)
    is_wanted = draft.config.naked_positions is NakedPositions.CLOSE
    if trade is not None and is_wanted and is_bared and trade.closing is None:
        start_close(draft, trade, CloseReason.UNPROTECTED, trade.key)


def _finding_id(symbol: Symbol) -> str:
    return f"unprotected:{symbol}"


def _is_foreign(draft: Draft, symbol: Symbol) -> bool:
    """Tell whether a position can be none of ours: no trade, and no entry that may have filled."""
    entering = (order.role is Role.ENTRY for order in draft.books.open_orders(symbol))
    return draft.trade(symbol) is None and not any(entering)


def _due_ms(draft: Draft, symbol: Symbol) -> int:
    """Return when a naked position is acted on: after a grace time, then at the same interval."""
    since_ms = draft.view.naked_since_ms[symbol]
    tried_ms = draft.view.asked_ms.get(_finding_id(symbol), since_ms)
    return max(since_ms, tried_ms) + max(1, draft.config.stop_verify_ms)


def next_naked_ms(draft: Draft) -> int | None:
    """Return when :func:`guard_naked` has something to do, ``None`` for never."""
    if draft.books.is_panic_running:
        return None
    due = [
        _due_ms(draft, symbol)
        for symbol in draft.view.naked_since_ms
        if draft.config.naked_positions is not NakedPositions.REPORT
        or _finding_id(symbol) not in draft.books.findings
    ]
    return min(due, default=None)


def guard_naked(draft: Draft) -> None:
    """Report the foreign positions without a stop, and do to them what the policy says."""
    if draft.books.is_panic_running:
        return
    for symbol in tuple(draft.view.naked_since_ms):
        report = draft.view.positions[symbol]
        if report.qty == ZERO_QTY or report.stop_loss is not None:
            # A list of what is held lacked it: it is over without a report of its own.
            note_naked(draft, report)
            continue
        if _due_ms(draft, symbol) > draft.now_ms or not _is_foreign(draft, symbol):
            continue
        draft.note_asked(_finding_id(symbol))
        _report(draft, report)
        match draft.config.naked_positions:
            case NakedPositions.REPORT:
                continue
            case NakedPositions.PROTECT:
                _protect(draft, report)
            case NakedPositions.CLOSE:
                close_unowned(draft, symbol, report.qty)


def _report(draft: Draft, report: PositionReport) -> None:
    action = {
        NakedPositions.REPORT: "it is left alone",
        NakedPositions.PROTECT: f"a stop {draft.config.naked_stop} from the mark is set",
        NakedPositions.CLOSE: "it is closed",
    }[draft.config.naked_positions]
    finding_seen(
        draft,
        FindingSeen(
            finding_id=_finding_id(report.symbol),
            symbol=report.symbol,
            text=(
                f"{report.symbol}: {report.qty} held that tidegate did not open, without a stop "
                f"on the venue; {action} (naked_positions is "
                f"{draft.config.naked_positions.value})"
            ),
            blocks_entries=False,
        ),
    )


def _protect(draft: Draft, report: PositionReport) -> None:
    instrument = draft.instrument(report.symbol)
    if instrument is None:
        draft.ask(ReadInstrument(symbol=report.symbol))
        return
    if report.symbol not in draft.books.protecting:
        change = ProtectionChange(stop_loss=_stop_of(draft, report, instrument))
        key = f"naked {report.symbol} {draft.now_ms}"
        intend_change(draft, report.symbol, key, ProtectionSource.UNPROTECTED, change)


def _stop_of(draft: Draft, report: PositionReport, instrument: Instrument) -> Price:
    """Return the configured stop, or one halfway to the liquidation where that comes first."""
    side = Side.BUY if report.qty > ZERO_QTY else Side.SELL
    distance = report.mark * draft.config.naked_stop
    stop = report.mark - distance.times(side.sign)
    liquidation = report.liquidation_price
    if liquidation is not None and not is_tighter(stop, liquidation, side=side):
        stop = Price(EXACT.divide(EXACT.add(report.mark.value, liquidation.value), _TWO))
    bound = price_up(instrument.price_min, instrument.tick)
    top = price_down(instrument.price_max, instrument.tick)
    return min(max(protective_stop(stop, instrument.tick, position=side), bound), top)
