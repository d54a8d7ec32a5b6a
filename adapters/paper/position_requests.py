"""Requests about a position: protection and leverage. Both have their effect at once."""

from tidegate.domain.grid import is_on_grid
from tidegate.domain.margin import leverage_allowed
from tidegate.domain.money import ZERO, ZERO_MONEY, Price, Rate
from tidegate.domain.orders import ProtectiveLeg, Side, Symbol, TriggerBy
from tidegate.domain.reports import CancelReason, Origin
from tidegate.ports.exchange import PositionStop

from .account import available, liquidation_price, risked_notional
from .book import Book
from .checks import check_leg, check_price, known_book, known_instrument
from .legs import find_leg
from .liquidation import is_beyond
from .protection import set_leg, set_trailing
from .records import PaperPosition
from .refusals import Refusal, Refused
from .world import World

__all__ = ["set_leverage", "set_position_stop"]


def set_position_stop(world: World, stop: PositionStop) -> bool:
    """Set, move or clear protection; tell whether anything changed.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    known_instrument(world, stop.symbol)
    side = world.held(stop.symbol).position.side
    if side is None:
        raise Refused(Refusal.ZERO_POSITION, "can not set tp/sl/ts for zero position")
    if stop.stop_loss is None and stop.take_profit is None and stop.trailing_distance is None:
        raise Refused(Refusal.PROTECTION_NOT_MODIFIED, "not modified: nothing was given")
    book = known_book(world, stop.symbol)
    legs = (
        (Origin.STOP_LOSS, stop.stop_loss, stop.stop_loss_by),
        (Origin.TAKE_PROFIT, stop.take_profit, stop.take_profit_by),
    )
    for origin, price, by in legs:
        if price is not None and price.value != ZERO:
            _check(world, book, side, origin, ProtectiveLeg(price=price, by=by))
    _check_trailing(world, book, side, stop)
    changed = [_set(world, stop.symbol, origin, price, by) for origin, price, by in legs]
    changed.append(_set_trailing(world, stop))
    return any(changed)


def _check(world: World, book: Book, side: Side, origin: Origin, leg: ProtectiveLeg) -> None:
    what = "stop loss" if origin is Origin.STOP_LOSS else "take profit"
    check_price(world.instruments[book.symbol], leg.price, what)
    below = (origin is Origin.STOP_LOSS) is (side is Side.BUY)
    check_leg(leg, base=book.reference(leg.by), position=side, below=below)


def _check_trailing(world: World, book: Book, side: Side, stop: PositionStop) -> None:
    distance, activation = stop.trailing_distance, stop.trailing_activation
    if distance is None or distance.value == ZERO:
        if activation is not None:
            raise Refused(
                Refusal.PARAMETER, f"activation price {activation} without a trailing distance"
            )
        return
    instrument = world.instruments[book.symbol]
    multiple = distance.value > ZERO and is_on_grid(Price(distance.value), instrument.tick)
    if not multiple or distance.value >= book.last.value:
        raise Refused(
            Refusal.PARAMETER,
            f"trailing distance {distance}: a multiple of the tick {instrument.tick}, above 0 and "
            f"below the price {book.last}, is needed",
        )
    if activation is not None:
        check_price(instrument, activation, "activation price")
        leg = ProtectiveLeg(price=activation)
        check_leg(leg, base=book.last, position=side, below=side is Side.SELL)


def _set(world: World, symbol: Symbol, origin: Origin, price: Price | None, by: TriggerBy) -> bool:
    if price is None:
        return False
    existing = find_leg(world, symbol, origin)
    if price.value == ZERO:
        if existing is not None:
            world.state.end(existing, CancelReason.BY_USER)
        return existing is not None
    trigger = None if existing is None else existing.trigger
    if trigger is not None and (trigger.price, trigger.by) == (price, by):
        return False
    set_leg(world, symbol, origin, ProtectiveLeg(price=price, by=by), parent=None)
    return True


def _set_trailing(world: World, stop: PositionStop) -> bool:
    distance = stop.trailing_distance
    if distance is None:
        return False
    existing = find_leg(world, stop.symbol, Origin.TRAILING_STOP)
    if distance.value == ZERO:
        if existing is not None:
            world.state.end(existing, CancelReason.BY_USER)
        return existing is not None
    now = None if existing is None else existing.trailing
    if now is not None and (now.distance, now.activation) == (distance, stop.trailing_activation):
        return False
    set_trailing(world, stop.symbol, distance, stop.trailing_activation)
    return True


def set_leverage(world: World, symbol: Symbol, leverage: Rate) -> bool:
    """Set the leverage; tell whether it changed. Raises :class:`Refused` with nothing changed.

    Refused: outside the instrument's range or off its step, above what the risk tier of position
    and orders allows, beyond the available margin, or where the position would be liquidated.

    Raises:
        Refused: the venue refuses; nothing was changed.

    """
    instrument = known_instrument(world, symbol)
    if not instrument.leverage_min <= leverage <= instrument.leverage_max:
        raise Refused(
            Refusal.LEVERAGE,
            f"leverage {leverage} of {symbol}: {instrument.leverage_min} to "
            f"{instrument.leverage_max} is allowed",
        )
    steps = leverage / instrument.leverage_step
    if steps.value != steps.value.to_integral_value():
        raise Refused(
            Refusal.LEVERAGE,
            f"leverage {leverage} is not a multiple of {instrument.leverage_step}",
        )
    held = world.held(symbol)
    if held.leverage == leverage:
        return False
    if symbol in world.state.books:
        _check_leverage(world, held, leverage)
    held.leverage = leverage
    world.state.position_changed(held)
    return True


def _check_leverage(world: World, held: PaperPosition, leverage: Rate) -> None:
    symbol = held.symbol
    value, _ = risked_notional(world, symbol)
    allowed = leverage_allowed(world.instruments[symbol].tiers, value)
    if leverage > allowed:
        raise Refused(
            Refusal.LEVERAGE,
            f"leverage {leverage} for {value} USDT of {symbol}: at most {allowed} is allowed",
        )
    before = held.leverage
    held.leverage = leverage
    try:
        _check_consequences(world, held, lowered=leverage < before)
    finally:
        held.leverage = before


def _check_consequences(world: World, held: PaperPosition, *, lowered: bool) -> None:
    side, level = held.position.side, liquidation_price(world, held)
    mark = world.mark(held.symbol)
    if side is not None and level is not None and is_beyond(mark, level, side):
        raise Refused(
            Refusal.LIQUIDATES,
            f"at leverage {held.leverage} the position would be liquidated at {level}, mark {mark}",
        )
    if lowered and available(world) < ZERO_MONEY:
        raise Refused(
            Refusal.LEVERAGE_MARGIN,
            f"leverage {held.leverage} of {held.symbol} needs more margin than is available",
        )
