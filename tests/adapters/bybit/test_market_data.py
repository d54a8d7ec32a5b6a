"""Market data: from the stream while it is fresh, else over REST; and what the rows mean."""

from collections.abc import Iterator, Mapping

import pytest
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.market import MarketQueries, _read_back
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane, RestClient
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.markets import (
    bar_of_row,
    funding_rate_of_row,
    funding_rate_of_ticker,
    order_book,
    public_trade,
)
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.clocks import SystemClock
from tidegate.domain.market import BookLevel, OrderBook
from tidegate.domain.money import ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.ports.exchange import QueryFailed, TimeRange

from tests.contracts.bybit_bench import BybitBench, wait_until
from tests.domain.samples import BTCUSDT

from .wire.rows import TICKER, Json

BTC = BTCUSDT.symbol
ETH = Symbol("ETHUSDT")
MINUTE_MS = 60_000


@pytest.fixture
def bench() -> Iterator[BybitBench]:
    made = BybitBench()
    made.venue.connect(lambda _: None)
    yield made
    made.close()


def _has_book_at(bench: BybitBench, price: Price) -> bool:
    kept = bench.venue.streams.book(BTC)
    return kept is not None and kept.value.asks[0].price == price


def _watch_book(bench: BybitBench) -> OrderBook:
    """Watch the book, and return it as soon as the stream has brought it."""
    bench.venue.streams.watch_book(BTC)
    price = bench.port.ticker(BTC).ask
    assert wait_until(lambda: _has_book_at(bench, price))
    return bench.port.order_book(BTC, depth=5)


def test_a_watched_book_needs_no_request_while_it_is_fresh(bench: BybitBench) -> None:
    by_stream = _watch_book(bench)
    bench.drive.fail_next_query()
    again = bench.port.order_book(BTC, depth=5)
    assert (again.bids, again.asks) == (by_stream.bids, by_stream.asks)
    assert len(again.bids) == 5
    with pytest.raises(QueryFailed, match="502"):
        bench.port.order_book(BTC, depth=51)


def test_the_book_of_the_stream_is_that_of_rest(bench: BybitBench) -> None:
    rest = bench.port.order_book(BTC, depth=5)
    by_stream = _watch_book(bench)
    assert (by_stream.bids, by_stream.asks) == (rest.bids, rest.asks)


def test_a_book_of_a_stream_that_is_down_is_asked_for(bench: BybitBench) -> None:
    before = _watch_book(bench)
    bench.control.disconnect(StreamKind.PUBLIC)
    assert wait_until(lambda: not _is_fresh(bench))
    bench.control.price(BTC, Price.of("61000"))
    after = bench.port.order_book(BTC, depth=5)
    assert after.asks[0].price == bench.port.ticker(BTC).ask != before.asks[0].price


def _is_fresh(bench: BybitBench) -> bool:
    kept = bench.venue.streams.book(BTC)
    return kept is not None and kept.is_fresh


def test_a_book_that_is_old_is_asked_for(bench: BybitBench) -> None:
    """The venue's clock goes on and the stream says nothing: what it said last is old."""
    _watch_book(bench)
    bench.control.advance(3_600_000)
    bench.port.ticker(BTC)
    bench.drive.fail_next_query()
    with pytest.raises(QueryFailed, match="502"):
        bench.port.order_book(BTC, depth=5)


def test_watched_trades_need_no_request_while_there_are_enough(bench: BybitBench) -> None:
    bench.venue.streams.watch_trades(BTC)
    for text in ("60010", "60020"):
        bench.control.price(BTC, Price.of(text))
    wanted = Price.of("60020")
    assert wait_until(lambda: _last_trade(bench) == wanted)
    bench.drive.fail_next_query()
    trades = bench.port.recent_trades(BTC, count=2)
    assert [trade.price for trade in trades] == [Price.of("60010"), wanted]
    with pytest.raises(QueryFailed, match="502"):
        bench.port.recent_trades(BTC, count=1_000)


def _last_trade(bench: BybitBench) -> Price | None:
    kept = bench.venue.streams.trades(BTC)
    return None if kept is None or len(kept.value) < 2 else kept.value[-1].price


class _Told(RestClient):
    """A venue that answers bars as a function of what was asked."""

    def __init__(self, rows: list[list[str]], *, page: int) -> None:
        self.clock = ServerClock(SystemClock())
        self.asked: list[tuple[int, int]] = []
        self._rows, self._page = rows, page

    def query(
        self, call: Call, params: Mapping[str, object] | None = None, *, lane: Lane = Lane.READS
    ) -> Answered:
        assert (call, lane) == (Call.KLINES, Lane.READS)
        assert params is not None
        start, end = int(str(params["start"])), int(str(params["end"]))
        self.asked.append((start, end))
        rows = self._within(start, end)[: self._page]
        return Answered(result={"list": rows}, ext={}, time_ms=0, sent_ms=0)

    def _within(self, start: int, end: int) -> list[list[str]]:
        return [row for row in self._rows if start <= int(row[0]) <= end]


class _Repeats(_Told):
    """A venue that hands out its newest bars whatever it is asked for."""

    def _within(self, start: int, end: int) -> list[list[str]]:
        assert start <= end
        return self._rows


