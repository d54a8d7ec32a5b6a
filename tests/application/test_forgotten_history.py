"""A venue that no longer keeps all that happened must not be taken for one where nothing did."""

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.money import Money, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Execution
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.exchange import History, TimeRange

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES


class ForgetfulVenue(MemoryVenue):
    """Keeps executions, and says that it does not keep all of them."""

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        return attrs.evolve(super().executions(symbol, within), is_complete=False)


def forgetful() -> MemoryVenue:
    return ForgetfulVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))


def honest() -> MemoryVenue:
    return MemoryVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))


def restarted(venue: MemoryVenue) -> tuple[Bench, Engine]:
    bench = make_bench(venue=venue)
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, venue)
    venue.connect(runner.sink)
    load_view(runner, frozenset({BTC}))
    recover(runner, frozenset({BTC}))
    venue.script.move(BTC, last=Price.of("65000"))
    runner.drain()
    return bench, engine


def test_a_forgotten_history_raises_a_finding_that_stops_entries() -> None:
    bench, engine = restarted(forgetful())
    raised = [e for e in bench.events() if isinstance(e, ev.FindingRaised)]
    assert [e.blocks_entries for e in raised] == [True]
    assert "not complete" in raised[0].text
    assert list(engine.state.books.findings) == [raised[0].finding_id]


def test_a_complete_history_raises_nothing() -> None:
    _, engine = restarted(honest())
    assert engine.state.books.findings == {}


def test_the_finding_refuses_the_next_entry_by_name() -> None:
    bench, engine = restarted(forgetful())
    engine.handle(OpenRequest(signal=signal("after"), key="k" * 16))
    refused = [e for e in bench.events() if isinstance(e, ev.SignalRefused)]
    assert Rule.FINDINGS_SETTLED in [breach.rule for breach in refused[0].breaches]
