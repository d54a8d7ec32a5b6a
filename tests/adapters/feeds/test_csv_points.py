"""Quotes, trades, marks and funding from CSV files."""

from pathlib import Path

import pytest
from tidegate.adapters.feeds import (
    CsvFeed,
    FundingSchema,
    MarkSchema,
    QuoteBarSchema,
    QuoteSchema,
    Schema,
    TradeSchema,
)
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.ports.feed import (
    FeedError,
    FeedItem,
    FundingPoint,
    MarkPoint,
    QuotePoint,
    TradePoint,
)

from tests.adapters.feeds.files import MINUTE_MS, START_MS, SYMBOL, csv_file


def quote(time_ms: int, bid: str = "100.5", ask: str = "100.6") -> QuotePoint:
    return QuotePoint(
        symbol=SYMBOL,
        time_ms=time_ms,
        bid=Price.of(bid),
        bid_size=Qty.of("3"),
        ask=Price.of(ask),
        ask_size=Qty.of("0"),
    )


def read(folder: Path, schema: Schema, *rows: str) -> list[FeedItem]:
    return list(CsvFeed(csv_file(folder, *rows), symbol=SYMBOL, schema=schema).items())


def test_quotes_may_share_a_time_and_keep_their_order(tmp_path: Path) -> None:
    items = read(
        tmp_path,
        QuoteSchema(),
        "time_ms,bid,bid_size,ask,ask_size",
        f"{START_MS},100.5,3,100.6,0",
        f"{START_MS},100.4,3,100.5,0",
    )
    assert items == [quote(START_MS), quote(START_MS, "100.4", "100.5")]


def test_a_quote_bar_gives_its_closing_quote_at_its_end(tmp_path: Path) -> None:
    items = read(
        tmp_path,
        QuoteBarSchema(),
        "start_ms,bid_open,bid_close,bid_size,ask_open,ask_close,ask_size",
        f"{START_MS},1,100.5,3,2,100.6,0",
        f"{START_MS + MINUTE_MS},1,100.4,3,2,100.5,0",
        f"{START_MS + 5 * MINUTE_MS},1,100.3,3,2,100.4,0",
    )
    assert items == [
        quote(START_MS + MINUTE_MS),
        quote(START_MS + 2 * MINUTE_MS, "100.4", "100.5"),
        quote(START_MS + 6 * MINUTE_MS, "100.3", "100.4"),
    ]


def test_trades_carry_the_taker_side_where_the_file_tells(tmp_path: Path) -> None:
    items = read(
        tmp_path,
        TradeSchema(),
        "time_ms,price,qty,side",
        f"{START_MS},100.5,0.001,Buy",
        f"{START_MS},100.4,2,SELL",
        f"{START_MS},100.4,3,",
    )
    assert [(t.taker_side, str(t.price)) for t in items if isinstance(t, TradePoint)] == [
        (Side.BUY, "100.5"),
        (Side.SELL, "100.4"),
        (None, "100.4"),
    ]


def test_trades_without_a_side_column_need_a_schema_that_says_so(tmp_path: Path) -> None:
    rows = ("timestamp,price,size", "1585180700.0647,6698.5,0.018")
    with pytest.raises(FeedError, match="0 columns 'qty'"):
        read(tmp_path, TradeSchema(), *rows)
    with pytest.raises(FeedError, match="0 columns 'side'"):
        read(tmp_path, TradeSchema(qty="size"), *rows)
    assert read(tmp_path, TradeSchema(qty="size", side=None), *rows) == [
        TradePoint(
            symbol=SYMBOL,
            time_ms=1_585_180_700_064,
            price=Price.of("6698.5"),
            qty=Qty.of("0.018"),
        )
    ]


@pytest.mark.parametrize(
    ("schema", "header", "mark"),
    [
        (MarkSchema(), "start_ms,open,high,low,close", "1.0959"),
        (MarkSchema(), "start_ms,open,high,low,mark", "1.1"),
        (MarkSchema(mark="high"), "start_ms,open,high,low,mark", "1.2"),
    ],
)
def test_a_mark_is_its_own_column_or_the_open_of_a_bar(
    tmp_path: Path, schema: Schema, header: str, mark: str
) -> None:
    assert read(tmp_path, schema, header, f"{START_MS},1.0959,1.2,1.0,1.1") == [
        MarkPoint(symbol=SYMBOL, time_ms=START_MS, mark=Price.of(mark))
    ]


