"""When everything is compared with the venue, and what its records of closing orders bring."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.effects import Effect, ReadActivity, ReadRecords
from tidegate.domain.core.inputs import ActivityRead, ReconcileRequest, RecordsRead, TimePassed
from tidegate.domain.core.reconciling import (
    DIFFERENCES_RAISED_MAX,
    RECORDS_BACK_MS,
    next_reconcile_ms,
)
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, VenueOrderId
from tidegate.domain.records import ClosedProfit
from tidegate.domain.reports import StreamReport, StreamState

from tests.application.bench import BTC, make_bench

from .scenes import config, opened

T0 = 1_700_000_000_000
EVERY_MS, LAG_MS = 300_000, 60_000
SETTINGS = attrs.evolve(config(), reconcile_every_ms=EVERY_MS, closed_profit_lag_ms=LAG_MS)


def flat(settings: CoreConfig = SETTINGS) -> State:
    return make_bench(config=settings).runner.state


def closed() -> State:
    """Return a desk that has closed one trade; the closing order is the only one."""
    bench = opened(make_bench(config=SETTINGS), ladder=())
    bench.move("65500")
    bench.desk.close_position(BTC)
    return bench.runner.state


def at(state: State, ms: int, settings: CoreConfig = SETTINGS) -> Step:
    return step(state, TimePassed(), settings, T0 + ms)


def questions(made: Step) -> tuple[Effect, ...]:
    return tuple(e for e in made.effects if isinstance(e, ReadActivity | ReadRecords))


def test_everything_is_compared_at_the_interval_though_nothing_is_held() -> None:
    state = flat()
    assert deadline_ms(state, SETTINGS, T0 + 5) == T0 + 5
    first = at(state, 5)
    assert questions(first) == (
        ReadActivity(since_ms=T0, stream_changes=1),
        ReadRecords(since_ms=T0),
    )
    assert deadline_ms(first.state, SETTINGS, T0 + 6) == T0 + 5 + EVERY_MS
    assert questions(at(first.state, 4 + EVERY_MS)) == ()
    assert len(questions(at(first.state, 5 + EVERY_MS))) == 2


def test_without_an_interval_or_an_account_nothing_is_compared_by_itself() -> None:
    never = attrs.evolve(SETTINGS, reconcile_every_ms=None)
    assert deadline_ms(flat(never), never, T0) is None
    assert questions(at(flat(never), 0, never)) == ()
    unopened = State()
    assert deadline_ms(unopened, SETTINGS, T0) is None
    assert questions(at(unopened, 0)) == ()
    assert questions(step(unopened, ReconcileRequest(number=1), SETTINGS, T0)) == ()


def test_a_stream_that_comes_up_has_everything_compared() -> None:
    up = StreamReport(state=StreamState.UP, time_ms=T0)
    assert len(questions(step(flat(), up, SETTINGS, T0))) == 2


def test_at_the_interval_the_last_days_are_read_and_on_demand_all_that_is_kept() -> None:
    state, month_ms = flat(), 30 * 86_400_000
    by_itself = at(state, month_ms)
    (_, records) = questions(by_itself)
    assert records == ReadRecords(since_ms=T0 + month_ms - RECORDS_BACK_MS)
    asked = step(state, ReconcileRequest(number=3), SETTINGS, T0 + month_ms)
    assert questions(asked)[1] == ReadRecords(since_ms=T0, wanted=3)


def answer(number: int, state: State, **changes: Any) -> ActivityRead:
    """Return a reading that shows what the books hold; nothing is held here."""
    return ActivityRead(positions=(), orders=(), unreadable_count=0, wanted=number, **changes)


def records(number: int, *rows: ClosedProfit, **changes: Any) -> RecordsRead:
    return RecordsRead(
        **{
            "profits": rows,
            "since_ms": T0,
            "until_ms": T0 + 10 * LAG_MS,
            "wanted": number,
            **changes,
        }
    )


def test_on_demand_both_readings_are_asked_for_again_until_both_have_come() -> None:
    never = attrs.evolve(SETTINGS, reconcile_every_ms=None)
    asked = step(flat(never), ReconcileRequest(number=1), never, T0)
    assert questions(asked) == (
        ReadActivity(since_ms=T0, stream_changes=1, wanted=1),
        ReadRecords(since_ms=T0, wanted=1),
    )
    assert deadline_ms(asked.state, never, T0) == T0 + never.ask_again_ms
    half = step(asked.state, answer(1, asked.state), never, T0 + 1).state
    assert (half.view.reconciled, half.view.records_read) == (1, 0)
    again = at(half, never.ask_again_ms, never)
    assert len(questions(again)) == 2
    whole = step(again.state, records(1), never, T0 + 2_000).state
    assert (whole.view.reconciled, whole.view.records_read) == (1, 1)
    assert deadline_ms(whole, never, T0 + 2_000) is None


def test_an_answer_to_an_earlier_question_does_not_count_for_a_later_one() -> None:
    state = step(flat(), ReconcileRequest(number=2), SETTINGS, T0).state
    early = step(state, answer(1, state), SETTINGS, T0).state
    early = step(early, records(1), SETTINGS, T0).state
    assert (early.view.reconciled, early.view.records_read) == (1, 1)
    assert early.view.reconcile_wanted == 2
    older = step(early, ReconcileRequest(number=1), SETTINGS, T0).state
    assert older.view.reconcile_wanted == 2


def test_a_reading_that_shows_something_new_is_believed_with_the_next_one_only() -> None:
    bench = opened(make_bench(config=SETTINGS), ladder=())
    state = step(bench.runner.state, ReconcileRequest(number=1), SETTINGS, T0).state
    once = step(state, answer(1, state), SETTINGS, T0).state
    assert (once.view.reconciled, once.view.agreed_ms) == (0, None)
    twice = step(once, answer(1, state), SETTINGS, T0 + 1).state
    assert (twice.view.reconciled, twice.view.agreed_ms) == (1, None)
    assert f"position_qty:{BTC}" in twice.books.findings


def test_when_books_and_venue_agree_the_time_is_kept() -> None:
    state = flat()
    assert step(state, answer(0, state), SETTINGS, T0 + 7).state.view.agreed_ms == T0 + 7


# Records of closing orders


def row(state: State, **changes: Any) -> ClosedProfit:
    """Return the venue's record of the only closing order."""
    (ours,) = state.books.closings.rows.values()
    made = ClosedProfit(
        symbol=BTC,
        venue_id=ours.venue_id,
        side=Side.SELL,
        qty=ours.qty,
        entry=Price.of("65000"),
        exit=Price.of("65500"),
        profit=ours.profit,
        open_fee=ours.open_fee,
        close_fee=ours.close_fee,
        leverage=Rate.of("3"),
        created_ms=ours.first_ms,
        updated_ms=ours.last_ms,
    )
    return attrs.evolve(made, **changes)


