"""What each event about an order changes in the books, and that it changes nothing else."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.evolve_orders import entry_numbered
from tidegate.domain.core.ids import client_id
from tidegate.domain.core.state import Books, Order
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Role,
    Side,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, RejectReason

from tests.application.bench import BTC, make_bench, signal

from .scenes import config, limit, only, opened, placed, scripted, trade

VENUE = VenueOrderId("v-77")
KEY = "close01234567890"


def fold(books: Books, event: ev.Event) -> Books:
    return evolve(books, event, DayBoundary())


def resting(status: Status = Status.NEW) -> tuple[Books, Order]:
    """Return the books with one limit entry in the status, and the entry."""
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    books = bench.runner.state.books
    order = attrs.evolve(books.orders[name], status=status)
    return attrs.evolve(books, orders={name: order}), order


def changed(books: Books, order: Order, **fields: Any) -> Books:
    """Return the books with an open order changed."""
    after = attrs.evolve(order, **fields)
    return attrs.evolve(books, orders={**books.orders, order.request.client_id: after})


def ended(books: Books, order: Order, **fields: Any) -> Books:
    """Return the books with an order moved among the finished ones."""
    name = order.request.client_id
    left = {key: value for key, value in books.orders.items() if key != name}
    finished = {**books.finished, name: attrs.evolve(order, **fields)}
    return attrs.evolve(books, orders=left, finished=finished)


def rung_held() -> tuple[Books, Order]:
    """Return the books of an open trade with its two rungs at the venue, and the first rung."""
    books = opened().runner.state.books
    return books, next(iter(books.orders.values()))


def reduction(role: Role, number: int = 9) -> OrderRequest:
    return OrderRequest(
        client_id=ClientId(f"reduction-{number}"),
        symbol=BTC,
        side=Side.SELL,
        qty=Qty.of("0.010"),
        kind=OrderKind.MARKET,
        purpose=Purpose(role),
        reduce_only=True,
    )


def test_an_acknowledged_order_has_the_venues_id_and_is_not_live_yet() -> None:
    books, order = resting(Status.INTENDED)
    event = ev.OrderAcknowledged(client_id=order.request.client_id, venue_id=VENUE)
    after = changed(books, order, status=Status.ACKNOWLEDGED, venue_id=VENUE)
    assert fold(books, event) == after


def test_an_acknowledgement_that_comes_late_keeps_the_status() -> None:
    books, order = resting(Status.NEW)
    event = ev.OrderAcknowledged(client_id=order.request.client_id, venue_id=VENUE)
    assert fold(books, event) == changed(books, order, venue_id=VENUE)


def test_a_refused_entry_is_over_and_no_trade_waits_because_of_it() -> None:
    books, order = resting(Status.INTENDED)
    event = ev.OrderRefused(
        client_id=order.request.client_id,
        reason=RejectReason.OTHER,
        code=1,
        message="no",
        time_ms=8,
    )
    assert fold(books, event) == ended(books, order, status=Status.REJECTED)


def test_a_refused_addition_does_not_make_the_ladder_wait() -> None:
    books, _ = rung_held()
    other, order = resting(Status.INTENDED)
    name = order.request.client_id
    both = attrs.evolve(books, orders={name: order})
    event = ev.OrderRefused(
        client_id=name, reason=RejectReason.OTHER, code=1, message="no", time_ms=8
    )
    assert fold(both, event).trades == books.trades
    assert other.trades == {}


def test_a_refused_rung_makes_the_next_one_wait() -> None:
    books, rung = rung_held()
    before = books.trades[BTC]
    intended = changed(books, rung, status=Status.INTENDED)
    event = ev.OrderRefused(
        client_id=rung.request.client_id,
        reason=RejectReason.OTHER,
        code=1,
        message="no",
        time_ms=8,
    )
    after = ended(books, rung, status=Status.REJECTED)
    noted = attrs.evolve(before, refused_ms=8, refusals=1)
    assert fold(intended, event) == attrs.evolve(after, trades={BTC: noted})
    twice = attrs.evolve(intended, trades={BTC: attrs.evolve(noted, refused_ms=1)})
    assert fold(twice, event).trades[BTC] == attrs.evolve(noted, refusals=2)


def test_an_order_of_unknown_outcome_is_unknown_since_it_was_sent() -> None:
    books, order = resting(Status.INTENDED)
    event = ev.OrderUnknown(client_id=order.request.client_id, sent_ms=77, cause="no answer")
    after = changed(books, order, status=Status.UNKNOWN, unknown_since_ms=77)
    assert fold(books, event) == after


def test_a_lapsed_order_is_over() -> None:
    books, order = resting(Status.UNKNOWN)
    event = ev.OrderLapsed(client_id=order.request.client_id, time_ms=8)
    assert fold(books, event) == ended(books, order, status=Status.LAPSED)


@pytest.mark.parametrize("kind", [ev.OrderRefused, ev.OrderUnknown, ev.OrderLapsed])
def test_what_the_table_forbids_changes_nothing(kind: type) -> None:
    books, order = resting(Status.NEW)
    done = ended(books, order, status=Status.FILLED)
    name = order.request.client_id
    events: dict[type, ev.Event] = {
        ev.OrderRefused: ev.OrderRefused(
            client_id=name, reason=RejectReason.OTHER, code=1, message="no", time_ms=8
        ),
        ev.OrderUnknown: ev.OrderUnknown(client_id=name, sent_ms=1, cause="?"),
        ev.OrderLapsed: ev.OrderLapsed(client_id=name, time_ms=8),
    }
    assert fold(done, events[kind]) == done


def updated(order: Order, status: Status, qty: str = "0") -> ev.OrderUpdated:
    return ev.OrderUpdated(
        client_id=order.request.client_id,
        venue_id=VENUE,
        status=status,
        qty_filled=Qty.of(qty),
        cancel_reason=CancelReason.BY_VENUE,
        time_ms=8,
    )


def test_a_report_brings_status_venue_id_and_what_the_venue_counts() -> None:
    books, order = resting(Status.NEW)
    event = updated(order, Status.PARTIALLY_FILLED, "0.004")
    after = changed(
        books,
        order,
        status=Status.PARTIALLY_FILLED,
        venue_id=VENUE,
        qty_reported=Qty.of("0.004"),
    )
    assert fold(books, event) == after


def test_an_order_that_ended_is_kept_until_its_executions_have_come() -> None:
    books, order = resting(Status.NEW)
    waiting = fold(books, updated(order, Status.CANCELLED, "0.004"))
    name = order.request.client_id
    assert list(waiting.orders) == [name]
    assert (waiting.orders[name].is_open, waiting.orders[name].is_settled) == (False, False)
    assert waiting.orders[name].qty_left == Qty.of("0.004")
    settled = fold(books, updated(order, Status.CANCELLED))
    assert list(settled.orders) == []
    assert settled.finished[name].is_settled
    assert settled.finished[name].qty_left == ZERO_QTY


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.DEACTIVATED, Status.REJECTED])
def test_a_rung_that_the_venue_ends_unasked_makes_the_next_one_wait(status: Status) -> None:
    books, rung = rung_held()
    live = changed(books, rung, status=Status.UNKNOWN)
    after = fold(live, updated(rung, status)).trades[BTC]
    assert after == attrs.evolve(books.trades[BTC], refused_ms=8, refusals=1)


def test_a_rung_that_was_cancelled_on_demand_or_filled_makes_nothing_wait() -> None:
    books, rung = rung_held()
    asked = changed(books, rung, cancel_intended=True)
    assert fold(asked, updated(rung, Status.CANCELLED)).trades == books.trades
    assert fold(books, updated(rung, Status.FILLED, "0.003")).trades == books.trades


def test_a_cancel_is_under_way_until_it_fails_and_stays_wanted() -> None:
    books, order = resting()
    name = order.request.client_id
    asked = fold(books, ev.CancelIntended(symbol=BTC, client_id=name, venue_id=VENUE))
    assert asked == changed(books, order, cancel_intended=True, cancel_wanted=True)
    failed = fold(
        asked, ev.CancelRefused(symbol=BTC, client_id=name, venue_id=VENUE, message="no answer")
    )
    assert failed == changed(books, order, cancel_intended=False, cancel_wanted=True)


def test_a_released_entry_differs_in_nothing_else() -> None:
    books, order = resting(Status.INTENDED)
    waiting = changed(books, order, is_released=False)
    assert fold(waiting, ev.EntryReleased(client_id=order.request.client_id)) == books


def test_an_intended_entry_is_reserved_counted_and_remembered() -> None:
    bench = make_bench(config=config())
    before = bench.runner.state.books
    bench.pass_time(5)
    bench.desk.execute(signal())
    (event,) = only(bench, ev.EntryIntended)
    after = fold(before, event)
    name = event.order.client_id
    assert dict(after.orders) == {
        name: Order(
            request=event.order,
            trade_key=event.trade_key,
            status=Status.INTENDED,
            decision_price=Price.of("65000"),
            worst_price=Price.of("65032.5"),
            signal=event.signal,
            intended_ms=event.time_ms,
            is_released=False,
        )
    }
    assert after == attrs.evolve(
        before,
        orders=after.orders,
        signals=before.signals.add("s1"),
        tally=before.tally.book_approval(),
        decided_ms={BTC: event.time_ms},
        sends=(event.time_ms,),
        sends_today=1,
    )
    known = attrs.evolve(before, leverage={BTC: Rate.of(3)})
    assert fold(known, event).orders[name].is_released
    other = attrs.evolve(before, leverage={BTC: Rate.of(4)})
    assert not fold(other, event).orders[name].is_released


def test_sends_are_remembered_for_a_minute() -> None:
    books, order = resting()
    again = attrs.evolve(books, sends=(1_000, 1_001, 2_000), sends_today=7)
    event = ev.OrderIntended(
        trade_key=KEY, order=reduction(Role.CLOSE), decision_price=None, time_ms=61_000
    )
    after = fold(again, event)
    assert (after.sends, after.sends_today) == ((1_001, 2_000, 61_000), 8)
    assert order.request.client_id in after.orders


def test_a_close_takes_the_next_number_of_its_trade() -> None:
    books, _ = rung_held()
    order = reduction(Role.CLOSE)
    event = ev.OrderIntended(
        trade_key=KEY, order=order, decision_price=Price.of("65001"), time_ms=1_700_000_000_005
    )
    after = fold(books, event)
    numbered = attrs.evolve(books.trades[BTC], sequence=books.trades[BTC].sequence + 1)
    assert after.trades == {BTC: numbered}
    assert after.orders[order.client_id] == Order(
        request=order,
        trade_key=KEY,
        decision_price=Price.of("65001"),
        intended_ms=1_700_000_000_005,
    )
    assert after == attrs.evolve(
        books,
        trades=after.trades,
        orders=after.orders,
        sends=(*books.sends, 1_700_000_000_005),
        sends_today=books.sends_today + 1,
    )


def test_a_panic_close_is_numbered_by_the_panic_and_not_by_the_trade() -> None:
    books, _ = rung_held()
    counted = attrs.evolve(books, panic_orders=4)
    order = reduction(Role.PANIC)
    event = ev.OrderIntended(
        trade_key=KEY, order=order, decision_price=None, time_ms=1_700_000_000_005
    )
    after = fold(counted, event)
    assert (after.panic_orders, after.trades) == (5, books.trades)
    assert after == attrs.evolve(
        counted,
        panic_orders=5,
        orders=after.orders,
        sends=(*books.sends, 1_700_000_000_005),
        sends_today=books.sends_today + 1,
    )


def test_an_entry_remembers_where_its_trade_goes_on_numbering() -> None:
    bench = opened()
    books, live = bench.runner.state.books, trade(bench)
    after = entry_numbered(books, live.key, 9)
    (entry,) = [order for order in after.finished.values() if order.role is Role.ENTRY]
    assert entry.sequence_next == 9
    assert attrs.evolve(after, finished=books.finished) == books


def test_an_entry_of_a_tagged_journal_remembers_it_too() -> None:
    bench = opened()
    books, key = bench.runner.state.books, trade(bench).key
    (entry,) = [order for order in books.finished.values() if order.role is Role.ENTRY]
    name = client_id(key, Purpose(Role.ENTRY), 0, tag="aaaa")
    named = attrs.evolve(entry, request=attrs.evolve(entry.request, client_id=name))
    after = entry_numbered(attrs.evolve(books, tag="aaaa", finished={name: named}), key, 9)
    assert after.finished[name] == attrs.evolve(named, sequence_next=9)


def test_an_order_starts_with_nothing_filled() -> None:
    _, order = resting()
    fresh = Order(request=order.request, trade_key="k", intended_ms=1)
    assert (fresh.qty_left, fresh.value_filled) == (Qty.of("0.010"), ZERO_MONEY)
    assert (fresh.is_open, fresh.is_settled, fresh.role) == (True, False, Role.ENTRY)
    ahead = attrs.evolve(fresh, status=Status.CANCELLED, qty_filled=Qty.of("0.004"))
    assert (ahead.qty_left, ahead.is_settled) == (ZERO_QTY, True)
