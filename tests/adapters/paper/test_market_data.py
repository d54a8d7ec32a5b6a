"""The paper venue tells the market as it was fed, through restarts and for any length of bars."""

from pathlib import Path

import attrs
import pytest
from tidegate.domain.market import TRADES_MAX
from tidegate.domain.money import ZERO_QTY, Price, Qty, Rate
from tidegate.domain.orders import Side, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.feed import FundingPoint, TradePoint

from tests.adapters.paper.bench import ALWAYS, MINUTE_MS, PLAIN, SYMBOL, Bench, plain
from tests.adapters.paper.test_paper_records import make_it_of_format_2

HOUR_MS = 60 * MINUTE_MS
Told = list[tuple[int, str]]


def bars(bench: Bench, interval_ms: int = MINUTE_MS, by: TriggerBy = TriggerBy.LAST) -> Told:
    """Return minute, and open high low close volume of every bar."""
    found = bench.venue.bars(SYMBOL, interval_ms=interval_ms, within=ALWAYS, by=by)
    return [_told(bar) for bar in found.rows]


def _told(bar: Bar) -> tuple[int, str]:
    amounts = (bar.open, bar.high, bar.low, bar.close)
    texts = " ".join(plain(amount) for amount in amounts)
    return bar.start_ms // MINUTE_MS, f"{texts} {plain(bar.volume)}"


def hour(number: int, prices: str, volume: str = "8") -> Bar:
    open_, high, low, close = map(Price.of, prices.split())
    return Bar(
        symbol=SYMBOL,
        start_ms=number * HOUR_MS,
        end_ms=(number + 1) * HOUR_MS,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=Qty.of(volume),
    )


def tick(seconds: int, price: str, qty: str = "1", side: Side | None = None) -> TradePoint:
    return TradePoint(
        symbol=SYMBOL,
        time_ms=seconds * 1_000,
        price=Price.of(price),
        qty=Qty.of(qty),
        taker_side=side,
    )


def test_a_fed_bar_is_told_as_it_was_fed() -> None:
    """Idle or with a position in it: the path that the venue took does not show."""
    idle, held = Bench(), Bench()
    held.feed(hour(0, "20000 20000 20000 20000"))
    held.send(held.order(Side.BUY, "0.1"))
    idle.feed(hour(0, "20000 20000 20000 20000"))
    for bench in (idle, held):
        bench.feed(hour(1, "20000 20500 19800 20100", "7"))
        assert bars(bench, HOUR_MS)[1] == (60, "20000 20500 19800 20100 7")


def test_a_bar_in_progress_grows_with_its_points() -> None:
    bench = Bench(config=PLAIN)
    bench.feed(hour(0, "20000 20000 20000 20000"))
    bench.send(bench.order(Side.BUY, "0.1"))
    seen = []
    for _ in bench.venue.offer(hour(1, "20000 20500 19800 20100"), index=bench.venue.cursor()):
        seen.append(bars(bench, HOUR_MS)[1])
    assert seen == [
        (60, "20000 20000 20000 20000 2"),
        (60, "20000 20000 19800 19800 4"),
        (60, "20000 20500 19800 20500 6"),
        (60, "20000 20500 19800 20100 8"),
    ]


def test_trades_make_minutes_and_minutes_make_longer_bars() -> None:
    bench = Bench()
    bench.feed(tick(61, "100", "2"), tick(90, "110"), tick(119, "95"), tick(300, "97", "0.5"))
    assert bars(bench) == [
        (1, "100 110 95 95 4"),
        (2, "95 95 95 95 0"),
        (3, "95 95 95 95 0"),
        (4, "95 95 95 95 0"),
        (5, "97 97 97 97 0.5"),
    ]
    assert bars(bench, 5 * MINUTE_MS) == [(0, "100 110 95 95 4"), (5, "97 97 97 97 0.5")]


