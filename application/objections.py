"""Why a request that waited in a lane must not leave any more: asked when its turn comes.

While it waited its entry may have been cancelled, the desk halted, its position have ended, or so
much time have passed that another process on the same journal believes it never left.
"""

from tidegate.domain.core.account import state_objection
from tidegate.domain.core.by_hand import leverage_wanted
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Effect,
    Place,
    SetLeverage,
    SetProtection,
    SetStop,
)
from tidegate.domain.core.state import State
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import ClientId, Reduction
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import ExchangePort

from .modes import mode_objection, obeys_mode

__all__ = ["objection_to"]

_NOT_WANTED = "it was not wanted any more before it was sent"


def objection_to(
    effect: Effect,
    state: State,
    config: CoreConfig,
    port: ExchangePort,
    *,
    now_ms: int,
    has_failed: bool,
) -> str | None:
    """Hold back an entry that was cancelled or halted, and a stop not wanted any more.

    Returns why it must not leave, ``None`` when it may. ``state`` is the present one, ``now_ms``
    the desk's time in UTC milliseconds; ``has_failed`` means that the writer stopped on a fault.
    """
    if has_failed and _needs_writer(effect, state):
        return "the writer stopped before it was sent"
    return _late(effect, state, config, now_ms) or _objection(effect, state, config, port)


def _late(effect: Effect, state: State, config: CoreConfig, now_ms: int) -> str | None:
    """Hold back what another process may have given up, on a journal that is shared."""
    client_id = _order_of(effect)
    order = None if client_id is None else state.books.order(client_id)
    if not config.is_shared or order is None:
        return None
    since_ms = order.intended_ms if order.pending is None else order.pending.sent_ms
    late_ms = now_ms - since_ms
    if late_ms < config.send_within_ms:
        return None
    return (
        f"it waited {late_ms} ms to be sent, and other processes give it up after "
        f"{config.send_within_ms} ms"
    )


def _order_of(effect: Effect) -> ClientId | None:
    match effect:
        case Place():
            return effect.order.order.client_id
        case AmendOrder():
            return effect.client_id
        case _:
            return None


def _objection(effect: Effect, state: State, config: CoreConfig, port: ExchangePort) -> str | None:
    match effect:
        case Place(order=Approved()):
            order = state.books.order(effect.order.order.client_id)
            if order is None or not order.is_open or order.cancel_wanted:
                return "it was cancelled before it was sent"
            return _to_entries(state, config, port)
        case Place(order=Reduction()):
            # What closes a position passes; what an operator placed obeys the mode.
            return mode_objection(config, port) if obeys_mode(effect) else None
        case AmendOrder():
            order = state.books.order(effect.client_id)
            if order is None or order.pending is None or order.cancel_wanted:
                return _NOT_WANTED
            if effect.urgent:
                return mode_objection(config, port)
            return _to_entries(state, config, port)
        case SetLeverage():
            return _to_leverage(effect, state, config, port)
        case ApplySetting():
            return mode_objection(config, port) or state_objection(state, effect.setting)
        case SetStop() | SetProtection():
            return None if _is_wanted(effect, state) else _NOT_WANTED
        case _:
            return None


def _needs_writer(effect: Effect, state: State) -> bool:
    """Tell whether an effect adds risk or changes the account: without a writer it stays."""
    match effect:
        case Place(order=Approved()) | ApplySetting() | AmendOrder(urgent=False):
            return True
        case SetLeverage():
            return not _is_of_position(effect, state)
        case _:
            return False


def _is_of_position(effect: SetLeverage, state: State) -> bool:
    trade = state.books.trades.get(effect.symbol)
    return trade is not None and leverage_wanted(trade) == effect.leverage


def _is_wanted(effect: SetStop | SetProtection, state: State) -> bool:
    """Tell whether protection that waited is still for the position that it was meant for."""
    if isinstance(effect, SetStop):
        trade = state.books.trades.get(effect.symbol)
        return trade is not None and trade.stop_wanted == effect.price
    pending = state.books.protecting.get(effect.symbol)
    return pending is not None and pending.intended.key == effect.key


def _to_leverage(
    effect: SetLeverage, state: State, config: CoreConfig, port: ExchangePort
) -> str | None:
    """Hold back the leverage of an entry with it, and not one that a position is to have."""
    if _is_of_position(effect, state):
        return mode_objection(config, port)
    return _to_entries(state, config, port)


def _to_entries(state: State, config: CoreConfig, port: ExchangePort) -> str | None:
    if (mismatch := mode_objection(config, port)) is not None:
        return mismatch
    in_force = state.books.effective_state
    if in_force is not TradingState.ACTIVE:
        return f"the desk was {in_force.name} before it was sent"
    return None