def test_a_file_without_a_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="0 columns 'mark'; found start_ms, price"):
        read(tmp_path, MarkSchema(), "start_ms,price", f"{START_MS},1.0959")


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "1e-999999999"])
def test_a_rate_that_no_memory_holds_is_refused(tmp_path: Path, text: str) -> None:
    path = csv_file(tmp_path, "time_ms,rate", f"{START_MS},{text}")
    with pytest.raises(FeedError, match=f"'{text}' is not a number"):
        CsvFeed(path, symbol=SYMBOL, schema=FundingSchema())


def test_funding_keeps_the_sign_of_its_rate(tmp_path: Path) -> None:
    rows = ("start_ms,rate", f"{START_MS},0.0001", f"{START_MS + 7},-0.00375")
    assert read(tmp_path, FundingSchema(), *rows) == [
        FundingPoint(symbol=SYMBOL, time_ms=START_MS, rate=Rate.of("0.0001")),
        FundingPoint(symbol=SYMBOL, time_ms=START_MS + 7, rate=Rate.of("-0.00375")),
    ]


QUOTES = "time_ms,bid,bid_size,ask,ask_size"
TRADES = "time_ms,price,qty,side"


@pytest.mark.parametrize(
    ("schema", "header", "rows", "parts"),
    [
        (QuoteSchema(), QUOTES, ["0,1,1,x,1"], ["row 2, column 'ask': 'x'", "not a number"]),
        (QuoteSchema(), QUOTES, ["0,2,1,1,1"], ["column 'ask': '1'", "below the bid 2", "2 or"]),
        (QuoteSchema(), QUOTES, ["0,0,1,1,1"], ["column 'bid': '0'", "above zero"]),
        (QuoteSchema(), QUOTES, ["0,1,-1,1,1"], ["column 'bid_size': '-1'", "zero to"]),
        (QuoteSchema(), QUOTES, ["1,1,1,1,1", "0,1,1,1,1"], ["row 3", "is earlier"]),
        (TradeSchema(), TRADES, ["0,1,0,buy"], ["column 'qty': '0'", "above zero"]),
        (TradeSchema(), TRADES, ["0,-1,1,buy"], ["column 'price': '-1'", "above zero"]),
        (TradeSchema(), TRADES, ["0,1,1,long"], ["column 'side': 'long'", "buy, sell"]),
        (TradeSchema(), TRADES, ["1,1,1,buy", "0,1,1,buy"], ["row 3", "oldest first"]),
        (MarkSchema(), "time_ms,mark", ["0,0"], ["column 'mark': '0'", "above zero"]),
        (MarkSchema(), "time_ms,mark", ["0,1", "0,1"], ["row 3", "repeats", "each time once"]),
        (FundingSchema(), "time_ms,rate", ["0,1"], ["column 'rate': '1'", "between -1 and 1"]),
        (FundingSchema(), "time_ms,rate", ["0,-1"], ["column 'rate': '-1'", "0.0001"]),
        (FundingSchema(), "time_ms,rate", ["0,nan"], ["column 'rate': 'nan'", "not a number"]),
        (FundingSchema(), "time_ms,rate", ["0,0", "0,0"], ["row 3", "repeats"]),
        (QuoteBarSchema(), QUOTES, ["0,1,1,1,1", "1,1,1,1,1"], ["0 columns 'bid_close'"]),
        (
            QuoteBarSchema(bid="bid", ask="ask"),
            QUOTES,
            ["0,1,1,1,1", "0,1,1,1,1"],
            ["row 3", "repeats"],
        ),
        (QuoteBarSchema(bid="bid", ask="ask"), QUOTES, ["0,1,1,1,1"], ["one row", "bar_ms"]),
    ],
)
def test_a_bad_point_is_refused_with_file_row_column_and_value(
    tmp_path: Path, schema: Schema, header: str, rows: list[str], parts: list[str]
) -> None:
    shifted = [
        f"{START_MS + int(time)},{rest}" for time, _, rest in (r.partition(",") for r in rows)
    ]
    with pytest.raises(FeedError) as error:
        read(tmp_path, schema, header, *shifted)
    for part in ["bars.csv", "accepted", *parts]:
        assert part in str(error.value)
