"""Whole desks with a writer thread, on venues in this process, with what a test wants to see."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.application.bounds import DeskBounds
from tidegate.application.clocks import RandomKeys
from tidegate.application.codec import decode
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.lifecycle import Application
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner, ThreadedRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import Effect
from tidegate.domain.core.events import Event
from tidegate.domain.core.inputs import Input, StartRequest
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import AccountReport, OrderReport, PositionReport
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.batches import Outcome
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Done,
    ExchangePort,
    MessageSink,
    QueryFailed,
    Rejected,
    Unknown,
)
from tidegate.ports.feed import QuotePoint
from tidegate.ports.state import Record, StatePort, StateUnavailable, StoredRecord

from tests.domain.samples import BTCUSDT, FEES

__all__ = [
    "ETH",
    "LOOSE",
    "START_MS",
    "BreakableState",
    "GatedVenue",
    "KeptPaperVenue",
    "KeptState",
    "RunnerBench",
    "RunningClock",
    "WatchedEngine",
    "events_of",
    "make_application",
    "make_runner_bench",
    "memory_venue",
    "own_threads",
    "paper_venue",
    "running",
    "started",
    "until",
]

START_MS = 1_700_000_000_000
LOOSE = RiskLimits(market_age_ms_max=3_600_000, loss_cooldown_ms=0)
"""Limits that do not get into the way of a test about threads."""


class RunningClock(ClockPort):
    """A clock that runs like the machine's, from a time of the test's own."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._start_ms = start_ms
        self._began_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        return self._start_ms + (time.monotonic_ns() - self._began_ns) // 1_000_000


class KeptState(MemoryState):
    """A journal whose rows can still be read once it was closed, and that notes its closing."""

    def __init__(self, log: list[str] | None = None) -> None:
        super().__init__()
        self._log = [] if log is None else log
        self._kept: tuple[StoredRecord, ...] | None = None

    def rows(self) -> tuple[StoredRecord, ...]:
        return tuple(self.read()) if self._kept is None else self._kept

    def close(self) -> None:
        if self._kept is None:
            self._kept = tuple(self.read())
            self._log.append("books closed")
        super().close()


