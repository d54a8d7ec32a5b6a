"""The comparisons: each runs both clients on one venue, checks both, and returns the figures."""

import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane
from tidegate.adapters.bybit.streams.book import OrderBook
from tidegate.adapters.bybit.streams.trade import TradeAnswer
from tidegate.domain.market import BookLevel
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    TriggerBy,
)
from tidegate.ports.exchange import Accepted

from tests.benchmarks.bybit import official, ours
from tests.benchmarks.bybit.arrivals import ORDER, link_id
from tests.benchmarks.bybit.books import SYMBOL, Level, burst
from tests.benchmarks.bybit.measure import Batch, Comparison, interleaved, timed
from tests.benchmarks.bybit.served import Served
from tests.benchmarks.bybit.venue import ORDER_ID

__all__ = ["LOST_MAX", "books", "orders_by_port", "orders_by_rest", "orders_by_stream"]

CALLS = 20
REST_PAIRS = 50
STREAM_PAIRS = 150
LOSSY_PAIRS = 60
BURST_PAIRS = 9
WAIT_S = 30
LOST_WAIT_S = 0.02
LOST_MAX = 0.5
"""Which share of its answers the official client may drop for a comparison to mean anything."""

REQUEST = OrderRequest(
    client_id=ClientId(link_id(0)),
    symbol=Symbol(SYMBOL),
    side=Side.BUY,
    qty=Qty.of("0.001"),
    kind=OrderKind.LIMIT,
    purpose=Purpose(Role.ENTRY),
    price=Price.of(60_000),
    stop_loss=ProtectiveLeg(price=Price.of(59_000), by=TriggerBy.MARK),
)
"""The order that the bodies describe, in the domain's terms."""


class _Orders:
    """Bodies with an id of their own each, and whether all of them arrived."""

    def __init__(self) -> None:
        self.count = 0

    def body(self) -> dict[str, str | int]:
        self.count += 1
        return {**ORDER, "orderLinkId": link_id(self.count)}

    def request(self) -> OrderRequest:
        self.count += 1
        return attrs.evolve(REQUEST, client_id=ClientId(link_id(self.count)))

    def check(self, venue: Served) -> None:
        verdict = venue.verdict()
        assert verdict.faults == []
        assert verdict.orders == verdict.ids == self.count


def orders_by_rest(venue: Served) -> Comparison:
    """Place orders over REST, from a body to a typed reply or to the official client's dict."""
    orders = _Orders()

    def our_batch() -> Batch:
        with ours.rest_client(venue) as rest:

            def place() -> None:
                reply = rest.change(Call.PLACE, orders.body(), lane=Lane.ORDERS)
                assert isinstance(reply, Answered)
                assert reply.result["orderId"] == ORDER_ID

            return _warm(place)

    return _against_rest("order by REST", venue, orders, our_batch)


def orders_by_port(venue: Served) -> Comparison:
    """Place the same orders from the domain's value to the exchange port's outcome."""
    orders = _Orders()

    def our_batch() -> Batch:
        with ours.changes(venue) as changes:

            def place() -> None:
                outcome = changes.place(orders.request())
                assert isinstance(outcome, Accepted)
                assert outcome.venue_id == ORDER_ID

            return _warm(place)

    return _against_rest("order by the port, over REST", venue, orders, our_batch)


def _against_rest(
    name: str, venue: Served, orders: _Orders, our_batch: Callable[[], Batch]
) -> Comparison:
    with official.rest_session(venue.http_url) as session:

        def place() -> None:
            assert session.place_order(**orders.body())["result"]["orderId"] == ORDER_ID

        figures = interleaved(name, our_batch, lambda: _warm(place), pairs=REST_PAIRS)
    orders.check(venue)
    return figures


def _warm(place: Callable[[], None]) -> Batch:
    place()
    return timed(place, calls=CALLS)


