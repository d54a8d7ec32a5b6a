"""The order book: a fold of snapshots and deltas; a naive model is the judge."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.streams.book import BookBroken, BookUnreadable, BookView, OrderBook
from tidegate.domain.money import Price, Qty

from tests.adapters.bybit.streams.bench import BTC, book_message

DEPTH = 5

Levels = dict[Decimal, Decimal]


def _book(*messages: dict[str, Any], depth: int = 50) -> OrderBook:
    book = OrderBook(BTC, depth=depth)
    for message in messages:
        book.take(message)
    return book


def _view(book: OrderBook) -> BookView:
    view = book.view()
    assert view is not None
    return view


def _pairs(book: OrderBook) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    view = _view(book)
    return (
        [(str(level.price), str(level.qty)) for level in view.bids],
        [(str(level.price), str(level.qty)) for level in view.asks],
    )


SNAPSHOT = book_message("snapshot", 7, [["100", "1"], ["99", "2"]], [["102", "3"], ["101", "4"]])


def test_sides_are_sorted_from_the_best() -> None:
    assert _pairs(_book(SNAPSHOT)) == (
        [("100", "1"), ("99", "2")],
        [("101", "4"), ("102", "3")],
    )


def test_a_better_level_becomes_the_best() -> None:
    book = _book(SNAPSHOT, book_message("delta", 8, [["100.5", "9"]], [["100.9", "8"]]))
    bid, ask = book.best_bid(), book.best_ask()
    assert bid is not None
    assert ask is not None
    assert (bid.price, bid.qty) == (Price.of("100.5"), Qty.of(9))
    assert (ask.price, ask.qty) == (Price.of("100.9"), Qty.of(8))


def test_a_quantity_of_zero_deletes_and_deleting_the_unknown_changes_nothing() -> None:
    book = _book(SNAPSHOT, book_message("delta", 8, [["100", "0"], ["42", "0.000"]], []))
    assert _pairs(book)[0] == [("99", "2")]


def test_levels_beyond_the_depth_go_the_worst_first() -> None:
    delta = book_message("delta", 8, [["99.5", "1"]], [["101.5", "1"]])
    assert _pairs(_book(SNAPSHOT, delta, depth=2)) == (
        [("100", "1"), ("99.5", "1")],
        [("101", "4"), ("101.5", "1")],
    )


@pytest.mark.parametrize("u", [1, 7, 6, 9, 100])
def test_a_gap_breaks_the_book_once_until_the_next_snapshot(u: int) -> None:
    book = _book(SNAPSHOT)
    with pytest.raises(BookBroken, match=f"u is {u} after 7"):
        book.take(book_message("delta", u, [["100.1", "1"]], []))
    assert (book.is_whole, book.view(), book.best_bid(), book.best_ask()) == (False,) + (None,) * 3
    book.take(book_message("delta", 8, [["100.1", "1"]], []))
    assert not book.is_whole
    book.take(book_message("snapshot", 1, [["50", "1"]], [["51", "1"]]))
    assert _pairs(book) == ([("50", "1")], [("51", "1")])


def test_any_snapshot_replaces_everything() -> None:
    restart = book_message("snapshot", 1, [["98", "5"]], [["99", "6"]])
    later = book_message("delta", 2, [], [["99", "7"]])
    assert _pairs(_book(SNAPSHOT, restart, later)) == ([("98", "5")], [("99", "7")])


def test_crossed_sides_break_the_book() -> None:
    book = _book(SNAPSHOT)
    with pytest.raises(BookBroken, match=r"best bid 101\.1 is above the best ask 101"):
        book.take(book_message("delta", 8, [["101.1", "1"]], []))
    assert book.view() is None


def test_sides_that_touch_are_a_whole_book() -> None:
    """A market without a spread, such as a simulated one."""
    assert _book(SNAPSHOT, book_message("delta", 8, [["101", "1"]], [])).view() is not None


def test_a_delta_before_the_snapshot_is_left_out() -> None:
    assert _book(book_message("delta", 8, [["1", "1"]], [])).view() is None


def test_the_view_carries_the_engines_time_and_ids() -> None:
    message = book_message("snapshot", 7, [["100", "1"]], [["101", "4"]], ts=1_000)
    view = _view(_book(message | {"cts": 990}))
    assert (view.time_ms, view.update_id, view.sequence) == (990, 7, 70)


def test_a_view_does_not_change_afterwards() -> None:
    book = _book(SNAPSHOT)
    view = book.view()
    book.take(book_message("delta", 8, [["100", "0"]], []))
    assert view == _book(SNAPSHOT).view()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "else"}, {"data": None}, {"data": {}}, {"cts": None, "ts": None}, {"cts": "1"},
        {"data": {"s": "X", "b": [["1"]], "a": [], "u": 8, "seq": 1}},
        {"data": {"s": "X", "b": [["x", "1"]], "a": [], "u": 8, "seq": 1}},
        {"data": {"s": "X", "b": [["1", "-1"]], "a": [], "u": 8, "seq": 1}},
        {"data": {"s": "X", "b": [["1", "NaN"]], "a": [], "u": 8, "seq": 1}},
        {"data": {"s": "X", "b": [[1.5, "1"]], "a": [], "u": 8, "seq": 1}},
        {"data": {"s": "X", "b": [], "a": [], "u": True, "seq": 1}},
    ],
)  # fmt: skip
def test_a_message_that_is_no_book_message_changes_nothing(change: dict[str, Any]) -> None:
    book = _book(SNAPSHOT)
    with pytest.raises(BookUnreadable):
        book.take(book_message("delta", 8, [["100", "0"]], []) | change)
    assert book.view() == _book(SNAPSHOT).view()


def _naive(side: Levels, changes: list[tuple[int, int]], *, is_bid: bool) -> Levels:
    merged = side | {Decimal(price): Decimal(size) for price, size in changes}
    kept = sorted((p for p, size in merged.items() if size), reverse=is_bid)[:DEPTH]
    return {price: merged[price] for price in kept}


_changes = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=8)


@given(st.lists(st.tuples(st.booleans(), _changes, _changes), max_size=20))
def test_the_fold_equals_a_naive_model(
    steps: list[tuple[bool, list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    """The model merges dictionaries and sorts; asks lie 20 above, so that sides never cross."""
    book = _book(book_message("snapshot", 0, [], []), depth=DEPTH)
    bids: Levels = {}
    asks: Levels = {}
    for u, (is_snapshot, bid_changes, raw_asks) in enumerate(steps, start=1):
        ask_changes = [(price + 20, size) for price, size in raw_asks]
        kind = "snapshot" if is_snapshot else "delta"
        if is_snapshot:
            bids, asks = {}, {}
        book.take(book_message(kind, u, _texts(bid_changes), _texts(ask_changes)))
        bids = _naive(bids, bid_changes, is_bid=True)
        asks = _naive(asks, ask_changes, is_bid=False)
        view = _view(book)
        assert [(x.price.value, x.qty.value) for x in view.bids] == list(bids.items())
        assert [(x.price.value, x.qty.value) for x in view.asks] == list(asks.items())
        best = book.best_bid()
        assert (None if best is None else best.price.value) == next(iter(bids), None)


def _texts(changes: list[tuple[int, int]]) -> list[list[str]]:
    return [[str(price), str(size)] for price, size in changes]
