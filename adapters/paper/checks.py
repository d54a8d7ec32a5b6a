"""What the venue checks before it takes an order; each refusal has the venue's code."""

from tidegate.domain.grid import is_on_grid
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.margin import leverage_allowed
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_RATE, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.ports.venue import PartialLegs

from .account import available, opens, risked_notional
from .book import Book
from .matching import crosses
from .records import PaperOrder
from .refusals import Refusal, Refused
from .world import World

__all__ = [
    "ACTIVE_ORDERS_MAX",
    "CONDITIONAL_ORDERS_MAX",
    "check_admission",
    "check_leg",
    "check_leg_limits",
    "check_legs",
    "check_limit_price",
    "check_margin",
    "check_price",
    "check_qty",
    "check_request",
    "check_trigger_side",
    "known_book",
    "known_instrument",
]

ACTIVE_ORDERS_MAX = 500
CONDITIONAL_ORDERS_MAX = 10
_SLIPPAGE_MAX = Rate.of("0.1")


def known_instrument(world: World, symbol: Symbol) -> Instrument:
    """Return the instrument, or refuse the symbol.

    Raises:
        Refused: it is not traded here.

    """
    instrument = world.instruments.get(symbol)
    if instrument is None:
        traded = ", ".join(sorted(world.instruments))
        raise Refused(Refusal.UNKNOWN_SYMBOL, f"symbol {symbol} is not traded here; {traded} is")
    return instrument


def known_book(world: World, symbol: Symbol) -> Book:
    """Return the prices, or refuse because there is no market yet.

    Raises:
        Refused: it has no price yet.

    """
    book = world.state.books.get(symbol)
    if book is None:
        raise Refused(Refusal.NO_LIQUIDITY, f"{symbol} has no price yet: no market data so far")
    return book


def check_request(world: World, order: OrderRequest) -> None:
    """Refuse what is wrong with the request itself, against the present prices.

    Raises:
        Refused: any of it is wrong; the code says what.

    """
    instrument = known_instrument(world, order.symbol)
    book = known_book(world, order.symbol)
    _check_status(instrument, order)
    check_qty(instrument, order.qty, order.kind, reduces=order.reduce_only)
    if order.price is not None:
        check_price(instrument, order.price, "price")
        if order.trigger is None:
            check_limit_price(instrument, book, order.side, order.price)
    if not order.reduce_only:
        _check_notional(instrument, book, order)
    if order.trigger is not None:
        check_price(instrument, order.trigger.price, "trigger price")
        check_trigger_side(book, order.trigger)
    _check_slippage(order)
    check_legs(instrument, order, base=_leg_base(book, order))


def _check_status(instrument: Instrument, order: OrderRequest) -> None:
    if instrument.status in {InstrumentStatus.CLOSED, InstrumentStatus.PRE_LAUNCH}:
        raise Refused(
            Refusal.HALTED, f"{instrument.symbol} is {instrument.status.value}: no trading"
        )
    if instrument.status is InstrumentStatus.REDUCE_ONLY and not order.reduce_only:
        raise Refused(
            Refusal.REDUCE_ONLY_SYMBOL,
            f"{instrument.symbol} takes reduce-only orders alone; {order.client_id} is not one",
        )


def check_qty(instrument: Instrument, qty: Qty, kind: OrderKind, *, reduces: bool) -> None:
    """Refuse a quantity off the step or outside the limits.

    A market order that only reduces has no least quantity: dust can always be closed.

    Raises:
        Refused: it is off the step, or outside the limits of its kind of order.

    """
    if not is_on_grid(qty, instrument.qty_step):
        raise Refused(
            Refusal.OFF_GRID, f"Qty invalid: {qty} is not a multiple of {instrument.qty_step}"
        )
    is_market = kind is OrderKind.MARKET
    smallest = instrument.qty_step if is_market and reduces else instrument.qty_min
    largest = instrument.qty_max_market if is_market else instrument.qty_max_limit
    if not smallest <= qty <= largest:
        raise Refused(
            Refusal.QTY_RANGE,
            f"Qty invalid: {qty} of a {kind.value} order; {smallest} to {largest}",
        )


