"""After an outage rows of the stream wait for the older ones that it missed; nothing waits long."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadActivity
from tidegate.domain.core.holding import HELD_MAX
from tidegate.domain.core.inputs import ActivityRead, HistoryRows, Input, OrderNotFound, TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, VenueOrderId
from tidegate.domain.reports import Execution, FundingPayment, StreamReport, StreamState

from tests.application.bench import BTC, make_bench

from .scenes import config, limit, only, opened, placed, scripted

T0 = 1_700_000_000_000
LAG_MS, HOLD_MS, POLL_MS = 3_000, 10_000, 2_000
SETTINGS = attrs.evolve(config(), history_lag_ms=LAG_MS, hold_back_ms=HOLD_MS)


def fill(name: str, at: int, side: Side = Side.BUY) -> Execution:
    return Execution(
        execution_id=name,
        symbol=BTC,
        venue_id=VenueOrderId(f"v-{name}"),
        client_id=None,
        side=side,
        qty=Qty.of("0.001"),
        price=Price.of("65000"),
        fee=Money.of("0.03"),
        is_maker=False,
        time_ms=T0 + at,
    )


def paid(name: str, at: int) -> FundingPayment:
    return FundingPayment(
        payment_id=name,
        symbol=BTC,
        rate=Rate.of("0.0001"),
        mark=Price.of("65000"),
        qty=Qty.of("0.001"),
        amount=Money.of("0.01"),
        time_ms=T0 + at,
    )


def flat() -> State:
    """Return a desk whose stream never said anything."""
    state = make_bench(config=SETTINGS).runner.state
    quiet = attrs.evolve(state.view, stream_up_ms=None, is_stream_up=False, stream_changes=0)
    return attrs.evolve(state, view=quiet)


def give(state: State, item: Input, at: int) -> Step:
    return step(state, item, SETTINGS, T0 + at)


def down(state: State, at: int) -> State:
    return give(state, StreamReport(state=StreamState.DOWN, time_ms=T0 + at), at).state


def up(state: State, at: int) -> State:
    return give(state, StreamReport(state=StreamState.UP, time_ms=T0 + at), at).state


def back(at: int = 100) -> State:
    """Return a desk whose stream was down and came up, and whose activity was not read yet."""
    return up(down(flat(), 0), at)


def booked(made: Step) -> list[str]:
    """Return the names of what a step booked, in order."""
    names = []
    for event in made.events:
        if isinstance(event, ev.Filled):
            names.append(event.execution.execution_id)
        elif isinstance(event, ev.FundingBooked):
            names.append(event.payment.payment_id)
    return names


def history(*rows: Execution | FundingPayment) -> HistoryRows:
    return HistoryRows(rows=rows)


def test_without_an_outage_a_row_is_booked_at_once() -> None:
    assert booked(give(flat(), fill("a", 5), 5)) == ["a"]
    assert booked(give(flat(), paid("f", 5), 5)) == ["f"]


def test_a_row_after_an_outage_waits_and_older_ones_of_the_history_come_first() -> None:
    held = give(back(), fill("new", 110), 110)
    assert booked(held) == []
    assert [row.row for row in held.state.view.held] == [fill("new", 110)]
    again = give(held.state, fill("new", 110), 111).state
    assert len(again.view.held) == 1
    read = history(fill("missed", 50), fill("new", 110))
    made = give(again, read, 120)
    assert booked(made) == ["missed", "new"]
    assert made.state.view.held == ()


def test_rows_of_one_time_with_a_row_that_the_history_shows_are_booked_with_it() -> None:
    state = give(back(), fill("a", 110), 110).state
    state = give(down(state, 120), fill("b", 110), 121).state
    state = give(state, fill("c", 111), 122).state
    made = give(state, history(fill("a", 110)), 130)
    assert booked(made) == ["a", "b"]
    assert [held.row for held in made.state.view.held] == [fill("c", 111)]


def test_what_came_later_than_the_proof_is_booked_with_it_in_order() -> None:
    state = give(back(), fill("second", 130), 130).state
    state = give(state, paid("third", 140), 140).state
    made = give(state, history(fill("missed", 50), fill("second", 130)), 150)
    assert booked(made) == ["missed", "second", "third"]


def test_a_history_that_does_not_show_a_row_yet_says_nothing_of_older_ones() -> None:
    state = give(back(), fill("new", 110), 110).state
    lagging = give(state, history(), 120)
    assert booked(lagging) == []
    assert len(lagging.state.view.held) == 1
    whole = give(lagging.state, history(fill("missed", 50), fill("new", 110)), 130)
    assert booked(whole) == ["missed", "new"]


def test_a_reading_from_before_the_stream_came_up_books_only_up_to_what_it_shows() -> None:
    state = give(down(flat(), 0), fill("one", 10), 10).state
    state = give(up(state, 100), fill("two", 120), 120).state
    made = give(state, history(fill("zero", 5), fill("one", 10)), 130)
    assert booked(made) == ["zero", "one"]
    assert [row.row for row in made.state.view.held] == [fill("two", 120)]
    later = give(made.state, history(fill("missed", 60), fill("two", 120)), 140)
    assert booked(later) == ["missed", "two"]


def test_while_the_streams_are_down_a_row_proves_nothing_for_a_later_one() -> None:
    state = give(down(flat(), 0), fill("one", 10), 10).state
    state = give(state, fill("two", 30), 30).state
    made = give(state, history(fill("one", 10)), 40)
    assert booked(made) == ["one"]
    assert [row.row for row in made.state.view.held] == [fill("two", 30)]


def test_a_row_from_before_the_stream_came_up_proves_nothing_for_one_after_it() -> None:
    state = give(down(flat(), 0), fill("one", 10), 10).state
    state = give(up(state, 100), fill("two", 120), 120).state
    made = give(state, history(fill("one", 10)), 130)
    assert booked(made) == ["one"]
    assert len(made.state.view.held) == 1


def read_back(state: State) -> ActivityRead:
    changes = state.view.stream_changes
    return ActivityRead(positions=(), orders=(), unreadable_count=0, stream_changes=changes)


def test_until_the_history_cannot_lag_any_more_rows_wait_though_the_outage_is_over() -> None:
    state = back(100)
    over = give(state, read_back(state), 200).state
    assert over.view.stream_down_since_ms is None
    assert booked(give(over, fill("x", 3_000), 100 + LAG_MS - 1)) == []
    assert booked(give(over, fill("x", 3_000), 100 + LAG_MS)) == ["x"]


def test_while_something_is_held_what_follows_waits_behind_it() -> None:
    state = back(100)
    over = give(state, read_back(state), 200).state
    state = give(over, fill("one", 3_000), 3_000).state
    assert booked(give(state, fill("two", 5_000), 5_000)) == []


def test_nothing_waits_longer_than_its_bound_and_the_deadline_says_so() -> None:
    state = give(back(), fill("b", 120), 120).state
    state = give(state, fill("a", 110), 130).state
    due_ms = deadline_ms(state, SETTINGS, T0 + 131)
    assert due_ms is not None
    assert due_ms <= T0 + 120 + HOLD_MS
    assert booked(give(state, TimePassed(), 119 + HOLD_MS)) == []
    assert booked(give(state, TimePassed(), 120 + HOLD_MS)) == ["a", "b"]


def test_the_number_of_rows_that_wait_is_bounded() -> None:
    state = back()
    for number in range(HELD_MAX):
        state = give(state, fill(f"e{number}", 110), 110).state
    assert len(state.view.held) == HELD_MAX
    made = give(state, fill("last", 110), 110)
    assert len(booked(made)) == HELD_MAX + 1
    assert made.state.view.held == ()


def test_the_first_row_that_waits_has_the_history_read_and_the_next_ones_do_not() -> None:
    state = back(100)
    over = give(state, read_back(state), 200).state
    first = give(over, fill("one", 1_500), 1_500)
    assert any(isinstance(effect, ReadActivity) for effect in first.effects)
    second = give(first.state, fill("two", 1_600), 1_600)
    assert second.effects == ()
    assert deadline_ms(first.state, SETTINGS, T0 + 1_500) == T0 + 1_500 + POLL_MS
    for polled_ms, is_read in ((500, True), (501, False)):
        view = attrs.evolve(over.view, polled_ms=T0 + polled_ms)
        made = give(attrs.evolve(over, view=view), fill("one", 1_500), 1_500)
        assert any(isinstance(effect, ReadActivity) for effect in made.effects) is is_read
    soon = give(state, fill("one", 300), 300)
    assert soon.effects == (), "one was asked for a moment ago"


def test_where_nothing_reads_the_history_nothing_is_held() -> None:
    never = attrs.evolve(SETTINGS, poll_down_ms=None)
    made = step(down(flat(), 0), fill("a", 5), never, T0 + 5)
    assert booked(made) == ["a"]


def test_what_is_booked_already_is_not_held() -> None:
    state = give(flat(), fill("a", 5), 5).state
    assert give(down(state, 6), fill("a", 5), 7).state.view.held == ()


def test_an_order_whose_execution_waits_is_not_given_up() -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = down(bench.runner.state, 0)
    execution = attrs.evolve(fill("x", 5), client_id=name)
    state = give(state, execution, 5).state
    answer = OrderNotFound(client_id=name, asked_ms=T0 + 60_000, has_executions=True)
    assert give(state, answer, 60_000).events == ()
    free = attrs.evolve(state, view=attrs.evolve(state.view, held=()))
    assert give(free, answer, 60_000).events != ()


@pytest.mark.parametrize("qty", ["0.010", "0.004"])
def test_a_stop_out_in_an_outage_and_a_new_row_after_it_keep_the_trade_whole(qty: str) -> None:
    bench = opened(ladder=())
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.venue.script.advance(500)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of(qty))
    bench.venue.script.advance(500)
    bench.venue.script.fail_queries(1)
    bench.venue.script.reconnect()
    bench.runner.drain()
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.002"))
    bench.runner.drain()
    bench.pass_time(POLL_MS)
    times = [event.execution.time_ms for event in only(bench, ev.Filled)]
    assert times == sorted(times)
    assert len(times) == 3
    assert bench.runner.state.books.position(BTC).qty == bench.venue.position(BTC).qty
