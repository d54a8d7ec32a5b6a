"""Levels after a fill: plan again from the average price, keep stop and ladder as planned.

The functions here compare what is wanted with what is known to be at the venue and emit only the
difference, so they may be called after any event.
"""

from tidegate.domain.levels import Ladder, LevelRefusal, replan, stop_price
from tidegate.domain.lifecycle import OPEN
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import Purpose, Role, Side, Symbol
from tidegate.domain.reports import OrderReport, Origin, PositionReport

from .asking import cancel_order
from .building import build_order
from .by_hand import note_stop_by_hand, settle_by_hand
from .draft import Draft
from .effects import ReadPosition
from .events import (
    OrderIntended,
    PlannedRung,
    Replanned,
    StopConfirmed,
    StopLost,
    StopMoveIntended,
)
from .managing import entry_is_resting, manage, next_managed_ms
from .state import LiveTrade, Order

__all__ = [
    "confirm_stop_by_order",
    "confirm_stop_by_position",
    "keep_levels",
    "next_level_ms",
    "plan_again",
]

REFUSALS_DOUBLING_MAX = 6
"""How often the wait for the next rung doubles after refusals: to 64 times the first wait."""


def plan_again(draft: Draft, symbol: Symbol) -> None:
    """Compute the levels from the actual average fill and record them when they changed."""
    trade, instrument = draft.trade(symbol), draft.instrument(symbol)
    if trade is None or instrument is None or trade.closing is not None:
        return
    entry = trade.value_opened / trade.qty_opened
    planned = _stop(draft, trade, entry)
    rungs = _rungs(draft, trade, entry, planned)
    risk = _risk(trade.side, entry, planned, trade.qty_opened)
    stop = _moved(draft, trade, planned)
    if (stop, rungs, risk) == (trade.stop_wanted, trade.rungs, trade.risk):
        return
    draft.emit(
        Replanned(
            symbol=symbol,
            trade_key=trade.key,
            entry_price=entry,
            stop=stop,
            rungs=rungs,
            risk=risk,
            verify_by_ms=draft.now_ms + draft.config.stop_verify_ms,
        )
    )


def _stop(draft: Draft, trade: LiveTrade, entry: Price) -> Price | None:
    """Return where the stop must be: as specified from the actual entry.

    Once the position was added to, never further than an approved stop: the tighter one keeps the
    approvals of both.
    """
    spec, instrument = trade.signal.stop, draft.instrument(trade.symbol)
    if spec is None or instrument is None:
        return None
    planned = stop_price(
        spec, entry=entry, side=trade.side, leverage=trade.signal.leverage, tick=instrument.tick
    )
    attached = _attached_stop(draft, trade)
    if isinstance(planned, LevelRefusal):
        # The fill is beyond an absolute stop: the attached one fires at once, it stays.
        return attached
    return _tightest(trade.side, [planned, *_added_stops(draft, trade)])


def _tightest(side: Side, stops: list[Price]) -> Price:
    return max(stops) if side is Side.BUY else min(stops)


def _moved(draft: Draft, trade: LiveTrade, planned: Price | None) -> Price | None:
    """Return the stop that is wanted: where it was put since, in place of the planned one.

    What was approved for a later addition holds beside it. One R and the targets stay as planned.
    """
    choice = trade.managed.stop_choice
    if choice is None:
        return planned
    added = _added_stops(draft, trade, choice.time_ms)
    known = added if choice.price is None else [choice.price, *added]
    return _tightest(trade.side, known) if known else None


def _added_stops(draft: Draft, trade: LiveTrade, since_ms: int = 0) -> list[Price]:
    """Return the stops with which additions were approved since a time, of the desk's clock."""
    return [
        order.request.stop_loss.price
        for order in draft.books.entries_of(trade)
        if order.trade_key != trade.key
        and order.approved_ms >= since_ms
        and order.request.stop_loss is not None
    ]


def _attached_stop(draft: Draft, trade: LiveTrade) -> Price | None:
    stops = [
        order.request.stop_loss.price
        for order in (*draft.books.orders.values(), *draft.books.finished.values())
        if order.trade_key == trade.key and order.request.stop_loss is not None
    ]
    return stops[0] if stops else trade.stop_wanted


