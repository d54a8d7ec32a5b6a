"""What the streams tell during a start does not hide what happened while nobody listened."""

from collections.abc import Callable

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.domain.core import events as ev
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import MessageSink

from tests.domain.samples import BTCUSDT, FEES

from .bench import BTC, MemoryClock, signal
from .threaded_bench import START_MS, KeptState, events_of, make_application, started

HOUR_MS = 3_600_000


class TalkativeVenue(MemoryVenue):
    """A memory venue where something happens as soon as the streams are up."""

    def __init__(self) -> None:
        super().__init__(
            instruments={BTC: BTCUSDT},
            fees=FEES,
            wallet=Money.of("100000"),
            options=MemoryOptions(start_ms=START_MS),
        )
        self.at_connect: Callable[[], None] | None = None

    def connect(self, sink: MessageSink) -> None:
        super().connect(sink)
        if self.at_connect is not None:
            self.at_connect()

    def sell(self, qty: str) -> None:
        """Trade by hand."""
        self.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of(qty))


class KeptOpenState(KeptState):
    """A journal that the next desk of the same account goes on with."""

    def close(self) -> None:
        """Stay open."""


def traded() -> tuple[TalkativeVenue, KeptOpenState]:
    """Return a venue and a journal that a desk left holding 0.010."""
    venue, state = TalkativeVenue(), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    with started(make_application(venue, state, clock=MemoryClock(venue))) as application:
        assert isinstance(application.desk.open_with_rr(signal()), Placed)
    return venue, state


def started_again(venue: TalkativeVenue, state: KeptOpenState) -> tuple[Qty, Money | None]:
    """Return what the books of the next desk hold, and their wallet."""
    with started(make_application(venue, state, clock=MemoryClock(venue))) as application:
        status = application.desk.status()
        return status.books.position(BTC).qty, status.wallet


def test_a_fill_of_the_stream_does_not_hide_an_older_one_of_the_outage() -> None:
    venue, state = traded()
    venue.script.advance(60_000)
    venue.sell("0.004")
    venue.script.advance(3 * HOUR_MS)
    venue.at_connect = lambda: venue.sell("0.003")
    qty, wallet = started_again(venue, state)
    assert qty == Qty.of("0.003")
    assert wallet == venue.account().wallet


def test_funding_of_the_stream_does_not_hide_an_older_fill_of_the_outage() -> None:
    venue, state = traded()
    venue.script.advance(60_000)
    venue.sell("0.004")
    venue.script.advance(3 * HOUR_MS)
    venue.at_connect = lambda: venue.script.pay_funding(BTC, Rate.of("0.0001"))
    qty, wallet = started_again(venue, state)
    assert qty == Qty.of("0.006")
    assert wallet == venue.account().wallet


def test_what_was_missed_is_booked_before_what_the_stream_tells() -> None:
    venue, state = traded()
    venue.script.move(BTC, last=Price.of("66000"))
    venue.sell("0.010")
    venue.script.advance(1_000)
    venue.script.move(BTC, last=Price.of("60000"))
    venue.at_connect = lambda: venue.sell("0.010")
    assert started_again(venue, state)[0] == Qty.of("-0.010")
    closed = [e.trade for e in events_of(state) if isinstance(e, ev.TradeClosed)]
    assert [trade.exit_price for trade in closed] == [Price.of("66000")]
