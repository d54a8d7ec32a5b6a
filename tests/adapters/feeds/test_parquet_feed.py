"""Parquet files through the optional extra."""

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.feeds import (
    BarSchema,
    MarkSchema,
    ParquetFeed,
    Schema,
    TimeForm,
    TradeSchema,
)
from tidegate.domain.orders import Side
from tidegate.ports.feed import FeedError, MarkPoint, TradePoint

from tests.adapters.feeds.files import MINUTE_MS, START_MS, SYMBOL, bar

AT = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PRICES: dict[str, Any] = {
    "open": [100.0, 100.1],
    "high": [102.0, 102.3],
    "low": [99.0, 99.7],
    "close": [101.0, 101.9],
    "volume": [5.0, 0.1],
}
STARTS = [START_MS, START_MS + MINUTE_MS]


def write(folder: Path, columns: dict[str, Any], schema: Any = None) -> Path:
    arrow = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    path = folder / "bars.parquet"
    parquet.write_table(arrow.table(columns, schema=schema), path)
    return path


def expected() -> list[object]:
    return [bar(0), bar(1, "100.1,102.3,99.7,101.9,0.1")]


def test_doubles_become_the_decimal_that_was_written(tmp_path: Path) -> None:
    feed = ParquetFeed(write(tmp_path, {"start_ms": STARTS, **PRICES}), symbol=SYMBOL)
    assert list(feed.items()) == expected()
    assert feed.gaps() == ()


def test_decimals_text_and_integers_are_exact(tmp_path: Path) -> None:
    # 20 digits: no double holds them
    exact = Decimal("101.00000000000000000001")
    columns = {
        "start_ms": STARTS,
        "open": [100, 101],
        "high": ["102", "102.50"],
        "low": [Decimal(99), Decimal("99.5")],
        "close": [exact, exact],
        "volume": [5.0, 0.1],
    }
    first = next(ParquetFeed(str(write(tmp_path, columns)), symbol=SYMBOL).items())
    assert str(getattr(first, "close", None)) == "101.00000000000000000001"


@pytest.mark.parametrize(
    ("unit", "zone", "form"),
    [("ns", "UTC", None), ("ms", "Europe/Paris", None), ("us", None, TimeForm.ISO_8601_UTC)],
)
def test_timestamps_keep_their_moment(
    tmp_path: Path, unit: str, zone: str | None, form: TimeForm | None
) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    moments = [AT, AT + MINUTE]
    if zone is None:
        moments = [moment.replace(tzinfo=None) for moment in moments]
    times = arrow.array(moments, type=arrow.timestamp(unit, tz=zone))
    path = write(tmp_path, {"date": times, **PRICES})
    feed = ParquetFeed(path, symbol=SYMBOL, schema=BarSchema(time_form=form))
    assert list(feed.items()) == expected()


def test_trades_are_read_too_and_other_columns_are_left_alone(tmp_path: Path) -> None:
    columns = {
        "time_ms": STARTS,
        "price": [1.5, 1.6],
        "qty": [1, 2],
        "side": ["Buy", None],
        "tags": [["a"], []],
    }
    feed = ParquetFeed(write(tmp_path, columns), symbol=SYMBOL, schema=TradeSchema())
    sides = [item.taker_side for item in feed.items() if isinstance(item, TradePoint)]
    assert sides == [Side.BUY, None]


def test_marks_are_read_from_mark_price_bars(tmp_path: Path) -> None:
    path = write(tmp_path, {"start_ms": STARTS, **PRICES})
    feed = ParquetFeed(path, symbol=SYMBOL, schema=MarkSchema())
    assert [str(item.mark) for item in feed.items() if isinstance(item, MarkPoint)] == [
        "100.0", "100.1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"open": [100.0, float("nan")]}, ["row 2, column 'open': 'nan'", "not a number"]),
        ({"close": [101.0, None]}, ["row 2, column 'close': ''", "not a number"]),
        ({"low": [99.0, 120.0]}, ["row 2, column 'high': '102.3'", "below the low 120"]),
        ({"volume": [True, False]}, ["column 'volume' has type bool", "double (64 bits)"]),
        ({"date": [AT, AT]}, ["2 time columns (start_ms, date)"]),
        ({"start_ms": [AT.replace(tzinfo=None)] * 2}, ["no UTC offset", "ISO_8601_UTC"]),
    ],
)
def test_a_bad_value_is_refused_with_file_row_column_and_value(
    tmp_path: Path, change: dict[str, Any], parts: list[str]
) -> None:
    path = write(tmp_path, {"start_ms": STARTS, **PRICES, **change})
    with pytest.raises(FeedError) as error:
        ParquetFeed(path, symbol=SYMBOL)
    for part in ["bars.parquet", "accepted", *parts]:
        assert part in str(error.value)


def test_narrow_floats_are_refused_because_they_lost_digits(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    narrow = arrow.array([100.1, 100.2], type=arrow.float32())
    path = write(tmp_path, {"start_ms": STARTS, **PRICES, "open": narrow})
    with pytest.raises(FeedError, match=r"column 'open' has type float; accepted: decimal"):
        ParquetFeed(path, symbol=SYMBOL)


def test_a_file_that_is_no_parquet_or_missing_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    path = tmp_path / "bars.parquet"
    path.write_text("start_ms,open", encoding="utf-8")
    with pytest.raises(FeedError, match=r"bars\.parquet is no Parquet file"):
        ParquetFeed(path, symbol=SYMBOL)
    with pytest.raises(FeedError, match=r"none\.parquet cannot be read: No such file"):
        ParquetFeed(tmp_path / "none.parquet", symbol=SYMBOL)


@pytest.mark.parametrize("schema", [BarSchema(), TradeSchema()])
def test_without_the_extra_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: Schema
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FeedError, match=r"pip install 'tidegate\[parquet\]'"):
        ParquetFeed(tmp_path / "bars.parquet", symbol=SYMBOL, schema=schema)