def _rungs(
    draft: Draft, trade: LiveTrade, entry: Price, stop: Price | None
) -> tuple[PlannedRung, ...]:
    instrument = draft.instrument(trade.symbol)
    if stop is None or instrument is None or not trade.signal.ladder:
        return ()
    ladder = replan(
        trade.signal.ladder,
        entry=entry,
        stop=stop,
        side=trade.side,
        qty=trade.qty_opened,
        already_closed=trade.rung_closed,
        closed_otherwise=_closed_otherwise(trade),
        instrument=instrument,
    )
    if not isinstance(ladder, Ladder):
        return trade.rungs
    return tuple(
        PlannedRung(
            number=rung.number,
            price=rung.price,
            qty=rung.qty + trade.rung_closed.get(rung.number, ZERO_QTY),
        )
        for rung in ladder.rungs
        if rung.number not in trade.rungs_dropped
    )


def _closed_otherwise(trade: LiveTrade) -> Qty:
    left = trade.qty_closed
    for closed in trade.rung_closed.values():
        left = left - closed
    return left


def _risk(side: Side, entry: Price, stop: Price | None, qty: Qty) -> Money | None:
    return None if stop is None else (entry - stop).times(side.sign) * qty


def keep_levels(draft: Draft, symbol: Symbol) -> None:
    """Bring stop and ladder at the venue to what is wanted."""
    trade = draft.trade(symbol)
    if trade is None or trade.closing is not None or draft.books.is_panic_running:
        return
    _keep_stop(draft, trade)
    manage(draft, symbol)
    if _may_place_rungs(draft, trade):
        _keep_ladder(draft, symbol)


def _may_place_rungs(draft: Draft, trade: LiveTrade) -> bool:
    is_halted = draft.books.effective_state is TradingState.HALTED
    return not is_halted and not entry_is_resting(draft, trade)


def _keep_stop(draft: Draft, trade: LiveTrade) -> None:
    wanted = trade.stop_wanted
    subject = _stop_subject(trade)
    if wanted is None or trade.is_stop_confirmed or not draft.is_due(subject):
        return
    is_first = subject not in draft.view.asked_ms
    draft.note_asked(subject)
    is_expected = trade.stop_in_flight == wanted or _came_with_entry(draft, trade)
    if is_expected and (is_first or not _is_shown_bare(draft, trade)):
        draft.ask(ReadPosition(symbol=trade.symbol))
        return
    draft.emit(StopMoveIntended(symbol=trade.symbol, price=wanted))


def _stop_subject(trade: LiveTrade) -> str:
    """Name the stop that is wanted now: another one is tried at once, the same after a while."""
    return f"stop {trade.key} {trade.opened_ms} {trade.stop_wanted}"


def _came_with_entry(draft: Draft, trade: LiveTrade) -> bool:
    return trade.stop_confirmed is None and trade.stop_wanted == _attached_stop(draft, trade)


def _is_shown_bare(draft: Draft, trade: LiveTrade) -> bool:
    """Tell whether the venue showed the position without any stop."""
    report = draft.view.positions.get(trade.symbol)
    return report is not None and report.qty != ZERO_QTY and report.stop_loss is None


def _keep_ladder(draft: Draft, symbol: Symbol) -> None:
    trade = draft.trade(symbol)
    assert trade is not None, f"the ladder of {symbol} is kept for a live trade"
    live = {
        order.request.purpose.rung: order
        for order in draft.books.open_orders(symbol)
        if order.role is Role.TAKE_PROFIT
    }
    wanted = {rung.number: rung for rung in trade.rungs}
    for number, order in live.items():
        if number not in wanted:
            cancel_order(draft, order.request.client_id)
    for rung in trade.rungs:
        _keep_rung(draft, symbol, rung, live.get(rung.number))


def _keep_rung(draft: Draft, symbol: Symbol, rung: PlannedRung, order: Order | None) -> None:
    trade = draft.trade(symbol)
    assert trade is not None, f"a rung of {symbol} is kept for a live trade"
    left = rung.qty - trade.rung_closed.get(rung.number, ZERO_QTY)
    qty = min(left, abs(draft.books.position(symbol).qty))
    if order is not None:
        is_as_wanted = order.request.price == rung.price and order.qty_left == qty
        if not is_as_wanted:
            cancel_order(draft, order.request.client_id)
        return
    if qty <= ZERO_QTY or draft.now_ms < _next_rung_ms(draft, trade):
        return
    purpose = Purpose(Role.TAKE_PROFIT, rung.number)
    draft.emit(
        OrderIntended(
            trade_key=trade.key,
            order=build_order(
                draft.next_id(trade, purpose),
                purpose=purpose,
                symbol=symbol,
                side=trade.side.opposite,
                qty=qty,
                price=rung.price,
            ),
            decision_price=rung.price,
            time_ms=draft.now_ms,
        )
    )


