"""The market through the desk: dated, from what was told while fresh, and never an old value."""

from collections.abc import Callable, Mapping

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.market import MarketData
from tidegate.application.specs import SpecCache
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.market import BookLevel, FundingRate, OrderBook
from tidegate.domain.money import ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Symbol, TriggerBy
from tidegate.domain.reports import Bar, Ticker
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Closing, Placed, Refused
from tidegate.ports.desk_market import DataSource, DeskMarketPort, StaleData
from tidegate.ports.exchange import Capability, History, NotSupported, QueryFailed, TimeRange

from tests.application.bench import BTC, Bench, MemoryClock, make_bench, signal
from tests.domain.core.scenes import config, limit
from tests.domain.samples import BTCUSDT, FEES

MINUTE_MS = 60_000
LIMIT_MS = 5_000
CONFIG = attrs.evolve(config(), limits=attrs.evolve(config().limits, market_age_ms_max=LIMIT_MS))


def test_prices_that_were_told_are_dated_and_need_no_query() -> None:
    bench = make_bench(config=CONFIG)
    bench.move("65100")
    bench.venue.script.advance(1_200)
    bench.venue.script.fail_queries(1)
    found = bench.desk.market.ticker(BTC)
    assert (found.value.last, found.age_ms, found.source) == (
        Price.of("65100"),
        1_200,
        DataSource.TOLD,
    )
    assert found.time_ms == bench.venue.now_ms() - 1_200


def test_prices_that_are_too_old_are_asked_for() -> None:
    """Up to the limit of the rule, which is 5 s, they are as good as an order needs them."""
    bench = make_bench(config=CONFIG)
    bench.move("65100")
    bench.venue.script.advance(LIMIT_MS)
    assert bench.desk.market.ticker(BTC).source is DataSource.TOLD
    bench.venue.script.advance(1)
    found = bench.desk.market.ticker(BTC)
    assert (found.source, found.age_ms) == (DataSource.ASKED, 0)
    bench.venue.script.advance(LIMIT_MS + 1)
    bench.venue.script.fail_queries(1)
    with pytest.raises(QueryFailed):
        bench.desk.market.ticker(BTC)


def test_each_price_is_its_own() -> None:
    bench = make_bench(config=CONFIG)
    bench.venue.script.move(
        BTC,
        last=Price.of(65_000),
        mark=Price.of(65_010),
        index=Price.of(65_020),
        bid=Price.of(64_990),
        ask=Price.of(65_005),
        bid_size=Qty.of(2),
        ask_size=Qty.of(3),
    )
    bench.runner.drain()
    market = bench.desk.market
    assert [market.price(BTC, by).value for by in TriggerBy] == [
        Price.of({TriggerBy.LAST: 65_000, TriggerBy.MARK: 65_010, TriggerBy.INDEX: 65_020}[by])
        for by in TriggerBy
    ]
    best = market.best(BTC).value
    assert best.bid == BookLevel(Price.of(64_990), Qty.of(2))
    assert best.ask == BookLevel(Price.of(65_005), Qty.of(3))
    book = market.order_book(BTC, depth=3)
    assert (book.value.bids, book.value.asks) == ((best.bid,), (best.ask,))
    assert book.age_ms == 0


def test_trades_bars_and_funding_come_from_the_venue() -> None:
    bench = make_bench(config=CONFIG)
    began_ms = bench.venue.now_ms()
    bench.venue.script.advance(MINUTE_MS)
    bench.move("66000")
    bench.venue.script.pay_funding(BTC, Rate.of("0.0002"))
    bench.venue.script.advance(700)
    market, within = bench.desk.market, TimeRange(start_ms=0, end_ms=bench.venue.now_ms())
    trades = market.recent_trades(BTC, count=1)
    assert (trades.value[0].price, trades.age_ms) == (Price.of(66_000), 700)
    assert trades.time_ms == trades.value[0].time_ms
    bars = market.bars(BTC, interval_ms=MINUTE_MS, within=within)
    assert bars.rows[-1].close == Price.of(66_000)
    assert bars.rows[0].start_ms == began_ms // MINUTE_MS * MINUTE_MS
    coming = market.funding_rate(BTC)
    assert coming.value.rate == Rate.of("0.0002")
    assert coming.value.time_ms > bench.venue.now_ms() == coming.time_ms
    assert [row.rate for row in market.funding_rates(BTC, within).rows] == [Rate.of("0.0002")]


