"""One feed item, piece by piece: move the price, let everything that follows happen."""

from typing import assert_never

from tidegate.domain.money import Price
from tidegate.domain.orders import OrderKind, Side, Symbol, TriggerBy, TriggerDirection
from tidegate.domain.reports import Bar
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

from .book import Book
from .liquidation import liquidate_next, settle_funding, settled_rate
from .matching import end_market_orders, match_resting
from .path import PIECES, goes_high_first, point_price, point_time_ms, point_volume
from .protection import follow_price
from .records import PaperOrder
from .requests import apply_due, times_due
from .tape import keep_bar, keep_bar_so_far, keep_funding, keep_price, keep_trade
from .triggers import fire_next
from .world import World

__all__ = ["advance", "advance_time", "settle"]

_LAST_PIECE = PIECES - 1


def advance(world: World, item: FeedItem) -> bool:
    """Process the next piece of the item at the cursor; tell whether the desk should look."""
    quiet_before = world.state.is_quiet()
    if isinstance(item, Bar):
        _advance_bar(world, item)
    else:
        _advance_point(world, item)
        _next_item(world)
    return not quiet_before or bool(world.state.messages)


def _next_item(world: World) -> None:
    head = world.state.head
    head.cursor, head.piece, head.is_high_first = head.cursor + 1, 0, None


def _book_at(world: World, symbol: Symbol, time_ms: int, price: Price) -> Book:
    """Return the book of a symbol at a new time; the first price of a symbol makes it."""
    head = world.state.head
    head.now_ms = max(head.now_ms, time_ms)
    book = world.state.books.get(symbol)
    if book is None:
        book = Book(symbol=symbol, time_ms=head.now_ms, last=price, bid=price, ask=price)
        world.state.books[symbol] = book
    book.time_ms = head.now_ms
    world.state.book_changed(book)
    return book


def _advance_bar(world: World, bar: Bar) -> None:
    head = world.state.head
    if head.piece == 0 and world.state.is_idle(bar.symbol):
        book = _book_at(world, bar.symbol, bar.end_ms, bar.close)
        _begin_point(world, bar, book)
        _move(world, book, bar.close)
        keep_bar(world, bar)
        _next_item(world)
        return
    if head.piece == 0:
        book = _book_at(world, bar.symbol, bar.start_ms, bar.open)
        book.has_more = True
        _begin_point(world, bar, book)
        _move(world, book, bar.open)
        settle(world, bar.symbol)
    else:
        book = _go_on(world, bar)
    _end_point(world, bar.symbol)
    if book.has_more:
        keep_bar_so_far(world, bar, book.last, point_volume(bar))
        head.piece += 1
    else:
        keep_bar(world, bar)
        _next_item(world)


def _go_on(world: World, bar: Bar) -> Book:
    """Take the price from the last point of a bar to its next one.

    What becomes due on the way does so where the way begins: a latency of milliseconds must not
    cost the move of the minutes until the next point.
    """
    head, book = world.state.head, world.book(bar.symbol)
    time_ms = point_time_ms(bar, head.piece)
    _begin_point(world, bar, book)
    for due_ms in times_due(world, bar.symbol, before_ms=time_ms):
        _book_at(world, bar.symbol, due_ms, book.last)
        apply_due(world, bar.symbol)
        settle(world, bar.symbol)
    if head.piece == 1:
        head.is_high_first = goes_high_first(world, bar)
    target = point_price(bar, head.piece, is_high_first=bool(head.is_high_first))
    _book_at(world, bar.symbol, time_ms, target)
    book.has_more = head.piece < _LAST_PIECE
    _travel(world, book, target)
    return book


def _begin_point(world: World, bar: Bar, book: Book) -> None:
    book.is_quoted = False
    book.new_volume(point_volume(bar), world.config)


def _end_point(world: World, symbol: Symbol) -> None:
    """Let requests that are due take effect, then end market orders when the item is over."""
    changed = apply_due(world, symbol)
    if not world.book(symbol).has_more:
        changed |= end_market_orders(world, symbol)
    if changed:
        settle(world, symbol)


def _move(world: World, book: Book, price: Price) -> None:
    book.point += 1
    book.move(price, world.instruments[book.symbol], world.config)


