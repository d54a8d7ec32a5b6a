"""A desk on the paper venue, in one thread, whose state comes from what happened to it."""

from typing import Any

import attrs
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.application.clocks import SeededKeys, VenueClock
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Signal
from tidegate.ports.desk import OpenOutcome, Placed
from tidegate.ports.feed import QuotePoint

from tests.application.threaded_bench import ETH
from tests.domain.samples import BTCUSDT, FEES

__all__ = ["BTC", "ETHER", "LiveDesk", "live_desk"]

BTC, ETHER = BTCUSDT.symbol, ETH.symbol
_START_MS = 1_700_000_000_000
_LOOSE = RiskLimits(loss_cooldown_ms=0, risk_per_trade_max=Rate.of(1), day_loss_max=Rate.of(1))
_PRICES = {BTC: "65000", ETHER: "3500"}


@attrs.define
class LiveDesk:
    """The parts of one desk. Prices are quoted one tick around the middle, without slippage."""

    venue: PaperVenue
    runner: InlineRunner
    desk: Desk

    def quote(self, symbol: Symbol, middle: str, *, after_ms: int = 0) -> None:
        """Move one symbol's market, and with it the time."""
        tick, price = self.venue.instrument(symbol).tick, Price.of(middle)
        now_ms = max(self.venue.now_ms(), _START_MS)
        point = QuotePoint(
            symbol=symbol,
            time_ms=now_ms + after_ms,
            bid=price - tick,
            bid_size=Qty.of(1_000),
            ask=price + tick,
            ask_size=Qty.of(1_000),
        )
        for _ in self.venue.offer(point, index=self.venue.cursor()):
            self.runner.drain()
        self.runner.drain()
        self.runner.check_time()

    def pass_time(self, ms: int) -> None:
        """Let time pass with prices that stay as they are, fresh at the end."""
        self.quote(BTC, _PRICES[BTC], after_ms=ms)
        self.quote(ETHER, _PRICES[ETHER])

    def must_open(self, wish: Signal) -> None:
        """Open what has to pass on the way to a test's state."""
        outcome: OpenOutcome = self.desk.execute(wish)
        assert isinstance(outcome, Placed), outcome

    def lose(self, wish: Signal) -> None:
        """Open and close at once: the spread and both fees are lost."""
        self.must_open(wish)
        self.desk.close_position(wish.symbol)
        assert self.runner.state.books.position(wish.symbol).is_flat


def live_desk(
    limits: RiskLimits = _LOOSE,
    *,
    ether: Instrument = ETH,
    margin_mode: MarginMode = MarginMode.ISOLATED,
    streams_needed: bool = False,
    wallet_moved: Money = ZERO_MONEY,
    **changes: Any,
) -> LiveDesk:
    """Build a desk that has started; ``changes`` are changes of the limits.

    ``wallet_moved`` is what the operator states to have moved by hand.
    """
    venue = PaperVenue(
        instruments={BTC: BTCUSDT, ETHER: ether},
        fees=FEES,
        wallet=Money.of("10000"),
        config=PaperConfig(slippage=Rate.of(0), margin_mode=margin_mode),
        store=PaperStore(":memory:"),
    )
    config = CoreConfig(
        mode=TradingMode.PAPER,
        venue=VenueKind.PAPER,
        limits=attrs.evolve(limits, **changes),
        streams_needed=streams_needed,
        wallet_moved=wallet_moved,
    )
    state_port = MemoryState()
    engine = Engine(config=config, clock=VenueClock(venue), state_port=state_port)
    runner = InlineRunner(engine, venue)
    desk = LiveDesk(venue, runner, Desk(runner=runner, state_port=state_port, keys=SeededKeys(7)))
    venue.connect(runner.sink)
    for symbol, price in _PRICES.items():
        desk.quote(symbol, price)
    wallet = venue.account().wallet
    runner.submit(StartRequest(mode=config.mode, venue=config.venue, wallet=wallet))
    load_view(runner, frozenset(_PRICES))
    return desk
