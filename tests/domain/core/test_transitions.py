"""The table of order states, every pair of it, and what a forbidden move does: nothing."""

import itertools

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.state import Books, Order
from tidegate.domain.core.step import step
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import OPEN, TERMINAL, TRANSITIONS, Status, may_become
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Role, VenueOrderId

from .scenes import config, limit, our_orders, placed, scripted

DAY = DayBoundary()
PAIRS = list(itertools.product(Status, Status))


def books_with(status: Status) -> tuple[Books, Order]:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"))
    books = bench.runner.state.books
    order = attrs.evolve(books.orders[client_id], status=status)
    is_open = status in OPEN
    known = {client_id: order}
    return (
        attrs.evolve(books, orders=known if is_open else {}, finished={} if is_open else known),
        order,
    )


def update(order: Order, status: Status) -> ev.OrderUpdated:
    return ev.OrderUpdated(
        client_id=order.request.client_id,
        venue_id=order.venue_id or VenueOrderId("v1"),
        status=status,
        qty_filled=ZERO_QTY,
        cancel_reason=None,
        time_ms=1,
    )


@pytest.mark.parametrize(("present", "then"), PAIRS)
def test_a_move_happens_exactly_when_the_table_allows_it(present: Status, then: Status) -> None:
    books, order = books_with(present)
    after = evolve(books, update(order, then), DAY)
    if not may_become(present, then):
        assert after == books
        return
    moved = after.order(order.request.client_id)
    assert moved is not None
    assert moved.status is then
    assert (order.request.client_id in after.orders) is (then in OPEN)


@pytest.mark.parametrize("present", [status for status in Status if status in TERMINAL])
def test_nothing_leaves_an_ending(present: Status) -> None:
    assert TRANSITIONS[present] == frozenset()


def test_every_open_state_can_end() -> None:
    for status in OPEN:
        assert TRANSITIONS[status] & TERMINAL


@pytest.mark.parametrize("reported", [Status.FILLED, Status.CANCELLED, Status.REJECTED])
def test_an_illegal_report_is_kept_as_a_record_and_changes_nothing(reported: Status) -> None:
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    bench.venue.cancel(report.symbol, report.venue_id)
    bench.runner.drain()
    before = bench.runner.state
    contrary = attrs.evolve(report, status=reported)
    after = step(before, contrary, config(), bench.venue.now_ms())
    if reported is Status.CANCELLED:
        assert after.events == ()
    else:
        assert [type(event) for event in after.events] == [ev.UpdateIgnored]
    assert after.state.books == before.books
    assert after.effects == ()


def test_an_echo_of_an_earlier_state_is_not_worth_a_record() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    bench.venue.script.fill(client_id)
    bench.runner.drain()
    after = step(bench.runner.state, report, config(), bench.venue.now_ms())
    assert after.events == ()


def test_a_step_does_not_change_the_state_it_was_given() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"))
    before = bench.runner.state
    copies = (dict(before.books.orders), dict(before.books.positions), dict(before.view.tickers))
    (report,) = our_orders(bench)
    gone = attrs.evolve(report, status=Status.CANCELLED)
    step(before, gone, config(), bench.venue.now_ms())
    now = (dict(before.books.orders), dict(before.books.positions), dict(before.view.tickers))
    assert now == copies
    assert before.books.orders[client_id].role is Role.ENTRY