def _travel(world: World, book: Book, target: Price) -> None:
    """Take the price to ``target`` in a straight line, stopping wherever something happens."""
    while True:
        stop = _next_stop(world, book, target)
        _move(world, book, stop)
        settle(world, book.symbol)
        if stop == target:
            return


def _next_stop(world: World, book: Book, target: Price) -> Price:
    """Return the nearest price on the way at which an order has its turn.

    Each is strictly further than the last one, so the way ends. A liquidation needs no stop of its
    own: wherever it is noticed it comes first, and at the same bankruptcy price.
    """
    if target > book.last:
        ahead = [p for p in _levels(world, book, rising=True) if book.last < p < target]
        return min(ahead, default=target)
    ahead = [p for p in _levels(world, book, rising=False) if target < p < book.last]
    return max(ahead, default=target)


def _levels(world: World, book: Book, *, rising: bool) -> list[Price]:
    direction = TriggerDirection.RISES_TO if rising else TriggerDirection.FALLS_TO
    levels = []
    for order in world.state.orders_of(book.symbol):
        level = _level(book, order, direction)
        if level is not None:
            levels.append(level)
    return levels


def _level(book: Book, order: PaperOrder, direction: TriggerDirection) -> Price | None:
    """Return the price at which an order has its turn when the price moves in ``direction``."""
    trigger = order.trigger
    if order.is_waiting and trigger is not None:
        moves = book.follows_last(trigger.by)
        return trigger.price if moves and trigger.direction is direction else None
    if order.is_live and order.kind is OrderKind.LIMIT:
        is_hit_by_rise = order.side is Side.SELL
        rising = direction is TriggerDirection.RISES_TO
        return order.price if is_hit_by_rise is rising else None
    return None


def _advance_point(world: World, item: QuotePoint | TradePoint | MarkPoint | FundingPoint) -> None:
    match item:
        case QuotePoint():
            book = _book_at(world, item.symbol, item.time_ms, item.bid)
            book.quote(item)
            book.point += 1
        case TradePoint():
            book = _book_at(world, item.symbol, item.time_ms, item.price)
            book.trade(item, world.instruments[item.symbol], world.config)
            book.point += 1
            keep_trade(world, item)
        case MarkPoint():
            book = _book_at(world, item.symbol, item.time_ms, item.mark)
            book.set_mark(item, world.config)
            keep_price(world, item.symbol, TriggerBy.MARK, item.mark, time_ms=item.time_ms)
        case FundingPoint():
            _advance_funding(world, item)
            return
        case other:
            assert_never(other)
    if not world.state.is_idle(item.symbol):
        settle(world, item.symbol)
        _end_point(world, item.symbol)


def _advance_funding(world: World, item: FundingPoint) -> None:
    world.state.head.now_ms = max(world.state.head.now_ms, item.time_ms)
    keep_funding(world, item, settled_rate(world, item))
    book = world.state.books.get(item.symbol)
    if book is not None:
        book.time_ms = world.state.head.now_ms
        world.state.book_changed(book)
        settle_funding(world, item)
        settle(world, item.symbol)


def advance_time(world: World, now_ms: int) -> None:
    """Let time pass without a price: what is due has its effect, each at its own time.

    The prices keep the time they came at.
    """
    head, requests = world.state.head, world.state.requests.values()
    due = sorted({(r.due_ms, r.symbol) for r in requests if r.due_ms <= now_ms})
    for due_ms, symbol in due:
        head.now_ms = max(head.now_ms, due_ms)
        apply_due(world, symbol)
        settle(world, symbol)
    head.now_ms = max(head.now_ms, now_ms)


def settle(world: World, symbol: Symbol) -> None:
    """Let everything happen that the present prices cause, until nothing more does.

    Liquidation comes before stops: when a gap passes both, the position was lost already. Every
    round fires, fills or ends something, so their number is bounded by what there is.
    """
    follow_price(world, symbol)
    tiers = sum(len(world.instruments[s].tiers) for s in world.state.positions)
    rounds_max = 16 + 8 * len(world.state.orders) + 2 * tiers
    for _ in range(rounds_max):
        if liquidate_next(world, symbol) or fire_next(world, symbol):
            continue
        if not match_resting(world, symbol):
            return
    raise AssertionError(f"{symbol} did not come to rest within {rounds_max} rounds")
