"""An order that ended unheard: the list of open orders lacks it, so it is asked for."""

import attrs
from tidegate.domain.core.effects import FindOrder
from tidegate.domain.core.inputs import ActivityRead
from tidegate.domain.core.step import step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Role
from tidegate.domain.reports import CancelReason

from tests.application.bench import BTC, Bench, make_bench

from .scenes import config, held, opened, orders_of, rungs

POLL_MS = 2_000
BOTH = [("66000.0", "0.003"), ("67000.0", "0.007")]


def cut_off() -> Bench:
    """A desk that holds 0.010 with both targets resting, and hears nothing any more."""
    bench = opened(make_bench(config=config(poll_down_ms=POLL_MS)))
    assert rungs(bench) == BOTH
    bench.venue.script.disconnect()
    bench.runner.drain()
    return bench


def test_a_target_that_filled_unheard_is_over_once_the_activity_was_read() -> None:
    bench = cut_off()
    first = orders_of(bench, Role.TAKE_PROFIT)[0].request.client_id
    bench.venue.script.move(BTC, last=Price.of("66100"))
    bench.pass_time(POLL_MS)
    assert held(bench) == Qty.of("0.007")
    order = bench.runner.state.books.order(first)
    assert order is not None
    assert order.status is Status.FILLED
    assert first not in bench.runner.state.books.orders


def test_a_target_that_the_venue_cancelled_unheard_is_placed_again() -> None:
    bench = cut_off()
    first = orders_of(bench, Role.TAKE_PROFIT)[0].request.client_id
    bench.venue.script.expire(first, CancelReason.BY_VENUE)
    assert rungs(bench) == BOTH[1:]
    for _ in range(10):
        bench.pass_time(POLL_MS)
    assert rungs(bench) == BOTH
    order = bench.runner.state.books.order(first)
    assert order is not None
    assert order.status is Status.CANCELLED


def questions(bench: Bench, *, listed: bool, in_flight: bool = False) -> int:
    """How many orders are asked for after a reading of the activity."""
    state = bench.runner.state
    orders = bench.venue.open_orders(BTC) if listed else ()
    if in_flight:
        names = frozenset(state.books.orders)
        state = attrs.evolve(state, view=attrs.evolve(state.view, in_flight=names))
    read = ActivityRead(positions=(), orders=orders, unreadable_count=0)
    now_ms = bench.venue.now_ms() + POLL_MS
    outcome = step(state, read, config(), now_ms)
    return sum(isinstance(effect, FindOrder) for effect in outcome.effects)


def test_only_orders_that_the_list_lacks_are_asked_for() -> None:
    bench = opened()
    assert questions(bench, listed=True) == 0
    assert questions(bench, listed=False) == len(BOTH)


def test_an_order_whose_request_is_under_way_is_not_asked_for() -> None:
    assert questions(opened(), listed=False, in_flight=True) == 0