def check_price(instrument: Instrument, price: Price, what: str) -> None:
    """Refuse a price off the tick or outside the instrument's range.

    Raises:
        Refused: it is off the tick, or out of range.

    """
    if not instrument.price_min <= price <= instrument.price_max:
        raise Refused(
            Refusal.PRICE_RANGE,
            f"{what} {price} is outside {instrument.price_min} to {instrument.price_max}",
        )
    if not is_on_grid(price, instrument.tick):
        raise Refused(
            Refusal.OFF_GRID, f"{what} {price} is not a multiple of the tick {instrument.tick}"
        )


def check_limit_price(instrument: Instrument, book: Book, side: Side, price: Price) -> None:
    """Refuse a limit beyond the venue's price limit (announcement of 26 May 2026).

    With M the mark and I the index: buys at most ``min(M (1 + Y), max(I, M (1 + X)))``, sells at
    least ``max(M (1 - Y), min(I, M (1 - X)))``. The average premium of the book is taken as none.

    Raises:
        Refused: it is beyond the limit; the text names the limit.

    """
    limit = _price_limit(instrument, book, side)
    beyond = price > limit if side is Side.BUY else price < limit
    if beyond:
        highest = "highest" if side is Side.BUY else "lowest"
        raise Refused(
            Refusal.PRICE_RANGE,
            f"{side.value} at {price} is beyond the price limit; the {highest} price is {limit}",
        )


def _price_limit(instrument: Instrument, book: Book, side: Side) -> Price:
    near = Price((book.mark * (ONE + instrument.price_band_x.times(side.sign))).value)
    far = Price((book.mark * (ONE + instrument.price_band_y.times(side.sign))).value)
    if side is Side.BUY:
        return min(far, max(book.index, near))
    return max(far, min(book.index, near))


def _check_notional(instrument: Instrument, book: Book, order: OrderRequest) -> None:
    value = (book.last if order.price is None else order.price) * order.qty
    if value < instrument.notional_min:
        raise Refused(
            Refusal.NOTIONAL,
            f"order value {value} is below the minimum of {instrument.notional_min} USDT",
        )


def check_trigger_side(book: Book, trigger: Trigger) -> None:
    """Refuse a trigger that the present price fires already.

    Raises:
        Refused: it would fire at once.

    """
    now = book.reference(trigger.by)
    if not trigger.fires_at(now):
        return
    if trigger.direction is TriggerDirection.RISES_TO:
        raise Refused(
            Refusal.TRIGGER_RISES,
            f"expect Rising, but trigger_price {trigger.price} <= current {now}",
        )
    raise Refused(
        Refusal.TRIGGER_FALLS,
        f"expect Falling, but trigger_price {trigger.price} >= current {now}",
    )


def _check_slippage(order: OrderRequest) -> None:
    slippage = order.slippage_max
    if slippage is None:
        return
    if order.kind is not OrderKind.MARKET or order.trigger is not None:
        raise Refused(Refusal.PARAMETER, "slippage tolerance is for plain market orders only")
    # The least depends on how the wire counts it: a tick is less than the least percentage.
    if not ZERO_RATE < slippage <= _SLIPPAGE_MAX:
        raise Refused(
            Refusal.SLIPPAGE_RANGE,
            f"slippage tolerance {slippage}: above 0, at most {_SLIPPAGE_MAX} is accepted",
        )


def _leg_base(book: Book, order: OrderRequest) -> Price:
    if order.price is not None:
        return order.price
    return book.last if order.trigger is None else order.trigger.price


def check_legs(instrument: Instrument, order: OrderRequest | PaperOrder, *, base: Price) -> None:
    """Refuse a stop or target inside an order that is on the wrong side of ``base``.

    The base is the order's own limit or trigger price, else the last price.

    Raises:
        Refused: a leg is on the wrong side or off the grid, or missing under its limit.

    """
    is_buy = order.side is Side.BUY
    if order.stop_loss is not None:
        check_price(instrument, order.stop_loss.price, "stop loss")
        check_leg(order.stop_loss, base=base, position=order.side, below=is_buy)
    if order.take_profit is not None:
        check_price(instrument, order.take_profit.price, "take profit")
        check_leg(order.take_profit, base=base, position=order.side, below=not is_buy)


