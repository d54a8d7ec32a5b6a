"""``Reconciler``: the same comparison on demand, on running desks and in the caller's thread."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.lifecycle import Application
from tidegate.domain.findings import Correction, FindingKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Side, Symbol
from tidegate.domain.records import ClosedProfit
from tidegate.domain.reports import AccountReport, Execution
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import Capability, History, QueryFailed, TimeRange
from tidegate.ports.outcomes import Capabilities
from tidegate.ports.reconciling import ReconcileReport

from tests.domain.core.scenes import config, limit, opened
from tests.domain.samples import BTCUSDT, FEES

from .bench import Bench, make_bench, signal
from .threaded_bench import (
    GatedVenue,
    KeptState,
    RunningClock,
    make_application,
    started,
)

BTC = Symbol("BTCUSDT")
SOON: dict[str, Any] = {"poll_down_ms": 20, "ask_again_ms": 20, "closed_profit_lag_ms": 0}


class RecordingVenue(GatedVenue):
    """A venue that keeps records of closed profit, says wrong ones, and may not answer."""

    def __init__(self) -> None:
        super().__init__((BTCUSDT,))
        self.script.move(BTC, last=Price.of("65000"))
        self.wrong_by = Money.of("0")
        self.records_fail = False

    @property
    def capabilities(self) -> Capabilities:
        known = super().capabilities
        supported = known.supported | {Capability.CLOSED_PROFITS}
        return attrs.evolve(known, supported=supported)

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        if self.records_fail:
            raise QueryFailed("no records")
        rows = [row for row in self.executions(symbol, within).rows if row.side is Side.SELL]
        if not rows:
            return History(rows=(), covers=within)
        into = next(r for r in self.executions(symbol, within).rows if r.side is Side.BUY)
        return History(rows=tuple(self._record(row, into) for row in rows), covers=within)

    def _record(self, out: Execution, into: Execution) -> ClosedProfit:
        open_fee = into.fee * (out.qty / into.qty)
        profit = (out.price - into.price) * out.qty - open_fee - out.fee + self.wrong_by
        return ClosedProfit(
            symbol=BTC,
            venue_id=out.venue_id,
            side=Side.SELL,
            qty=out.qty,
            entry=into.price,
            exit=out.price,
            profit=profit,
            open_fee=open_fee,
            close_fee=out.fee,
            leverage=Rate.of("3"),
            created_ms=out.time_ms,
            updated_ms=out.time_ms,
        )


class MovableClock(RunningClock):
    """A running clock that a test can put ahead, together with the venue's."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def desk_on(venue: RecordingVenue, clock: MovableClock) -> Application:
    return make_application(venue, KeptState(), clock=clock, **SOON)


def traded(application: Application, venue: RecordingVenue, clock: MovableClock) -> None:
    """Let a desk open and close a position, a while after its books were opened."""
    venue.script.advance(5_000)
    clock.ahead_ms += 5_000
    assert isinstance(application.desk.execute(signal("s1")), Placed)
    application.desk.close_position(BTC)


def test_books_that_agree_are_clean_and_the_profit_of_each_closing_order_was_compared() -> None:
    venue, clock = RecordingVenue(), MovableClock()
    with started(desk_on(venue, clock)) as application:
        traded(application, venue, clock)
        report = application.desk.reconcile(timeout_ms=10_000)
    assert report.is_clean
    assert report.wallet_books == report.wallet_venue
    assert report.profits is not None
    assert (report.profits.orders, report.profits.differences) == (1, ())
    (day,) = report.profits.days
    assert day.ours == day.venue != Money.of("0")
    assert day.fees > Money.of("0")


def test_a_profit_that_differs_is_a_finding_with_both_figures_that_stops_nothing() -> None:
    venue, clock = RecordingVenue(), MovableClock()
    venue.wrong_by = Money.of("-3")
    with started(desk_on(venue, clock)) as application:
        traded(application, venue, clock)
        report = application.desk.reconcile(timeout_ms=10_000)
        (finding,) = report.findings
        assert (finding.kind, finding.correction) == (
            FindingKind.CLOSED_PROFIT,
            Correction.COMPARE,
        )
        assert report.profits is not None
        (difference,) = report.profits.differences
        assert difference.ours is not None
        assert difference.venue == difference.ours - Money.of("3")
        assert str(difference.ours) in finding.text
        assert not report.blocks_entries
        assert application.desk.reconciler.findings() == report.findings
        assert isinstance(application.desk.execute(signal("next")), Placed)
        venue.wrong_by = Money.of("0")
        assert application.desk.reconcile(timeout_ms=10_000).is_clean


