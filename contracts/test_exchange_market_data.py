"""Public market data is of the present, in order, whole, and an error where there is none."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.money import ZERO_QTY, Rate
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import Capability, QueryFailed, TimeRange

__all__: list[str] = []

_MINUTE_MS = 60_000
_TOO_MUCH = 10**6
_BARS = 1_001
"""More than a page: Bybit V5 shows at most 1,000 bars at once."""
_RATES = 201
"""More than a page: Bybit V5 shows at most 200 funding rates at once."""


def _bars(
    stage: Stage, *, interval_ms: int = _MINUTE_MS, by: TriggerBy = TriggerBy.LAST
) -> tuple[Bar, ...]:
    """Return the bars since the one in which the case began."""
    stage.need(Capability.BARS)
    start_ms = stage.began_ms // interval_ms * interval_ms
    within = TimeRange(start_ms=start_ms, end_ms=stage.drive.now_ms())
    found = stage.port.bars(stage.symbol, interval_ms=interval_ms, within=within, by=by)
    assert (found.covers, found.is_complete) == (within, True)
    return found.rows


def _minutes(stage: Stage, *levels: int) -> None:
    """Let the market trade at one level in each of as many minutes."""
    stage.can(Ability.ADVANCE)
    for level in levels:
        stage.drive.advance(_MINUTE_MS)
        stage.move(level)


def test_a_book_has_bids_below_asks_and_agrees_with_the_ticker(
    exchange_bench: ExchangeBench,
) -> None:
    """The best comes first on both sides, everything shown has a size, and nothing is crossed."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ORDER_BOOK)
    stage.move(1)
    book, ticker = stage.port.order_book(stage.symbol, depth=5), stage.port.ticker(stage.symbol)
    assert book.symbol == stage.symbol
    assert (book.bids[0].price, book.asks[0].price) == (ticker.bid, ticker.ask)
    assert book.bids[0].price <= book.asks[0].price
    assert all(level.qty > ZERO_QTY for level in book.bids + book.asks)
    for side, sign in ((book.bids, -1), (book.asks, 1)):
        assert all((b.price - a.price).times(sign).sign > 0 for a, b in pairwise(side))


def test_a_book_is_the_present_one(exchange_bench: ExchangeBench) -> None:
    """After a move it stands at the new price, and its time has not gone back."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ORDER_BOOK)
    before = stage.port.order_book(stage.symbol, depth=1)
    stage.move(3)
    after = stage.port.order_book(stage.symbol, depth=1)
    assert after.bids[0].price > before.asks[0].price
    assert abs(after.asks[0].price - stage.level(3)) <= stage.spec.tick.times(2)
    assert after.time_ms >= before.time_ms


def test_a_book_is_no_deeper_than_asked(exchange_bench: ExchangeBench) -> None:
    """At most so many levels on each side; none, or more than the venue has, is refused by name."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ORDER_BOOK)
    book = stage.port.order_book(stage.symbol, depth=1)
    assert (len(book.bids), len(book.asks)) == (1, 1)
    for depth in (0, -1, _TOO_MUCH):
        with pytest.raises(ValueError, match=str(depth)):
            stage.port.order_book(stage.symbol, depth=depth)


def test_the_best_level_has_the_size_that_is_on_offer(exchange_bench: ExchangeBench) -> None:
    """What the book shows at its best price is what an order can take there."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ORDER_BOOK)
    stage.can(Ability.SIZE)
    offered = stage.unit.times(3)
    stage.move(0, size=offered)
    book = stage.port.order_book(stage.symbol, depth=1)
    assert (book.bids[0].qty, book.asks[0].qty) == (offered, offered)


def test_recent_trades_end_with_the_last_price(exchange_bench: ExchangeBench) -> None:
    """Oldest first, each once, no more than asked for, and the newest are never left out."""
    stage = Stage(exchange_bench)
    stage.need(Capability.RECENT_TRADES)
    for level in (1, 2, -1, 3):
        stage.move(level)
    trades = stage.port.recent_trades(stage.symbol, count=3)
    assert [trade.price for trade in trades] == [stage.level(n) for n in (2, -1, 3)]
    times = [trade.time_ms for trade in trades]
    assert times == sorted(times)
    assert len({trade.trade_id for trade in trades}) == len(trades)
    assert trades[-1].price == stage.port.ticker(stage.symbol).last
    assert stage.port.recent_trades(stage.symbol, count=1) == trades[-1:]
    with pytest.raises(ValueError, match="0"):
        stage.port.recent_trades(stage.symbol, count=0)


def test_bars_hold_the_extremes_and_the_last_price(exchange_bench: ExchangeBench) -> None:
    """Whatever traded within a bar lies between its low and its high; it closes at the last."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    for level in (1, -2, 4, 2):
        stage.move(level)
    bars = _bars(stage)
    assert max(bar.high for bar in bars) == stage.level(4)
    assert min(bar.low for bar in bars) == stage.level(-2)
    assert bars[-1].close == stage.level(2)
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume >= ZERO_QTY


