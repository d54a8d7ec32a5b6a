"""Public market data as a fold: what REST answers and the stream tells, from the items alone."""

import attrs
import pytest
from tidegate.adapters.v5server.market import Market, MarketMissing, PriceKind
from tidegate.adapters.v5server.market_book import Ladder
from tidegate.adapters.v5server.market_pushes import PublicPush
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar, Ticker
from tidegate.ports.feed import FundingPoint, MarkPoint, QuotePoint, TradePoint

from tests.domain.samples import BTCUSDT, COARSE

SYMBOL = BTCUSDT.symbol
HOUR = 3_600_000
START = 1_699_999_200_000
"""Tuesday 2023-11-14 22:00 UTC."""


def market() -> Market:
    return Market({SYMBOL: BTCUSDT, COARSE.symbol: COARSE}, lambda: START)


def ticker(bid: str, ask: str, *, last: str = "60000", size: str = "2", time_ms: int = 0) -> Ticker:
    return Ticker(
        symbol=SYMBOL,
        last=Price.of(last),
        mark=Price.of(last),
        index=Price.of(last),
        bid=Price.of(bid),
        ask=Price.of(ask),
        bid_size=Qty.of(size),
        ask_size=Qty.of(size),
        time_ms=time_ms,
    )


def trade(price: str, qty: str = "1", *, at: int = START, side: Side | None = None) -> TradePoint:
    return TradePoint(
        symbol=SYMBOL, time_ms=at, price=Price.of(price), qty=Qty.of(qty), taker_side=side
    )


def priced(last: str = "60000") -> Market:
    found = market()
    found.fold(trade(last), ticker("59999.9", "60000.1", last=last))
    return found


def test_a_symbol_without_a_price_has_no_rows() -> None:
    empty = market()
    assert empty.symbols == ()
    with pytest.raises(MarketMissing, match="BTCUSDT has no price yet"):
        empty.ticker_row(SYMBOL)
    with pytest.raises(MarketMissing, match="NOSUCH is not traded here; BTCUSDT, COARSEUSDT is"):
        empty.orderbook(Symbol("NOSUCH"), 1)


def test_the_book_is_the_best_level_and_stairs_of_a_tick_behind_it() -> None:
    book = priced().orderbook(SYMBOL, 3)
    assert book["b"] == [["59999.90", "2"], ["59999.80", "2"], ["59999.70", "2"]]
    assert book["a"] == [["60000.10", "2"], ["60000.20", "2"], ["60000.30", "2"]]
    assert set(book) == {"s", "b", "a", "ts", "u", "seq", "cts"}
    assert book["cts"] == START


def test_the_stairs_end_at_the_range_of_the_instrument() -> None:
    low = market()
    low.fold(trade("0.3"), ticker("0.2", "0.3", last="0.3"))
    assert low.orderbook(SYMBOL, 5)["b"] == [["0.20", "2"], ["0.10", "2"]]


def test_a_side_without_a_size_is_empty() -> None:
    bare = market()
    bare.fold(trade("60000"), ticker("59999.9", "60000.1", size="0"))
    assert bare.orderbook(SYMBOL, 5)["b"] == []


def test_a_book_that_was_set_stands_until_the_best_prices_change() -> None:
    shown = priced()
    ladder = Ladder(bids=((Price.of("59000"), Qty.of(1)),), asks=((Price.of("61000"), Qty.of(3)),))
    shown.set_book(SYMBOL, ladder)
    assert shown.orderbook(SYMBOL, 9)["b"] == [["59000.00", "1"]]
    shown.fold(trade("60010"), ticker("60009.9", "60010.1", last="60010"))
    assert shown.orderbook(SYMBOL, 1)["a"] == [["60010.10", "2"]]


