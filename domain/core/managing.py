"""The stop of a held position after its entry: to break-even, and trailing.

Each step has its own event: due, intended, confirmed or failed. The stop that is known stays in
force until the venue shows the tighter one, so a refusal bares nothing; it is tried again later.
"""

from tidegate.domain.managed_levels import (
    break_even_stop,
    is_rung_filled,
    is_tighter,
    trailing_activation,
    trailing_distance,
)
from tidegate.domain.money import ZERO_DISTANCE, Distance, Money, Price, Qty
from tidegate.domain.orders import Role, Symbol
from tidegate.domain.protection import ProtectionChange, ProtectionSource

from .changing import change_protection, is_change_due, next_change_ms
from .draft import Draft
from .events import BreakEvenDue, TrailingDue
from .managed import Trail
from .state import LiveTrade

__all__ = ["entry_is_resting", "manage", "next_managed_ms"]


def manage(draft: Draft, symbol: Symbol) -> None:
    """Note what has become due for a live trade, and ask for it."""
    for action in (_note_break_even, _note_trailing, _keep_break_even, _keep_trailing):
        trade = draft.trade(symbol)
        if trade is None or trade.closing is not None or draft.books.is_panic_running:
            return
        action(draft, trade)


def entry_is_resting(draft: Draft, trade: LiveTrade) -> bool:
    """Tell whether an entry may fill at any moment: what follows waits for the whole fill."""
    return any(
        order.role is Role.ENTRY and order.fills_at_once
        for order in draft.books.open_orders(trade.symbol)
    )


def _is_filled(trade: LiveTrade, number: int) -> bool:
    """Tell whether a rung of the trade's ladder has filled."""
    ladder = enumerate(trade.signal.ladder, 1)
    order = [one for one, _ in sorted(ladder, key=lambda rung: rung[1].reward_to_risk)]
    if number not in order:
        return False
    planned = {rung.number: rung.qty for rung in trade.rungs}
    return is_rung_filled(number, order=order, planned=planned, closed=trade.rung_closed)


def _note_break_even(draft: Draft, trade: LiveTrade) -> None:
    """Record that the rung which the break-even waits for has filled."""
    spec = trade.signal.management.break_even
    is_due = spec is not None and trade.managed.break_even_due_ms is None
    if spec is not None and is_due and _is_filled(trade, spec.after_rung):
        draft.emit(
            BreakEvenDue(
                symbol=trade.symbol,
                trade_key=trade.key,
                rung=spec.after_rung,
                time_ms=draft.now_ms,
            )
        )


def _note_trailing(draft: Draft, trade: LiveTrade) -> None:
    """Record the trailing stop once what it waits for has come; its values stay from then on."""
    spec, instrument = trade.signal.management.trailing, draft.instrument(trade.symbol)
    if spec is None or instrument is None or trade.managed.trailing_due_ms is not None:
        return
    if entry_is_resting(draft, trade):
        return
    if spec.after_rung is not None and not _is_filled(trade, spec.after_rung):
        return
    entry = trade.value_opened / trade.qty_opened
    activation = trailing_activation(
        spec, side=trade.side, entry=entry, risk=_one_r(trade), tick=instrument.tick
    )
    draft.emit(
        TrailingDue(
            symbol=trade.symbol,
            trade_key=trade.key,
            distance=trailing_distance(spec, instrument.tick),
            activation=activation,
            time_ms=draft.now_ms,
        )
    )


def _one_r(trade: LiveTrade) -> Distance | None:
    """Return one R of the trade as a price distance."""
    if trade.risk is None or trade.risk.sign <= 0:
        return None
    return Distance((trade.risk / trade.qty_opened).value)


def _keep_break_even(draft: Draft, trade: LiveTrade) -> None:
    price = _break_even(draft, trade)
    if price is None or not is_change_due(draft, trade) or not _holds(draft, trade, price):
        return
    change_protection(draft, trade, ProtectionSource.BREAK_EVEN, ProtectionChange(stop_loss=price))


def _break_even(draft: Draft, trade: LiveTrade) -> Price | None:
    """Return the stop that is to be set, ``None`` while none is, or a tighter one is in force."""
    spec, managed = trade.signal.management.break_even, trade.managed
    if spec is None or managed.break_even_due_ms is None or managed.is_break_even_set:
        return None
    if trade.stop_wanted is not None and not trade.is_protected:
        return None
    instrument, fees = draft.instrument(trade.symbol), draft.view.fees.get(trade.symbol)
    if instrument is None or fees is None:
        return None
    qty = trade.qty_opened - trade.qty_closed
    price = break_even_stop(
        side=trade.side,
        qty=qty,
        cost=_cost(draft, trade, qty),
        realised=trade.profit,
        fees_paid=trade.fees,
        funding_paid=trade.funding,
        taker=fees.taker,
        cushion=spec.cushion,
        tick=instrument.tick,
    )
    return (
        price
        if price is not None and is_tighter(price, trade.stop_wanted, side=trade.side)
        else None
    )


def _cost(draft: Draft, trade: LiveTrade, qty: Qty) -> Money:
    """Return what is left of the trade at its entry price; exact where nothing foreign is held."""
    position = draft.books.position(trade.symbol)
    if abs(position.qty) == qty:
        return abs(position.cost)
    return trade.value_opened / trade.qty_opened * qty


def _holds(draft: Draft, trade: LiveTrade, stop: Price) -> bool:
    """Tell whether the last price is where a stop would not fire at once."""
    ticker = draft.view.tickers.get(trade.symbol)
    return ticker is not None and is_tighter(ticker.last, stop, side=trade.side)


def _keep_trailing(draft: Draft, trade: LiveTrade) -> None:
    trail = trade.managed.trail
    if trail is None or not _is_trail_wanted(trade) or not is_change_due(draft, trade):
        return
    if trade.symbol not in draft.view.tickers:
        return
    change_protection(
        draft,
        trade,
        ProtectionSource.TRAILING,
        ProtectionChange(
            trailing_distance=trail.distance, trailing_activation=_ahead(draft, trade, trail)
        ),
    )


def _is_trail_wanted(trade: LiveTrade) -> bool:
    """Tell whether the trailing stop is to be set now: the stop proper comes first."""
    is_covered = trade.stop_wanted is None or trade.is_protected
    return trade.managed.trail is not None and not trade.managed.is_trail_shown and is_covered


def _ahead(draft: Draft, trade: LiveTrade, trail: Trail) -> Price | None:
    """Return the activation price while it lies ahead; one that was passed means at once."""
    ticker, activation = draft.view.tickers[trade.symbol], trail.activation
    if activation is None:
        return None
    way = (activation - ticker.last).times(trade.side.sign)
    return activation if way > ZERO_DISTANCE else None


def next_managed_ms(draft: Draft, trade: LiveTrade) -> int | None:
    """Return when :func:`manage` has something to ask for, ``None`` while only a price can tell."""
    if trade.symbol in draft.books.protecting:
        return None
    price = _break_even(draft, trade)
    is_even_due = price is not None and _holds(draft, trade, price)
    is_trail_due = _is_trail_wanted(trade) and trade.symbol in draft.view.tickers
    return next_change_ms(draft, trade) if is_even_due or is_trail_due else None
