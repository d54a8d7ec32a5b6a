"""Closes of several symbols: begun together, and none waits for another that hangs."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.application.close_lanes import CloseLanes
from tidegate.application.lane_book import CLOSE_LANES
from tidegate.application.lanes import LaneHost, Lanes
from tidegate.application.position_values import CloseReport
from tidegate.domain.core.effects import Effect, Place
from tidegate.domain.core.inputs import CloseRequest, Input
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.signal import ExactQty, StopAtPrice
from tidegate.ports.orders import Closing, Nothing, Placed

from tests.domain.core.scenes import limit
from tests.domain.samples import BTCUSDT

from .bench import BTC, MemoryClock, signal
from .threaded_bench import (
    ETH,
    GatedVenue,
    RunnerBench,
    make_runner_bench,
    memory_venue,
    running,
    until,
)

# The choice


def test_a_symbol_keeps_its_lane_while_anything_of_it_is_unfinished() -> None:
    lanes = CloseLanes(3)
    for _ in range(4):
        assert lanes.lane_for(BTC) == 0
        lanes.began(BTC, 0)
    assert lanes.lane_for(ETH.symbol) == 1
    for _ in range(3):
        lanes.ended(BTC)
        assert lanes.lane_for(BTC) == 0


@given(symbols=st.lists(st.sampled_from([Symbol(name) for name in "ABCDEFG"]), max_size=40))
def test_a_new_symbol_goes_where_the_least_is_unfinished(symbols: list[Symbol]) -> None:
    lanes, load, where = CloseLanes(3), [0, 0, 0], dict[Symbol, int]()
    for symbol in symbols:
        lane = lanes.lane_for(symbol)
        if symbol in where:
            assert lane == where[symbol]
        else:
            assert load[lane] == min(load)
        lanes.began(symbol, lane)
        load[lane] += 1
        where[symbol] = lane
    for symbol in symbols:
        lanes.ended(symbol)
    assert lanes.lane_for(BTC) == 0


class _Host(LaneHost):
    """Lets everything leave, and keeps what went wrong."""

    def __init__(self) -> None:
        self.faults: list[BaseException] = []

    def deliver(self, item: Input) -> None:
        del item

    def objection(self, effect: Effect) -> str | None:
        del effect
        return None

    def lane_failed(self, fault: BaseException) -> None:
        self.faults.append(fault)

    def effect_done(self) -> None:
        return None


def _close(symbol: Symbol, number: int) -> Place:
    order = OrderRequest(
        client_id=ClientId(f"{symbol}{number}"),
        symbol=symbol,
        side=Side.SELL,
        qty=Qty.of("0.010"),
        kind=OrderKind.MARKET,
        purpose=Purpose(Role.CLOSE),
        reduce_only=True,
    )
    return Place(order=Reduction(order), urgent=True)


def _has_closed_twice(venue: GatedVenue, symbol: Symbol) -> bool:
    return venue.closing.count(symbol) == 2


def test_a_symbol_whose_closes_have_run_is_free_to_take_another_lane() -> None:
    """One more symbol than lanes have closed one after the other; then the first of them hangs."""
    symbols = [Symbol(f"C{number}USDT") for number in range(CLOSE_LANES + 1)]
    venue = memory_venue({}, instruments=[attrs.evolve(BTCUSDT, symbol=one) for one in symbols])
    host = _Host()
    lanes = Lanes(venue, MemoryClock(venue), host)
    lanes.start()
    try:
        for symbol in symbols:
            lanes.submit(_close(symbol, 1))
        until(lambda: lanes.is_idle)
        for symbol in symbols:
            venue.close_gates[symbol] = threading.Event()
            lanes.submit(_close(symbol, 2))
            until(partial(_has_closed_twice, venue, symbol))
            for other in symbols[1:]:
                if other in venue.close_gates:
                    venue.close_gates[other].set()
    finally:
        for gate in venue.close_gates.values():
            gate.set()
        assert lanes.stop(timeout_s=5)
    assert host.faults == []


# The desk


def _holding_both() -> RunnerBench:
    bench = make_runner_bench()
    bench.runner.start()
    eth = signal(
        "eth",
        symbol=ETH.symbol,
        sizing=ExactQty(Qty.of("0.10")),
        stop=StopAtPrice(Price.of("3450")),
    )
    for wish in (signal("btc"), eth):
        assert isinstance(bench.desk.open_with_rr(wish), Placed)
    bench.venue.close_gates[BTC] = threading.Event()
    return bench


Call = Callable[[RunnerBench], Sequence[object]]
CALLS: dict[str, Call] = {
    "positions": lambda bench: bench.desk.positions.close_all(timeout_ms=20_000),
    "orders": lambda bench: bench.desk.orders.close_all(timeout_ms=20_000),
}


@pytest.mark.parametrize("call", CALLS)
def test_one_that_hangs_at_the_venue_delays_no_other(call: str) -> None:
    bench = _holding_both()
    found: list[Sequence[object]] = []
    thread = threading.Thread(target=lambda: found.append(CALLS[call](bench)), daemon=True)
    try:
        thread.start()
        until(lambda: BTC in bench.venue.closing)
        until(lambda: bench.venue.position(ETH.symbol).qty.sign == 0)
        assert bench.venue.position(BTC).qty == Qty.of("0.010")
        assert thread.is_alive(), "the other one is waited for"
    finally:
        bench.venue.close_gates[BTC].set()
        thread.join(20)
        bench.runner.stop()
    ((first, second),) = found
    assert isinstance(first, CloseReport | Closing)
    assert isinstance(second, CloseReport | Closing)
    assert (first.symbol, second.symbol) == (BTC, ETH.symbol)
    assert bench.venue.positions() == ()


def test_what_still_hangs_at_the_deadline_is_reported_beside_what_is_flat() -> None:
    bench = _holding_both()
    try:
        reports = bench.desk.positions.close_all(timeout_ms=500)
        assert [(one.symbol, one.is_flat) for one in reports] == [(BTC, False), (ETH.symbol, True)]
        assert reports[0].qty_left == reports[0].qty_before == Qty.of("0.010")
        assert reports[0].net is None
        assert reports[1].net is not None
    finally:
        bench.venue.close_gates[BTC].set()
        bench.runner.stop()


def test_an_entry_that_hangs_delays_the_close_of_no_other_symbol() -> None:
    """BTC is flat and its entry hangs, so whether something opens there is not known for long."""
    bench = make_runner_bench(poll_down_ms=100, ask_again_ms=50)
    eth = signal("eth", symbol=ETH.symbol, sizing=ExactQty(Qty.of("0.10")))
    with running(bench):
        wish = attrs.evolve(eth, stop=StopAtPrice(Price.of("3450")))
        assert isinstance(bench.desk.open_with_rr(wish), Placed)
        bench.venue.gate.clear()
        bench.venue.has_entered.clear()
        hung = threading.Thread(
            target=lambda: bench.desk.execute(signal("b", entry=limit("64500")))
        )
        hung.start()
        assert bench.venue.has_entered.wait(10)
        outcomes = bench.desk.orders.close_positions((BTC, ETH.symbol), timeout_ms=500)
        assert outcomes == (
            Nothing(symbol=BTC),
            Closing(symbol=ETH.symbol, qty=Qty.of("0.10")),
        )
        assert bench.venue.position(ETH.symbol).qty.sign == 0
        bench.venue.gate.set()
        hung.join(10)
    asked = [one for one in bench.engine.handled if isinstance(one, CloseRequest)]
    assert [one.symbol for one in asked] == [BTC, ETH.symbol]


def test_what_opened_before_its_cancel_came_is_closed_while_another_entry_hangs() -> None:
    bench = make_runner_bench(ask_again_ms=50)
    eth = signal(
        "eth",
        symbol=ETH.symbol,
        sizing=ExactQty(Qty.of("0.10")),
        stop=StopAtPrice(Price.of("3450")),
        entry=limit("3490"),
    )
    found: list[object] = []
    with running(bench):
        assert isinstance(bench.desk.execute(eth), Placed)
        bench.venue.gate.clear()
        bench.venue.has_entered.clear()
        wish = signal("b", entry=limit("64500"))
        hung = threading.Thread(target=lambda: bench.desk.execute(wish))
        hung.start()
        assert bench.venue.has_entered.wait(10)
        bench.venue.cancel_gate.clear()
        closing = threading.Thread(
            target=lambda: found.append(
                bench.desk.orders.close_positions((BTC, ETH.symbol), timeout_ms=20_000)
            )
        )
        closing.start()
        until(lambda: bench.engine.count(CloseRequest) == 2)
        bench.venue.script.move(ETH.symbol, last=Price.of("3480"))
        until(lambda: not bench.runner.state.books.position(ETH.symbol).is_flat)
        bench.venue.cancel_gate.set()
        until(lambda: bench.venue.position(ETH.symbol).qty.sign == 0, seconds=8)
        assert not bench.venue.gate.is_set(), "the other entry still hangs"
        bench.venue.gate.set()
        hung.join(20)
        closing.join(20)
    assert found == [(Nothing(symbol=BTC), Closing(symbol=ETH.symbol, qty=Qty.of("0.10")))]