def test_bars_follow_each_other_without_a_gap(exchange_bench: ExchangeBench) -> None:
    """Ascending, each once, one for every minute also where nothing traded, all of one length."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    _minutes(stage, 1, 2)
    stage.drive.advance(2 * _MINUTE_MS)
    _minutes(stage, 3)
    bars = _bars(stage)
    assert len(bars) >= 5
    assert all(after.start_ms == before.end_ms for before, after in pairwise(bars))
    assert all(bar.end_ms - bar.start_ms == _MINUTE_MS for bar in bars)
    assert all(bar.start_ms % _MINUTE_MS == 0 for bar in bars)


def test_the_bar_that_is_open_is_the_last_one(exchange_bench: ExchangeBench) -> None:
    """It began before now, has not ended when its last price came, and moves with the price."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    _minutes(stage, 1)
    traded_ms = stage.drive.now_ms()
    stage.move(2)
    last = _bars(stage)[-1]
    assert last.start_ms <= stage.drive.now_ms()
    assert last.end_ms > traded_ms
    assert last.close == stage.level(2)


def test_a_range_of_bars_includes_both_of_its_ends(exchange_bench: ExchangeBench) -> None:
    """A bar is within a range when it begins there; one millisecond later it is not."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    _minutes(stage, 1, 2, 3, 4)
    bars = _bars(stage)
    first, last = bars[1].start_ms, bars[3].start_ms

    def asked(start_ms: int, end_ms: int) -> tuple[Bar, ...]:
        within = TimeRange(start_ms=start_ms, end_ms=end_ms)
        found = stage.port.bars(stage.symbol, interval_ms=_MINUTE_MS, within=within)
        return found.rows

    assert asked(first, last) == bars[1:4]
    assert asked(first + 1, last) == bars[2:4]
    assert asked(first, last - 1) == bars[1:3]


def test_longer_bars_add_up_to_the_shorter_ones(exchange_bench: ExchangeBench) -> None:
    """Five minutes have the volume, the extremes and the close of the minutes inside them."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    _minutes(stage, 1, 2, 3, -4, 5, 1, 2)
    minutes = _bars(stage)
    # The first longer bar may hold more than the case has seen.
    longer = _bars(stage, interval_ms=5 * _MINUTE_MS)
    checked = [bar for bar in longer if bar.start_ms >= minutes[0].start_ms]
    assert checked
    for bar in checked:
        inside = [b for b in minutes if bar.start_ms <= b.start_ms < bar.end_ms]
        assert bar.volume == sum((b.volume for b in inside), start=ZERO_QTY)
        assert bar.volume > ZERO_QTY
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert bar.high == max(b.high for b in inside)
        assert bar.low == min(b.low for b in inside)


@pytest.mark.parametrize("by", [TriggerBy.MARK, TriggerBy.INDEX], ids=lambda by: by.name)
def test_bars_of_another_price_are_of_that_price(
    exchange_bench: ExchangeBench, by: TriggerBy
) -> None:
    """Mark and index bars close at the mark and the index of the ticker, and have no volume."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    stage.move(1, mark=2)
    ticker = stage.port.ticker(stage.symbol)
    wanted = ticker.mark if by is TriggerBy.MARK else ticker.index
    bars = _bars(stage, by=by)
    assert bars[-1].close == wanted
    assert {bar.volume for bar in bars} == {ZERO_QTY}
    assert _bars(stage)[-1].close == stage.level(1)


def test_a_length_of_bars_that_the_venue_lacks_is_refused(exchange_bench: ExchangeBench) -> None:
    """The error names what was asked for and a length that can be had."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    with pytest.raises(ValueError, match=r"420000.* 60000\b"):
        stage.port.bars(stage.symbol, interval_ms=7 * _MINUTE_MS, within=stage.so_far())


