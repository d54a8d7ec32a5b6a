"""Books and venue are compared while the desk runs: two readings in a row are believed."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.recovery import reconcile
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import Cancel
from tidegate.domain.core.inputs import ActivityRead
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.findings import FindingKind, kind_of
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Qty
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import OrderReport, Origin
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import config, limit, only, opened, our_orders, placed, scripted

NOW_MS = 1_700_000_000_000
SETTINGS = config()
QTY = f"position_qty:{BTC}"


def reading(bench: Bench, qty: str) -> ActivityRead:
    """Return a reading that shows the position with a quantity."""
    shown = attrs.evolve(bench.venue.position(BTC), qty=Qty.of(qty))
    orders = bench.venue.open_orders()
    return ActivityRead(positions=(shown,), orders=orders, unreadable_count=0)


def after(bench: Bench, *quantities: str) -> Step:
    """Return the last step of readings in a row."""
    made = Step(events=(), state=bench.runner.state, effects=())
    for qty in quantities:
        made = step(made.state, reading(bench, qty), SETTINGS, NOW_MS)
    return made


def test_a_difference_counts_once_a_second_reading_in_a_row_shows_the_same() -> None:
    bench = opened(ladder=())
    assert after(bench, "0.5").events == ()
    twice = after(bench, "0.5", "0.5")
    assert [type(event) for event in twice.events] == [ev.FindingRaised]
    assert twice.state.books.findings[QTY].blocks_entries
    assert after(bench, "0.5", "0.5", "0.5").events == ()
    assert after(bench, "0.5", "0.010", "0.5").events == ()
    assert after(bench, "0.5", "0.4").events == (), "another difference is seen for the first time"


def test_a_difference_is_settled_once_two_readings_in_a_row_show_none() -> None:
    bench = opened(ladder=())
    assert QTY in after(bench, "0.5", "0.5", "0.010").state.books.findings
    assert QTY in after(bench, "0.5", "0.5", "0.010", "0.5").state.books.findings
    twice = after(bench, "0.5", "0.5", "0.010", "0.010")
    assert twice.events == (ev.FindingSettled(finding_id=QTY, time_ms=NOW_MS),)


def test_where_something_differs_the_venue_is_asked_again_soon() -> None:
    bench = opened(ladder=())
    assert _next_read(after(bench, "0.010").state) is None
    for readings in (("0.5",), ("0.5", "0.5"), ("0.5", "0.5", "0.010")):
        assert _next_read(after(bench, *readings).state) == NOW_MS + 2_000
    assert _next_read(after(bench, "0.5", "0.5", "0.010", "0.010").state) is None


def _next_read(state: State) -> int | None:
    polled = attrs.evolve(state, view=attrs.evolve(state.view, polled_ms=NOW_MS))
    return deadline_ms(polled, SETTINGS, NOW_MS)


def resting() -> tuple[Bench, OrderReport]:
    """Return a desk and a record of an order that has an id of ours and is not in its books."""
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (found,) = our_orders(bench)
    return bench, attrs.evolve(found, client_id=ClientId(f"tg{'z' * 16}-e-0"))


def cancels(state: State, report: OrderReport, at_ms: int = NOW_MS) -> list[Cancel]:
    made = step(state, report, SETTINGS, at_ms)
    return [effect for effect in made.effects if isinstance(effect, Cancel)]


def test_an_order_of_ours_that_the_books_do_not_know_is_cancelled_at_most_once_a_while() -> None:
    bench, orphan = resting()
    name, venue_id = orphan.client_id, orphan.venue_id
    state = bench.runner.state
    assert cancels(state, orphan) == [Cancel(symbol=BTC, client_id=name, venue_id=venue_id)]
    told = step(state, orphan, SETTINGS, NOW_MS).state
    assert cancels(told, orphan, NOW_MS + 999) == []
    assert len(cancels(told, orphan, NOW_MS + 1_000)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": ClientId("by-hand")},
        {"client_id": None},
        {"status": Status.CANCELLED},
        {"origin": Origin.STOP_LOSS},
    ],
    ids=str,
)
def test_nothing_else_is_taken_for_one(change: dict[str, Any]) -> None:
    bench, orphan = resting()
    assert cancels(bench.runner.state, attrs.evolve(orphan, **change)) == []


def test_before_the_account_is_opened_and_in_panic_a_report_cancels_nothing() -> None:
    bench, orphan = resting()
    books = bench.runner.state.books
    for changed in (
        attrs.evolve(books, ledger=None),
        attrs.evolve(books, is_panic_running=True),
    ):
        assert cancels(attrs.evolve(bench.runner.state, books=changed), orphan) == []


def test_a_desk_whose_journal_was_lost_takes_its_orders_off_the_venue_and_goes_on() -> None:
    first = scripted()
    placed(first, entry=limit("64900"))
    venue: MemoryVenue = first.venue
    second = make_bench(venue=venue, config=SETTINGS)
    reconcile(second.runner)
    assert venue.open_orders() == ()
    (raised,) = only(second, ev.FindingRaised)
    assert (kind_of(raised.finding_id), raised.blocks_entries) == (FindingKind.ORPHAN_ORDER, True)
    (settled,) = only(second, ev.FindingSettled)
    assert settled.finding_id == raised.finding_id
    assert isinstance(second.desk.execute(signal("s2", entry=limit("64900"))), Placed)
