"""Requests about the account and about a position's margin. All have their effect at once."""

import attrs
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode

from .account import available, liquidation_price
from .bookkeeping import keep_transfer
from .checks import known_instrument
from .liquidation import is_beyond
from .records import PaperPosition
from .refusals import Refusal, Refused
from .world import World

__all__ = [
    "add_margin",
    "adjust_wallet",
    "set_auto_add_margin",
    "set_collateral",
    "set_margin_mode",
]

_COIN = "USDT"


def set_margin_mode(world: World, mode: MarginMode) -> bool:
    """Set the account's margin mode; tell whether it changed.

    Raises:
        Refused: there is a position or an order.

    """
    if mode is world.margin_mode:
        return False
    if not world.state.is_quiet():
        raise Refused(
            Refusal.MARGIN_MODE,
            f"margin mode {mode.value}: every position must be closed and every order ended first",
        )
    world.state.head.margin_mode = mode
    world.state.account_changed = True
    return True


def add_margin(world: World, symbol: Symbol, amount: Money) -> bool:
    """Add to an isolated position's margin, or take back some.

    Raises:
        Refused: cross margin, no position, or more than is available or was added.

    """
    known_instrument(world, symbol)
    held = world.held(symbol)
    if world.margin_mode is not MarginMode.ISOLATED:
        raise Refused(Refusal.MARGIN_ISOLATED_ONLY, "margin can be added in isolated margin only")
    if held.position.is_flat:
        raise Refused(Refusal.MARGIN_NO_POSITION, f"there is no position of {symbol}")
    if amount > available(world):
        raise Refused(
            Refusal.MARGIN_TO_ADD, f"margin of {amount} USDT; {available(world)} is available"
        )
    if amount < ZERO_MONEY:
        _check_taking(world, held, -amount)
    if amount == ZERO_MONEY:
        return False
    held.extra_margin += amount
    world.state.position_changed(held)
    return True


def _check_taking(world: World, held: PaperPosition, amount: Money) -> None:
    if amount > held.extra_margin:
        raise Refused(
            Refusal.MARGIN_TO_TAKE,
            f"margin of {amount} USDT to take back; {held.extra_margin} was added",
        )
    side, mark = held.position.side, world.mark(held.symbol)
    assert side is not None
    level = liquidation_price(world, attrs.evolve(held, extra_margin=held.extra_margin - amount))
    if level is not None and is_beyond(mark, level, side):
        raise Refused(
            Refusal.LIQUIDATES,
            f"without {amount} USDT the position would be liquidated at {level}, mark {mark}",
        )


def set_auto_add_margin(world: World, symbol: Symbol, *, on: bool) -> bool:
    """Choose whether margin is added before a liquidation.

    Raises:
        Refused: the symbol is not traded here, or margin is not isolated.

    """
    known_instrument(world, symbol)
    held = world.held(symbol)
    if world.margin_mode is not MarginMode.ISOLATED:
        raise Refused(
            Refusal.AUTO_MARGIN_ISOLATED_ONLY, "margin is added by itself in isolated margin only"
        )
    if held.auto_add_margin is on:
        return False
    held.auto_add_margin = on
    world.state.position_changed(held)
    return True


def set_collateral(coin: str, *, on: bool) -> bool:
    """Take what is so already for done.

    Raises:
        Refused: another coin, or USDT switched off.

    """
    if coin == _COIN and on:
        return False
    what = "cannot be switched" if coin == _COIN else f"is unknown here; {_COIN} is the only coin"
    raise Refused(Refusal.PARAMETER, f"coin {coin!r} {what}")


def adjust_wallet(world: World, amount: Money) -> bool:
    """Add to the wallet or take from it.

    Raises:
        Refused: more is taken than is available.

    """
    if amount < ZERO_MONEY and -amount > available(world):
        raise Refused(Refusal.WALLET, f"{-amount} USDT to take; {available(world)} is available")
    if amount == ZERO_MONEY:
        return False
    world.state.head.wallet += amount
    keep_transfer(world, amount)
    world.state.account_changed = True
    return True
