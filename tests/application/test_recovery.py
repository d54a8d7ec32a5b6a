"""After a restart: the venue's truth is learned, what was begun is finished, then trading."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, reconcile, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Execution, FundingPayment, RejectReason
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import History, TimeRange

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import LADDER, config, held, limit, only, opened, placed, rungs
from tests.domain.samples import BTCUSDT, FEES


def restart(bench: Bench) -> InlineRunner:
    """Let a new process take over the journal and the venue."""
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, bench.venue)
    bench.venue.connect(runner.sink)
    load_view(runner, frozenset())
    recover(runner, frozenset())
    return runner


def test_a_restart_with_nothing_missed_changes_no_book() -> None:
    bench = opened()
    before = bench.runner.state.books
    assert restart(bench).state.books == before


@pytest.mark.parametrize("price", ["66000", "67000", "63990"])
def test_what_filled_while_nobody_listened_is_booked_once(price: str) -> None:
    bench = opened()
    bench.venue.close()
    bench.venue.script.move(BTC, last=Price.of(price))
    runner = restart(bench)
    assert runner.state.books.position(BTC).qty == bench.venue.position(BTC).qty
    ledger = runner.state.books.ledger
    assert ledger is not None
    assert ledger.wallet == bench.venue.account().wallet
    assert restart(bench).state.books == runner.state.books


def test_an_execution_that_was_lost_between_two_others_is_found() -> None:
    bench = opened(ladder=())
    bench.pass_time(1_000)
    bench.venue.script.drop_next(FundingPayment)
    bench.venue.script.pay_funding(BTC, Rate.of("0.0001"))
    bench.venue.script.drop_next(Execution)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.002"))
    bench.pass_time(1_000)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.003"))
    bench.runner.drain()
    runner = restart(bench)
    assert runner.state.books.position(BTC).qty == Qty.of("0.005")
    assert len(only(bench, ev.FundingBooked)) == 1


def test_nothing_from_before_the_account_was_opened_is_booked() -> None:
    venue = MemoryVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    venue.script.move(BTC, last=Price.of("65000"))
    venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    venue.script.close_by_hand(BTC)
    venue.script.advance(1)
    bench = make_bench(venue=venue, config=config())
    runner = restart(bench)
    assert only(bench, ev.Filled) == []
    ledger = runner.state.books.ledger
    assert ledger is not None
    assert ledger.wallet == venue.account().wallet


def test_an_entry_that_never_arrived_lapses_and_is_not_sent() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    assert len(restart(bench).state.books.orders) == 1, "it may still arrive"
    bench.venue.script.advance(5_000)
    assert not restart(bench).state.books.orders
    assert bench.venue.open_orders() == ()
    assert held(bench) == ZERO_QTY


def test_an_entry_on_its_way_at_the_crash_is_found_and_protected() -> None:
    bench = make_bench(config=config())
    bench.venue.close()
    placed(bench, entry=limit("64900"), ladder=LADDER)
    bench.venue.script.move(BTC, last=Price.of("64890"))
    runner = restart(bench)
    assert runner.state.books.trades[BTC].is_stop_confirmed
    assert len(rungs(bench)) == 2


def test_a_cancel_that_the_crash_cut_off_is_sent_again() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench, entry=limit("64900"))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    bench.desk.close_position(BTC)
    runner = restart(bench)
    order = runner.state.books.order(client_id)
    assert order is not None
    assert order.status is Status.CANCELLED


def test_a_rejected_rung_is_placed_by_the_next_process() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench, entry=limit("64900"), ladder=LADDER)
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    bench.venue.script.fill(client_id)
    bench.runner.drain()
    runner = restart(bench)
    bench.venue.script.advance(2_000)
    runner.check_time()
    assert len(rungs(bench)) == 2


class LateHistory(MemoryVenue):
    """A venue whose history may show nothing yet."""

    is_late = False

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=()) if self.is_late else found


def test_a_finding_blocks_entries_until_it_is_settled() -> None:
    venue = LateHistory(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench = opened(make_bench(venue=venue, config=config()))
    bench.venue.script.delay_messages()
    venue.is_late = True
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.005"))
    reconcile(bench.runner)
    reconcile(bench.runner)
    raised = [event.finding_id for event in only(bench, ev.FindingRaised)]
    assert raised == ["position_qty:BTCUSDT", "wallet"]
    outcome = bench.desk.execute(signal("s2"))
    assert isinstance(outcome, Refused)
    assert Rule.FINDINGS_SETTLED in {breach.rule for breach in outcome.breaches}
    venue.is_late = False
    reconcile(bench.runner)
    bench.venue.script.release()
    bench.runner.drain()
    settled = [event.finding_id for event in only(bench, ev.FindingSettled)]
    assert sorted(settled) == sorted([*raised, "by_hand:quantity:BTCUSDT"])
    assert isinstance(bench.desk.execute(signal("s3")), Placed)
    assert held(bench) != ZERO_QTY


def test_an_order_that_was_given_up_and_is_live_all_the_same_is_cancelled() -> None:
    bench = make_bench(config=config(not_found_final_ms=2_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.desk.execute(signal(entry=limit("64900")))
    for _ in range(3):
        bench.pass_time(1_000)
    bench.venue.script.disconnect()
    bench.venue.script.arrive()
    assert len(bench.venue.open_orders()) == 1
    recover(bench.runner, frozenset())
    assert bench.venue.open_orders() == ()
