"""What the scripted venue refuses, with the codes of Bybit V5 (error list, order and position)."""

from tidegate.domain.grid import is_on_grid
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    Trigger,
    TriggerDirection,
)
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.ports.exchange import PositionStop

from .books import Books, Quote
from .faults import Refusal
from .margins import available, expected_price, initial_margin, opening_cost
from .options import FillMode
from .protection import price_of, trigger_direction

__all__ = [
    "leg_refusal",
    "legs_refusal",
    "leverage_refusal",
    "order_refusal",
    "position_stop_refusal",
    "price_refusal",
    "qty_refusal",
    "trigger_refusal",
]

_PARAMETER = 10001


def _refuse(reason: RejectReason, code: int, message: str) -> Refusal:
    return Refusal(reason=reason, code=code, message=message)


def order_refusal(books: Books, order: OrderReport) -> Refusal | None:
    """Return why an order is refused at the door, ``None`` when it is accepted.

    ``order`` is the record that it would start with.
    """
    if order.client_id is not None and order.client_id in books.by_client_id:
        return _refuse(
            RejectReason.DUPLICATE_CLIENT_ID,
            110072,
            f"OrderLinkedID {order.client_id} is duplicate",
        )
    spec = books.instruments.get(order.symbol)
    if spec is None:
        return _refuse(RejectReason.INVALID_PARAMETER, _PARAMETER, f"symbol {order.symbol} invalid")
    return (
        _instrument_refusal(spec, order)
        or qty_refusal(spec, order.qty, order.kind, reduces=order.reduce_only)
        or price_refusal(spec, order.price, "price")
        or _notional_refusal(books, spec, order)
        or _market_refusal(books, order)
        or _capacity_refusal(books, order)
        or _reduction_refusal(books, order)
        or legs_refusal(books, spec, order)
        or _margin_refusal(books, order)
    )


def _instrument_refusal(spec: Instrument, order: OrderReport) -> Refusal | None:
    match spec.status:
        case InstrumentStatus.TRADING:
            return None
        case InstrumentStatus.REDUCE_ONLY:
            if order.reduce_only:
                return None
            return _refuse(RejectReason.TRADING_HALTED, 30228, f"{spec.symbol} is reduce-only")
        case InstrumentStatus.PRE_LAUNCH | InstrumentStatus.CLOSED:
            return _refuse(RejectReason.TRADING_HALTED, 110074, f"{spec.symbol} is not live")


def qty_refusal(spec: Instrument, qty: Qty, kind: OrderKind, *, reduces: bool) -> Refusal | None:
    """Return why a quantity is refused: outside of the specification's range, or off its step.

    A market order that only reduces has no least quantity: dust can always be closed.
    """
    is_market = kind is OrderKind.MARKET
    smallest = spec.qty_step if is_market and reduces else spec.qty_min
    largest = spec.qty_max_market if is_market else spec.qty_max_limit
    if not smallest <= qty <= largest:
        return _refuse(
            RejectReason.QTY_OUT_OF_RANGE,
            _PARAMETER,
            f"qty {qty} is outside {smallest} to {largest}",
        )
    if not is_on_grid(qty, spec.qty_step):
        return _refuse(
            RejectReason.OFF_GRID, _PARAMETER, f"qty {qty} is no multiple of step {spec.qty_step}"
        )
    return None


def price_refusal(spec: Instrument, price: Price | None, name: str) -> Refusal | None:
    """Return why a price, called ``name``, is refused: out of range, or off the tick."""
    if price is None:
        return None
    if not spec.price_min <= price <= spec.price_max:
        return _refuse(
            RejectReason.PRICE_OUT_OF_RANGE,
            110003,
            f"{name} {price} is outside {spec.price_min} to {spec.price_max}",
        )
    if not is_on_grid(price, spec.tick):
        return _refuse(
            RejectReason.OFF_GRID, _PARAMETER, f"{name} {price} is no multiple of tick {spec.tick}"
        )
    return None