def compared(state: State, read: RecordsRead) -> Step:
    return step(state, read, SETTINGS, T0 + 20 * LAG_MS)


def test_a_closing_order_that_agrees_is_no_finding() -> None:
    state = closed()
    made = compared(state, records(0, row(state)))
    assert made.events == ()
    profits = made.state.view.profits
    assert profits is not None
    assert (profits.orders, profits.differences, profits.is_complete) == (1, (), True)


def test_one_that_differs_is_reported_with_both_figures_stops_nothing_and_is_settled() -> None:
    state = closed()
    (ours,) = state.books.closings.rows.values()
    off = row(state, profit=ours.profit + Money.of("0.011"))
    made = compared(state, records(0, off))
    (raised,) = made.events
    assert isinstance(raised, ev.FindingRaised)
    assert raised.finding_id == f"closed_profit:{ours.venue_id}"
    assert (raised.symbol, raised.blocks_entries) == (BTC, False)
    assert f"{ours.profit} USDT" in raised.text
    assert f"{off.profit} USDT" in raised.text
    assert compared(made.state, records(0, off)).events == ()
    settled = compared(made.state, records(0, row(state)))
    assert [type(event) for event in settled.events] == [ev.FindingSettled]
    assert (
        compared(state, records(0, row(state, profit=ours.profit + Money.of("0.01")))).events == ()
    )


