"""A position that the venue's whole list lacks is no longer shown as held."""

import attrs
import pytest
from tidegate.domain.core.inputs import ActivityRead
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.money import Distance, Money, Price, Qty
from tidegate.domain.position import FLAT
from tidegate.domain.reports import UnreadableReport

from tests.application.bench import BTC

from .scenes import config, opened

LEAD_MS = 1_000
SETTINGS = attrs.evolve(config(), limits=attrs.evolve(config().limits, clock_lead_ms_max=LEAD_MS))


def held(*, age_ms: int, is_booked: bool) -> State:
    """Return a desk whose report of a position is so old, seen from the last question."""
    state = opened(ladder=()).runner.state
    report = state.view.positions[BTC]
    books = state.books
    if not is_booked:
        books = attrs.evolve(books, positions={BTC: FLAT}, trades={})
    view = attrs.evolve(state.view, polled_ms=report.time_ms + age_ms)
    return State(books=books, view=view)


def told(state: State, *, is_listed: bool) -> bool:
    """Tell whether the position is still shown after a list with it, or without."""
    report = state.view.positions[BTC]
    read = ActivityRead(positions=(report,) if is_listed else (), orders=(), unreadable_count=0)
    after = step(state, read, SETTINGS, report.time_ms + 5_000).state.view.positions[BTC]
    if after != report:
        nothing = Money.of(0)
        assert after == attrs.evolve(
            report,
            qty=Qty.of(0),
            entry_price=None,
            liquidation_price=None,
            stop_loss=None,
            initial_margin=nothing,
            maintenance_margin=nothing,
            unrealised=nothing,
        )
    return after == report


@pytest.mark.parametrize(
    ("age_ms", "is_booked", "is_listed", "stays"),
    [
        (LEAD_MS + 1, True, False, False),
        (LEAD_MS, True, False, True),
        (LEAD_MS, False, False, False),
        (LEAD_MS + 1, True, True, True),
        (LEAD_MS, False, True, True),
    ],
)
def test_a_list_that_lacks_it_ends_a_report_that_cannot_be_newer(
    age_ms: int, is_booked: bool, is_listed: bool, stays: bool
) -> None:
    assert told(held(age_ms=age_ms, is_booked=is_booked), is_listed=is_listed) is stays


def test_a_row_that_nobody_could_read_may_be_that_position() -> None:
    state = held(age_ms=LEAD_MS + 1, is_booked=True)
    unread = UnreadableReport(source="positions", text="?", time_ms=1)
    unsure = step(state, unread, SETTINGS, state.view.positions[BTC].time_ms + 4_000).state
    assert told(unsure, is_listed=False)


def test_before_the_first_question_the_present_counts() -> None:
    state = held(age_ms=0, is_booked=True)
    unasked = attrs.evolve(state, view=attrs.evolve(state.view, polled_ms=None))
    assert not told(unasked, is_listed=False)


def test_an_older_report_of_the_stream_does_not_bring_it_back() -> None:
    state = held(age_ms=LEAD_MS + 1, is_booked=False)
    report = state.view.positions[BTC]
    read = ActivityRead(positions=(), orders=(), unreadable_count=0)
    flat = step(state, read, SETTINGS, report.time_ms + 5_000).state
    older = attrs.evolve(report, sequence=report.sequence - 1)
    again = step(flat, older, SETTINGS, report.time_ms + 6_000).state
    assert again.view.positions[BTC].qty == Qty.of(0)


def test_nothing_of_what_it_showed_is_left() -> None:
    state = held(age_ms=LEAD_MS + 1, is_booked=True)
    report = attrs.evolve(
        state.view.positions[BTC],
        take_profit=Price.of("70000"),
        trailing_distance=Distance.of("300"),
        liquidation_price=Price.of("50000"),
        unrealised=Money.of("4"),
    )
    state = attrs.evolve(state, view=attrs.evolve(state.view, positions={BTC: report}))
    read = ActivityRead(positions=(), orders=(), unreadable_count=0)
    after = step(state, read, SETTINGS, report.time_ms + 5_000).state.view.positions[BTC]
    assert (after.qty, after.entry_price, after.liquidation_price) == (Qty.of(0), None, None)
    assert (after.stop_loss, after.take_profit, after.trailing_distance) == (None, None, None)
    margins = (after.initial_margin, after.maintenance_margin, after.unrealised)
    assert margins == (Money.of(0),) * 3
