"""Bars from CSV files: exact, ordered, and refused with the place and the value."""

import gzip
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.feeds import BarSchema, CsvFeed, Gap, TimeForm, VolumeUnit
from tidegate.domain.money import Qty
from tidegate.domain.reports import Bar
from tidegate.ports.feed import FeedError

from tests.adapters.feeds.files import (
    HEADER,
    MINUTE_MS,
    START_MS,
    SYMBOL,
    bar,
    csv_file,
    gzip_file,
    row,
)


def test_bars_are_read_with_the_digits_that_the_file_holds(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0, "46319.0,46385.10,46319.0,46377.0,0.1"), row(1))
    feed = CsvFeed(path, symbol=SYMBOL)
    first, second = feed.items()
    assert first == bar(0, "46319.0,46385.10,46319.0,46377.0,0.1")
    assert isinstance(first, Bar)
    assert str(first.high) == "46385.10"
    assert second == bar(1)
    assert len(feed) == 2
    assert feed.gaps() == ()


def test_gzip_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    zipped = gzip_file(tmp_path, HEADER, row(0), row(1), name="bars.csv")
    assert list(CsvFeed(str(zipped), symbol=SYMBOL).items()) == [bar(0), bar(1)]
    plain = csv_file(tmp_path, HEADER, row(0), row(1), name="bars.csv.gz")
    assert list(CsvFeed(plain, symbol=SYMBOL).items()) == [bar(0), bar(1)]


def test_the_first_rows_alone_are_read_when_so_many_are_asked_for(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0), row(1), "no time,1,1,1,1,1")
    assert list(CsvFeed(path, symbol=SYMBOL, rows=2).items()) == [bar(0), bar(1)]
    with pytest.raises(FeedError, match="row 4"):
        CsvFeed(path, symbol=SYMBOL, rows=3)
    with pytest.raises(ValueError, match="rows is 0; accepted: 1 or more"):
        CsvFeed(path, symbol=SYMBOL, rows=0)


def test_reading_starts_at_any_index_and_repeats(tmp_path: Path) -> None:
    feed = CsvFeed(csv_file(tmp_path, HEADER, *map(row, range(5))), symbol=SYMBOL)
    assert list(feed.items(start=3)) == [bar(3), bar(4)]
    assert list(feed.items(start=3)) == [bar(3), bar(4)]
    assert list(feed.items(start=5)) == []


@pytest.mark.parametrize("start", [-1, 6])
def test_an_index_outside_the_feed_is_refused_with_the_range(tmp_path: Path, start: int) -> None:
    feed = CsvFeed(csv_file(tmp_path, HEADER, *map(row, range(5))), symbol=SYMBOL)
    with pytest.raises(ValueError, match=rf"start {start} .*accepted: 0 to 5"):
        feed.items(start=start)


def test_columns_are_found_by_name_whatever_their_order_case_and_neighbours(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "\ufeffVolume, Close,LOW,high,Open,trades,Timestamp",
        f"5,101,99,102,100,17,{START_MS}",
        f"5,101,99,102,100,17,{START_MS + MINUTE_MS}",
    )
    assert list(CsvFeed(path, symbol=SYMBOL).items()) == [bar(0), bar(1)]


def test_a_schema_names_the_columns(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "time,date,o,h,l,c,v",
        f"x,{START_MS},100,102,99,101,5",
        f"x,{START_MS + MINUTE_MS},100,102,99,101,5",
    )
    schema = BarSchema(time="date", open="o", high="h", low="l", close="c", volume="v")
    assert list(CsvFeed(path, symbol=SYMBOL, schema=schema).items()) == [bar(0), bar(1)]


def test_blank_lines_are_skipped_and_counted_in_row_numbers(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0), "", row(1), "", row(2, "100,102,99,x,5"))
    with pytest.raises(FeedError, match=r"row 6, column 'close': 'x'"):
        CsvFeed(path, symbol=SYMBOL)


def test_the_smallest_spacing_is_the_bar_and_wider_ones_are_gaps(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0), row(3), row(4), row(6))
    feed = CsvFeed(path, symbol=SYMBOL)
    assert list(feed.items()) == [bar(0), bar(3), bar(4), bar(6)]
    assert feed.gaps() == (
        Gap(from_ms=START_MS + MINUTE_MS, until_ms=START_MS + 3 * MINUTE_MS, bars_missing=2),
        Gap(from_ms=START_MS + 5 * MINUTE_MS, until_ms=START_MS + 6 * MINUTE_MS, bars_missing=1),
    )