def _kline(minute: int) -> list[str]:
    return [str(minute * MINUTE_MS), "10", "12", "9", "11", "5", "50"]


NEWEST_FIRST = [_kline(minute) for minute in range(2_499, -1, -1)]


def _bars(rest: _Told, start: int, end: int) -> list[int]:
    within = TimeRange(start_ms=start * MINUTE_MS, end_ms=end * MINUTE_MS)
    found = MarketQueries(rest).bars(BTC, MINUTE_MS, within, TriggerBy.LAST)
    return [bar.start_ms // MINUTE_MS for bar in found.rows]


def test_bars_are_read_from_the_end_and_no_further_than_they_go() -> None:
    """2,500 bars are three pages; what lies before the first bar costs no more questions."""
    rest = _Told(NEWEST_FIRST, page=1_000)
    assert _bars(rest, -100_000, 2_499) == list(range(2_500))
    ends = [end // MINUTE_MS for _, end in rest.asked]
    assert ends == [2_499, 1_499, 499]


def test_a_venue_that_repeats_itself_ends_the_reading() -> None:
    """An answer of the wrong time is left out, and is no reason to ask for ever."""
    rest = _Repeats(NEWEST_FIRST, page=1_000)
    assert _bars(rest, 0, 2_499) == list(range(1_500, 2_500))
    assert len(rest.asked) == 2


def test_a_range_of_too_many_bars_is_refused_rather_than_cut() -> None:
    asked: list[TimeRange] = []

    def page(part: TimeRange) -> list[int]:
        asked.append(part)
        return [part.end_ms]

    within = TimeRange(start_ms=0, end_ms=5_000)
    with pytest.raises(QueryFailed, match="more than 1000 pages of 1 from 0 to 5000"):
        _read_back(page, within, of=lambda ms: ms, most=1)
    assert len(asked) == 1_000


BOOK: Json = {
    "s": "ETHUSDT",
    "b": [["1600.1", "2"], ["1600", "0.5"]],
    "a": [["1600.2", "1"]],
    "ts": 1_700_000_000_123,
    "u": 7,
    "seq": 8,
    "cts": 1_700_000_000_100,
}


def test_a_book_is_read() -> None:
    assert order_book(BOOK) == OrderBook(
        symbol=ETH,
        bids=(
            BookLevel(Price.of("1600.1"), Qty.of(2)),
            BookLevel(Price.of("1600"), Qty.of("0.5")),
        ),
        asks=(BookLevel(Price.of("1600.2"), Qty.of(1)),),
        time_ms=1_700_000_000_123,
    )
    assert order_book({**BOOK, "b": []}).bids == ()


@pytest.mark.parametrize(
    "change",
    [
        {"b": [["1600", "1"], ["1600.1", "2"]]},
        {"b": [["1600", "1"], ["1600", "2"]]},
        {"a": [["1600.2", "0"]]},
        {"a": [["1600.2"]]},
        {"a": "1600.2"},
        {"ts": "soon"},
        {"s": ""},
    ],
)
def test_a_book_that_is_none_is_unreadable(change: Json) -> None:
    with pytest.raises(Unreadable):
        order_book({**BOOK, **change})


def test_a_trade_has_the_side_of_who_took() -> None:
    row: Json = {
        "execId": "2100000000007764263",
        "symbol": "ETHUSDT",
        "price": "1618.49",
        "size": "0.4",
        "side": "Sell",
        "time": "1672052955758",
        "isBlockTrade": False,
    }
    trade = public_trade(row)
    assert (trade.side, trade.price, trade.qty) == (Side.SELL, Price.of("1618.49"), Qty.of("0.4"))
    assert (trade.trade_id, trade.time_ms) == ("2100000000007764263", 1_672_052_955_758)
    with pytest.raises(Unreadable, match="side"):
        public_trade({**row, "side": ""})


def test_bars_without_a_volume_have_none() -> None:
    """Rows of mark and index prices end with the close (Bybit V5 market/mark-price-kline)."""
    bar = bar_of_row(ETH, ["1670608800000", "17", "19", "16", "18"], span_ms=MINUTE_MS)
    assert (bar.close, bar.volume) == (Price.of(18), ZERO_QTY)
    with pytest.raises(Unreadable):
        bar_of_row(ETH, ["1670608800000", "17", "19", "16"], span_ms=MINUTE_MS)


def test_funding_rates_keep_their_sign() -> None:
    ticker: Json = {**TICKER, "fundingRate": "-0.000212", "nextFundingTime": "1672387200000"}
    coming = funding_rate_of_ticker(ticker)
    assert (coming.rate, coming.time_ms) == (Rate.of("-0.000212"), 1_672_387_200_000)
    row: Json = {
        "symbol": "ETHUSDT",
        "fundingRate": "-0.0001",
        "fundingRateTimestamp": "1672041600000",
    }
    settled = funding_rate_of_row(row)
    assert (settled.symbol, settled.rate) == (ETH, Rate.of("-0.0001"))
    assert settled.time_ms == 1_672_041_600_000
    for empty in ("fundingRate", "nextFundingTime"):
        with pytest.raises(Unreadable, match=empty):
            funding_rate_of_ticker({**ticker, empty: ""})