def test_bars_of_several_pages_are_whole(exchange_bench: ExchangeBench) -> None:
    """More bars than a venue hands out at once are all there, each once."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BARS)
    stage.can(Ability.ADVANCE)
    stage.move(1)
    stage.drive.advance((_BARS + 20) * _MINUTE_MS)
    stage.move(2)
    last_ms = stage.drive.now_ms() // _MINUTE_MS * _MINUTE_MS
    within = TimeRange(start_ms=last_ms - (_BARS - 1) * _MINUTE_MS, end_ms=last_ms)
    bars = stage.port.bars(stage.symbol, interval_ms=_MINUTE_MS, within=within).rows
    assert [bar.start_ms for bar in bars] == [
        within.start_ms + number * _MINUTE_MS for number in range(_BARS)
    ]


def test_the_coming_funding_rate_lies_ahead(exchange_bench: ExchangeBench) -> None:
    """It is settled within one interval from now, and has the sign of what longs pay."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING_RATES)
    stage.can(Ability.FUNDING)
    asked_ms = stage.drive.now_ms()
    stage.drive.pay_funding(Rate.of("-0.0003"))
    coming = stage.port.funding_rate(stage.symbol)
    interval_ms = stage.spec.funding_interval_minutes * _MINUTE_MS
    assert coming.symbol == stage.symbol
    assert asked_ms < coming.time_ms <= stage.drive.now_ms() + interval_ms
    assert coming.rate == Rate.of("-0.0003")


def test_settled_rates_are_ascending_and_both_ends_count(exchange_bench: ExchangeBench) -> None:
    """Every settlement is told whether or not anything was held, with the rate that it had."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING_RATES)
    stage.can(Ability.FUNDING, Ability.ADVANCE)
    rates = [Rate.of(text) for text in ("0.0001", "-0.0002", "0.0003")]
    for rate in rates:
        stage.drive.advance(_MINUTE_MS)
        stage.drive.pay_funding(rate)
    within = stage.so_far()
    found = stage.port.funding_rates(stage.symbol, within)
    assert [row.rate for row in found.rows] == rates
    assert (found.covers, found.is_complete) == (within, True)
    times = [row.time_ms for row in found.rows]
    assert times == sorted(set(times))
    ends = TimeRange(start_ms=times[0], end_ms=times[-1])
    inside = TimeRange(start_ms=times[0] + 1, end_ms=times[-1] - 1)
    assert stage.port.funding_rates(stage.symbol, ends).rows == found.rows
    assert stage.port.funding_rates(stage.symbol, inside).rows == found.rows[1:-1]


def test_funding_rates_of_several_pages_are_whole(exchange_bench: ExchangeBench) -> None:
    """More settlements than a venue hands out at once are all there, each once, in order."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING_RATES)
    stage.can(Ability.FUNDING, Ability.ADVANCE)
    rates = [Rate.of(number) / Rate.of(1_000_000) for number in range(1, _RATES + 1)]
    for rate in rates:
        stage.drive.advance(1_000)
        stage.drive.pay_funding(rate)
    found = stage.port.funding_rates(stage.symbol, stage.so_far())
    assert [row.rate for row in found.rows] == rates


_NOWHERE = Symbol("NOWHEREUSDT")

_QUERIES: dict[str, tuple[Capability, Callable[[Stage, Symbol], object]]] = {
    "order_book": (
        Capability.ORDER_BOOK,
        lambda stage, symbol: stage.port.order_book(symbol, depth=1),
    ),
    "recent_trades": (
        Capability.RECENT_TRADES,
        lambda stage, symbol: stage.port.recent_trades(symbol, count=1),
    ),
    "bars": (
        Capability.BARS,
        lambda stage, symbol: stage.port.bars(
            symbol, interval_ms=_MINUTE_MS, within=stage.so_far()
        ),
    ),
    "funding_rate": (
        Capability.FUNDING_RATES,
        lambda stage, symbol: stage.port.funding_rate(symbol),
    ),
    "funding_rates": (
        Capability.FUNDING_RATES,
        lambda stage, symbol: stage.port.funding_rates(symbol, stage.so_far()),
    ),
}


@pytest.mark.parametrize("name", sorted(_QUERIES))
def test_a_symbol_that_is_not_traded_is_an_error(exchange_bench: ExchangeBench, name: str) -> None:
    """It is no market without prices: an error is never an empty answer."""
    stage = Stage(exchange_bench)
    capability, ask = _QUERIES[name]
    stage.need(capability)
    ask(stage, stage.symbol)
    with pytest.raises(QueryFailed):
        ask(stage, _NOWHERE)


@pytest.mark.parametrize("name", sorted(_QUERIES))
def test_a_market_query_that_fails_is_no_empty_answer(
    exchange_bench: ExchangeBench, name: str
) -> None:
    """Without a usable answer ``QueryFailed`` is raised, and the next one is an answer again."""
    stage = Stage(exchange_bench)
    capability, ask = _QUERIES[name]
    stage.need(capability)
    stage.can(Ability.FAIL_QUERIES)
    stage.drive.fail_next_query()
    with pytest.raises(QueryFailed):
        ask(stage, stage.symbol)
    ask(stage, stage.symbol)