def test_hours_make_no_minutes() -> None:
    bench = Bench()
    bench.feed(hour(0, "20000 20500 19800 20100"))
    with pytest.raises(ValueError, match="in bars of 3600000 ms; those, or multiples"):
        bars(bench)
    assert bars(bench, 4 * HOUR_MS // 2) == [(0, "20000 20500 19800 20100 8")]


def test_bars_and_trades_outlive_the_venue_and_go_on(tmp_path: Path) -> None:
    """The minute in which the venue was opened anew is one bar, and so for the side of a trade."""
    bench, other = Bench(path=tmp_path / "one.db"), Bench()
    first = [tick(61, "100"), tick(62, "105"), tick(63, "103")]
    then = [tick(80, "103"), tick(130, "99")]
    bench.feed(*first)
    bench.reopen()
    bench.feed(*then)
    other.feed(*first, *then)
    assert bars(bench) == bars(other) == [(1, "100 105 100 103 4"), (2, "99 99 99 99 1")]
    told = bench.venue.recent_trades(SYMBOL, count=10)
    assert told == other.venue.recent_trades(SYMBOL, count=10)
    buy, sell = Side.BUY, Side.SELL
    assert [trade.side for trade in told] == [buy, buy, sell, sell, sell]


def test_a_trade_that_knows_its_side_keeps_it() -> None:
    bench = Bench()
    bench.feed(tick(1, "100"), tick(2, "110", "3", Side.SELL), tick(3, "110"))
    trades = bench.venue.recent_trades(SYMBOL, count=2)
    assert [(t.side, plain(t.qty)) for t in trades] == [(Side.SELL, "3"), (Side.SELL, "1")]


def test_of_trades_the_last_thousand_are_kept() -> None:
    bench = Bench()
    bench.feed(*(tick(number, "100") for number in range(1, 2 * TRADES_MAX + 1)))
    told = bench.venue.recent_trades(SYMBOL, count=TRADES_MAX)
    assert [trade.time_ms for trade in told] == [
        number * 1_000 for number in range(TRADES_MAX + 1, 2 * TRADES_MAX + 1)
    ]
    rows = bench.venue._transactions.store._connection.execute("SELECT count(*) FROM trades")
    assert rows.fetchone()[0] < TRADES_MAX + 500


def test_mark_bars_are_of_marks_and_of_the_last_price_before_the_first() -> None:
    bench = Bench(config=attrs.evolve(PLAIN, mark_age_ms_max=120_000))
    bench.feed(tick(61, "100", "5"))
    bench.feed(attrs.evolve(bench.mark("90"), time_ms=121_000))
    bench.feed(attrs.evolve(bench.mark("92"), time_ms=125_000))
    bench.feed(tick(126, "101"))
    marks = [(1, "100 100 100 100 0"), (2, "90 92 90 92 0")]
    assert bars(bench, by=TriggerBy.MARK) == marks
    assert bars(bench, by=TriggerBy.INDEX) == marks
    bench.feed(tick(500, "120"))
    assert bars(bench, by=TriggerBy.MARK)[-1] == (8, "120 120 120 120 0")


def test_an_index_that_was_set_has_bars_of_its_own() -> None:
    bench = Bench()
    bench.feed(tick(61, "100"), tick(121, "100"))
    bench.venue.set_index(SYMBOL, Price.of("98"))
    bench.feed(tick(181, "100"))
    assert [close for _, close in bars(bench, by=TriggerBy.INDEX)] == [
        "100 100 100 100 0",
        "98 98 98 98 0",
        "98 98 98 98 0",
    ]


def test_the_book_is_the_quote_less_what_was_taken() -> None:
    bench = Bench()
    bench.feed(bench.quote("19999", "20001", size="4"))
    bench.send(bench.order(Side.BUY, "1.5"))
    book = bench.venue.order_book(SYMBOL, depth=10)
    (bid,), (ask,) = book.bids, book.asks
    assert (plain(bid.price), plain(bid.qty)) == ("19999", "4")
    assert (plain(ask.price), plain(ask.qty)) == ("20001", "2.5")
    assert book.time_ms == bench.venue.now_ms()
    bench.send(bench.order(Side.BUY, "2.5"))
    empty = bench.venue.order_book(SYMBOL, depth=10)
    assert (len(empty.bids), empty.asks) == (1, ())


def test_a_rate_beyond_the_limits_is_told_as_it_was_charged() -> None:
    bench = Bench()
    bench.price("20000")
    limit = bench.instruments[SYMBOL].funding_rate_max
    point = FundingPoint(symbol=SYMBOL, time_ms=bench.next_ms(), rate=limit * Rate.of(3))
    bench.feed(point)
    (row,) = bench.venue.funding_rates(SYMBOL, ALWAYS).rows
    assert (row.rate, row.time_ms) == (limit, point.time_ms)
    coming = bench.venue.funding_rate(SYMBOL)
    assert (coming.rate, coming.time_ms) == (limit, 8 * HOUR_MS)


def test_without_funding_in_the_data_none_is_coming() -> None:
    bench = Bench()
    bench.price("20000")
    assert bench.venue.funding_rate(SYMBOL).rate == Rate.of(0)
    assert bench.venue.funding_rates(SYMBOL, ALWAYS).rows == ()


def test_before_the_first_price_there_is_no_book() -> None:
    bench = Bench()
    with pytest.raises(QueryFailed, match="no price yet"):
        bench.venue.order_book(SYMBOL, depth=1)
    assert bars(bench) == []
    assert bench.venue.recent_trades(SYMBOL, count=1) == ()


def test_a_store_of_an_older_format_says_from_when_it_knows_the_market(tmp_path: Path) -> None:
    """Its own past was not kept: the first whole bar begins after it was opened anew."""
    bench = Bench(path=tmp_path / "older.db")
    bench.feed(tick(61, "100"), tick(90, "110"))
    bench.venue.close()
    make_it_of_format_2(tmp_path / "older.db")
    bench.venue = bench._open()
    bench.feed(tick(95, "111"), tick(130, "112"))
    found = bench.venue.bars(SYMBOL, interval_ms=MINUTE_MS, within=ALWAYS)
    assert not found.is_complete
    assert found.covers.start_ms == 2 * MINUTE_MS
    assert [_told(bar) for bar in found.rows] == [(2, "112 112 112 112 1")]
    rates = bench.venue.funding_rates(SYMBOL, ALWAYS)
    assert (rates.is_complete, rates.covers.start_ms) == (False, 90_000)
    assert found.rows[0].volume != ZERO_QTY
