"""Why an effect must not leave any more, asked in its lane right before it would.

While it waited behind a slow request its entry may have been cancelled, the desk halted, or so much
time have passed that another process on the same journal believes it never left.
"""

from tidegate.domain.core.account import state_objection
from tidegate.domain.core.by_hand import leverage_wanted
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Effect,
    Place,
    SetLeverage,
    SetProtection,
    SetStop,
)
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import ClientId, Reduction
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import ExchangePort

from .engine import Engine
from .modes import mode_objection, obeys_mode

__all__ = ["objection"]

_NOT_WANTED = "it was not wanted any more before it was sent"
_STOPPED = "the writer stopped before it was sent"


def objection(effect: Effect, engine: Engine, port: ExchangePort, *, is_over: bool) -> str | None:
    """Say why ``effect`` must not leave, ``None`` when it may; ``is_over``: nobody decides more."""
    match effect:
        case Place():
            return _late(engine, effect.order.order.client_id) or _to_place(
                effect, engine, port, is_over=is_over
            )
        case AmendOrder():
            return _late(engine, effect.client_id) or _to_amend(
                effect, engine, port, is_over=is_over
            )
        case SetLeverage():
            trade = engine.state.books.trades.get(effect.symbol)
            if trade is None or leverage_wanted(trade) != effect.leverage:
                # It is an entry's: it is held back with it.
                return _to_entries(engine, port, is_over=is_over)
            return mode_objection(engine.config, port)
        case ApplySetting():
            if is_over:
                return _STOPPED
            mismatch = mode_objection(engine.config, port)
            return mismatch or state_objection(engine.state, effect.setting)
        case SetStop() | SetProtection():
            return None if _is_wanted(engine.state.books, effect) else _NOT_WANTED
        case _:
            return None


def _late(engine: Engine, client_id: ClientId) -> str | None:
    """Hold back what another process may have given up, on a journal that is shared."""
    config, order = engine.config, engine.state.books.order(client_id)
    if not config.is_shared or order is None:
        return None
    pending = order.pending
    since_ms = order.intended_ms if pending is None else pending.sent_ms
    late_ms = engine.clock.now_ms() - since_ms
    if late_ms < config.send_within_ms:
        return None
    return (
        f"it waited {late_ms} ms to be sent, and other processes give it up after "
        f"{config.send_within_ms} ms"
    )


def _to_place(effect: Place, engine: Engine, port: ExchangePort, *, is_over: bool) -> str | None:
    if isinstance(effect.order, Reduction):
        # What closes a position passes; what an operator placed obeys the mode.
        return mode_objection(engine.config, port) if obeys_mode(effect) else None
    assert isinstance(effect.order, Approved), f"{effect.order!r} is neither entry nor reduction"
    order = engine.state.books.order(effect.order.order.client_id)
    if order is None or not order.is_open or order.cancel_wanted:
        return "it was cancelled before it was sent"
    return _to_entries(engine, port, is_over=is_over)


def _to_amend(
    effect: AmendOrder, engine: Engine, port: ExchangePort, *, is_over: bool
) -> str | None:
    order = engine.state.books.order(effect.client_id)
    if order is None or order.pending is None or order.cancel_wanted:
        return _NOT_WANTED
    if effect.urgent:
        return mode_objection(engine.config, port)
    return _to_entries(engine, port, is_over=is_over)


def _is_wanted(books: Books, effect: SetStop | SetProtection) -> bool:
    """Tell whether protection that waited is still for the position that it was meant for."""
    if isinstance(effect, SetStop):
        trade = books.trades.get(effect.symbol)
        return trade is not None and trade.stop_wanted == effect.price
    pending = books.protecting.get(effect.symbol)
    return pending is not None and pending.intended.key == effect.key


def _to_entries(engine: Engine, port: ExchangePort, *, is_over: bool) -> str | None:
    if is_over:
        return _STOPPED
    if (mismatch := mode_objection(engine.config, port)) is not None:
        return mismatch
    state = engine.state.books.effective_state
    if state is not TradingState.ACTIVE:
        return f"the desk was {state.name} before it was sent"
    return None
