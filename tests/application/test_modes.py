"""Trading mode and venue: every pair, where a desk is built and again before an order leaves."""

import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys, SystemClock
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.lifecycle import Application
from tidegate.application.modes import ModeMismatch, check_mode, mode_objection
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price
from tidegate.ports.clock import ClockPort
from tidegate.ports.desk import Refused

from tests.application.bench import make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

# Written by hand from the rule: paper trades on paper or memory, and each of the others on one.
AGREEING = {
    (TradingMode.PAPER, VenueKind.PAPER),
    (TradingMode.PAPER, VenueKind.MEMORY),
    (TradingMode.MEMORY, VenueKind.MEMORY),
    (TradingMode.DEMO, VenueKind.BYBIT_DEMO),
    (TradingMode.TESTNET, VenueKind.BYBIT_TESTNET),
    (TradingMode.LIVE, VenueKind.BYBIT_MAINNET),
}
PAIRS = [(mode, kind) for mode in TradingMode for kind in VenueKind]


class Claiming(MemoryVenue):
    """A venue that says it is another kind."""

    claimed = VenueKind.MEMORY

    @property
    def kind(self) -> VenueKind:
        return self.claimed


def venue(kind: VenueKind, clock: ClockPort | None = None) -> Claiming:
    built = Claiming(
        instruments={BTCUSDT.symbol: BTCUSDT}, fees=FEES, wallet=Money.of("10000"), clock=clock
    )
    built.claimed = kind
    return built


@pytest.mark.parametrize(("mode", "kind"), PAIRS, ids=str)
def test_a_desk_is_built_on_a_venue_of_its_mode_only(mode: TradingMode, kind: VenueKind) -> None:
    config = CoreConfig(mode=mode, venue=kind)
    state_port = MemoryState()
    engine = Engine(config=config, clock=SystemClock(), state_port=state_port)
    runner = InlineRunner(engine, venue(kind))
    if (mode, kind) in AGREEING:
        Desk(runner=runner, state_port=state_port, keys=SeededKeys(1))
        return
    with pytest.raises(ModeMismatch) as caught:
        Desk(runner=runner, state_port=state_port, keys=SeededKeys(1))
    assert repr(mode.value) in str(caught.value)
    assert repr(kind.value) in str(caught.value)


@pytest.mark.parametrize(("mode", "kind"), PAIRS, ids=str)
def test_the_venue_that_was_built_counts_and_not_the_configured_one(
    mode: TradingMode, kind: VenueKind
) -> None:
    for configured in VenueKind:
        config = CoreConfig(mode=mode, venue=configured)
        agrees = (mode, kind) in AGREEING and configured is kind
        assert (mode_objection(config, venue(kind)) is None) is agrees
        if not agrees:
            with pytest.raises(ModeMismatch):
                check_mode(config, venue(kind))


def test_an_entry_does_not_leave_for_a_venue_that_has_become_another() -> None:
    built = venue(VenueKind.MEMORY)
    bench = make_bench(venue=built)
    built.claimed = VenueKind.BYBIT_MAINNET
    outcome = bench.desk.execute(signal())
    assert "bybit mainnet" in str(outcome)
    assert built.open_orders() == ()
    assert built.positions() == ()


def test_a_position_can_still_be_closed_on_a_venue_that_has_become_another() -> None:
    built = venue(VenueKind.MEMORY)
    bench = make_bench(venue=built)
    assert not isinstance(bench.desk.execute(signal()), Refused)
    built.claimed = VenueKind.BYBIT_MAINNET
    bench.desk.close_position(BTCUSDT.symbol)
    assert built.positions() == ()


def test_a_writer_thread_holds_an_entry_back_from_a_venue_that_has_become_another() -> None:
    clock = SystemClock()
    built = venue(VenueKind.MEMORY, clock)
    built.script.move(BTCUSDT.symbol, last=Price.of("65000"))
    state_port = MemoryState()
    config = CoreConfig(mode=TradingMode.MEMORY, venue=VenueKind.MEMORY)
    application = Application(
        engine=Engine(config=config, clock=clock, state_port=state_port),
        port=built,
        state_port=state_port,
        keys=SeededKeys(1),
        symbols=frozenset({BTCUSDT.symbol}),
    )
    application.start()
    try:
        built.claimed = VenueKind.BYBIT_MAINNET
        outcome = application.desk.execute(signal())
        assert "bybit mainnet" in str(outcome)
        assert built.positions() == ()
    finally:
        application.stop()