def test_a_record_that_is_late_is_none_before_the_lag_and_a_finding_after_it() -> None:
    state = closed()
    (ours,) = state.books.closings.rows.values()
    early = records(0, until_ms=ours.last_ms + LAG_MS - 1)
    assert compared(state, early).events == ()
    late = compared(state, records(0, until_ms=ours.last_ms + LAG_MS))
    assert [type(event) for event in late.events] == [ev.FindingRaised]


def test_what_a_shorter_reading_did_not_compare_stays_open() -> None:
    state = closed()
    open_ = compared(state, records(0)).state
    assert len(open_.books.findings) == 1
    shorter = records(0, since_ms=T0 + 5 * LAG_MS)
    assert compared(open_, shorter).events == ()


def test_a_venue_without_such_records_compares_nothing() -> None:
    made = compared(closed(), records(4, profits=None))
    assert made.events == ()
    assert made.state.view.profits is None
    assert made.state.view.records_read == 4


@pytest.mark.parametrize("already", [0, 1])
def test_findings_are_bounded_and_the_comparison_is_not(already: int) -> None:
    state = flat()
    many = [
        ClosedProfit(
            symbol=BTC,
            venue_id=VenueOrderId(f"v{number:03}"),
            side=Side.SELL,
            qty=Qty.of("1"),
            entry=Price.of("1"),
            exit=Price.of("1"),
            profit=Money.of("1"),
            open_fee=Money.of("0"),
            close_fee=Money.of("0"),
            leverage=Rate.of("1"),
            created_ms=T0 + LAG_MS,
            updated_ms=T0 + LAG_MS,
        )
        for number in range(DIFFERENCES_RAISED_MAX + 5)
    ]
    for _ in range(1 + already):
        made = compared(state, records(0, *many))
        state = made.state
    assert len(state.books.findings) == DIFFERENCES_RAISED_MAX
    assert state.view.profits is not None
    assert len(state.view.profits.differences) == DIFFERENCES_RAISED_MAX + 5


def test_after_an_outage_the_last_days_are_read() -> None:
    month_ms = 30 * 86_400_000
    up = StreamReport(state=StreamState.UP, time_ms=T0 + month_ms)
    (_, asked) = questions(step(flat(), up, SETTINGS, T0 + month_ms))
    assert asked == ReadRecords(since_ms=T0 + month_ms - RECORDS_BACK_MS)


def test_without_any_wait_it_is_asked_again_a_millisecond_later() -> None:
    hasty = attrs.evolve(SETTINGS, ask_again_ms=0, reconcile_every_ms=0)
    asked = step(flat(hasty), ReconcileRequest(number=1), hasty, T0).state
    assert next_reconcile_ms(Draft(asked, hasty, T0)) == T0 + 1
    read = attrs.evolve(asked.view, reconciled=1, records_read=1)
    assert next_reconcile_ms(Draft(attrs.evolve(asked, view=read), hasty, T0)) == T0 + 1


def test_a_reading_in_part_is_known_to_be_one() -> None:
    state = closed()
    profits = compared(state, records(0, is_complete=False)).state.view.profits
    assert profits is not None
    assert not profits.is_complete


def test_what_no_longer_differs_is_settled_by_its_own_name() -> None:
    state = closed()
    (ours,) = state.books.closings.rows.values()
    off = row(state, profit=ours.profit + Money.of("0.011"))
    found = compared(state, records(0, off)).state
    (name,) = found.books.findings
    settled = compared(found, records(0, row(found)))
    assert settled.events == (ev.FindingSettled(finding_id=name, time_ms=T0 + 20 * LAG_MS),)
    assert settled.state.books.findings == {}


def test_no_finding_is_raised_beyond_the_most_that_may_be_open() -> None:
    state = closed()
    open_ = {
        f"closed_profit:v{number}": ev.FindingRaised(
            finding_id=f"closed_profit:v{number}",
            symbol=BTC,
            text="differs",
            blocks_entries=False,
            time_ms=T0,
        )
        for number in range(DIFFERENCES_RAISED_MAX)
    }
    full = attrs.evolve(state, books=attrs.evolve(state.books, findings=open_))
    made = compared(full, records(0))
    assert made.events == ()
    assert made.state.view.profits is not None
    assert len(made.state.view.profits.differences) == 1
