"""What becomes of a change: what filled in part, and the record of the order that settles it."""

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.reports import RejectReason
from tidegate.ports.orders import Amended, NotAmended, TimedOut

from tests.application.bench import Bench
from tests.application.order_bench import (
    fault,
    leg,
    order_at_venue,
    orders,
    reserved,
    resting,
    the_entry,
)
from tests.domain.core.scenes import config, held, only, trade

# What has filled in part


def test_what_has_filled_in_part_keeps_its_legs_and_grows_by_what_is_left() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    bench.venue.script.fill(name, qty=Qty.of("0.004"))
    bench.runner.drain()
    assert held(bench) == Qty.of("0.004")
    assert "its legs are the position's" in fault(orders(bench).amend(name, stop_loss=leg("64100")))
    assert "above the 0.004 that has" in fault(orders(bench).amend(name, qty=Qty.of("0.004")))
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.012")), Amended)
    order = bench.runner.state.books.orders[name]
    assert (order.request.qty, order.qty_left) == (Qty.of("0.012"), Qty.of("0.008"))
    assert order.request.stop_loss == leg("64000")
    bench.move("64400")
    assert held(bench) == Qty.of("0.012")
    assert trade(bench).stop_confirmed == Price.of("64000")


# The record settles it


def waiting() -> Bench:
    """Return a desk whose venue may take five seconds to let a request arrive."""
    return resting(settings=config(not_found_final_ms=5_000))


@pytest.mark.parametrize(("qty", "most"), [("0.012", "774.000"), ("0.008", "645.000")])
def test_while_the_answer_is_out_the_larger_of_both_reservations_counts(
    qty: str, most: str
) -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.AMEND)
    assert orders(bench).amend(name, qty=Qty.of(qty)) == TimedOut(waited_ms=10_000)
    assert reserved(bench) == Money.of(most)
    bench.pass_time(4_000)
    assert reserved(bench) == Money.of(most)
    assert the_entry(bench).qty == Qty.of("0.010")
    assert "has a request under way" in fault(orders(bench).amend(name, qty=Qty.of("0.02")))


def test_a_change_that_arrives_late_is_found_in_the_record() -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.AMEND)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    bench.venue.script.drop_next()
    bench.venue.script.arrive()
    bench.pass_time(1_500)
    assert the_entry(bench).qty == Qty.of("0.012")
    assert reserved(bench) == Money.of("774.000")


def test_a_change_that_never_arrived_is_given_up_when_it_no_longer_can() -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.AMEND)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    bench.pass_time(4_900)
    assert only(bench, ev.AmendSettled) == []
    bench.pass_time(1_100)
    (settled,) = only(bench, ev.AmendSettled)
    assert settled.request.qty == Qty.of("0.010")
    assert reserved(bench) == Money.of("645.000")
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.011")), Amended)


def test_a_change_that_was_given_up_and_comes_after_all_is_believed() -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.AMEND)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    bench.pass_time(6_000)
    assert the_entry(bench).qty == Qty.of("0.010")
    bench.venue.script.arrive()
    bench.runner.drain()
    assert the_entry(bench).qty == Qty.of("0.012")
    assert reserved(bench) == Money.of("774.000")


def test_a_refused_change_is_settled_by_reading_the_order() -> None:
    bench = waiting()
    before = the_entry(bench)
    bench.venue.script.reject_next(
        RejectReason.RATE_LIMITED, message="slow down", request=RequestKind.AMEND
    )
    outcome = orders(bench).amend(before.client_id, qty=Qty.of("0.012"))
    assert outcome == NotAmended(
        client_id=before.client_id, order=before, status=Status.NEW, message="slow down"
    )
    assert reserved(bench) == Money.of("645.000")
    assert len(only(bench, ev.AmendRejected)) == 1


def test_an_acknowledged_change_is_not_believed_before_the_record_shows_it() -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.delay_messages()
    bench.venue.script.fail_queries(1)
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.012")), TimedOut)
    assert the_entry(bench).qty == Qty.of("0.010")
    bench.venue.script.release()
    bench.runner.drain()
    assert the_entry(bench).qty == Qty.of("0.012")


def test_an_order_that_ends_while_it_is_changed_has_ended() -> None:
    bench = waiting()
    name = the_entry(bench).client_id
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.AMEND)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    bench.move("64500")
    assert held(bench) == Qty.of("0.010")
    assert bench.runner.state.books.order(name) is not None
    assert bench.runner.state.books.orders == {}


def test_a_change_that_was_lost_of_an_order_that_has_filled_meanwhile_says_that_it_ended() -> None:
    bench = waiting()
    before = the_entry(bench)
    bench.venue.script.delay_messages()
    bench.venue.script.fill(before.client_id)
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.AMEND)
    outcome = orders(bench).amend(before.client_id, qty=Qty.of("0.012"))
    assert outcome == NotAmended(
        client_id=before.client_id,
        order=before,
        status=Status.FILLED,
        message="it ended before the change",
    )


def test_a_change_is_settled_by_what_it_was_about_whatever_else_the_record_shows() -> None:
    """Somebody moved the price meanwhile: the quantity is the one that was asked for."""
    bench = waiting()
    before = the_entry(bench)
    report = order_at_venue(bench, before.client_id)
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.AMEND)
    orders(bench).amend(before.client_id, qty=Qty.of("0.012"))
    bench.runner.submit(
        attrs.evolve(
            report,
            qty=Qty.of("0.012"),
            price=Price.of("64400"),
            updated_ms=bench.venue.now_ms(),
        )
    )
    (settled,) = only(bench, ev.AmendSettled)
    assert settled.request == attrs.evolve(before, qty=Qty.of("0.012"))
