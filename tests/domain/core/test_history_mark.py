"""What was read of the venue's history in full is recorded, and nothing else moves that mark."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.recovery import recover
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import HistoryCovered
from tidegate.domain.core.polling import LOOK_BACK_MS_MAX, MARK_EVERY_MS, unbooked_since_ms
from tidegate.domain.core.state import Books, State
from tidegate.domain.core.step import step
from tidegate.domain.money import Money, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Execution
from tidegate.ports.exchange import History, TimeRange

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, only
from .test_polling import POLLING, held

HOUR_MS = 3_600_000


def test_the_look_back_begins_at_the_mark_and_not_at_a_newer_booking() -> None:
    books = Books(opened_ms=5, last_execution_ms=9 * HOUR_MS, history_until_ms=4 * HOUR_MS)
    assert unbooked_since_ms(books) == 4 * HOUR_MS - LOOK_BACK_MS_MAX
    assert unbooked_since_ms(attrs.evolve(books, opened_ms=6 * HOUR_MS)) == 6 * HOUR_MS
    kept = attrs.evolve(books, remembered_since_ms=5 * HOUR_MS)
    assert unbooked_since_ms(kept) == 5 * HOUR_MS


def test_a_fill_after_an_outage_does_not_hide_one_in_it_though_the_first_query_fails() -> None:
    bench = held()
    bench.pass_time(60_000)
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.004"))
    bench.venue.script.advance(3 * HOUR_MS)
    bench.venue.script.fail_queries(1)
    bench.venue.script.reconnect()
    bench.runner.drain()
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.003"))
    bench.runner.drain()
    assert bench.runner.state.books.position(BTC).qty == Qty.of("0.010"), "it waits for older ones"
    bench.pass_time(2_000)
    assert bench.runner.state.books.position(BTC).qty == Qty.of("0.003")


def test_the_mark_is_recorded_at_once_and_then_now_and_then() -> None:
    bench = held()
    for _ in range(2 * MARK_EVERY_MS // 60_000 + 1):
        bench.pass_time(60_000)
    marks = [event.until_ms for event in only(bench, ev.HistoryRead)]
    assert marks == [marks[0], marks[0] + MARK_EVERY_MS, marks[0] + 2 * MARK_EVERY_MS]
    assert bench.runner.state.books.history_until_ms == marks[-1]


def test_where_nothing_can_be_missed_no_reading_is_recorded() -> None:
    bench = make_bench(config=config())
    bench.desk.open_with_rr(signal())
    recover(bench.runner, frozenset({BTC}))
    assert only(bench, ev.HistoryRead) == []


def test_nothing_is_recorded_before_the_account_is_opened() -> None:
    assert step(State(), HistoryCovered(until_ms=5), POLLING, 9).events == ()


class ForgetfulVenue(MemoryVenue):
    """A venue that does not keep all of its executions."""

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        return attrs.evolve(super().executions(symbol, within), is_complete=False)


@pytest.mark.parametrize(("kind", "count"), [(MemoryVenue, 1), (ForgetfulVenue, 0)])
def test_a_recovery_records_a_full_reading_and_no_other(
    kind: type[MemoryVenue], count: int
) -> None:
    venue = kind(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench: Bench = make_bench(venue=venue, config=POLLING)
    recover(bench.runner, frozenset({BTC}))
    assert len(only(bench, ev.HistoryRead)) == count


def test_the_first_reading_is_recorded_whatever_its_time() -> None:
    state = make_bench(config=POLLING).runner.state
    for recorded_ms, until_ms, is_recorded in (
        (0, 5, True),
        (1, MARK_EVERY_MS, False),
        (1, MARK_EVERY_MS + 1, True),
    ):
        books = attrs.evolve(state.books, history_until_ms=recorded_ms)
        item = HistoryCovered(until_ms=until_ms)
        made = step(attrs.evolve(state, books=books), item, POLLING, 1)
        assert made.events == ((ev.HistoryRead(until_ms=until_ms),) if is_recorded else ())
