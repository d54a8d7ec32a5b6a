"""Whole paper sessions for the acceptance tests: data, wiring, and strategies that provoke."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import attrs
from tidegate.adapters.catalogue import BTCUSDT_DEMO, NON_VIP_FEES
from tidegate.adapters.feeds import SyntheticFunding, bundled_btcusd_hours
from tidegate.adapters.feeds.stored import StoredFeed
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.adapters.strategies import DonchianBreakout
from tidegate.application.clocks import SeededKeys, VenueClock
from tidegate.application.engine import Engine
from tidegate.application.runner import InlineRunner
from tidegate.application.session import PaperSession
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import ONE, Money, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import RungSpec, Signal, SizingMethod, StopPercent
from tidegate.ports.feed import Feed, FeedItem
from tidegate.ports.state import StatePort
from tidegate.ports.strategy import Exit, StrategyPort, StrategyView
from tidegate.ports.venue import SimulatedVenuePort

from .recorder import Log, RecordedVenue, WatchedEngine

__all__ = [
    "DEMO",
    "HOUR_MS",
    "LAX",
    "QUICK",
    "WALLET",
    "Opener",
    "Parts",
    "Plan",
    "hours",
    "journal_rows",
    "make_session",
    "open_venue",
    "parts_in_files",
    "parts_in_memory",
    "silent",
]

DEMO = BTCUSDT_DEMO.symbol
WALLET = Money.of("10000")
HOUR_MS = 3_600_000
QUICK = DonchianBreakout(channel=20)
"""Trades often: a window of 21 bars."""

LAX = RiskLimits(
    market_age_ms_max=HOUR_MS,
    drawdown_max=Rate.of("0.99"),
    day_loss_max=Rate.of("0.99"),
)
"""Limits under which a losing strategy goes on to trade."""


def silent(done: int, total: int) -> None:
    """Report no progress."""
    assert 0 < done <= total


@cache
def _bundled() -> Sequence[FeedItem]:
    return tuple(bundled_btcusd_hours(symbol=DEMO).items())


def hours(start: int, stop: int | None) -> Feed:
    """Return a stretch of the bundled hourly bars, with funding every eight hours."""
    bars = StoredFeed(_bundled()[start:stop])
    return SyntheticFunding(bars, Rate.of("0.0001"), 480)


@attrs.frozen(kw_only=True)
class Plan:
    """What a session runs: everything but where its state lives."""

    feed: Feed
    strategy: StrategyPort = QUICK
    instrument: Instrument = BTCUSDT_DEMO
    config: PaperConfig = attrs.field(factory=PaperConfig)
    limits: RiskLimits = LAX
    seed: int = 0
    wallet: Money = WALLET


@attrs.frozen(kw_only=True)
class Parts:
    """Where a session's state lives."""

    venue: SimulatedVenuePort
    state_port: StatePort


def parts_in_memory(plan: Plan) -> Parts:
    """Keep both stores in memory."""
    return Parts(
        venue=open_venue(plan, PaperStore(":memory:"), PaperVenue), state_port=MemoryState()
    )


def parts_in_files(plan: Plan, folder: Path) -> Parts:
    """Keep both stores in files in ``folder``."""
    venue = open_venue(plan, PaperStore(folder / "venue.sqlite"), PaperVenue)
    return Parts(venue=venue, state_port=SqliteState(folder / "journal.sqlite"))


_V = TypeVar("_V", bound=PaperVenue)


def open_venue(plan: Plan, store: PaperStore, kind: type[_V]) -> _V:
    """Return the plan's venue, of some kind, on a store."""
    return kind(
        instruments={plan.instrument.symbol: plan.instrument},
        fees=NON_VIP_FEES,
        wallet=plan.wallet,
        config=attrs.evolve(plan.config, seed=plan.seed),
        store=store,
    )


def make_session(plan: Plan, parts: Parts, log: Log | None = None) -> tuple[PaperSession, Engine]:
    """Wire a session; with ``log`` its venue is recorded and its engine watched."""
    config = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.PAPER, limits=plan.limits)
    venue = parts.venue
    if log is None:
        engine = Engine(config=config, clock=VenueClock(venue), state_port=parts.state_port)
    else:
        if not isinstance(venue, RecordedVenue):
            venue = RecordedVenue(venue, log)
        clock = VenueClock(venue)
        engine = WatchedEngine(config=config, clock=clock, state_port=parts.state_port, log=log)
    session = PaperSession(
        runner=InlineRunner(engine, venue),
        venue=venue,
        feed=plan.feed,
        strategy=plan.strategy,
        symbol=plan.instrument.symbol,
        keys=SeededKeys(plan.seed),
        state_port=parts.state_port,
    )
    return session, engine


def journal_rows(state_port: StatePort) -> list[tuple[int, str, str, int]]:
    """Return the journal as text: version, kind, body and time of every row."""
    return [(s.version, s.record.kind, s.record.body, s.record.time_ms) for s in state_port.read()]


@attrs.frozen(kw_only=True)
class Opener(StrategyPort):
    """Opens one side at market whenever it is flat; closes after ``hold`` bars where that is set.

    ``stop`` is a fraction of the entry price, ``None`` for none.
    """

    sizing: SizingMethod
    side: Side = Side.BUY
    leverage: Rate = ONE
    stop: Rate | None = None
    ladder: tuple[RungSpec, ...] = ()
    every: int = 1

    @property
    def window(self) -> int:
        return 1

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        bar = bars[-1]
        length = bar.end_ms - bar.start_ms
        is_turn = (bar.start_ms // length) % self.every == 0
        if not is_turn or view.has_pending_entry or not view.position.is_flat:
            return None
        return Signal(
            signal_id=f"opener-{view.symbol}-{bar.start_ms}",
            symbol=Symbol(view.symbol),
            side=self.side,
            sizing=self.sizing,
            stop=None if self.stop is None else StopPercent(self.stop),
            ladder=self.ladder,
            leverage=self.leverage,
        )
