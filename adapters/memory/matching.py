"""How orders of the scripted venue arrive, fill, fire and end.

There is no market model here: prices, sizes and, in scripted mode, every fill come from the script.
What is modelled is what a venue guarantees: fills add up, reduce-only never opens, protection
follows the position.
"""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import OrderKind, Side, Symbol, TimeInForce, VenueOrderId
from tidegate.domain.position import apply_fill
from tidegate.domain.reports import CancelReason, Execution, OrderReport, Origin

from .books import LEG_ORIGINS, Books, Quote
from .margins import announce, available, expected_price, opening_cost
from .options import FillMode
from .protection import end_part, follow, price_of, trail

__all__ = ["arrive", "end", "execute", "fire", "is_crossing", "sweep"]

_ACTIVE = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


def is_crossing(order: OrderReport, quote: Quote) -> bool:
    """Tell whether ``order`` could trade at the scripted bid or ask now."""
    best, _ = quote.offered_to(order.side)
    if order.price is None:
        return True
    return order.price >= best if order.side is Side.BUY else order.price <= best


def arrive(books: Books, order: OrderReport) -> None:
    """Take a live order into the book and let it trade as its kind and time in force say.

    A post-only order that would take is accepted, then cancelled (Bybit V5 order/create). A market
    order is immediate-or-cancel. A reduce-only quantity beyond the position is trimmed.
    """
    if order.reduce_only:
        room = books.open_qty(order.symbol, order.side)
        if room == ZERO_QTY:
            end(books, order, CancelReason.REDUCE_ONLY)
            return
        order = attrs.evolve(order, qty=min(order.qty, order.qty_filled + room))
    is_part = order.qty_filled > ZERO_QTY
    status = Status.PARTIALLY_FILLED if is_part else Status.NEW
    order = books.put(attrs.evolve(order, status=status))
    quote = books.quotes.get(order.symbol)
    if order.time_in_force is TimeInForce.POST_ONLY:
        if quote is not None and is_crossing(order, quote):
            end(books, order, CancelReason.POST_ONLY_WOULD_TAKE)
        return
    if quote is None or books.options.fill_mode is FillMode.SCRIPTED:
        return
    _take(books, order, quote)


def _take(books: Books, order: OrderReport, quote: Quote) -> None:
    price, size = quote.offered_to(order.side)
    left = order.qty - order.qty_filled
    offered = min(left, size) if is_crossing(order, quote) else ZERO_QTY
    if order.time_in_force is TimeInForce.FOK and offered < left:
        end(books, order, CancelReason.NOT_FULLY_FILLED)
        return
    if offered > ZERO_QTY:
        order = execute(books, order, qty=offered, price=price, is_maker=False)
    is_immediate = order.kind is OrderKind.MARKET or order.time_in_force is TimeInForce.IOC
    if is_immediate and order.status in _ACTIVE:
        nothing = order.qty_filled == ZERO_QTY
        end(
            books,
            order,
            CancelReason.NOTHING_TO_FILL if nothing else CancelReason.NOT_FULLY_FILLED,
        )


def execute(
    books: Books, order: OrderReport, *, qty: Qty, price: Price, is_maker: bool
) -> OrderReport:
    """Fill ``qty`` of an order at ``price``.

    Fee is value times rate (reference: Bybit V5 execution/list ``execFee``). Returns the order as
    it stands afterwards.
    """
    symbol, side = order.symbol, order.side
    if order.reduce_only:
        room = books.open_qty(symbol, side)
        assert qty <= room, f"{order.venue_id} reduces {qty} of a position of {room}"
    rate = books.fees.maker if is_maker else books.fees.taker
    fee = price * qty * rate
    before = books.position(symbol)
    outcome = apply_fill(before, side=side, qty=qty, price=price)
    books.folded[symbol] = outcome.position
    books.wallet = books.wallet + outcome.realised - fee
    if outcome.position.side is not before.side:
        books.extra_margins.pop(symbol, None)
    filled_before, filled = order.qty_filled, order.qty_filled + qty
    assert filled <= order.qty, f"{order.venue_id} fills {filled} of {order.qty}"
    order = books.put(
        attrs.evolve(
            order,
            status=Status.FILLED if filled == order.qty else Status.PARTIALLY_FILLED,
            qty_filled=filled,
            value_filled=order.value_filled + price * qty,
        )
    )
    execution = Execution(
        execution_id=f"execution-{len(books.executions) + 1}",
        symbol=symbol,
        venue_id=order.venue_id,
        client_id=order.client_id,
        side=side,
        qty=qty,
        price=price,
        fee=fee,
        is_maker=is_maker,
        origin=order.origin,
        time_ms=books.now_ms(),
    )
    books.record(execution)
    books.records.add_execution(
        execution,
        before=before,
        fill=outcome,
        leverage=books.leverage(symbol),
        balance=books.wallet,
    )
    follow(books, order, before=before, filled_before=filled_before)
    _trim_reductions(books, symbol)
    announce(books, symbol)
    return books.orders[order.venue_id]


