"""Orders against the market: taking, resting, and what one execution does.

An order takes at the best price made worse by the configured slippage, and never more than the
volume that the point offers. A resting limit order fills at its own price as maker, at a later
point than the one it began at: when the price goes through it, or at it behind the quantity that
was displayed there before. Only market data fills orders: two of ours never meet, and the flag of
self-match prevention says which of them ends.
"""

from tidegate.domain.grid import qty_down
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol, TimeInForce
from tidegate.domain.position import apply_fill
from tidegate.domain.reports import CancelReason, Execution
from tidegate.ports.venue import SelfMatch

from .account import can_afford
from .book import Book
from .bookkeeping import keep_execution
from .protection import follow_position, trim
from .records import PaperOrder
from .world import World

__all__ = ["crosses", "end_market_orders", "execute", "go_live", "match_resting", "rejoin", "take"]


def crosses(book: Book, side: Side, price: Price) -> bool:
    """Tell whether a limit at ``price`` would take at once."""
    return book.ask <= price if side is Side.BUY else book.bid >= price


def go_live(world: World, order: PaperOrder) -> None:
    """Let an order that was accepted or triggered meet the market."""
    if order.reduce_only:
        trim(world, order, world.held(order.symbol).position)
        if not order.is_open:
            return
    if not can_afford(world, order):
        world.state.end(order, CancelReason.INSUFFICIENT_MARGIN)
        return
    book = world.book(order.symbol)
    order.live_point = book.point
    if order.kind is OrderKind.MARKET:
        instrument = world.instruments[order.symbol]
        order.price = book.bound(order.side, instrument, order.slippage_max)
    refused = _refused_at_once(world, order)
    if refused is not None:
        world.state.end(order, refused)
        return
    order.queue_ahead = _queue_ahead(book, order)
    world.state.become(order, Status.NEW)
    if not _prevent_self_match(world, order):
        take(world, order)
        _end_immediate(world, order)


def rejoin(world: World, order: PaperOrder) -> None:
    """Let an amended live order meet the market again, last in time at its price."""
    book = world.book(order.symbol)
    if order.reduce_only:
        trim(world, order, world.held(order.symbol).position)
    refused = _refused_at_once(world, order)
    if refused is not None:
        world.state.end(order, refused)
        return
    order.live_point, order.queue_ahead = book.point, _queue_ahead(book, order)
    world.state.keep(order)
    if not _prevent_self_match(world, order):
        take(world, order)


def _prevent_self_match(world: World, order: PaperOrder) -> bool:
    """Cancel what would meet inside one account, as the incoming order says; tell whether it ended.

    It would meet an order of ours at the best price or better: it takes at the best alone.
    """
    assert order.price is not None
    if order.self_match is SelfMatch.NONE:
        return False
    best = world.book(order.symbol).best(order.side)
    bound = min(best, order.price) if order.side is Side.BUY else max(best, order.price)
    met = [o for o in world.state.orders_of(order.symbol) if _is_met(o, order.side, bound)]
    if not met:
        return False
    if order.self_match is not SelfMatch.CANCEL_TAKER:
        for maker in met:
            world.state.end(maker, CancelReason.SELF_MATCH)
    if order.self_match is SelfMatch.CANCEL_MAKER:
        return False
    world.state.end(order, CancelReason.SELF_MATCH)
    return True


def _is_met(maker: PaperOrder, taker: Side, bound: Price) -> bool:
    """Tell whether a resting order of ours lies within the bound of an incoming one."""
    if not maker.is_live or maker.kind is not OrderKind.LIMIT or maker.side is taker:
        return False
    assert maker.price is not None
    return maker.price <= bound if taker is Side.BUY else maker.price >= bound


def _refused_at_once(world: World, order: PaperOrder) -> CancelReason | None:
    book = world.book(order.symbol)
    assert order.price is not None
    crossing = crosses(book, order.side, order.price)
    if order.time_in_force is TimeInForce.POST_ONLY and crossing:
        return CancelReason.POST_ONLY_WOULD_TAKE
    if order.time_in_force is TimeInForce.FOK:
        there = book.available(order.side, world.instruments[order.symbol])
        if not crossing or there < order.left:
            return CancelReason.NOT_FULLY_FILLED
    return None


def _queue_ahead(book: Book, order: PaperOrder) -> Qty:
    """Return the quantity displayed before a resting order: at or behind the best, the best's."""
    if not book.is_quoted or order.price is None:
        return ZERO_QTY
    if order.side is Side.BUY:
        return book.bid_left if order.price <= book.bid else ZERO_QTY
    return book.ask_left if order.price >= book.ask else ZERO_QTY


def _end_immediate(world: World, order: PaperOrder) -> None:
    """Cancel the rest of what may not rest.

    A market order may use the volume of the remaining points of the item in progress.
    """
    if not order.is_open:
        return
    is_market = order.kind is OrderKind.MARKET
    if is_market and world.book(order.symbol).has_more:
        return
    if is_market or order.time_in_force is TimeInForce.IOC:
        _end_unfilled(world, order)


def _end_unfilled(world: World, order: PaperOrder) -> None:
    nothing = order.qty_filled == ZERO_QTY
    reason = CancelReason.NOTHING_TO_FILL if nothing else CancelReason.NOT_FULLY_FILLED
    world.state.end(order, reason)


def end_market_orders(world: World, symbol: Symbol) -> bool:
    """Cancel what the item, now over, left of market orders; tell whether there was any."""
    orders = world.state.orders_of(symbol)
    left = [o for o in orders if o.is_live and o.kind is OrderKind.MARKET]
    for order in left:
        _end_unfilled(world, order)
    return bool(left)


