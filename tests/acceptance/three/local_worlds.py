"""The two venues in this process: the scripted one in memory, and the paper venue."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.sqlite import SqliteState
from tidegate.application.clocks import SystemClock
from tidegate.application.lifecycle import Application
from tidegate.domain.money import ONE, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
)
from tidegate.domain.reports import (
    MarginMode,
    OrderReport,
    PositionReport,
    StreamReport,
    StreamState,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Accepted,
    Done,
    ExchangePort,
    MessageSink,
    PositionStop,
    Rejected,
    VenueError,
)
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, TradePoint

from tests.application.threaded_bench import make_application
from tests.domain.samples import BTCUSDT, FEES

from .world import BTC, LIMITS, START, World

__all__ = ["WALLET", "MemoryWorld", "PaperWorld"]

WALLET = Money.of("20000")
PLENTY = Qty.of("1000000")
TIMINGS: Mapping[str, Any] = {"ask_again_ms": 100, "close_retry_ms": 200, "poll_down_ms": 100}
TEN = Rate.of(10)


def desk_on(venue: ExchangePort, folder: Path, clock: ClockPort) -> Application:
    """Build a desk whose journal is in a folder."""
    folder.mkdir(exist_ok=True)
    journal = SqliteState(folder / "journal.sqlite")
    return make_application(venue, journal, clock=clock, limits=LIMITS, **TIMINGS)


class MemoryWorld(World):
    """The scripted venue."""

    name = "memory"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._clock = clock = SystemClock()
        self.port = self.venue = MemoryVenue(
            instruments={BTC: BTCUSDT},
            fees=FEES,
            wallet=WALLET,
            options=MemoryOptions(margin_mode=MarginMode.ISOLATED, leverage=TEN),
            clock=clock,
        )
        self.venue.script.move(BTC, last=Price.of(START))
        self.begin()

    def begin(self) -> None:
        """See :meth:`World.begin`."""
        self._start(desk_on(self.venue, self._folder, self._clock))

    def move(self, last: Price) -> None:
        """See :meth:`World.move`."""
        self.venue.script.move(BTC, last=last)

    def fund(self, rate: str) -> None:
        """See :meth:`World.fund`."""
        self.venue.script.pay_funding(BTC, Rate.of(rate))

    def liquidate(self) -> None:
        """See :meth:`World.liquidate`."""
        self.venue.script.liquidate(BTC)

    def close_by_hand(self) -> None:
        """See :meth:`World.close_by_hand`."""
        self.venue.script.close_by_hand(BTC)

    def foreign_limit(self, side: Side, qty: Qty, price: Price) -> None:
        """See :meth:`World.foreign_limit`."""
        self.venue.script.foreign_order(symbol=BTC, side=side, qty=qty, price=price)

    def stop_by_hand(self, price: Price) -> None:
        """See :meth:`World.stop_by_hand`."""
        done = self.venue.set_position_stop(PositionStop(symbol=BTC, stop_loss=price))
        assert isinstance(done, Done), done

    def disconnect(self) -> None:
        """See :meth:`World.disconnect`."""
        self.venue.script.disconnect()

    def reconnect(self) -> None:
        """See :meth:`World.reconnect`."""
        self.venue.script.reconnect()

    def lose_next_answer(self) -> None:
        """See :meth:`World.lose_next_answer`."""
        self.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.PLACE)

    def restart_venue(self) -> None:
        """See :meth:`World.restart_venue`."""
        self.venue.script.disconnect()
        self.venue.script.fail_queries(1)
        self.venue.script.reconnect()

    def orders(self) -> tuple[OrderReport, ...]:
        """See :meth:`World.orders`."""
        return self.venue.open_orders(BTC)

    def position(self) -> PositionReport:
        """See :meth:`World.position`."""
        return self.venue.position(BTC)


class _CutVenue(PaperVenue):
    """A paper venue whose messages and answers can be lost on the way, as on a real network."""

    is_cut = False
    loses_answer = False

    def place(self, order: Approved | Reduction) -> Accepted | Rejected:
        answer = super().place(order)
        if self.loses_answer:
            self.loses_answer = False
            raise VenueError("the answer was lost")
        return answer

    def connect(self, sink: MessageSink) -> None:
        def pass_on(message: VenueMessage) -> None:
            if not self.is_cut:
                sink(message)

        self._sink = sink
        super().connect(pass_on)

    def cut(self, *, is_down: bool, now_ms: int) -> None:
        state = StreamState.DOWN if is_down else StreamState.UP
        self.is_cut = is_down
        self._sink(StreamReport(state=state, time_ms=now_ms))


class PaperWorld(World):
    """The paper venue: its own books, matching and margin."""

    name = "paper"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._clock = SystemClock()
        self._foreign = 0
        self.port = self.venue = self._opened()
        self.move(Price.of(START))
        self._start(desk_on(self.venue, self._folder, self._clock))

    def _opened(self) -> "_CutVenue":
        self._folder.mkdir(exist_ok=True)
        return _CutVenue(
            instruments={BTC: BTCUSDT},
            fees=FEES,
            wallet=WALLET,
            config=PaperConfig(
                spread_ticks=0, slippage=ZERO_RATE, participation=ONE, leverage_default=TEN
            ),
            store=PaperStore(self._folder / "venue.sqlite"),
        )

    def halt(self) -> None:
        """See :meth:`World.halt`; the venue, which the desk closed, goes on from its own store."""
        super().halt()
        self.port = self.venue = self._opened()

    def begin(self) -> None:
        """See :meth:`World.begin`."""
        self._start(desk_on(self.venue, self._folder, self._clock))

    def _offer(self, make: Callable[[int], FeedItem]) -> None:
        for _ in self.venue.offer(make(self._clock.now_ms()), index=self.venue.cursor()):
            continue

    def move(self, last: Price) -> None:
        """See :meth:`World.move`."""
        self._offer(lambda now_ms: MarkPoint(symbol=BTC, time_ms=now_ms, mark=last))
        self._offer(lambda now_ms: TradePoint(symbol=BTC, time_ms=now_ms, price=last, qty=PLENTY))

    def fund(self, rate: str) -> None:
        """See :meth:`World.fund`."""
        self._offer(lambda now_ms: FundingPoint(symbol=BTC, time_ms=now_ms, rate=Rate.of(rate)))

    def liquidate(self) -> None:
        """See :meth:`World.liquidate`; the market goes through the liquidation price."""
        at = self.venue.position(BTC).liquidation_price
        assert at is not None
        self.move(Price.of(str(at.value // 10 * 10 - 10)))

    def close_by_hand(self) -> None:
        """See :meth:`World.close_by_hand`."""
        held = self.venue.position(BTC).qty
        side = Side.SELL if held.sign > 0 else Side.BUY
        self._send(side, abs(held), price=None, reduces=True)

    def foreign_limit(self, side: Side, qty: Qty, price: Price) -> None:
        """See :meth:`World.foreign_limit`."""
        self._send(side, qty, price=price, reduces=False)

    def _send(self, side: Side, qty: Qty, *, price: Price | None, reduces: bool) -> None:
        self._foreign += 1
        order = OrderRequest(
            client_id=ClientId(f"by-hand-{self._foreign}"),
            symbol=BTC,
            side=side,
            qty=qty,
            kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
            price=price,
            purpose=Purpose(Role.ENTRY),
            reduce_only=reduces,
        )
        taken = self.venue.submit(order)
        assert isinstance(taken, Accepted), taken

    def stop_by_hand(self, price: Price) -> None:
        """See :meth:`World.stop_by_hand`."""
        done = self.venue.set_position_stop(PositionStop(symbol=BTC, stop_loss=price))
        assert isinstance(done, Done), done

    def disconnect(self) -> None:
        """See :meth:`World.disconnect`."""
        self.venue.cut(is_down=True, now_ms=self._clock.now_ms())

    def reconnect(self) -> None:
        """See :meth:`World.reconnect`."""
        self.venue.cut(is_down=False, now_ms=self._clock.now_ms())

    def lose_next_answer(self) -> None:
        """See :meth:`World.lose_next_answer`."""
        self.venue.loses_answer = True

    def restart_venue(self) -> None:
        """See :meth:`World.restart_venue`."""
        self.disconnect()
        self.reconnect()

    def orders(self) -> tuple[OrderReport, ...]:
        """See :meth:`World.orders`."""
        return self.venue.open_orders(BTC)

    def position(self) -> PositionReport:
        """See :meth:`World.position`."""
        return self.venue.position(BTC)
