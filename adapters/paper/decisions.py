"""What the venue decides by itself: specifications, the index, and closes that nobody asked for."""

from tidegate.domain.grid import is_on_grid
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.money import ZERO, ZERO_QTY, ZERO_RATE, Price, Qty
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import CancelReason, Origin

from .checks import known_instrument
from .liquidation import forced_order
from .matching import execute
from .records import PaperOrder
from .refusals import Refusal, Refused
from .tape import keep_price
from .world import World

__all__ = ["check_forced", "force_close", "set_index", "set_instrument"]

_FORCED = (Origin.LIQUIDATION, Origin.AUTO_DELEVERAGING, Origin.SETTLEMENT)
_NO_PRICE = Price(ZERO)


def set_instrument(world: World, instrument: Instrument) -> None:
    """Replace a specification; what its new status does not allow ends."""
    symbol = instrument.symbol
    world.instruments[symbol] = instrument
    world.state.changes.instruments[symbol] = instrument
    held = world.held(symbol)
    if held.leverage > instrument.leverage_max:
        held.leverage = instrument.leverage_max
        world.state.position_changed(held)
    if instrument.status in {InstrumentStatus.REDUCE_ONLY, InstrumentStatus.CLOSED}:
        _end_orders(world, instrument)
    if instrument.status is InstrumentStatus.CLOSED and not held.position.is_flat:
        _close(world, symbol, abs(held.position.qty), world.mark(symbol), Origin.SETTLEMENT)


def _end_orders(world: World, instrument: Instrument) -> None:
    is_closed = instrument.status is InstrumentStatus.CLOSED
    for order in world.state.orders_of(instrument.symbol):
        if is_closed or not order.reduce_only:
            world.state.end(order, CancelReason.BY_VENUE)


def set_index(world: World, symbol: Symbol, index: Price) -> None:
    """Set the index price of a symbol that has a price."""
    book = world.state.books[symbol]
    book.index_point = index
    world.state.book_changed(book)
    keep_price(world, symbol, TriggerBy.INDEX, index, time_ms=world.state.head.now_ms)


def check_forced(symbol: Symbol, qty: Qty, price: Price, origin: Origin) -> None:
    """Raise ``ValueError`` for a forced close that no venue does.

    Raises:
        ValueError: another origin, or a quantity or price that is not above zero.

    """
    if origin not in _FORCED:
        accepted = ", ".join(member.value for member in _FORCED)
        raise ValueError(f"origin {origin.value} of a forced close: {accepted} are accepted")
    if qty <= ZERO_QTY or price <= _NO_PRICE:
        raise ValueError(f"forced close of {qty} {symbol} at {price}: both must be above zero")


def force_close(world: World, symbol: Symbol, qty: Qty, price: Price, origin: Origin) -> PaperOrder:
    """Close a part of a position at the venue's price.

    Raises:
        Refused: there is no position, or ``qty`` is off the step or above it.

    """
    instrument, held = known_instrument(world, symbol), world.held(symbol)
    if held.position.is_flat:
        raise Refused(Refusal.ZERO_POSITION, f"there is no position of {symbol}")
    if qty > abs(held.position.qty) or not is_on_grid(qty, instrument.qty_step):
        raise Refused(
            Refusal.QTY_RANGE,
            f"forced close of {qty} {symbol}: a multiple of {instrument.qty_step} up to "
            f"{abs(held.position.qty)}",
        )
    return _close(world, symbol, qty, price, origin)


def _close(world: World, symbol: Symbol, qty: Qty, price: Price, origin: Origin) -> PaperOrder:
    held = world.held(symbol)
    order = forced_order(world, held, qty=qty, price=price, origin=origin)
    world.state.add(order)
    rate = ZERO_RATE if origin is Origin.SETTLEMENT else world.fees.taker
    execute(world, order, qty=qty, price=price, rate=rate, is_maker=False)
    return order