@pytest.mark.parametrize(
    ("bids", "asks", "match"),
    [
        (("1", "2"), (), "do not descend"),
        ((), ("2", "1"), "do not ascend"),
        (("3",), ("2",), "the best bid 3 is above the best ask 2"),
    ],
)
def test_a_book_out_of_order_is_refused(
    bids: tuple[str, ...], asks: tuple[str, ...], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        Ladder(
            bids=tuple((Price.of(p), Qty.of(1)) for p in bids),
            asks=tuple((Price.of(p), Qty.of(1)) for p in asks),
        )
    with pytest.raises(ValueError, match="has no size"):
        Ladder(bids=((Price.of(1), Qty.of(0)),))


def test_a_ticker_row_sums_up_the_last_day() -> None:
    day = market()
    prices = (("100", START), ("120", START + HOUR), ("90", START + 2 * HOUR))
    for price, at in prices:
        point = trade(price, "2", at=at)
        day.fold(point, ticker("99", "101", last=price, time_ms=at))
    row = day.ticker_row(SYMBOL)
    assert (row["highPrice24h"], row["lowPrice24h"]) == ("120.00", "90.00")
    assert (row["prevPrice24h"], row["price24hPcnt"]) == ("100.00", "-0.100000")
    assert (row["volume24h"], row["turnover24h"]) == ("6", "620")
    assert row["prevPrice1h"] == "120.00"
    at = START + 25 * HOUR
    day.fold(trade("95", "1", at=at), ticker("94", "96", last="95", time_ms=at))
    assert day.ticker_row(SYMBOL)["prevPrice24h"] == "120.00", "the first hour is out of the day"
    assert day.ticker_row(SYMBOL)["volume24h"] == "5"


def test_funding_is_remembered_newest_first_and_shown_in_the_ticker() -> None:
    paid = priced()
    assert paid.ticker_row(SYMBOL)["fundingRate"] == "0"
    for number, rate in enumerate(("0.0001", "-0.0002", "0.0003")):
        point = FundingPoint(symbol=SYMBOL, time_ms=START + number, rate=Rate.of(rate))
        paid.fold(point, None)
    assert paid.ticker_row(SYMBOL)["fundingRate"] == "0.0003"
    rows = paid.funding_history(SYMBOL)
    assert [row["fundingRate"] for row in rows] == ["0.0003", "-0.0002", "0.0001"]
    middle = paid.funding_history(SYMBOL, START + 1, START + 1)
    expected = {
        "symbol": "BTCUSDT",
        "fundingRate": "-0.0002",
        "fundingRateTimestamp": str(START + 1),
    }
    assert middle == [expected]
    assert len(paid.funding_history(SYMBOL, limit=2)) == 2


def test_the_next_funding_is_the_next_multiple_of_the_interval() -> None:
    eight_hours = 8 * HOUR
    row = priced().ticker_row(SYMBOL)
    assert row["nextFundingTime"] == str((START // eight_hours + 1) * eight_hours)
    assert (row["fundingIntervalHour"], row["fundingCap"]) == ("8", "0.00375")


def test_a_price_limit_is_the_mark_and_its_band_on_the_grid() -> None:
    assert priced("60000.7").price_limit(SYMBOL) == {
        "symbol": "BTCUSDT",
        "buyLmt": "60600.70",
        "sellLmt": "59400.70",
        "ts": str(START),
    }


@pytest.mark.parametrize(
    ("index", "highest", "lowest"),
    [
        ("60000", "60600.00", "59400.00"),
        ("60900", "60900.00", "59400.00"),
        ("61500", "61200.00", "59400.00"),
        ("59000", "60600.00", "59000.00"),
        ("58000", "60600.00", "58800.00"),
    ],
)
def test_an_index_beyond_the_band_widens_the_limit_up_to_the_outer_band(
    index: str, highest: str, lowest: str
) -> None:
    found = priced()
    found.reprice(attrs.evolve(ticker("59999.9", "60000.1"), index=Price.of(index)))
    limits = found.price_limit(SYMBOL)
    assert (limits["buyLmt"], limits["sellLmt"]) == (highest, lowest)


def test_trades_are_kept_newest_first_and_bounded() -> None:
    busy = market()
    for number in range(1_005):
        busy.fold(trade("100" if number % 2 else "101", at=START + number))
    rows = busy.recent_trades(SYMBOL, 1_000)
    assert len(rows) == 1_000
    assert rows[0]["time"] == str(START + 1_004)
    assert len({row["execId"] for row in rows}) == 1_000
    assert len(busy.recent_trades(SYMBOL, 3)) == 3


def test_a_taker_is_told_by_the_data_and_else_by_the_way_the_price_went() -> None:
    busy = market()
    moves = (("100", None), ("101", None), ("101", None), ("99", None), ("99", None))
    for price, side in (*moves, ("99", Side.BUY)):
        busy.fold(trade(price, side=side))
    sides = [row["side"] for row in reversed(busy.recent_trades(SYMBOL))]
    assert sides == ["Buy", "Buy", "Buy", "Sell", "Sell", "Buy"]


def test_mark_candles_have_five_columns_and_follow_the_mark() -> None:
    found = priced()
    changed = attrs.evolve(ticker("59999.9", "60000.1"), mark=Price.of("60050"))
    found.fold(MarkPoint(symbol=SYMBOL, time_ms=START + 1, mark=Price.of("60050")), changed)
    ((start, opened, high, low, close),) = found.klines(SYMBOL, "5", kind=PriceKind.MARK)
    assert (start, opened, high) == (str(START), "60000.00", "60050.00")
    assert (low, close) == ("60000.00", "60050.00")
    (premium,) = found.klines(SYMBOL, "5", kind=PriceKind.PREMIUM)
    assert premium[1:] == ["0", "0", "0", "0"]
    (last,) = found.klines(SYMBOL, "5")
    assert last[5:] == ["1", "60000"]


def test_an_unknown_interval_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="interval '2': accepted are 1, 3, 5"):
        priced().klines(SYMBOL, "2")


def test_a_bar_counts_with_all_its_prices() -> None:
    found = market()
    bar = Bar(
        symbol=SYMBOL,
        start_ms=START,
        end_ms=START + HOUR - 1,
        open=Price.of(100),
        high=Price.of(130),
        low=Price.of(80),
        close=Price.of(110),
        volume=Qty.of(7),
    )
    found.fold(bar, ticker("109", "111", last="110"))
    (row,) = found.klines(SYMBOL, "60")
    assert row == [str(START), "100.00", "130.00", "80.00", "110.00", "7", "770"]
    (told,) = found.recent_trades(SYMBOL)
    assert (told["price"], told["size"]) == ("110.00", "7")


def test_quotes_are_known_to_set_the_best_prices() -> None:
    found = priced()
    assert not found.is_quoted(SYMBOL)
    quote = QuotePoint(
        symbol=SYMBOL,
        time_ms=START,
        bid=Price.of(59_990),
        bid_size=Qty.of(1),
        ask=Price.of(60_010),
        ask_size=Qty.of(1),
    )
    found.fold(quote, ticker("59990", "60010", size="1"))
    assert found.is_quoted(SYMBOL)


def test_a_changed_tick_changes_how_prices_are_written() -> None:
    found = priced()
    found.set_instrument(attrs.evolve(BTCUSDT, tick=Distance.of("0.001")))
    assert found.ticker_row(SYMBOL)["lastPrice"] == "60000.000"
    assert found.orderbook(SYMBOL, 1)["b"] == [["59999.900", "2"]]


def test_books_that_are_held_are_told_together() -> None:
    found, told = market(), list[PublicPush]()
    end = found.subscribe(told.append)
    found.is_book_held = True
    for price in ("60000", "60001"):
        found.fold(trade(price), ticker(price, price, last=price))
    assert not [push for push in told if push.topic.startswith("orderbook")]
    found.tell_books()
    assert len([push for push in told if push.topic == "orderbook.50.BTCUSDT"]) == 1
    end()
    found.is_book_held = False
    found.fold(trade("60002"), ticker("60002", "60003", last="60002"))
    assert len([push for push in told if push.topic == "orderbook.50.BTCUSDT"]) == 1


def test_what_nobody_listens_to_is_not_told_and_still_keeps_up() -> None:
    found, told = market(), list[PublicPush]()
    found.subscribe(told.append)
    found.wants = lambda _: False
    found.fold(trade("60000"), ticker("60000", "60001", last="60000"))
    first = found.orderbook(SYMBOL, 1)
    found.fold(trade("60010"), ticker("60010", "60011", last="60010"))
    second = found.orderbook(SYMBOL, 1)
    found.roll(START + 10 * HOUR)
    assert told == []
    assert (first["b"], second["b"]) == ([["60000.00", "2"]], [["60010.00", "2"]])
    assert isinstance(first["u"], int)
    assert second["u"] == first["u"] + 1
    assert found.ticker_row(SYMBOL)["lastPrice"] == "60010.00"


def test_every_change_has_a_higher_number() -> None:
    found = priced()
    numbers = [found.orderbook(SYMBOL, 1)["seq"]]
    found.reprice(attrs.evolve(ticker("59999.9", "60000.1"), index=Price.of("60001")))
    numbers.append(found.orderbook(SYMBOL, 1)["seq"])
    found.set_book(SYMBOL, Ladder())
    numbers.append(found.orderbook(SYMBOL, 1)["seq"])
    found.fold(MarkPoint(symbol=SYMBOL, time_ms=START, mark=Price.of(1)))
    numbers.append(found.orderbook(SYMBOL, 1)["seq"])
    assert numbers == [1, 2, 3, 4]