def check_leg_limits(world: World, order: OrderRequest, legs: PartialLegs) -> None:
    """Refuse a limit of a partial leg that the order does not carry, or that is off the grid.

    Raises:
        Refused: a leg is on the wrong side or off the grid, or missing under its limit.

    """
    instrument = known_instrument(world, order.symbol)
    for leg, limit, what in (
        (order.stop_loss, legs.stop_loss_limit, "stop loss"),
        (order.take_profit, legs.take_profit_limit, "take profit"),
    ):
        if limit is None:
            continue
        if leg is None:
            raise Refused(Refusal.PARAMETER, f"{what} limit {limit} without a {what}")
        check_price(instrument, limit, f"{what} limit")


def check_leg(leg: ProtectiveLeg, *, base: Price, position: Side, below: bool) -> None:
    """Refuse a stop or target that is not below, or above, ``base``.

    Raises:
        Refused: it is on the other side.

    """
    if (leg.price < base) if below else (leg.price > base):
        return
    word = "lower" if below else "higher"
    by = {TriggerBy.LAST: "LastPrice", TriggerBy.MARK: "MarkPrice", TriggerBy.INDEX: "IndexPrice"}
    raise Refused(
        Refusal.STOP_SIDE,
        f"{leg.price} set for {position.value.capitalize()} position should be {word} than "
        f"base_price:{base}??{by[leg.by]}",
    )


def check_admission(world: World, order: PaperOrder) -> None:
    """Refuse an order that is among the orders already, for the account's sake.

    Counts, something to reduce, risk limit, margin, and a market to take from. A conditional order
    is judged by risk limit and margin when it fires.

    Raises:
        Refused: any of these does not hold; the code says which.

    """
    _check_counts(world, order)
    if order.trigger is not None:
        return
    position = world.held(order.symbol).position
    if order.reduce_only:
        if position.side is not order.side.opposite:
            held = "zero" if position.is_flat else "on the same side"
            raise Refused(
                Refusal.NOTHING_TO_REDUCE,
                f"current position is {held}, cannot fix reduce-only order qty",
            )
    else:
        check_margin(world, order)
    _check_market(world, order)


def _check_counts(world: World, order: PaperOrder) -> None:
    orders = [o for o in world.state.orders_of(order.symbol) if not o.is_protection]
    conditional = [o for o in orders if o.trigger is not None and not o.is_live]
    active = len(orders) - len(conditional)
    if order.trigger is not None and len(conditional) > CONDITIONAL_ORDERS_MAX:
        raise Refused(
            Refusal.TOO_MANY_CONDITIONAL,
            f"more than {CONDITIONAL_ORDERS_MAX} conditional orders of {order.symbol}",
        )
    if order.trigger is None and active > ACTIVE_ORDERS_MAX:
        raise Refused(
            Refusal.TOO_MANY_ACTIVE,
            f"more than {ACTIVE_ORDERS_MAX} active orders of {order.symbol}",
        )


def check_margin(world: World, order: PaperOrder) -> None:
    """Refuse what the risk limit or the margin does not allow.

    Raises:
        Refused: the value is above what the leverage allows, or the margin is not there.

    """
    if not opens(world, order):
        return
    value, allowed = risked_notional(world, order.symbol)
    if value > allowed:
        leverage, tiers = world.held(order.symbol).leverage, world.instruments[order.symbol].tiers
        raise Refused(
            Refusal.RISK_LIMIT,
            f"position and orders of {value} USDT at leverage {leverage}; at most {allowed}, or "
            f"leverage {leverage_allowed(tiers, value)}",
        )
    if available(world) < ZERO_MONEY:
        raise Refused(Refusal.MARGIN, f"ab not enough for new order {order.client_id}")


def _check_market(world: World, order: PaperOrder) -> None:
    """Refuse a market order whose bound the best price is beyond already."""
    if order.kind is not OrderKind.MARKET or order.time_in_force is TimeInForce.FOK:
        return
    book, instrument = world.book(order.symbol), world.instruments[order.symbol]
    bound = book.bound(order.side, instrument, order.slippage_max)
    if not crosses(book, order.side, bound):
        raise Refused(
            Refusal.NO_LIQUIDITY,
            f"no price for market order: best {book.best(order.side)} is beyond {bound}",
        )
