"""An operator's change of a position's protection: rounded, judged, recorded, read back."""

import attrs
from tidegate.domain.grid import (
    is_on_grid,
    limit_price,
    price_down,
    price_up,
    protective_stop,
    take_profit,
)
from tidegate.domain.instrument import Instrument
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.money import ZERO_QTY, Distance, Price
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.protection import PartialPair, ProtectionChange, ProtectionSource
from tidegate.domain.risk.rules_protection import HeldPosition, Objection, judge_protection
from tidegate.domain.risk.verdict import Breach, Missing

from .changing import intend_change
from .draft import Draft
from .events import ProtectionRefused
from .inputs import ProtectRequest
from .snapshots import fresh_equity
from .trade_loss import costs_of, entries_at_risk

__all__ = ["held_position", "on_grid", "protect_asked"]


def protect_asked(draft: Draft, request: ProtectRequest) -> None:
    """Judge an operator's request, and record it or its refusal."""
    held = held_position(draft, request.symbol)
    if isinstance(held, str):
        _refuse(draft, request, fault=held)
        return
    change = on_grid(request.change, held.instrument, side=held.side)
    if isinstance(change, str):
        _refuse(draft, request, fault=change)
        return
    objections = judge_protection(change, held, draft.config.limits)
    if objections:
        _refuse(draft, request, objections=objections)
        return
    intend_change(draft, request.symbol, request.key, ProtectionSource.OPERATOR, change)


def held_position(draft: Draft, symbol: Symbol) -> HeldPosition | str:
    """Return a position, ours or foreign, as the rules look at it, or say what is missing."""
    trade, position = draft.trade(symbol), draft.books.position(symbol)
    report, ticker = draft.view.positions.get(symbol), draft.view.tickers.get(symbol)
    if report is not None and report.qty == ZERO_QTY:
        report = None
    qty = position.qty if report is None or not position.is_flat else report.qty
    entry = position.entry_price
    if entry is None:
        entry = None if report is None else report.entry_price
    if qty == ZERO_QTY or entry is None:
        return f"no position in {symbol}: protection needs one; an entry carries its own stop"
    if trade is not None and trade.closing is not None:
        return f"position of {symbol} is being closed: wait until it is flat"
    instrument = draft.instrument(symbol)
    if instrument is None or ticker is None:
        what = "instrument specification" if instrument is None else "price"
        return f"{what} of {symbol} not known: nothing is sent without"
    side = Side.BUY if qty > ZERO_QTY else Side.SELL
    wanted = None if trade is None else trade.stop_wanted
    return HeldPosition(
        symbol=symbol,
        side=side,
        qty=abs(qty),
        entry=entry,
        last=ticker.last,
        stop=_tighter(wanted, None if report is None else report.stop_loss, side),
        trailing=None if report is None else report.trailing_distance,
        liquidation=None if report is None else report.liquidation_price,
        is_reported=report is not None,
        equity=fresh_equity(draft.state, draft.config, draft.now_ms),
        costs=costs_of(draft.view, draft.config, symbol),
        instrument=instrument,
        trading_state=draft.books.effective_state,
        entries=entries_at_risk(draft.books, symbol),
    )


def _tighter(one: Price | None, other: Price | None, side: Side) -> Price | None:
    if one is None:
        return other
    if other is None:
        return one
    return one if is_tighter(one, other, side=side) else other


def on_grid(
    change: ProtectionChange, instrument: Instrument, *, side: Side
) -> ProtectionChange | str:
    """Round a change to the tick: stops toward the price, targets nearer, an activation later.

    A quantity of a partial pair is not rounded: one that is off the step is a refusal.
    """
    tick = instrument.tick
    if change.pair is not None:
        return _pair_on_grid(change.pair, instrument, side=side)
    stop, target = change.stop_loss, change.take_profit
    distance, activation = change.trailing_distance, change.trailing_activation
    if distance is not None and distance.sign > 0:
        distance = max(Distance(price_down(Price(distance.value), tick).value), tick)
    if activation is not None:
        rounded = price_up if side is Side.BUY else price_down
        activation = rounded(activation, tick)
    return attrs.evolve(
        change,
        stop_loss=None if stop is None else protective_stop(stop, tick, position=side),
        take_profit=None if target is None else take_profit(target, tick, position=side),
        trailing_distance=distance,
        trailing_activation=activation,
    )


def _pair_on_grid(
    pair: PartialPair, instrument: Instrument, *, side: Side
) -> ProtectionChange | str:
    if not is_on_grid(pair.qty, instrument.qty_step):
        return (
            f"partial pair of {pair.qty} {instrument.base_coin}: a multiple of "
            f"{instrument.qty_step} is accepted"
        )
    tick, stop, target = instrument.tick, pair.stop_loss, pair.take_profit
    if stop is not None:
        stop = attrs.evolve(stop, price=protective_stop(stop.price, tick, position=side))
    if target is not None:
        target = attrs.evolve(target, price=take_profit(target.price, tick, position=side))
    return ProtectionChange(
        pair=attrs.evolve(
            pair,
            stop_loss=stop,
            take_profit=target,
            stop_loss_limit=_exit_limit(pair.stop_loss_limit, tick, side),
            take_profit_limit=_exit_limit(pair.take_profit_limit, tick, side),
        )
    )


def _exit_limit(price: Price | None, tick: Distance, position: Side) -> Price | None:
    return None if price is None else limit_price(price, tick, side=position.opposite)


def _refuse(
    draft: Draft,
    request: ProtectRequest,
    *,
    objections: tuple[Objection, ...] = (),
    fault: str | None = None,
) -> None:
    draft.emit(
        ProtectionRefused(
            symbol=request.symbol,
            key=request.key,
            breaches=tuple(one for one in objections if isinstance(one, Breach)),
            missing=tuple(one for one in objections if isinstance(one, Missing)),
            fault=fault,
            time_ms=draft.now_ms,
        )
    )
