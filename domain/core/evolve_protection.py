"""How events about a position's protection change the books."""

import attrs
from tidegate.domain.account_settings import AccountSetting, LeverageSetting
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ProtectionChange, ProtectionSource

from . import events as ev
from .managed import Managed, Pending, StopChoice, Trail
from .state import Books, LiveTrade, with_item, without

__all__ = [
    "break_even_due",
    "guard_key_taken",
    "leverage_changed_by_hand",
    "leverage_settled",
    "protection_confirmed",
    "protection_failed",
    "protection_intended",
    "protection_taken",
    "protection_unknown",
    "stop_changed_by_hand",
    "target_changed_by_hand",
    "trailing_changed_by_hand",
    "trailing_due",
]


def _with_trade(books: Books, trade: LiveTrade) -> Books:
    return attrs.evolve(books, trades=with_item(books.trades, trade.symbol, trade))


def _with_pending(books: Books, pending: Pending) -> Books:
    symbol = pending.intended.symbol
    return attrs.evolve(books, protecting=with_item(books.protecting, symbol, pending))


def _managed(trade: LiveTrade, managed: Managed) -> LiveTrade:
    return attrs.evolve(trade, managed=managed)


def guard_key_taken(books: Books, event: ev.GuardKeyTaken) -> Books:
    """Keep the key under which positions that are not ours are closed."""
    return attrs.evolve(books, guard_key=event.key)


def break_even_due(books: Books, event: ev.BreakEvenDue) -> Books:
    """Remember that the stop is to go to break-even."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    managed = attrs.evolve(trade.managed, break_even_due_ms=event.time_ms)
    return _with_trade(books, _managed(trade, managed))


def trailing_due(books: Books, event: ev.TrailingDue) -> Books:
    """Remember the trailing stop that is wanted from now on."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    managed = attrs.evolve(
        trade.managed,
        trailing_due_ms=event.time_ms,
        trail=Trail(distance=event.distance, activation=event.activation),
        is_trail_shown=False,
    )
    return _with_trade(books, _managed(trade, managed))


def protection_intended(books: Books, event: ev.ProtectionIntended) -> Books:
    """Remember a change that is under way; one that was before is not waited for any more."""
    return _with_pending(books, Pending(intended=event, settle_by_ms=event.settle_by_ms))


def protection_taken(books: Books, event: ev.ProtectionTaken) -> Books:
    """Note that the venue took the change."""
    pending = _pending(books, event.symbol, event.key)
    if pending is None:
        return books
    taken = attrs.evolve(pending, is_taken=True, was_already=event.was_already)
    return _with_pending(books, taken)


def protection_unknown(books: Books, event: ev.ProtectionUnknown) -> Books:
    """Wait longer for a change that may still arrive."""
    pending = _pending(books, event.symbol, event.key)
    if pending is None:
        return books
    return _with_pending(books, attrs.evolve(pending, settle_by_ms=event.settle_by_ms))


def protection_failed(books: Books, event: ev.ProtectionFailed) -> Books:
    """Forget a change that had no effect; the trade keeps what it had.

    Where it was no refusal of the venue, its request may still arrive: that is remembered.
    """
    pending = _pending(books, event.symbol, event.key)
    if pending is None:
        return books
    rest = attrs.evolve(books, protecting=without(books.protecting, event.symbol))
    trade = _trade_of(rest, pending)
    if trade is None:
        return rest
    managed = trade.managed
    if event.reason is None:
        managed = managed.with_late(pending.intended.change, event.time_ms)
    if pending.intended.source is not ProtectionSource.OPERATOR:
        managed = attrs.evolve(managed, refusals=managed.refusals + 1, refused_ms=event.time_ms)
    return _with_trade(rest, _managed(trade, managed))


def protection_confirmed(books: Books, event: ev.ProtectionConfirmed) -> Books:
    """Make what the venue showed the wanted protection of the trade."""
    pending = _pending(books, event.symbol, event.key)
    if pending is None:
        return books
    rest = attrs.evolve(books, protecting=without(books.protecting, event.symbol))
    trade = _trade_of(rest, pending)
    if trade is None:
        return rest
    return _with_trade(rest, _changed(trade, pending.intended, event.time_ms))


def _pending(books: Books, symbol: Symbol, key: str) -> Pending | None:
    """Return the change that an event speaks of, while it is still the one under way."""
    pending = books.protecting.get(symbol)
    return pending if pending is not None and pending.intended.key == key else None


