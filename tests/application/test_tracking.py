"""A symbol is known before anything is sent, is read while it is held, and no longer after."""

from typing import Any

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.performing import perform
from tidegate.domain.core.effects import ReadActivity
from tidegate.domain.money import Money, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Ticker
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.protection import ProtectRefused

from tests.domain.core.scenes import config
from tests.domain.samples import BTCUSDT, FEES

from .bench import BTC, Bench, MemoryClock, make_bench, signal

ETH = Symbol("ETHUSDT")
ETHUSDT = attrs.evolve(BTCUSDT, symbol=ETH, base_coin="ETH")


class Told(MemoryVenue):
    """A memory venue that notes which of its methods were called, in order."""

    def __init__(self, **given: Any) -> None:
        self.calls: list[str] = []
        super().__init__(**given)

    def instrument(self, symbol: Symbol) -> Any:
        self.calls.append(f"instrument {symbol}")
        return super().instrument(symbol)

    def ticker(self, symbol: Symbol) -> Ticker:
        self.calls.append(f"ticker {symbol}")
        return super().ticker(symbol)

    def place(self, order: Any) -> Any:
        self.calls.append(f"place {order.order.symbol}")
        return super().place(order)


def told() -> tuple[Bench, Told]:
    """Return a desk that was started for one symbol, on a venue that trades two."""
    venue = Told(instruments={BTC: BTCUSDT, ETH: ETHUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench = make_bench(venue=venue, instruments=(BTCUSDT,), config=config())
    venue.script.move(ETH, last=Price.of(65_000))
    bench.runner.engine.state = attrs.evolve(
        bench.runner.state,
        view=attrs.evolve(bench.runner.state.view, tickers={BTC: venue.ticker(BTC)}),
    )
    venue.calls.clear()
    return bench, venue


def test_a_symbol_that_the_desk_was_not_started_for_is_tracked_before_anything_is_sent() -> None:
    bench, venue = told()
    assert isinstance(bench.desk.execute(signal(symbol=ETH)), Placed)
    assert venue.calls[:3] == [f"instrument {ETH}", f"ticker {ETH}", f"place {ETH}"]


def test_a_symbol_that_cannot_be_tracked_is_refused_with_the_venues_words_and_nothing_is_sent() -> (
    None
):
    bench, venue = told()
    venue.script.fail_queries(1)
    outcome = bench.desk.execute(signal(symbol=ETH))
    assert isinstance(outcome, Refused)
    assert outcome.fault is not None
    assert "of ETHUSDT not known: nothing is sent without" in outcome.fault
    assert "(the venue: " in outcome.fault
    assert f"place {ETH}" not in venue.calls
    assert isinstance(bench.desk.execute(signal("s2", symbol=ETH)), Placed)


def test_protection_of_a_symbol_that_cannot_be_tracked_is_refused_likewise() -> None:
    bench, venue = told()
    bench.desk.execute(signal(symbol=ETH))
    view = attrs.evolve(bench.runner.state.view, instruments={})
    bench.runner.engine.state = attrs.evolve(bench.runner.state, view=view)
    venue.script.advance(2 * 3_600_000 + 1)
    venue.script.fail_queries(1)
    outcome = bench.desk.protection.set_stop(ETH, Price.of(64_500))
    assert isinstance(outcome, ProtectRefused)
    assert outcome.fault is not None
    assert "(the venue: " in outcome.fault


def test_what_is_held_is_read_with_the_activity_and_no_longer_once_it_is_over() -> None:
    bench, venue = told()
    bench.desk.execute(signal(symbol=ETH))
    venue.calls.clear()
    perform(ReadActivity(since_ms=0), venue, MemoryClock(venue))
    assert f"ticker {ETH}" in venue.calls
    bench.desk.close_position(ETH)
    venue.calls.clear()
    perform(ReadActivity(since_ms=0), venue, MemoryClock(venue))
    assert venue.calls == []
    bench.pass_time(60_000)
    assert venue.calls == []
