"""Benches of the venues that ship, for the exchange suite."""

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, MemoryOptions
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.contracts.exchange_bench import Ability, Drive, ExchangeBench
from tidegate.domain.grid import price_down
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import Execution, OrderReport, RejectReason
from tidegate.ports.exchange import Done, ExchangePort
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, TradePoint

from tests.domain.samples import BTCUSDT, FEES

__all__ = [
    "START",
    "WALLET",
    "MemoryBench",
    "MemoryDrive",
    "PaperBench",
    "PaperDrive",
    "bare_memory",
    "memory",
    "paper",
]

START = Price.of("60000")
WALLET = Money.of("20000")
START_MS = 1_700_000_000_000
PLENTY = Qty.of("1000000")


class MemoryDrive(Drive):
    """Drives the scripted venue by its script."""

    def __init__(self, venue: MemoryVenue) -> None:
        self._venue = venue
        self._script = venue.script

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(Ability)

    def price(self, last: Price, *, mark: Price | None = None, size: Qty | None = None) -> None:
        self._script.move(BTCUSDT.symbol, last=last, mark=mark, bid_size=size, ask_size=size)

    def now_ms(self) -> int:
        return self._venue.now_ms()

    def settle(self) -> None:
        """Everything has happened when a call returns."""

    def advance(self, ms: int) -> None:
        self._script.advance(ms)

    def reject_next(self, reason: RejectReason) -> None:
        self._script.reject_next(reason)

    def reject_items(self, places: frozenset[int]) -> None:
        self._script.reject_items(places, RejectReason.INSUFFICIENT_MARGIN, 110007)

    def lose_next_request(self) -> None:
        self._script.time_out_next(Arrival.LOST)

    def lose_next_answer(self) -> None:
        self._script.time_out_next(Arrival.REACHED)

    def fail_next_query(self) -> None:
        self._script.fail_queries(1)

    def disconnect(self) -> None:
        self._script.disconnect()

    def reconnect(self) -> None:
        self._script.reconnect()

    def hold_messages(self) -> None:
        self._script.delay_messages()

    def release_messages(self) -> None:
        self._script.release()

    def repeat_next_execution(self) -> None:
        self._script.duplicate_next(Execution)

    def repeat_next_filled(self) -> None:
        """A market order is told twice: when it is live, and when it is filled."""
        for _ in range(2):
            self._script.duplicate_next(OrderReport)

    def release_reversed(self) -> None:
        self._script.reorder()
        self._script.release()

    def liquidate(self) -> None:
        self._script.liquidate(BTCUSDT.symbol)

    def switch_to_hedge_mode(self) -> None:
        self._script.set_position_mode(PositionMode.HEDGE)

    def pay_funding(self, rate: Rate) -> None:
        self._script.pay_funding(BTCUSDT.symbol, rate)

    def transfer(self, amount: Money) -> None:
        self._script.transfer(amount)


class MemoryBench(ExchangeBench):
    """The scripted venue, or something wrapped around it."""

    def __init__(self, venue: MemoryVenue, port: ExchangePort | None = None) -> None:
        super().__init__()
        self._port = venue if port is None else port
        self._drive = MemoryDrive(venue)
        self._drive.price(START)

    @property
    def port(self) -> ExchangePort:
        return self._port

    @property
    def drive(self) -> Drive:
        return self._drive

    @property
    def instrument(self) -> Instrument:
        return BTCUSDT

    @property
    def start_price(self) -> Price:
        return START

    def close(self) -> None:
        self._port.close()


def _venue(options: MemoryOptions) -> MemoryVenue:
    return MemoryVenue(
        instruments={BTCUSDT.symbol: BTCUSDT}, fees=FEES, wallet=WALLET, options=options
    )


def memory() -> ExchangeBench:
    """The scripted venue with everything it can do."""
    return MemoryBench(_venue(MemoryOptions()))


def bare_memory() -> ExchangeBench:
    """The scripted venue without any capability."""
    return MemoryBench(_venue(MemoryOptions(supported=frozenset())))


class _ClosablePaper(PaperVenue):
    """The paper venue, which is gone when it is closed, and a note of that."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True
        super().close()


class PaperDrive(Drive):
    """Drives the paper venue by feeding it trades, marks and funding rates."""

    def __init__(self, venue: _ClosablePaper) -> None:
        self._venue = venue
        self._last = START

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(
            {
                Ability.SIZE,
                Ability.ADVANCE,
                Ability.LIQUIDATE,
                Ability.FUNDING,
                Ability.TRANSFER,
            }
        )

    def price(self, last: Price, *, mark: Price | None = None, size: Qty | None = None) -> None:
        self._last = last
        at = last if mark is None else mark
        self._feed_prices(self.now_ms(), at, PLENTY if size is None else size)

    def _feed_prices(self, time_ms: int, mark: Price, size: Qty) -> None:
        symbol = BTCUSDT.symbol
        self._feed(MarkPoint(symbol=symbol, time_ms=time_ms, mark=mark))
        self._feed(TradePoint(symbol=symbol, time_ms=time_ms, price=self._last, qty=size))

    def _feed(self, item: FeedItem) -> None:
        if self._venue.is_closed:
            return
        for _ in self._venue.offer(item, index=self._venue.cursor()):
            pass

    def now_ms(self) -> int:
        return self._venue.now_ms()

    def settle(self) -> None:
        """Everything has happened when a call returns."""

    def advance(self, ms: int) -> None:
        self._feed_prices(self.now_ms() + ms, self._last, PLENTY)

    def liquidate(self) -> None:
        """Take the price through the position's liquidation price, a tenth further."""
        position = self._venue.position(BTCUSDT.symbol)
        assert position.liquidation_price is not None
        beyond = Rate.of("-0.1") if position.qty.sign > 0 else Rate.of("0.1")
        price = position.liquidation_price + position.liquidation_price * beyond
        self.price(price_down(price, BTCUSDT.tick))

    def pay_funding(self, rate: Rate) -> None:
        self._feed(FundingPoint(symbol=BTCUSDT.symbol, time_ms=self.now_ms(), rate=rate))

    def transfer(self, amount: Money) -> None:
        outcome = self._venue.adjust_wallet(amount)
        assert isinstance(outcome, Done), outcome


class PaperBench(ExchangeBench):
    """The paper venue without spread and slippage, so that it trades at the prices it is fed."""

    def __init__(self) -> None:
        super().__init__()
        self._venue = _ClosablePaper(
            instruments={BTCUSDT.symbol: BTCUSDT},
            fees=FEES,
            wallet=WALLET,
            config=PaperConfig(spread_ticks=0, slippage=Rate.of(0), participation=Rate.of(1)),
            store=PaperStore(":memory:"),
        )
        self._drive = PaperDrive(self._venue)
        self._drive.advance(START_MS)

    @property
    def port(self) -> ExchangePort:
        return self._venue

    @property
    def drive(self) -> Drive:
        return self._drive

    @property
    def instrument(self) -> Instrument:
        return BTCUSDT

    @property
    def start_price(self) -> Price:
        return START

    def close(self) -> None:
        self._venue.close()


def paper() -> ExchangeBench:
    """The paper venue on a store in memory."""
    return PaperBench()