def test_a_stated_bar_length_is_used_for_a_single_bar(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0))
    feed = CsvFeed(path, symbol=SYMBOL, schema=BarSchema(bar_ms=MINUTE_MS))
    assert list(feed.items()) == [bar(0)]


@pytest.mark.parametrize(
    ("unit", "prices", "volume"),
    [
        (VolumeUnit.BASE, "100,300,99,300,5", "5"),
        # 900 USDT at a close of 300 are 3 coins.
        (VolumeUnit.QUOTE, "100,300,99,300,900", "3"),
        # 1,000 contracts of one dollar at 300: 3.33333333..., rounded down at eight decimals.
        (VolumeUnit.CONTRACTS_USD, "100,300,99,300,1000", "3.33333333"),
        (VolumeUnit.QUOTE, "100,300,99,300,2", "0.00666666"),
    ],
)
def test_volumes_become_base_coin_at_the_close(
    tmp_path: Path, unit: VolumeUnit, prices: str, volume: str
) -> None:
    path = csv_file(tmp_path, HEADER, row(0, prices), row(1))
    first = next(CsvFeed(path, symbol=SYMBOL, schema=BarSchema(volume_unit=unit)).items())
    assert isinstance(first, Bar)
    assert first.volume == Qty.of(volume)


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (["abc,102,99,101,5"], ["row 2, column 'open': 'abc'", "not a number", "64000.5"]),
        (["100,102,99,,5"], ["row 2, column 'close': ''", "not a number"]),
        (["100,nan,99,101,5"], ["row 2, column 'high': 'nan'", "not a number"]),
        (["100,inf,99,101,5"], ["row 2, column 'high': 'inf'", "not a number"]),
        (['"1,000",1002,99,101,5'], ["row 2, column 'open': '1,000'", "not a number"]),
        (["0,102,0,101,5"], ["row 2, column 'open': '0'", "accepted: above zero to 1000000"]),
        (["100,102,-1,101,5"], ["row 2, column 'low': '-1'", "accepted: above zero"]),
        (["100,1e19,99,101,5"], ["row 2, column 'high': '1e19'", "1000000000000000000"]),
        (["100,102,99,101,-0.5"], ["row 2, column 'volume': '-0.5'", "accepted: zero to"]),
        (["100,102,99,101,x"], ["row 2, column 'volume': 'x'", "not a number"]),
        (["100,98,99,101,5"], ["row 2, column 'high': '98'", "below the low 99", "99 or more"]),
        (["103,102,99,101,5"], ["row 2, column 'open': '103'", "from its low 99 to its high 102"]),
        (["100,102,99,98,5"], ["row 2, column 'close': '98'", "from its low 99 to its high 102"]),
        (["100,102,99,101,5", "100,102,99,101"], ["row 3 has 5 cells", "accepted: 6"]),
        (["100,102,99,101,5,7"], ["row 2 has 7 cells", "accepted: 6"]),
        (["100,102,99," + "9" * 500 + ",5"], ["row 2, column 'close'", "9..."]),
    ],
)
def test_a_bad_row_is_refused_with_file_row_column_and_value(
    tmp_path: Path, rows: list[str], parts: list[str]
) -> None:
    path = csv_file(tmp_path, HEADER, *(row(i, prices) for i, prices in enumerate(rows)))
    with pytest.raises(FeedError) as error:
        CsvFeed(path, symbol=SYMBOL)
    for part in ["bars.csv", "accepted", *parts]:
        assert part in str(error.value)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("minutes", "parts"),
    [
        ([0, 1, 1], ["row 4", f"{START_MS + MINUTE_MS} repeats", "each time once"]),
        ([0, 2, 1], ["row 4", f"{START_MS + MINUTE_MS} is earlier", "ascending", "oldest first"]),
        ([0, 2, 5], ["row 4", "lies 180000 ms after", "bars of 120000 ms"]),
    ],
)
def test_rows_out_of_order_are_refused(
    tmp_path: Path, minutes: list[int], parts: list[str]
) -> None:
    path = csv_file(tmp_path, HEADER, *map(row, minutes))
    with pytest.raises(FeedError) as error:
        CsvFeed(path, symbol=SYMBOL)
    for part in ["bars.csv", "accepted", *parts]:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("bar_ms", "parts"),
    [
        (None, ["one row", "two rows or more", "bar_ms"]),
        (0, ["bar_ms 0", "above zero"]),
        (-1, ["bar_ms -1", "above zero"]),
    ],
)
def test_a_bar_length_that_cannot_be_is_refused(
    tmp_path: Path, bar_ms: int | None, parts: list[str]
) -> None:
    path = csv_file(tmp_path, HEADER, row(0))
    with pytest.raises(FeedError) as error:
        CsvFeed(path, symbol=SYMBOL, schema=BarSchema(bar_ms=bar_ms))
    for part in ["bars.csv", "accepted", *parts]:
        assert part in str(error.value)