def _trade_of(books: Books, pending: Pending) -> LiveTrade | None:
    trade = books.trades.get(pending.intended.symbol)
    return trade if trade is not None and trade.key == pending.intended.trade_key else None


def _changed(trade: LiveTrade, intended: ev.ProtectionIntended, time_ms: int) -> LiveTrade:
    change, managed = intended.change, trade.managed
    managed = attrs.evolve(managed, refusals=0, refused_ms=None)
    if intended.source is ProtectionSource.BREAK_EVEN:
        managed = attrs.evolve(managed, is_break_even_set=True)
    if change.take_profit is not None:
        managed = attrs.evolve(managed, take_profit=_or_none(change.take_profit))
    if change.trailing_distance is not None:
        managed = attrs.evolve(
            managed,
            trail=_trail(change),
            is_trail_shown=change.trailing_distance.sign > 0,
            trailing_due_ms=managed.trailing_due_ms or time_ms,
        )
    return _with_stop(_managed(trade, managed), change, time_ms)


def _with_stop(trade: LiveTrade, change: ProtectionChange, time_ms: int) -> LiveTrade:
    if change.stop_loss is None:
        return trade
    return _chosen(trade, _or_none(change.stop_loss), time_ms)


def _chosen(trade: LiveTrade, price: Price | None, time_ms: int) -> LiveTrade:
    """Make ``price`` the trade's stop, as the venue shows it."""
    return attrs.evolve(
        trade,
        stop_wanted=price,
        stop_confirmed=price,
        stop_in_flight=None,
        managed=attrs.evolve(trade.managed, stop_choice=StopChoice(price=price, time_ms=time_ms)),
    )


def _trail(change: ProtectionChange) -> Trail | None:
    distance = change.trailing_distance
    if distance is None or distance.sign == 0:
        return None
    return Trail(distance=distance, activation=change.trailing_activation)


def _or_none(price: Price) -> Price | None:
    return None if price.sign == 0 else price


def stop_changed_by_hand(books: Books, event: ev.StopChangedByHand) -> Books:
    """Make an adopted stop the trade's own."""
    trade = _adopting(books, event.symbol, event.decision)
    if trade is None:
        return books
    return _with_trade(books, _chosen(trade, event.after, event.time_ms))


def target_changed_by_hand(books: Books, event: ev.TargetChangedByHand) -> Books:
    """Make an adopted take-profit the trade's own."""
    trade = _adopting(books, event.symbol, event.decision)
    if trade is None:
        return books
    managed = attrs.evolve(trade.managed, take_profit=event.after)
    return _with_trade(books, _managed(trade, managed))


def trailing_changed_by_hand(books: Books, event: ev.TrailingChangedByHand) -> Books:
    """Make an adopted trailing stop the trade's own; of a reverted one, set the own again."""
    trade = books.trades.get(event.symbol)
    if trade is None:
        return books
    known, managed = trade.managed.trail, trade.managed
    if event.decision is ev.HandDecision.REVERTED:
        return _with_trade(books, _managed(trade, attrs.evolve(managed, is_trail_shown=False)))
    trail = None if event.after is None else Trail(distance=event.after, activation=None)
    if trail is not None and known is not None:
        trail = attrs.evolve(known, distance=trail.distance)
    adopted = attrs.evolve(
        managed,
        trail=trail,
        is_trail_shown=trail is not None,
        trailing_due_ms=managed.trailing_due_ms or event.time_ms,
    )
    return _with_trade(books, _managed(trade, adopted))


def leverage_changed_by_hand(books: Books, event: ev.LeverageChangedByHand) -> Books:
    """Make an adopted leverage the trade's own."""
    trade = _adopting(books, event.symbol, event.decision)
    if trade is None:
        return books
    return _with_trade(books, _managed(trade, attrs.evolve(trade.managed, leverage=event.after)))


def leverage_settled(books: Books, setting: AccountSetting) -> Books:
    """Make a leverage that an operator set the trade's own: it is none of somebody else's doing."""
    trade = books.trades.get(setting.symbol) if isinstance(setting, LeverageSetting) else None
    if trade is None or not isinstance(setting, LeverageSetting):
        return books
    managed = attrs.evolve(trade.managed, leverage=setting.leverage)
    return _with_trade(books, _managed(trade, managed))


def _adopting(books: Books, symbol: Symbol, decision: ev.HandDecision) -> LiveTrade | None:
    return books.trades.get(symbol) if decision is ev.HandDecision.ADOPTED else None
