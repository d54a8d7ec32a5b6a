"""What an operator asks passes entries that hang; nothing leaves that is not wanted any more."""

import threading

import attrs
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core.effects import AmendOrder
from tidegate.domain.mode import TradingState, VenueKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId
from tidegate.domain.signal import Entry
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, Placed, Reduced

from tests.application.bench import BTC, signal
from tests.application.threaded_bench import make_runner_bench, running
from tests.domain.core.scenes import limit

GONE = "it was not wanted any more before it was sent"


def test_an_exit_and_its_change_do_not_wait_behind_an_entry_that_hangs() -> None:
    bench = make_runner_bench()
    with running(bench):
        orders, venue = bench.desk.orders, bench.venue
        assert isinstance(bench.desk.open_with_rr(signal("a")), Placed)
        venue.has_entered.clear()
        venue.gate.clear()
        hung = threading.Thread(target=lambda: orders.execute(signal("b", entry=limit("64500"))))
        hung.start()
        try:
            assert venue.has_entered.wait(10)
            stop = orders.reduce(BTC, trigger=TriggerSpec(price=Price.of("64500")))
            assert isinstance(stop, Reduced), stop
            moved = orders.amend(stop.client_ids[0], trigger_price=Price.of("64400"))
            assert isinstance(moved, Amended), moved
        finally:
            venue.gate.set()
            hung.join(10)


def test_a_change_leaves_while_it_is_pending_and_the_desk_may_enter() -> None:
    bench = make_runner_bench(not_found_final_ms=60_000)
    with running(bench):
        placed = bench.desk.execute(signal("a", entry=limit("64500")))
        assert isinstance(placed, Placed)
        name = placed.client_id
        change = AmendOrder(symbol=BTC, client_id=name, qty=Qty.of("0.012"))
        assert bench.runner.objection(change) == GONE
        assert bench.runner.objection(attrs.evolve(change, client_id=ClientId("nobody"))) == GONE
        bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.AMEND)
        bench.desk.orders.amend(name, qty=Qty.of("0.012"), timeout_ms=50)
        assert bench.runner.objection(change) is None
        bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.CANCEL)
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        assert bench.runner.objection(change) == GONE


def test_a_change_of_an_exit_leaves_a_halted_desk() -> None:
    bench = make_runner_bench(not_found_final_ms=60_000)
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(signal("a", entry=Entry())), Placed)
        stop = bench.desk.orders.reduce(BTC, trigger=TriggerSpec(price=Price.of("64500")))
        assert isinstance(stop, Reduced)
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        moved = bench.desk.orders.amend(stop.client_ids[0], trigger_price=Price.of("64400"))
        assert isinstance(moved, Amended), moved


def test_an_operators_order_waits_for_a_venue_of_its_mode() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(signal("a")), Placed)
        bench.engine.config = attrs.evolve(bench.engine.config, venue=VenueKind.PAPER)
        outcome = bench.desk.orders.reduce(BTC, price=Price.of("66000"))
    assert "this mode trades on" in str(getattr(outcome, "message", outcome))