def take(world: World, order: PaperOrder) -> bool:
    """Fill what the book offers within the order's price; tell whether anything was filled."""
    book, instrument = world.book(order.symbol), world.instruments[order.symbol]
    assert order.price is not None
    if not crosses(book, order.side, order.price):
        return False
    qty = min(book.available(order.side, instrument), order.left)
    if qty <= ZERO_QTY:
        return False
    price = book.taker_price(order.side, instrument, world.config.slippage)
    price = min(price, order.price) if order.side is Side.BUY else max(price, order.price)
    book.take(order.side, qty)
    world.state.book_changed(book)
    execute(world, order, qty=qty, price=price, rate=world.fees.taker, is_maker=False)
    return True


def match_resting(world: World, symbol: Symbol) -> bool:
    """Fill the first order that can fill now; tell whether there was one."""
    book = world.book(symbol)
    reached = [o for o in world.state.orders_of(symbol) if o.is_live and _is_reached(book, o)]
    return any(_match(world, order) for order in sorted(reached, key=_precedence))


def _is_reached(book: Book, order: PaperOrder) -> bool:
    """Tell whether the price is where the order can fill, at a later point than it began at."""
    if order.kind is OrderKind.MARKET:
        return True
    assert order.price is not None
    if book.point <= order.live_point:
        return False
    if book.is_quoted and crosses(book, order.side, order.price):
        return True
    return book.last <= order.price if order.side is Side.BUY else book.last >= order.price


def _precedence(order: PaperOrder) -> tuple[bool, Rate, int]:
    """Order by price, then time: market orders first, then the most generous limit."""
    assert order.price is not None
    generous = order.price.value if order.side is Side.SELL else -order.price.value
    return order.kind is OrderKind.LIMIT, Rate(generous), order.priority


def _match(world: World, order: PaperOrder) -> bool:
    if order.kind is OrderKind.MARKET:
        return take(world, order)
    book = world.book(order.symbol)
    assert order.price is not None
    if book.is_quoted and crosses(book, order.side, order.price):
        return _make(world, order, book.available(order.side, world.instruments[order.symbol]))
    return _fill_from_flow(world, order)


def _fill_from_flow(world: World, order: PaperOrder) -> bool:
    """Fill from traded volume: beyond the order's price, or at it behind the queue."""
    book, instrument = world.book(order.symbol), world.instruments[order.symbol]
    assert order.price is not None
    share = qty_down(book.flow_left, instrument.qty_step)
    if share <= ZERO_QTY:
        return False
    if (book.last < order.price) if order.side is Side.BUY else (book.last > order.price):
        return _make(world, order, share)
    if book.last != order.price or book.flow_side is order.side:
        return False
    behind = book.traded - min(order.queue_ahead, book.traded)
    _shorten_queue(world, order, book.traded)
    return _make(world, order, min(share, qty_down(behind, instrument.qty_step)))


def _shorten_queue(world: World, order: PaperOrder, traded: Qty) -> None:
    if order.queue_ahead > ZERO_QTY:
        order.queue_ahead -= min(order.queue_ahead, traded)
        # The volume of one point must not shorten the queue twice.
        order.live_point = world.book(order.symbol).point
        world.state.keep(order)


def _make(world: World, order: PaperOrder, offered: Qty) -> bool:
    """Fill a resting order at its own price, as maker."""
    qty, book = min(offered, order.left), world.book(order.symbol)
    if qty <= ZERO_QTY:
        return False
    assert order.price is not None
    if book.is_quoted and crosses(book, order.side, order.price):
        book.take(order.side, qty)
    else:
        book.flow_left -= qty
    world.state.book_changed(book)
    execute(world, order, qty=qty, price=order.price, rate=world.fees.maker, is_maker=True)
    return True


def execute(
    world: World, order: PaperOrder, *, qty: Qty, price: Price, rate: Rate, is_maker: bool
) -> None:
    """Book one execution: wallet, position, order, and what follows from them."""
    state, held = world.state, world.held(order.symbol)
    before, is_first_fill = held.position, order.qty_filled == ZERO_QTY
    outcome = apply_fill(before, side=order.side, qty=qty, price=price)
    fee = price * qty * rate
    state.head.wallet += outcome.realised - fee
    held.position = outcome.position
    if held.position.side is not before.side:
        held.extra_margin = ZERO_MONEY
    order.qty_filled += qty
    order.value_filled += price * qty
    order.fee += fee
    assert order.qty_filled <= order.qty, f"order {order.venue_id} filled beyond its quantity"
    if order.reduce_only:
        assert outcome.qty_closed == qty, f"reduce-only order {order.venue_id} opened a position"
    execution = Execution(
        execution_id=world.next_execution_id(),
        symbol=order.symbol,
        venue_id=order.venue_id,
        client_id=order.client_id,
        side=order.side,
        qty=qty,
        price=price,
        fee=fee,
        is_maker=is_maker,
        origin=order.origin,
        time_ms=state.head.now_ms,
    )
    state.add_execution(execution)
    keep_execution(world, order, execution, before=before, fill=outcome)
    _tell_fill(world, order)
    state.position_changed(held)
    follow_position(world, order, before, is_first_fill=is_first_fill)


def _tell_fill(world: World, order: PaperOrder) -> None:
    if order.left == ZERO_QTY:
        world.state.become(order, Status.FILLED)
    elif order.status is Status.PARTIALLY_FILLED:
        world.state.update(order)
    else:
        world.state.become(order, Status.PARTIALLY_FILLED)