def _notional_refusal(books: Books, spec: Instrument, order: OrderReport) -> Refusal | None:
    price = expected_price(books, order)
    if order.reduce_only or price is None or price * order.qty >= spec.notional_min:
        return None
    return _refuse(
        RejectReason.NOTIONAL_TOO_SMALL,
        110094,
        f"value {price * order.qty} is below the minimum {spec.notional_min}",
    )


def _market_refusal(books: Books, order: OrderReport) -> Refusal | None:
    quote = books.quotes.get(order.symbol)
    if quote is None:
        fills_by_price = books.options.fill_mode is FillMode.AT_ONCE
        if fills_by_price and order.kind is OrderKind.MARKET and order.trigger is None:
            return _refuse(RejectReason.NO_LIQUIDITY, 110118, f"no price for {order.symbol}")
        return None
    return trigger_refusal(books.instruments[order.symbol], order.trigger, quote)


def trigger_refusal(spec: Instrument, trigger: Trigger | None, quote: Quote) -> Refusal | None:
    """Return why a trigger is refused: reached already, or no price of the grid."""
    if trigger is None:
        return None
    now = price_of(quote, trigger.by)
    if trigger.fires_at(now):
        code = 110092 if trigger.direction is TriggerDirection.RISES_TO else 110093
        return _refuse(
            RejectReason.TRIGGER_ON_WRONG_SIDE,
            code,
            f"trigger {trigger.price} ({trigger.direction.value}) has been reached at {now}",
        )
    return price_refusal(spec, trigger.price, "triggerPrice")


def _capacity_refusal(books: Books, order: OrderReport) -> Refusal | None:
    waiting, active = 0, 0
    for live in books.live(order.symbol):
        if live.status is not Status.UNTRIGGERED:
            active += 1
        elif live.origin is Origin.USER:
            waiting += 1
    if order.trigger is not None:
        return _full(waiting, books.options.conditional_orders_max, 110009, "conditional")
    return _full(active, books.options.active_orders_max, 110020, "active")


def _full(count: int, limit: int, code: int, name: str) -> Refusal | None:
    if count < limit:
        return None
    return _refuse(
        RejectReason.TOO_MANY_ORDERS, code, f"{count} {name} orders; the limit is {limit}"
    )


def _reduction_refusal(books: Books, order: OrderReport) -> Refusal | None:
    if not order.reduce_only or order.trigger is not None:
        return None
    if books.open_qty(order.symbol, order.side) > ZERO_QTY:
        return None
    return _refuse(
        RejectReason.NOTHING_TO_REDUCE,
        110017,
        f"no {order.side.opposite.value} position in {order.symbol} to reduce",
    )


def legs_refusal(books: Books, spec: Instrument, order: OrderReport) -> Refusal | None:
    """Return why the legs inside an order are refused: on the wrong side, or off the grid."""
    quote = books.quotes.get(order.symbol)
    for leg, origin in (
        (order.stop_loss, Origin.STOP_LOSS),
        (order.take_profit, Origin.TAKE_PROFIT),
    ):
        if leg is None:
            continue
        bases = [price for price in (order.price, _reached(leg, order, quote)) if price is not None]
        found = leg_refusal(spec, leg, origin, order.side, bases)
        if found is not None:
            return found
    return None


def _reached(leg: ProtectiveLeg, order: OrderReport, quote: Quote | None) -> Price | None:
    """Return the price that guards the leg now, ``None`` while the order waits elsewhere."""
    if quote is None or order.trigger is not None:
        return None
    best, _ = quote.offered_to(order.side)
    if order.price is None:
        return price_of(quote, leg.by)
    crosses = order.price >= best if order.side is Side.BUY else order.price <= best
    return price_of(quote, leg.by) if crosses else None