def orders_by_stream(venue: Served, kind: Any, *, lost_max: float) -> Comparison:
    """Place orders by stream, until the answer is in the caller's hands.

    ``kind`` is the official client's class; at most the share ``lost_max`` of its answers may get
    lost. A call whose answer got lost counts neither for it nor against it.
    """
    orders = _Orders()
    wait_s = LOST_WAIT_S if lost_max else WAIT_S
    answers: list[Any] = []
    waits = lost = 0

    with ours.trade_socket(venue) as socket, official.trade_stream(kind, venue.ws_url) as stream:

        def place_ours() -> None:
            answer = socket.send("order.create", orders.body(), deadline_ms=WAIT_S * 1_000)
            assert isinstance(answer, TradeAnswer)
            assert answer.result["orderId"] == ORDER_ID

        def place_theirs() -> bool:
            nonlocal waits, lost
            unanswered = threading.Lock()
            unanswered.acquire()

            def hear(message: Any) -> None:
                answers.append(message["data"]["orderId"])
                unanswered.release()

            stream.place_order(hear, **orders.body())
            is_answered = unanswered.acquire(timeout=wait_s)
            waits += 1
            lost += not is_answered
            return is_answered

        figures = interleaved(
            f"order by stream, {kind.__name__}",
            lambda: timed(place_ours, calls=CALLS),
            lambda: timed(place_theirs, calls=CALLS),
            pairs=LOSSY_PAIRS if lost_max else STREAM_PAIRS,
        )
    assert set(answers) == {ORDER_ID}
    assert lost <= lost_max * waits, f"{lost} of {waits} answers got lost"
    orders.check(venue)
    if lost:
        return attrs.evolve(figures, name=f"{figures.name}, {lost} of {waits} answers lost")
    return figures


def books(venue: Served) -> Comparison:
    """Fold bursts of depth-50 frames, reading the best levels after each; figures for a frame."""
    wanted = burst()
    kept: OrderBook | None = None
    ours_seen: list[tuple[BookLevel | None, BookLevel | None]] = []
    theirs_seen: list[tuple[Any, Any]] = []
    last: dict[str, Any] = {}
    done = threading.Event()

    def read_ours(book: OrderBook) -> None:
        nonlocal kept
        kept = book
        ours_seen.append((book.best_bid(), book.best_ask()))
        if len(ours_seen) == len(wanted.frames):
            done.set()

    def read_theirs(message: dict[str, Any]) -> None:
        data = last["data"] = message["data"]
        theirs_seen.append((data["b"][0], data["a"][0]))
        if len(theirs_seen) == len(wanted.frames):
            done.set()

    def pushed(push: Callable[[], object], seen: list[Any]) -> Batch:
        seen.clear()
        done.clear()
        began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
        push()
        assert done.wait(WAIT_S), f"{len(seen)} of {len(wanted.frames)} frames"
        wall_ns, cpu_ns = time.perf_counter_ns() - began_ns, time.process_time_ns() - began_cpu_ns
        count = len(wanted.frames) * 1_000
        return Batch(wall_us=wall_ns / count, cpu_us=cpu_ns / count)

    with (
        ours.book_stream(venue, read_ours) as push_ours,
        official.book_stream(venue.ws_url, read_theirs) as push_theirs,
    ):

        def our_batch() -> Batch:
            batch = pushed(push_ours, ours_seen)
            _is_right(kept, ours_seen, wanted.bests)
            return batch

        def their_batch() -> Batch:
            batch = pushed(push_theirs, theirs_seen)
            assert [(tuple(b), tuple(a)) for b, a in theirs_seen] == list(wanted.bests)
            assert dict(last["data"]["b"]) == wanted.bids
            assert dict(last["data"]["a"]) == wanted.asks
            return batch

        return interleaved("book of depth 50", our_batch, their_batch, pairs=BURST_PAIRS)


def _is_right(
    book: OrderBook | None,
    seen: Sequence[tuple[BookLevel | None, BookLevel | None]],
    bests: Sequence[tuple[Level, Level]],
) -> None:
    """Check every best level that was read, and the whole book after the last frame."""
    assert all(bid is not None and ask is not None for bid, ask in seen)
    assert [(_plain(bid), _plain(ask)) for bid, ask in seen] == [
        (_amounts(bid), _amounts(ask)) for bid, ask in bests
    ]
    view = None if book is None else book.view()
    assert view is not None
    bids, asks = sorted(map(_amounts, burst().bids.items())), map(_amounts, burst().asks.items())
    assert [_plain(level) for level in view.bids] == bids[::-1]
    assert [_plain(level) for level in view.asks] == sorted(asks)


def _amounts(level: Level) -> tuple[Decimal, Decimal]:
    return Decimal(level[0]), Decimal(level[1])


def _plain(level: BookLevel | None) -> tuple[Decimal, Decimal] | None:
    return None if level is None else (Decimal(str(level.price)), Decimal(str(level.qty)))
