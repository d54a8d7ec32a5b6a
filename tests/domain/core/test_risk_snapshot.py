"""Every field of the risk snapshot has a producer: a desk's history can change each of them."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind
from tidegate.domain.core.inputs import FindingSeen
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.snapshot import RiskSnapshot

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, limit, opened, placed

Scenario = Callable[[], Bench]


def fresh() -> Bench:
    return make_bench(config=config())


def snapshot(bench: Bench) -> RiskSnapshot:
    engine = bench.runner.engine
    return risk_snapshot(bench.runner.state, BTC, "s1", engine.config, engine.clock.now_ms())


def later() -> Bench:
    bench = fresh()
    bench.pass_time(5)
    return bench


def moved() -> Bench:
    bench = later()
    bench.move("65100")
    return bench


def losing() -> Bench:
    bench = opened()
    bench.move("63990")
    return bench


def winning() -> Bench:
    bench = opened()
    bench.move("65500")
    return bench


def streamless() -> Bench:
    bench = fresh()
    bench.venue.script.disconnect()
    bench.runner.drain()
    return bench


def panicked() -> Bench:
    bench = fresh()
    bench.desk.panic("drill")
    return bench


def reducing() -> Bench:
    bench = fresh()
    bench.desk.set_trading_state(TradingState.REDUCING, "test")
    return bench


def with_finding() -> Bench:
    bench = fresh()
    bench.runner.submit(
        FindingSeen(finding_id="x", symbol=None, text="differs", blocks_entries=True)
    )
    return bench


def cross() -> Bench:
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(margin_mode=MarginMode.CROSS),
    )
    return make_bench(venue=venue, config=config())


def suspended() -> Bench:
    status = next(status for status in InstrumentStatus if status is not BTCUSDT.status)
    return make_bench(instruments=(attrs.evolve(BTCUSDT, status=status),), config=config())


def resting() -> Bench:
    bench = fresh()
    placed(bench, entry=limit("64900"))
    return bench


def next_day() -> Bench:
    bench = winning()
    bench.pass_time(86_400_000)
    bench.move("65600")
    return bench


def funded_anew() -> Bench:
    bench = fresh()
    bench.pass_time(5_000)
    bench.venue.script.transfer(Money.of("250"))
    bench.desk.reconcile()
    return bench


SCENARIOS: dict[str, Scenario] = {
    "now_ms": later,
    "trading_state": reducing,
    "is_panicked": panicked,
    "instrument": suspended,
    "market_time_ms": moved,
    "mark": moved,
    "stream_down_since_ms": streamless,
    "has_unsettled_findings": with_finding,
    "margin_mode": cross,
    "wallet": losing,
    "equity": winning,
    "available": opened,
    "initial_margin": opened,
    "maintenance_margin": opened,
    "day_opening_equity": next_day,
    "day_profit": winning,
    "high_water_equity": winning,
    "exposure_total": opened,
    "exposure_symbol": resting,
    "trade_loss": opened,
    "symbols_open": resting,
    "symbol_side": opened,
    "pending_orders": resting,
    "orders_last_second": resting,
    "orders_last_minute": resting,
    "orders_today": resting,
    "signal_seen": opened,
    "last_loss_ms": losing,
    "stops_in_window": losing,
    "symbol_losses_in_row": losing,
    "symbol_last_loss_ms": losing,
    "high_water_anchor": winning,
    "equity_anchor": funded_anew,
}


SETTINGS = {
    "mode": attrs.evolve(config(), mode=TradingMode.LIVE),
    "venue": attrs.evolve(config(), venue=VenueKind.PAPER),
    "streams_needed": attrs.evolve(config(), streams_needed=True),
}


def test_every_field_has_a_scenario() -> None:
    assert {*SCENARIOS, *SETTINGS} == {field.name for field in attrs.fields(RiskSnapshot)}


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_what_happens_to_the_desk_reaches_the_rules(name: str) -> None:
    bench = SCENARIOS[name]()
    assert getattr(snapshot(bench), name) != getattr(snapshot(fresh()), name)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_what_the_desk_is_set_up_for_reaches_the_rules(name: str) -> None:
    bench = fresh()
    other = risk_snapshot(bench.runner.state, BTC, "s1", SETTINGS[name], bench.venue.now_ms())
    assert getattr(snapshot(bench), name) != getattr(other, name)


def test_a_position_without_a_fresh_mark_has_no_equity() -> None:
    bench = opened()
    bench.venue.script.advance(3_600_001)
    assert snapshot(bench).equity is None
    assert snapshot(bench).day_profit is None


def test_available_is_less_the_cost_of_an_entry_that_the_venue_cannot_know_of() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    before = snapshot(bench).available
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    after = snapshot(bench).available
    assert before is not None
    assert after is not None
    # 650.325 at its worst fill, a third of it as margin, and both fees on top.
    assert Money.of("216.775") < before - after < Money.of("220")