def test_a_specification_has_the_age_that_the_cache_knows() -> None:
    bench = make_bench(config=CONFIG)
    market = bench.desk.market
    assert market.status(BTC).value is InstrumentStatus.TRADING
    bench.venue.script.advance(90_000)
    found = market.instrument(BTC)
    assert (found.value, found.age_ms, found.source) == (BTCUSDT, 90_000, DataSource.TOLD)


def test_what_the_venue_lacks_is_not_supported() -> None:
    supported = frozenset(Capability) - {Capability.ORDER_BOOK}
    bench = make_bench(config=CONFIG, options=MemoryOptions(supported=supported))
    with pytest.raises(NotSupported):
        bench.desk.market.order_book(BTC, depth=1)


def test_a_symbol_that_is_not_traded_is_an_error() -> None:
    bench = make_bench(config=CONFIG)
    for ask in (bench.desk.market.ticker, bench.desk.market.status, bench.desk.market.funding_rate):
        with pytest.raises(QueryFailed, match="NOPEUSDT"):
            ask(Symbol("NOPEUSDT"))


class LateVenue(MemoryVenue):
    """A venue that hands out values of ``late_ms`` ago, and no bars of that time."""

    late_ms = 0

    def ticker(self, symbol: Symbol) -> Ticker:
        found = super().ticker(symbol)
        return attrs.evolve(found, time_ms=found.time_ms - self.late_ms)

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        found = super().order_book(symbol, depth=depth)
        return attrs.evolve(found, time_ms=found.time_ms - self.late_ms)

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        found = super().funding_rate(symbol)
        return attrs.evolve(found, time_ms=self.now_ms() - self.late_ms)

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        found = super().bars(symbol, interval_ms=interval_ms, within=within, by=by)
        until_ms = self.now_ms() - self.late_ms
        rows = tuple(attrs.evolve(bar, end_ms=min(bar.end_ms, until_ms)) for bar in found.rows)
        return attrs.evolve(found, rows=rows)


def late_bench(late_ms: int) -> Bench:
    venue = LateVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of(10_000))
    bench = make_bench(venue=venue, config=CONFIG)
    bench.venue.script.advance(MINUTE_MS)
    venue.late_ms = late_ms
    return bench


Ask = Callable[[DeskMarketPort, TimeRange], object]
ASKS: Mapping[str, Ask] = {
    "the ticker": lambda market, _: market.ticker(BTC),
    "the order book": lambda market, _: market.order_book(BTC, depth=1),
    "the coming funding rate": lambda market, _: market.funding_rate(BTC),
    "the last bar": lambda market, within: market.bars(BTC, interval_ms=MINUTE_MS, within=within),
    "the last trade": lambda market, _: market.recent_trades(BTC, count=1, age_ms_max=59_999),
}


@pytest.mark.parametrize("what", sorted(ASKS))
def test_what_is_too_old_even_at_the_venue_is_not_handed_out(what: str) -> None:
    """The error has the age and the limit. The last trade was a minute ago, and 59,999 is asked."""
    bench = late_bench(LIMIT_MS + 1)
    within = TimeRange(start_ms=0, end_ms=bench.venue.now_ms())
    with pytest.raises(StaleData, match=f"^{what} of BTCUSDT is") as stale:
        ASKS[what](bench.desk.market, within)
    limit_ms = 59_999 if what == "the last trade" else LIMIT_MS
    assert (stale.value.age_ms, stale.value.age_ms_max) == (limit_ms + 1, limit_ms)