def _trim_reductions(books: Books, symbol: Symbol) -> None:
    """Shrink or cancel resting reduce-only orders that no longer fit the position."""
    for order in books.live(symbol):
        if not order.reduce_only or order.status not in _ACTIVE:
            continue
        room = books.open_qty(symbol, order.side)
        if room == ZERO_QTY:
            end(books, order, CancelReason.REDUCE_ONLY)
        elif order.qty - order.qty_filled > room:
            books.put(attrs.evolve(order, qty=order.qty_filled + room))


def end(books: Books, order: OrderReport, reason: CancelReason) -> OrderReport:
    """Cancel a live order; one that waits for its trigger is deactivated instead."""
    waits = order.status is Status.UNTRIGGERED
    status = Status.DEACTIVATED if waits else Status.CANCELLED
    sibling = books.sibling(order) if order.venue_id in books.pairs and waits else None
    if sibling is not None:
        end_part(books, sibling, reason)
    if order.origin is Origin.TRAILING_STOP:
        books.trails.pop(order.symbol, None)
    return books.put(attrs.evolve(order, status=status, cancel_reason=reason))


def fire(books: Books, order: OrderReport) -> OrderReport:
    """Trigger a conditional order: it arrives under the same id.

    One whose margin is missing now is cancelled instead (Bybit V5 order/create, ``triggerPrice``).
    """
    sibling = books.sibling(order) if order.venue_id in books.pairs else None
    order = books.put(attrs.evolve(order, status=Status.TRIGGERED))
    if sibling is not None:
        end_part(books, sibling, CancelReason.SIBLING_TRIGGERED)
    price = expected_price(books, order)
    if price is not None and opening_cost(books, order, price=price) > available(books):
        return end(books, order, CancelReason.INSUFFICIENT_MARGIN)
    arrive(books, order)
    return books.orders[order.venue_id]


def sweep(books: Books, symbol: Symbol) -> None:
    """Let the scripted prices act: triggers first, protective ones before others, then the book.

    A fill may arm protection that the price has passed already, so it repeats until nothing moves;
    each resting order finds the scripted size once.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    served: set[VenueOrderId] = set()
    while _sweep_once(books, symbol, served):
        pass


def _sweep_once(books: Books, symbol: Symbol, served: set[VenueOrderId]) -> bool:
    trail(books, symbol)
    quote = books.quote(symbol)
    fired = [order for order in books.live(symbol) if _fires(order, quote)]
    for order in sorted(fired, key=_protective_first):
        if books.orders[order.venue_id].status is Status.UNTRIGGERED:
            fire(books, books.orders[order.venue_id])
    count_before = len(served)
    for order in books.live(symbol):
        if order.venue_id not in served and _fill_resting(books, order, quote):
            served.add(order.venue_id)
    return bool(fired) or len(served) > count_before


def _fires(order: OrderReport, quote: Quote) -> bool:
    if order.status is not Status.UNTRIGGERED or order.trigger is None:
        return False
    return order.trigger.fires_at(price_of(quote, order.trigger.by))


def _protective_first(order: OrderReport) -> int:
    return LEG_ORIGINS.index(order.origin) if order.origin in LEG_ORIGINS else len(LEG_ORIGINS)


def _fill_resting(books: Books, order: OrderReport, quote: Quote) -> bool:
    if order.status not in _ACTIVE or order.price is None or not is_crossing(order, quote):
        return False
    _, size = quote.offered_to(order.side)
    if size == ZERO_QTY:
        return False
    qty = min(order.qty - order.qty_filled, size)
    execute(books, order, qty=qty, price=order.price, is_maker=True)
    return True
