"""A message of the venue that nobody understood stops entries until books and venue agree."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.recovery import reconcile
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadActivity
from tidegate.domain.core.inputs import ActivityRead
from tidegate.domain.core.step import step
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    OrderReport,
    PositionReport,
    UnreadableReport,
)
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, held, only, opened


def unreadable(source: str = "order", text: str = "{") -> UnreadableReport:
    return UnreadableReport(source=source, text=text, time_ms=1)


def muted() -> Bench:
    """Return a desk with a position whose venue has bought more without telling anyone."""
    bench = opened(ladder=())
    for kind in (OrderReport, Execution, PositionReport):
        bench.venue.script.drop_next(kind)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.010"))
    bench.runner.drain()
    return bench


def test_a_fill_that_could_not_be_understood_is_booked_and_the_message_cleared_at_once() -> None:
    bench = muted()
    assert not bench.runner.state.books.position(BTC).is_flat
    bench.runner.submit(unreadable(text="an execution in a new form"))
    assert held(bench) == Qty.of("0")
    raised, settled = only(bench, ev.FindingRaised), only(bench, ev.FindingSettled)
    assert [event.finding_id for event in raised] == ["unreadable:order"]
    assert "an execution in a new form" in raised[0].text
    assert raised[0].blocks_entries
    assert [event.finding_id for event in settled] == ["unreadable:order"]
    assert isinstance(bench.desk.execute(signal("s2")), Placed)


def test_entries_stop_until_the_venue_can_be_asked() -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(3)  # one of them is the desk's own question
    bench.runner.submit(unreadable())
    refused = bench.desk.execute(signal())
    assert isinstance(refused, Refused)
    assert Rule.FINDINGS_SETTLED in {breach.rule for breach in refused.breaches}
    bench.pass_time(2_000)
    assert list(bench.runner.state.books.findings) == ["unreadable:order"]
    bench.pass_time(1_999)
    assert bench.runner.state.books.findings
    bench.pass_time(1)
    assert not bench.runner.state.books.findings
    assert isinstance(bench.desk.execute(signal("s2")), Placed)


def test_a_flood_raises_one_finding_for_each_source_and_asks_once() -> None:
    bench = make_bench(config=config())
    state, asked, raised = bench.runner.state, [], []
    for number in range(100):
        source = ("order", "position")[number % 2]
        done = step(state, unreadable(source), config(), 1_000)
        state = done.state
        asked += [effect for effect in done.effects if isinstance(effect, ReadActivity)]
        raised += [event for event in done.events if isinstance(event, ev.FindingRaised)]
    assert len(asked) == 1
    assert [event.finding_id for event in raised] == ["unreadable:order", "unreadable:position"]


def test_a_reading_from_before_the_last_such_message_clears_nothing() -> None:
    bench = make_bench(config=config())
    first = step(bench.runner.state, unreadable(), config(), 1_000)
    second = step(first.state, unreadable(), config(), 1_000)
    for seen, is_cleared in ((1, False), (2, True)):
        read = ActivityRead(positions=(), orders=(), unreadable_count=seen)
        done = step(second.state, read, config(), 1_000)
        assert bool(done.events) is is_cleared
        assert (not done.state.books.findings) is is_cleared


def test_a_difference_that_remains_is_raised_and_keeps_entries_stopped() -> None:
    bench = opened(ladder=())
    shown = bench.venue.position(BTC)
    at_venue = bench.venue.open_orders()
    first = step(bench.runner.state, unreadable(), config(), 1_000)
    without = ActivityRead(positions=(), orders=at_venue, unreadable_count=1)
    second = step(first.state, without, config(), 1_000)
    assert set(second.state.books.findings) == {"unreadable:order", f"position_qty:{BTC}"}
    agreeing = ActivityRead(positions=(shown,), orders=at_venue, unreadable_count=1)
    third = step(second.state, agreeing, config(), 1_000)
    assert not third.state.books.findings


def test_a_difference_that_stops_no_entries_does_not_keep_the_message_open() -> None:
    bench = opened(ladder=())
    shown = attrs.evolve(bench.venue.position(BTC), stop_loss=None)
    first = step(bench.runner.state, unreadable(), config(), 1_000)
    read = ActivityRead(positions=(shown,), orders=bench.venue.open_orders(), unreadable_count=1)
    assert list(step(first.state, read, config(), 1_000).state.books.findings) == [
        f"unprotected:{BTC}"
    ]


def test_a_reading_settles_nothing_when_no_such_message_came() -> None:
    bench = opened(ladder=())
    read = ActivityRead(positions=(), orders=(), unreadable_count=0)
    assert step(bench.runner.state, read, config(), 1_000).events == ()


def test_a_reconciliation_clears_what_an_earlier_process_did_not_understand() -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(1)
    bench.runner.submit(unreadable())
    reconcile(bench.runner)
    assert not bench.runner.state.books.findings


class Interrupting(MemoryVenue):
    """Says something that nobody understands at the end of the second reading, once."""

    say: Callable[[], None] | None = None
    readings_before = 1

    def account(self) -> AccountReport:
        shown = super().account()
        if self.say is not None and self.readings_before == 0:
            say, self.say = self.say, None
            say()
        elif self.say is not None:
            self.readings_before -= 1
        return shown


def test_a_message_during_a_reconciliation_is_not_cleared_by_it() -> None:
    venue = Interrupting(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench = make_bench(venue=venue, config=config())

    def say() -> None:
        bench.runner.deliver(unreadable())
        # The first such message has the activity read at once.
        venue.script.fail_queries(1)

    venue.say = say
    reconcile(bench.runner)
    assert list(bench.runner.state.books.findings) == ["unreadable:order"]
    for _ in range(2):
        bench.pass_time(2_000)
    assert not bench.runner.state.books.findings


def test_where_polling_is_off_the_venue_is_asked_again_after_a_while() -> None:
    bench = make_bench(config=config(poll_down_ms=None))
    bench.venue.script.fail_queries(1)
    bench.runner.submit(unreadable())
    bench.pass_time(999)
    assert bench.runner.state.books.findings
    bench.pass_time(1)
    assert not bench.runner.state.books.findings


def test_books_that_were_never_opened_ask_for_nothing() -> None:
    from tidegate.domain.core.state import State

    done = step(State(), unreadable(), config(), 1_000)
    assert done.effects == ()
    assert list(done.state.books.findings) == ["unreadable:order"]


def test_text_is_bounded_and_a_source_has_a_name() -> None:
    assert len(unreadable(text="x" * 501).text) == 500
    with pytest.raises(ValueError, match="source of 0 characters: 1 to 100"):
        unreadable(source="")
    with pytest.raises(ValueError, match="source of 101 characters"):
        unreadable(source="x" * 101)


def test_prices_go_on_while_entries_are_stopped() -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(1)
    bench.runner.submit(unreadable())
    bench.move("65100")
    assert bench.runner.state.view.tickers[BTC].last == Price.of("65100")
