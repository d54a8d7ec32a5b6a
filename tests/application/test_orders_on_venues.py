"""The same life of orders on paper without threads, and on a desk with all its threads."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys, VenueClock
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    TimeInForce,
    TriggerDirection,
)
from tidegate.domain.reports import OrderReport
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.exchange import ExchangePort
from tidegate.ports.feed import QuotePoint
from tidegate.ports.orders import (
    Amended,
    Cancels,
    CancelScope,
    Closing,
    Fill,
    OrdersPort,
    Placed,
    Reduced,
)

from tests.application.bench import BTC, signal
from tests.application.threaded_bench import (
    LOOSE,
    START_MS,
    KeptPaperVenue,
    make_runner_bench,
    paper_venue,
    running,
)
from tests.domain.samples import BTCUSDT


@attrs.define
class PaperDesk:
    """A desk without threads on a paper venue that a test drives quote by quote."""

    venue: KeptPaperVenue
    runner: InlineRunner
    desk: Desk
    index: int = 1

    def move(self, mid: str) -> None:
        """Offer one quote a second later, and let the desk see what it did."""
        price = Price.of(mid)
        quote = QuotePoint(
            symbol=BTC,
            time_ms=START_MS + 1_000 * self.index,
            bid=price - BTCUSDT.tick,
            bid_size=Qty.of("100000"),
            ask=price + BTCUSDT.tick,
            ask_size=Qty.of("100000"),
        )
        for _ in self.venue.offer(quote, index=self.index):
            self.runner.drain()
        self.runner.drain()
        self.runner.check_time()
        self.index += 1

    @property
    def orders(self) -> OrdersPort:
        """Return the executor."""
        return self.desk.orders

    @property
    def held(self) -> Qty:
        """Return what is held, on which books and venue agree."""
        ours = self.runner.state.books.position(BTC).qty
        assert ours == self.venue.position(BTC).qty
        return ours

    def shown(self, name: ClientId) -> OrderReport:
        """Return an order as the venue shows it."""
        found = self.venue.find_order(BTC, name)
        assert found is not None
        return found


def paper() -> PaperDesk:
    venue = paper_venue((BTCUSDT,), {"BTCUSDT": "65000"})
    books = MemoryState()
    settings = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.PAPER, limits=LOOSE)
    engine = Engine(config=settings, clock=VenueClock(venue), state_port=books)
    runner = InlineRunner(engine, venue)
    desk = Desk(runner=runner, state_port=books, keys=SeededKeys(7))
    venue.connect(runner.sink)
    runner.submit(
        StartRequest(mode=settings.mode, venue=settings.venue, wallet=venue.account().wallet)
    )
    load_view(runner, frozenset({BTC}))
    return PaperDesk(venue, runner, desk)


def entered(desk: PaperDesk, entry: Entry | None = None) -> ClientId:
    outcome = desk.orders.execute(signal(entry=entry))
    assert isinstance(outcome, Placed), outcome
    desk.runner.drain()
    return outcome.client_id


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (Entry(), ["65000"]),
        (Entry(kind=OrderKind.LIMIT, price=Price.of("64500")), ["64400"]),
        (Entry(trigger=TriggerSpec(price=Price.of("65500"))), ["65600"]),
        (
            Entry(
                kind=OrderKind.LIMIT,
                price=Price.of("65700"),
                trigger=TriggerSpec(price=Price.of("65500")),
            ),
            ["65600", "65600"],
        ),
        (Entry(take_profit=Price.of("67000")), ["65000"]),
    ],
    ids=["market", "limit", "stop-market", "stop-limit", "take-profit"],
)
def test_every_family_of_entries_opens_on_paper_with_its_stop(
    entry: Entry, path: list[str]
) -> None:
    desk = paper()
    name = entered(desk, entry)
    for mid in path:
        desk.move(mid)
    assert desk.held == Qty.of("0.010")
    assert desk.shown(name).status is Status.FILLED
    position = desk.venue.position(BTC)
    assert position.stop_loss == Price.of("64000")
    assert position.take_profit == entry.take_profit


@pytest.mark.parametrize(
    ("price", "trigger", "mid"),
    [
        (None, None, "65000"),
        ("65200", None, "65300"),
        (None, "64500", "64400"),
        ("64300", "64500", "64400"),
        (None, "65500", "65600"),
    ],
    ids=["market", "limit", "stop-market", "stop-limit", "take-profit-market"],
)
def test_every_family_of_reductions_reduces_on_paper(
    price: str | None, trigger: str | None, mid: str
) -> None:
    desk = paper()
    entered(desk)
    desk.move("65000")
    outcome = desk.orders.reduce(
        BTC,
        qty=Qty.of("0.004"),
        price=None if price is None else Price.of(price),
        trigger=None if trigger is None else TriggerSpec(price=Price.of(trigger)),
    )
    assert isinstance(outcome, Reduced), outcome
    desk.move(mid)
    desk.move(mid)
    assert desk.held == Qty.of("0.006")


def test_a_resting_entry_is_changed_on_paper_and_opens_as_changed() -> None:
    desk = paper()
    name = entered(desk, Entry(kind=OrderKind.LIMIT, price=Price.of("64500")))
    outcome = desk.orders.amend(
        name,
        qty=Qty.of("0.012"),
        price=Price.of("64600"),
        stop_loss=ProtectiveLeg(price=Price.of("64100")),
        take_profit=ProtectiveLeg(price=Price.of("67000")),
    )
    assert isinstance(outcome, Amended), outcome
    shown = desk.shown(name)
    assert (shown.qty, shown.price) == (Qty.of("0.012"), Price.of("64600"))
    desk.move("64550")
    assert desk.held == Qty.of("0.012")
    position = desk.venue.position(BTC)
    assert (position.stop_loss, position.take_profit) == (Price.of("64100"), Price.of("67000"))
    assert desk.runner.state.books.trades[BTC].signal.stop == StopAtPrice(Price.of("64100"))


def test_cancels_on_paper_end_what_they_name() -> None:
    desk = paper()
    entered(desk)
    desk.move("65000")
    kept = desk.orders.reduce(BTC, price=Price.of("66000"))
    gone = desk.orders.reduce(BTC, price=Price.of("66500"))
    assert isinstance(kept, Reduced)
    assert isinstance(gone, Reduced)
    ended = desk.orders.cancel(gone.client_ids[0])
    assert isinstance(ended, Cancels)
    assert [order.client_id for order in ended.orders] == list(gone.client_ids)
    assert desk.shown(kept.client_ids[0]).status is Status.NEW
    assert isinstance(desk.orders.cancel_all(scope=CancelScope.EVERYONES), Cancels)
    assert [order.client_id for order in desk.venue.open_orders()] == [None]
    assert desk.venue.position(BTC).stop_loss == Price.of("64000")
    assert desk.orders.close_all() == (Closing(symbol=BTC, qty=Qty.of("0.010")),)
    assert desk.held == Qty.of(0)


def ended_at(port: ExchangePort, name: ClientId) -> Status:
    found = port.find_order(BTC, name)
    assert found is not None
    return found.status


def test_a_desk_with_all_its_threads_lives_the_same_life() -> None:
    bench = make_runner_bench()
    with running(bench):
        orders, venue = bench.desk.orders, bench.venue
        resting = Entry(
            kind=OrderKind.LIMIT, price=Price.of("64500"), time_in_force=TimeInForce.POST_ONLY
        )
        first, second = orders.execute_batch((signal("a"), signal("b", entry=resting)))
        assert isinstance(first, Placed), first
        assert isinstance(second, Placed), second
        fill = orders.wait_for_fill(first.client_id, timeout_ms=10_000)
        assert isinstance(fill, Fill)
        assert fill.qty_filled == Qty.of("0.010")
        changed = orders.amend(second.client_id, price=Price.of("64400"))
        assert isinstance(changed, Amended), changed
        stop = orders.reduce(
            BTC,
            trigger=TriggerSpec(price=Price.of("64200"), direction=TriggerDirection.FALLS_TO),
        )
        assert isinstance(stop, Reduced), stop
        ended = orders.cancel(second.client_id)
        assert isinstance(ended, Cancels), ended
        assert ended_at(venue, second.client_id) is Status.CANCELLED
        everyone = orders.cancel_all(scope=CancelScope.EVERYONES)
        assert isinstance(everyone, Cancels), everyone
        assert ended_at(venue, stop.client_ids[0]) is Status.UNTRIGGERED
        assert orders.close_all() == (Closing(symbol=BTC, qty=Qty.of("0.010")),)
        assert venue.position(BTC).qty == Qty.of(0)


SURFACE: dict[str, Callable[[OrdersPort], object]] = {
    "amend": lambda orders: orders.amend(ClientId("nobody"), qty=Qty.of(1)),
    "cancel": lambda orders: orders.cancel(ClientId("nobody")),
    "reduce": lambda orders: orders.reduce(BTC),
}


@pytest.mark.parametrize("call", sorted(SURFACE))
def test_a_refusal_comes_from_the_writer_in_a_threaded_desk_too(call: str) -> None:
    bench = make_runner_bench()
    with running(bench):
        outcome = SURFACE[call](bench.desk.orders)
    assert type(outcome).__name__ == "Refused"