class BreakableState(KeptState):
    """A journal that a test can break, so that nothing can be written, or make slow."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False
        self.gate = threading.Event()
        self.gate.set()

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        assert self.gate.wait(30), "the test forgot to open the gate"
        if self.is_broken:
            raise StateUnavailable("the disk is full")
        return super().append(records, expected_version=expected_version, durable=durable)


class GatedVenue(MemoryVenue):
    """A memory venue whose answers to entries a test may hold back, and that notes its life."""

    def __init__(self, instruments: Sequence[Instrument], *, log: list[str] | None = None) -> None:
        super().__init__(
            instruments={spec.symbol: spec for spec in instruments},
            fees=FEES,
            wallet=Money.of("100000"),
            options=MemoryOptions(start_ms=START_MS),
        )
        self.log = [] if log is None else log
        self.gate = threading.Event()
        self.gate.set()
        self.has_entered = threading.Event()
        self.sent: list[OrderRequest] = []
        self.batch_sizes: list[int] = []
        self.cancel_sizes: list[int] = []
        self.amend_sizes: list[int] = []
        self.cancel_gate = threading.Event()
        self.cancel_gate.set()
        self.close_gates: dict[Symbol, threading.Event] = {}
        self.closing: list[Symbol] = []
        self.leverages: list[Symbol] = []
        self.leverage_gate = threading.Event()
        self.leverage_gate.set()
        self.queries_fail = False

    def connect(self, sink: MessageSink) -> None:
        self.log.append("streams connected")
        super().connect(sink)

    def close(self) -> None:
        self.log.append("exchange closed")
        super().close()

    def account(self) -> AccountReport:
        if self.queries_fail:
            raise QueryFailed("the venue does not answer")
        return super().account()

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        self._pass([order])
        if isinstance(order, Reduction):
            self._pass_close(order.order.symbol)
        return super().place(order)

    def _pass_close(self, symbol: Symbol) -> None:
        self.closing.append(symbol)
        gate = self.close_gates.get(symbol)
        assert gate is None or gate.wait(30), "the test forgot to open the gate"

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        self._pass(orders)
        return super().place_batch(orders)

    def _pass(self, orders: Sequence[Approved | Reduction]) -> None:
        if any(isinstance(order, Approved) for order in orders):
            self.has_entered.set()
            assert self.gate.wait(30), "the test forgot to open the gate"
        self.batch_sizes.append(len(orders))
        self.sent.extend(order.order for order in orders)

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        self.log.append(f"cancel {order_id}")
        assert self.cancel_gate.wait(30), "the test forgot to open the gate"
        return super().cancel(symbol, order_id)

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        self.leverages.append(symbol)
        assert self.leverage_gate.wait(30), "the test forgot to open the gate"
        return super().set_leverage(symbol, leverage)

    def amend(self, *args: Any, **changes: Any) -> Accepted | Rejected | Unknown:
        self.amend_sizes.append(1)
        return super().amend(*args, **changes)

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        self.amend_sizes.append(len(changes))
        return super().amend_batch(changes)

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        self.cancel_sizes.append(len(cancels))
        self.log.extend(f"cancel {one.order_id}" for one in cancels)
        assert self.cancel_gate.wait(30), "the test forgot to open the gate"
        return super().cancel_batch(cancels)


class KeptPaperVenue(PaperVenue):
    """A paper venue that remembers what it held when it was closed."""

    final: tuple[tuple[PositionReport, ...], tuple[OrderReport, ...], AccountReport] | None = None

    def close(self) -> None:
        if self.final is None:
            self.final = (self.positions(), self.open_orders(), self.account())
        super().close()


ETH = attrs.evolve(
    BTCUSDT,
    symbol=Symbol("ETHUSDT"),
    base_coin="ETH",
    tick=Distance.of("0.01"),
    price_min=Price.of("0.01"),
    price_max=Price.of("199999.98"),
    qty_step=Qty.of("0.01"),
    qty_min=Qty.of("0.01"),
)


def memory_venue(
    prices: Mapping[str, str],
    *,
    instruments: Sequence[Instrument] | None = None,
    log: list[str] | None = None,
) -> GatedVenue:
    """Return a venue with fixed prices."""
    venue = GatedVenue(instruments or (BTCUSDT, ETH), log=log)
    for symbol, last in prices.items():
        venue.script.move(Symbol(symbol), last=Price.of(last))
    return venue


def paper_venue(instruments: Sequence[Instrument], prices: Mapping[str, str]) -> KeptPaperVenue:
    """Return a paper venue with one quote of each symbol, deep enough for everything."""
    venue = KeptPaperVenue(
        instruments={spec.symbol: spec for spec in instruments},
        fees=FEES,
        wallet=Money.of("100000"),
        config=PaperConfig(),
        store=PaperStore(":memory:"),
    )
    for index, spec in enumerate(instruments):
        mid = Price.of(prices[spec.symbol])
        quote = QuotePoint(
            symbol=spec.symbol,
            time_ms=START_MS,
            bid=mid - spec.tick,
            bid_size=Qty.of("100000"),
            ask=mid + spec.tick,
            ask_size=Qty.of("100000"),
        )
        for _ in venue.offer(quote, index=index):
            pass
    return venue


class WatchedEngine(Engine):
    """An engine that keeps what it was given."""

    def __init__(self, *, config: CoreConfig, clock: ClockPort, state_port: MemoryState) -> None:
        super().__init__(config=config, clock=clock, state_port=state_port)
        self.handled: list[Input] = []

    def handle(self, item: Input) -> tuple[Effect, ...]:
        self.handled.append(item)
        return super().handle(item)

    def count(self, kind: type[Input]) -> int:
        return sum(isinstance(item, kind) for item in self.handled)


@attrs.frozen
class RunnerBench:
    """A desk on a threaded runner, prepared as an application prepares it."""

    venue: GatedVenue
    state_port: KeptState
    engine: WatchedEngine
    runner: ThreadedRunner
    desk: Desk


def make_runner_bench(
    *,
    state_port: KeptState | None = None,
    inbox_max: int = 100_000,
    lane_max: int = 1_000,
    stop_wait_ms: int = 5_000,
    **timings: Any,
) -> RunnerBench:
    """Build a desk that is prepared and not yet started."""
    venue = memory_venue({"BTCUSDT": "65000", "ETHUSDT": "3500"})
    books = KeptState() if state_port is None else state_port
    base = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.MEMORY, limits=LOOSE)
    engine = WatchedEngine(
        config=attrs.evolve(base, **timings), clock=RunningClock(), state_port=books
    )
    first = InlineRunner(engine, venue)
    first.submit(StartRequest(mode=base.mode, venue=base.venue, wallet=venue.account().wallet))
    load_view(first, frozenset({BTCUSDT.symbol, ETH.symbol}))
    recover(first, frozenset({BTCUSDT.symbol, ETH.symbol}))
    runner = ThreadedRunner(
        engine, venue, inbox_max=inbox_max, lane_max=lane_max, stop_wait_ms=stop_wait_ms
    )
    desk = Desk(runner=runner, state_port=books, keys=RandomKeys())
    venue.connect(runner.sink)
    return RunnerBench(venue, books, engine, runner, desk)


@contextmanager
def running(bench: RunnerBench) -> Iterator[RunnerBench]:
    """Start the runner, and stop it at the end."""
    bench.runner.start()
    try:
        yield bench
    finally:
        bench.venue.gate.set()
        bench.venue.cancel_gate.set()
        bench.venue.leverage_gate.set()
        for gate in tuple(bench.venue.close_gates.values()):
            gate.set()
        bench.runner.stop()


def make_application(
    port: ExchangePort,
    state_port: StatePort,
    *,
    symbols: Sequence[str] = ("BTCUSDT",),
    limits: RiskLimits | None = None,
    clock: ClockPort | None = None,
    bounds: DeskBounds | None = None,
    **timings: Any,
) -> Application:
    """Build an application for paper trading on ``port``."""
    base = CoreConfig(mode=TradingMode.PAPER, venue=port.kind, limits=limits or LOOSE)
    config = attrs.evolve(base, **timings)
    engine = Engine(config=config, clock=clock or RunningClock(), state_port=state_port)
    return Application(
        engine=engine,
        port=port,
        state_port=state_port,
        keys=RandomKeys(),
        symbols=frozenset(Symbol(name) for name in symbols),
        bounds=bounds,
    )


@contextmanager
def started(application: Application) -> Iterator[Application]:
    """Start, and stop at the end."""
    application.start()
    try:
        yield application
    finally:
        application.stop()


def events_of(state_port: KeptState) -> list[Event]:
    """Return every event of a journal."""
    return [decode(row.record) for row in state_port.rows()]


def own_threads() -> list[str]:
    """Return the names of the threads that belong to desks."""
    return [thread.name for thread in threading.enumerate() if "tidegate" in thread.name]


def until(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for something that another thread does; fails when it does not."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"it did not become so within {seconds} s"
        time.sleep(0.002)
