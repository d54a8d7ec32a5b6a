"""A whole desk in one thread, on the memory venue and the in-memory journal."""

from decimal import Decimal

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys
from tidegate.application.codec import decode
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.events import Event
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.instrument import Instrument
from tidegate.domain.management import Management
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import (
    Entry,
    ExactQty,
    RungSpec,
    Signal,
    SizingMethod,
    StopAtPrice,
    StopSpec,
)
from tidegate.ports.clock import ClockPort

from tests.domain.samples import BTCUSDT, FEES

__all__ = ["BTC", "Bench", "make_bench", "signal"]

BTC = Symbol("BTCUSDT")


class MemoryClock(ClockPort):
    """The memory venue's own time."""

    def __init__(self, venue: MemoryVenue) -> None:
        self._venue = venue

    def now_ms(self) -> int:
        return self._venue.now_ms()


@attrs.frozen(kw_only=True)
class Bench:
    """The parts of one desk."""

    venue: MemoryVenue
    state_port: MemoryState
    runner: InlineRunner
    desk: Desk

    def events(self) -> list[Event]:
        return [decode(stored.record) for stored in self.state_port.read()]

    def kinds(self) -> list[str]:
        return [stored.record.kind.split(".")[0] for stored in self.state_port.read()]

    def pass_time(self, ms: int) -> None:
        """Advance the venue and let the core look at its deadlines."""
        self.venue.script.advance(ms)
        self.runner.drain()
        self.runner.check_time()

    def move(self, last: str) -> None:
        """Set the price and let the desk see it."""
        self.venue.script.move(BTC, last=Price.of(last))
        self.runner.drain()


def signal(
    name: str = "s1",
    *,
    side: Side = Side.BUY,
    sizing: SizingMethod | None = None,
    stop: StopSpec | None = None,
    ladder: tuple[RungSpec, ...] = (),
    entry: Entry | None = None,
    leverage: str = "3",
    symbol: Symbol = BTC,
    management: Management | None = None,
) -> Signal:
    return Signal(
        signal_id=name,
        symbol=symbol,
        side=side,
        sizing=sizing or ExactQty(Qty(Decimal("0.010"))),
        stop=stop or StopAtPrice(Price.of("64000")),
        ladder=ladder,
        entry=entry or Entry(),
        leverage=Rate.of(leverage),
        management=management or Management(),
    )


def make_bench(
    *,
    venue: MemoryVenue | None = None,
    instruments: tuple[Instrument, ...] = (BTCUSDT,),
    wallet: str = "10000",
    last: str = "65000",
    options: MemoryOptions | None = None,
    limits: RiskLimits | None = None,
    config: CoreConfig | None = None,
) -> Bench:
    """Build a desk that has started on a memory venue with prices."""
    if venue is None:
        venue = MemoryVenue(
            instruments={spec.symbol: spec for spec in instruments},
            fees=FEES,
            wallet=Money.of(wallet),
            options=options,
        )
    settings = config or CoreConfig(
        mode=TradingMode.PAPER, venue=VenueKind.MEMORY, limits=limits or RiskLimits()
    )
    state_port = MemoryState()
    engine = Engine(config=settings, clock=MemoryClock(venue), state_port=state_port)
    runner = InlineRunner(engine, venue)
    desk = Desk(runner=runner, state_port=state_port, keys=SeededKeys(7))
    venue.connect(runner.sink)
    runner.submit(
        StartRequest(mode=settings.mode, venue=settings.venue, wallet=venue.account().wallet)
    )
    load_view(runner, frozenset(spec.symbol for spec in instruments))
    for spec in instruments:
        venue.script.move(spec.symbol, last=Price.of(last))
    runner.drain()
    return Bench(venue=venue, state_port=state_port, runner=runner, desk=desk)