def test_bars_shorter_than_the_stated_length_overlap_and_are_refused(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, row(0), row(1))
    with pytest.raises(FeedError, match=r"row 3: .*whole number of bars of 120000 ms"):
        CsvFeed(path, symbol=SYMBOL, schema=BarSchema(bar_ms=2 * MINUTE_MS))


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("start_ms,open,high,low,close", ["0 columns 'volume'", "found start_ms, open"]),
        ("start_ms,open,open,low,close,volume", ["2 columns 'open'", "exactly one"]),
        ("start_ms;open;high;low;close;volume", ["comma-separated"]),
        ("when,open,high,low,close,volume", ["0 time columns", "start_ms, time_ms", "schema"]),
        ("date,time,open,high,low,close,volume", ["2 time columns (date, time)", "schema"]),
    ],
)
def test_a_header_without_the_columns_is_refused(
    tmp_path: Path, header: str, parts: list[str]
) -> None:
    path = csv_file(tmp_path, header, row(0))
    with pytest.raises(FeedError) as error:
        CsvFeed(path, symbol=SYMBOL)
    for part in ["bars.csv", "accepted", *parts]:
        assert part in str(error.value)


def test_files_that_are_no_csv_are_refused_by_name(tmp_path: Path) -> None:
    cases = {
        "empty": b"",
        "no rows": HEADER.encode() + b"\n\n",
        "UTF-8": b"start_ms,op\xffen",
        "damaged gzip": gzip.compress(b"start_ms,open" * 99)[:-9],
        "no CSV file": HEADER.encode() + b'\n1,"2\n',
    }
    for part, content in cases.items():
        path = tmp_path / "bars.csv"
        path.write_bytes(content)
        with pytest.raises(FeedError, match=rf"^bars\.csv .*{part}.*accepted"):
            CsvFeed(path, symbol=SYMBOL)


def test_damage_inside_a_gzip_file_is_named_as_such(tmp_path: Path) -> None:
    path = gzip_file(tmp_path, HEADER, *map(row, range(200)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(FeedError):
        CsvFeed(path, symbol=SYMBOL)


def test_a_missing_file_and_a_folder_are_refused_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"none\.csv cannot be read: No such file"):
        CsvFeed(tmp_path / "none.csv", symbol=SYMBOL)
    with pytest.raises(FeedError, match="cannot be read: Is a directory"):
        CsvFeed(tmp_path, symbol=SYMBOL)


AMOUNTS = st.decimals(
    min_value=Decimal("0.00000001"), max_value=Decimal(10**9), allow_nan=False, places=8
)


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    minutes = sorted({0, 1, *draw(st.sets(st.integers(0, 500), max_size=8))})
    made = []
    for minute in minutes:
        low, open_, high = sorted(draw(st.lists(AMOUNTS, min_size=3, max_size=3)))
        close = draw(st.sampled_from([low, open_, high]))
        volume = draw(AMOUNTS | st.just(Decimal(0)))
        made.append(bar(minute, f"{open_},{high},{low},{close},{volume}"))
    return made


def text_of(time_ms: int, form: TimeForm) -> str:
    return str(time_ms // 1000 if form is TimeForm.SECONDS else time_ms)


@settings(deadline=None, max_examples=60)
@given(
    written=bars(),
    form=st.sampled_from([TimeForm.MILLISECONDS, TimeForm.SECONDS]),
    is_zipped=st.booleans(),
)
def test_what_was_written_is_what_is_read(
    written: list[Bar], form: TimeForm, is_zipped: bool
) -> None:
    rows = [
        f"{text_of(b.start_ms, form)},{b.open},{b.high},{b.low},{b.close},{b.volume}"
        for b in written
    ]
    with tempfile.TemporaryDirectory() as folder:
        write = gzip_file if is_zipped else csv_file
        path = write(Path(folder), HEADER.replace("start_ms", "timestamp"), *rows)
        feed = CsvFeed(path, symbol=SYMBOL)
    assert list(feed.items()) == written
    missing = sum(gap.bars_missing for gap in feed.gaps())
    assert len(written) + missing == (written[-1].end_ms - written[0].start_ms) // MINUTE_MS