def _next_rung_ms(draft: Draft, trade: LiveTrade) -> int:
    """Return when a rung may be sent: after refusals, the later the more there were."""
    if trade.refused_ms is None or trade.refusals == 0:
        return draft.now_ms
    doublings = min(trade.refusals - 1, REFUSALS_DOUBLING_MAX)
    return trade.refused_ms + (max(1, draft.config.close_retry_ms) << doublings)


def _is_rung_missing(draft: Draft, trade: LiveTrade) -> bool:
    placed = {
        order.request.purpose.rung
        for order in draft.books.open_orders(trade.symbol)
        if order.role is Role.TAKE_PROFIT
    }
    return any(
        rung.number not in placed and rung.qty > trade.rung_closed.get(rung.number, ZERO_QTY)
        for rung in trade.rungs
    )


def next_level_ms(draft: Draft, trade: LiveTrade) -> int | None:
    """Return when :func:`keep_levels` has something to try again, ``None`` for never."""
    if trade.closing is not None or draft.books.is_panic_running:
        return None
    due: list[int] = []
    if trade.stop_wanted is not None and not trade.is_stop_confirmed:
        due.append(draft.due_ms(_stop_subject(trade)))
    if _may_place_rungs(draft, trade) and _is_rung_missing(draft, trade):
        due.append(_next_rung_ms(draft, trade))
    managed_ms = next_managed_ms(draft, trade)
    if managed_ms is not None:
        due.append(managed_ms)
    return min(due, default=None)


def confirm_stop_by_position(
    draft: Draft, report: PositionReport, earlier: PositionReport | None
) -> None:
    """Take a position report as evidence of the stop that it shows.

    Another one than is wanted was moved by hand, or is lost: that is told apart first, also by what
    the venue showed ``earlier``.
    """
    trade = draft.trade(report.symbol)
    if trade is None or report.qty == ZERO_QTY:
        return
    is_wanted = trade.is_stop_confirmed or trade.stop_wanted is None
    if is_wanted and note_stop_by_hand(draft, trade, report, earlier):
        return
    _confirm(draft, trade, report.stop_loss)
    if report.stop_loss == trade.stop_wanted:
        settle_by_hand(draft, trade.symbol, "stop")


def confirm_stop_by_order(draft: Draft, report: OrderReport) -> None:
    """Take the venue's own stop order as evidence of the stop.

    One at another price is no evidence against it: it may be for a part of the position. Then the
    position is read, which shows what protects the whole of it.
    """
    trade = draft.trade(report.symbol)
    is_stop = report.origin is Origin.STOP_LOSS and report.status in OPEN
    if trade is None or not is_stop or report.trigger is None:
        return
    if report.updated_ms < trade.opened_ms:
        # A late word about the stop of an earlier position proves nothing for this one.
        return
    if trade.is_stop_confirmed and report.trigger.price != trade.stop_wanted:
        draft.ask(ReadPosition(symbol=report.symbol))
        return
    _confirm(draft, trade, report.trigger.price)


def _confirm(draft: Draft, trade: LiveTrade, shown: Price | None) -> None:
    is_other = trade.is_stop_confirmed and shown != trade.stop_wanted
    # An earlier stop protects while a new one is under way: unless the venue shows none at all.
    is_bare = shown is None and trade.stop_confirmed is not None
    if is_other or is_bare:
        draft.emit(
            StopLost(
                symbol=trade.symbol,
                shown=shown,
                verify_by_ms=draft.now_ms + draft.config.stop_verify_ms,
                time_ms=draft.now_ms,
            )
        )
    elif shown is not None and shown != trade.stop_confirmed:
        draft.emit(StopConfirmed(symbol=trade.symbol, price=shown, time_ms=draft.now_ms))
