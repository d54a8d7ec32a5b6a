"""What each request does to the venue's books when it arrives."""

from tidegate.domain.lifecycle import TERMINAL, Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price, Rate
from tidegate.domain.orders import (
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Symbol,
    TimeInForce,
    TriggerBy,
)
from tidegate.domain.reports import CancelReason, OrderReport, Origin, RejectReason
from tidegate.ports.exchange import Accepted, Done, PositionStop

from .books import LEG_ORIGINS, Books
from .checks import (
    leverage_refusal,
    order_refusal,
    position_stop_refusal,
)
from .faults import Refusal
from .margins import announce
from .matching import arrive, end, execute
from .protection import clear_leg, put_leg, start_trail

__all__ = [
    "cancel",
    "cancel_all",
    "live_order",
    "place",
    "set_leverage",
    "set_position_stop",
    "submit",
]


def place(books: Books, request: OrderRequest) -> Accepted | Refusal:
    """Accept an order and let it trade, or refuse it without a trace.

    ``Accepted``: done, as far as it goes at once; ``Refusal``: why not, and nothing changed.
    """
    return submit(books, _record(books, request))


def _record(books: Books, request: OrderRequest) -> OrderReport:
    """Return the record that ``request`` starts with; a market order is immediate-or-cancel."""
    is_market = request.kind is OrderKind.MARKET
    return OrderReport(
        symbol=request.symbol,
        venue_id=books.next_order_id(),
        client_id=request.client_id,
        side=request.side,
        kind=request.kind,
        status=Status.ACKNOWLEDGED if request.trigger is None else Status.UNTRIGGERED,
        qty=request.qty,
        qty_filled=ZERO_QTY,
        value_filled=ZERO_MONEY,
        price=request.price,
        trigger=request.trigger,
        stop_loss=request.stop_loss,
        take_profit=request.take_profit,
        time_in_force=TimeInForce.IOC if is_market else request.time_in_force,
        reduce_only=request.reduce_only,
        created_ms=books.now_ms(),
        updated_ms=books.now_ms(),
    )


def submit(books: Books, order: OrderReport) -> Accepted | Refusal:
    """Accept ``order`` as its record stands, or refuse it without a trace.

    ``Accepted``: done, as far as it goes at once; ``Refusal``: why not, and nothing changed.
    """
    refusal = order_refusal(books, order)
    if refusal is not None:
        return refusal
    if order.trigger is not None:
        books.put(order)
    else:
        arrive(books, order)
    return Accepted(venue_id=order.venue_id, time_ms=books.now_ms())


def live_order(books: Books, symbol: Symbol, order_id: str) -> OrderReport | Refusal:
    """Return an order that is not finished, by either id, or why there is none.

    An ``OrderReport`` where there is one, else a ``Refusal`` with the venue's code.
    """
    order = books.find(order_id)
    if order is None or order.symbol != symbol:
        return Refusal(
            reason=RejectReason.ORDER_NOT_FOUND,
            code=110001,
            message=f"order {order_id} of {symbol} does not exist",
        )
    if order.status in TERMINAL:
        return Refusal(
            reason=RejectReason.ORDER_FINISHED,
            code=110010,
            message=f"order {order_id} has been {order.status.value}",
        )
    return order


def cancel(books: Books, symbol: Symbol, order_id: str) -> Accepted | Refusal:
    """Cancel a live order by either id; what it filled stays filled.

    A cancel that the script lets a fill outrun is acknowledged all the same, as on the venue.

    ``Accepted``: done, as far as it goes at once; ``Refusal``: why not, and nothing changed.
    """
    order = live_order(books, symbol, order_id)
    if isinstance(order, Refusal):
        return order
    fill_price = books.outruns.pop(order.venue_id, None)
    if fill_price is None:
        end(books, order, CancelReason.BY_USER)
    else:
        left = order.qty - order.qty_filled
        execute(books, order, qty=left, price=fill_price, is_maker=True)
    return Accepted(venue_id=order.venue_id, time_ms=books.now_ms())


def cancel_all(books: Books, symbol: Symbol | None) -> Done | Refusal:
    """Cancel every order of a symbol, or of all, the venue's own protective ones included.

    An order that the script lets a fill outrun fills instead; none of its parts is left.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    if symbol is not None and symbol not in books.instruments:
        return Refusal(
            reason=RejectReason.INVALID_PARAMETER, code=10001, message=f"symbol {symbol} invalid"
        )
    bared = {one for one in books.trails if symbol in (None, one)}
    was_already = not bared and not any(books.live(symbol))
    for order in books.live(symbol):
        if order.origin in LEG_ORIGINS:
            bared.add(order.symbol)
        cancel(books, order.symbol, order.venue_id)
    for one in bared:
        books.trails.pop(one, None)
        announce(books, one)
    return Done(time_ms=books.now_ms(), was_already=was_already)


def set_position_stop(books: Books, stop: PositionStop) -> Done | Refusal:
    """Set, move or clear the legs of a position; nothing changes unless all of it is valid.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    refusal = position_stop_refusal(books, stop)
    if refusal is not None:
        return refusal
    before = _protection(books, stop.symbol)
    _set_leg(books, stop.symbol, Origin.STOP_LOSS, stop.stop_loss, stop.stop_loss_by)
    _set_leg(books, stop.symbol, Origin.TAKE_PROFIT, stop.take_profit, stop.take_profit_by)
    _set_trail(books, stop)
    was_already = _protection(books, stop.symbol) == before
    if not was_already:
        announce(books, stop.symbol)
    return Done(time_ms=books.now_ms(), was_already=was_already)


def _protection(books: Books, symbol: Symbol) -> tuple[object, ...]:
    legs = (books.leg(symbol, Origin.STOP_LOSS), books.leg(symbol, Origin.TAKE_PROFIT))
    return (books.trails.get(symbol), *(leg and leg.trigger for leg in legs))


def _set_leg(
    books: Books, symbol: Symbol, origin: Origin, price: Price | None, by: TriggerBy
) -> None:
    if price is None:
        return
    if price.sign == 0:
        clear_leg(books, symbol, origin, CancelReason.BY_USER)
    else:
        put_leg(books, symbol, origin, ProtectiveLeg(price=price, by=by))


def _set_trail(books: Books, stop: PositionStop) -> None:
    distance = stop.trailing_distance
    if distance is None:
        return
    if distance.sign == 0:
        clear_leg(books, stop.symbol, Origin.TRAILING_STOP, CancelReason.BY_USER)
    else:
        start_trail(books, stop.symbol, distance, stop.trailing_activation)


def set_leverage(books: Books, symbol: Symbol, leverage: Rate) -> Done | Refusal:
    """Set the leverage of a symbol; the same again changes nothing.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    refusal = leverage_refusal(books, symbol, leverage)
    if refusal is not None:
        return refusal
    was_already = books.leverage(symbol) == leverage
    books.leverages[symbol] = leverage
    if not was_already and not books.position(symbol).is_flat:
        announce(books, symbol)
    return Done(time_ms=books.now_ms(), was_already=was_already)