@pytest.mark.parametrize("what", sorted(set(ASKS) - {"the last trade"}))
def test_at_the_limit_it_still_is(what: str) -> None:
    bench = late_bench(LIMIT_MS)
    within = TimeRange(start_ms=0, end_ms=bench.venue.now_ms())
    assert ASKS[what](bench.desk.market, within) is not None


def test_bars_of_the_past_are_not_stale_for_what_came_after() -> None:
    bench = late_bench(LIMIT_MS + 1)
    early = TimeRange(start_ms=0, end_ms=bench.venue.now_ms() - LIMIT_MS - 2)
    assert bench.desk.market.bars(BTC, interval_ms=MINUTE_MS, within=early).rows


def test_a_quiet_market_is_not_stale_unless_the_caller_says_so() -> None:
    bench = make_bench(config=CONFIG)
    bench.venue.script.advance(10 * MINUTE_MS)
    assert bench.desk.market.recent_trades(BTC, count=5).age_ms == 10 * MINUTE_MS


def test_without_any_trade_the_answer_is_of_now() -> None:
    venue = MemoryVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of(10_000))
    clock = MemoryClock(venue)
    specs = SpecCache(venue.instrument, clock)
    market = MarketData(venue, clock=clock, specs=specs, told=lambda _: None, age_ms_max=5_000)
    found = market.recent_trades(BTC, count=5, age_ms_max=0)
    assert (found.value, found.time_ms, found.age_ms) == ((), venue.now_ms(), 0)


def test_a_venue_ahead_of_the_desk_is_not_old() -> None:
    bench = late_bench(-800)
    assert bench.desk.market.order_book(BTC, depth=1).age_ms == 0


class Grid(MemoryVenue):
    """A venue that changes its specification."""

    spec: Instrument = BTCUSDT

    def instrument(self, symbol: Symbol) -> Instrument:
        super().instrument(symbol)
        return self.spec


def _grid_bench() -> tuple[Grid, Bench]:
    venue = Grid(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of(10_000))
    return venue, make_bench(venue=venue, config=CONFIG, last="65000")


def test_a_tick_that_changed_is_honoured_by_the_next_order() -> None:
    """An hour after the specification was read the venue's tick is 5: 64,998.3 goes out as 64,995.

    A buying limit never rounds to a worse price than the caller gave.
    """
    venue, bench = _grid_bench()
    first = bench.desk.execute(signal("a", entry=limit("64998.3")))
    assert isinstance(first, Placed)
    assert _price(bench, first.client_id) == Price.of("64998.3")
    venue.spec = attrs.evolve(BTCUSDT, tick=Distance.of(5))
    second = bench.desk.execute(signal("b", entry=limit("64998.3")))
    assert isinstance(second, Placed)
    assert _price(bench, second.client_id) == Price.of("64998.3")
    bench.venue.script.advance(3_600_001)
    third = bench.desk.execute(signal("c", entry=limit("64998.3")))
    assert isinstance(third, Placed)
    assert _price(bench, third.client_id) == Price.of("64995")


def _price(bench: Bench, client_id: ClientId) -> Price | None:
    order = bench.venue.find_order(BTC, client_id)
    assert order is not None
    return order.price


def test_an_entry_is_refused_on_a_specification_that_is_too_old() -> None:
    """Two hours of outage: what is known of the symbol may not be true any more."""
    _, bench = _grid_bench()
    assert isinstance(bench.desk.execute(signal("a")), Placed)
    before = bench.venue.open_orders()
    bench.venue.script.advance(7_200_001)
    bench.move("65000")
    bench.venue.script.fail_queries(1)
    outcome = bench.desk.execute(signal("b"))
    assert isinstance(outcome, Refused)
    (lacking,) = outcome.missing
    assert lacking.rule is Rule.VENUE_LIMITS
    assert "7200001 ms old, at most 7200000 ms is accepted" in lacking.what
    assert bench.venue.open_orders() == before
    assert isinstance(bench.desk.close_position(BTC), Closing)
    assert bench.venue.position(BTC).qty == ZERO_QTY