def leg_refusal(
    spec: Instrument, leg: ProtectiveLeg, origin: Origin, position: Side, bases: list[Price]
) -> Refusal | None:
    """Return why a leg is refused: off the grid, or on the wrong side of one of ``bases``."""
    trigger = Trigger(price=leg.price, direction=trigger_direction(origin, position), by=leg.by)
    for base in bases:
        if trigger.fires_at(base):
            return _refuse(
                RejectReason.STOP_ON_WRONG_SIDE,
                _PARAMETER,
                f"{origin.value} {leg.price} of a {position.value} position is on the wrong side "
                f"of base price {base}",
            )
    return price_refusal(spec, leg.price, origin.value)


def _margin_refusal(books: Books, order: OrderReport) -> Refusal | None:
    price = expected_price(books, order)
    if price is None:
        return None
    cost, free = opening_cost(books, order, price=price), available(books)
    if cost <= free:
        return None
    return _refuse(
        RejectReason.INSUFFICIENT_MARGIN,
        110007,
        f"ab not enough for new order: it needs {cost}, available is {free}",
    )


def position_stop_refusal(books: Books, stop: PositionStop) -> Refusal | None:
    """Return why protection is refused (Bybit V5 position/trading-stop).

    Raises:
        QueryFailed: the symbol does not trade here.

    """
    side = books.position(stop.symbol).side
    if side is None:
        return _refuse(
            RejectReason.NO_POSITION, _PARAMETER, "can not set tp/sl/ts for zero position"
        )
    spec, quote = books.instrument(stop.symbol), books.quote(stop.symbol)
    legs = (
        (stop.stop_loss, stop.stop_loss_by, Origin.STOP_LOSS),
        (stop.take_profit, stop.take_profit_by, Origin.TAKE_PROFIT),
    )
    for price, by, origin in legs:
        if price is None or price.sign == 0:
            continue
        leg = ProtectiveLeg(price=price, by=by)
        found = leg_refusal(spec, leg, origin, side, [price_of(quote, by)])
        if found is not None:
            return found
    return _trail_refusal(spec, stop, quote)


def _trail_refusal(spec: Instrument, stop: PositionStop, quote: Quote) -> Refusal | None:
    distance = stop.trailing_distance
    if distance is None or distance.sign == 0:
        if stop.trailing_activation is None:
            return None
        return _refuse(
            RejectReason.INVALID_PARAMETER,
            _PARAMETER,
            f"activePrice {stop.trailing_activation} without a trailing distance",
        )
    if distance.sign < 0 or not is_on_grid(Price(distance.value), spec.tick):
        return _refuse(
            RejectReason.OFF_GRID, _PARAMETER, f"trailingStop {distance} is no multiple of the tick"
        )
    if distance.value >= quote.last.value:
        return _refuse(
            RejectReason.INVALID_PARAMETER, _PARAMETER, f"trailingStop {distance} exceeds the price"
        )
    return price_refusal(spec, stop.trailing_activation, "activePrice")


def leverage_refusal(books: Books, symbol: Symbol, leverage: Rate) -> Refusal | None:
    """Return why a leverage is refused (Bybit V5 position/set-leverage)."""
    spec = books.instruments.get(symbol)
    if spec is None:
        return _refuse(RejectReason.INVALID_PARAMETER, _PARAMETER, f"symbol {symbol} invalid")
    if not spec.leverage_min <= leverage <= spec.leverage_max:
        return _refuse(
            RejectReason.LEVERAGE_NOT_ALLOWED,
            110013,
            f"leverage {leverage} is outside {spec.leverage_min} to {spec.leverage_max}",
        )
    if not is_on_grid(Qty(leverage.value), Qty(spec.leverage_step.value)):
        return _refuse(
            RejectReason.LEVERAGE_NOT_ALLOWED,
            _PARAMETER,
            f"leverage {leverage} is no multiple of step {spec.leverage_step}",
        )
    locked = initial_margin(books, symbol, leverage=books.leverage(symbol))
    more = initial_margin(books, symbol, leverage=leverage) - locked
    if more > ZERO_MONEY and more > available(books):
        return _refuse(
            RejectReason.INSUFFICIENT_MARGIN,
            110052,
            f"margin of {symbol} grows by {more}, available is {available(books)}",
        )
    return None