def test_records_that_cannot_be_read_leave_the_report_unconfirmed_and_are_asked_again() -> None:
    venue = RecordingVenue()
    with started(make_application(venue, KeptState(), **SOON)) as application:
        venue.records_fail = True
        report = application.desk.reconcile(timeout_ms=100)
        assert not report.is_confirmed
        assert not report.is_clean
        venue.records_fail = False
        assert application.desk.reconcile(timeout_ms=10_000).is_clean


def test_what_was_missed_is_found_although_the_venue_dates_it_far_ahead_of_our_clock() -> None:
    venue, clock = RecordingVenue(), MovableClock()
    with started(desk_on(venue, clock)) as application:
        assert isinstance(application.desk.open_with_rr(signal("s1")), Placed)
        venue.script.advance(1_800_000)
        venue.script.drop_next(Execution)
        venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.004"))
        report = application.desk.reconcile(timeout_ms=10_000)
        assert report.applied.executions == 1
        assert application.desk.status().books.position(BTC).qty == Qty.of("0.006")


def test_a_running_desk_books_what_it_missed_and_says_so() -> None:
    venue, clock = RecordingVenue(), MovableClock()
    with started(desk_on(venue, clock)) as application:
        venue.script.advance(5_000)
        clock.ahead_ms += 5_000
        assert isinstance(application.desk.open_with_rr(signal("s1")), Placed)
        venue.script.drop_next(Execution)
        venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.004"))
        report = application.desk.reconcile(timeout_ms=10_000)
        assert report.is_clean
        assert report.applied.executions == 1
        assert application.desk.status().books.position(BTC).qty == Qty.of("0.006")


def foreign(venue: MemoryVenue) -> None:
    venue.script.foreign_order(
        BTC,
        side=Side.BUY,
        qty=Qty.of("0.005"),
        price=Price.of("50000"),
        client_id=ClientId("by-hand"),
    )


def test_a_foreign_order_is_reported_on_a_running_desk_and_left_alone() -> None:
    venue = RecordingVenue()
    with started(make_application(venue, KeptState(), **SOON)) as application:
        foreign(venue)
        report = application.desk.reconcile(timeout_ms=10_000)
        assert report.is_confirmed
        (finding,) = report.findings
        assert (finding.kind, finding.correction) == (
            FindingKind.FOREIGN_ORDER,
            Correction.LEFT_ALONE,
        )
        assert len(venue.open_orders()) == 1
        assert isinstance(application.desk.execute(signal("s1")), Placed)


def inline() -> Bench:
    return opened(make_bench(config=config()), ladder=())


def moved(bench: Bench) -> None:
    bench.venue.script.move(BTC, last=Price.of("65000"))


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (moved, None),
        (lambda bench: foreign(bench.venue), FindingKind.FOREIGN_ORDER),
    ],
)
def test_in_the_callers_thread_one_reading_is_believed(
    act: Callable[[Bench], None], kind: FindingKind | None
) -> None:
    bench = inline()
    act(bench)
    report = bench.desk.reconcile()
    assert report.is_confirmed
    assert [finding.kind for finding in report.findings] == ([] if kind is None else [kind])
    assert report.profits is not None
    assert report.profits.differences == ()


def test_in_the_callers_thread_a_venue_that_does_not_answer_is_an_error() -> None:
    bench = inline()
    bench.venue.script.fail_queries(1)
    with pytest.raises(QueryFailed):
        bench.desk.reconcile()


class Moved(MemoryVenue):
    """A venue whose wallet was moved by hand."""

    by = Money.of("0")

    def account(self) -> AccountReport:
        shown = super().account()
        return attrs.evolve(shown, wallet=shown.wallet + self.by)


def test_a_wallet_that_differs_at_run_time_blocks_entries_once_two_readings_say_so() -> None:
    venue = Moved(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench = opened(make_bench(venue=venue, config=config()), ladder=())
    venue.by = Money.of("-250")
    bench.venue.script.disconnect()
    for _ in range(3):
        bench.pass_time(2_000)
    (finding,) = bench.desk.reconciler.findings()
    assert (finding.kind, finding.correction) == (FindingKind.WALLET, Correction.STATE_TRANSFERS)
    assert isinstance(bench.desk.execute(signal("s2", entry=limit("64900"))), Refused)
    report: ReconcileReport = bench.desk.reconcile()
    assert report.blocks_entries
    assert report.wallet_books is not None
    assert report.wallet_venue == report.wallet_books - Money.of("250")
