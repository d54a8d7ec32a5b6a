"""Times in files: the unit is told by name or value, or it is an error."""

from pathlib import Path

import pytest
from tidegate.adapters.feeds import CsvFeed, MarkSchema, TimeForm
from tidegate.ports.feed import FeedError, MarkPoint

from tests.adapters.feeds.files import SYMBOL, csv_file


def times(folder: Path, column: str, *texts: str, form: TimeForm | None = None) -> list[int]:
    path = csv_file(folder, f"{column},mark", *(f"{text},100" for text in texts))
    feed = CsvFeed(path, symbol=SYMBOL, schema=MarkSchema(time=column, time_form=form))
    return [item.time_ms for item in feed.items() if isinstance(item, MarkPoint)]


# 2022-01-01T00:00:00Z is 1,640,995,200 seconds after 1970.
@pytest.mark.parametrize(
    ("column", "text", "time_ms"),
    [
        ("start_ms", "1640995200000", 1_640_995_200_000),
        ("timestamp", "1640995200000", 1_640_995_200_000),
        ("timestamp", "1640995200000.0", 1_640_995_200_000),
        ("timestamp", "1640995200", 1_640_995_200_000),
        ("time_s", "1640995200", 1_640_995_200_000),
        # parts of a millisecond are dropped
        ("timestamp", "1640995200.1239", 1_640_995_200_123),
        ("date", "2022-01-01T00:00:00Z", 1_640_995_200_000),
        ("date", " 2022-01-01 00:00:00.5+00:00", 1_640_995_200_500),
        ("date", "2022-01-01T02:00:00+02:00", 1_640_995_200_000),
    ],
)
def test_a_time_is_read_in_the_form_that_name_and_value_tell(
    tmp_path: Path, column: str, text: str, time_ms: int
) -> None:
    assert times(tmp_path, column, text) == [time_ms]


@pytest.mark.parametrize(
    ("form", "text", "time_ms"),
    [
        (TimeForm.SECONDS, "86400", 86_400_000),
        (TimeForm.MILLISECONDS, "86400", 86_400),
        (TimeForm.ISO_8601_UTC, "1970-01-02", 86_400_000),
        (TimeForm.ISO_8601_UTC, "1970-01-02T01:00:00+01:00", 86_400_000),
        (TimeForm.ISO_8601, "1970-01-02T00:00Z", 86_400_000),
    ],
)
def test_a_stated_form_is_taken_at_its_word(
    tmp_path: Path, form: TimeForm, text: str, time_ms: int
) -> None:
    assert times(tmp_path, "when", text, form=form) == [time_ms]


@pytest.mark.parametrize(
    ("column", "texts", "parts"),
    [
        # year 2603 in seconds or 1970-08-20 in milliseconds
        ("time", ["20000000000"], ["neither seconds", "nor milliseconds", "TimeForm.SECONDS"]),
        ("time", ["20220101"], ["neither seconds", "nor milliseconds"]),
        # microseconds
        ("time", ["1640995200000000"], ["neither seconds", "nor milliseconds"]),
        ("time", ["1e999999"], ["'1e999999'", "ISO 8601"]),
        ("start_ms", ["1640995200"], ["reads as seconds", "name says milliseconds"]),
        ("start_s", ["1640995200000"], ["reads as milliseconds", "name says seconds"]),
        ("time", ["1640995200000", "1640995201"], ["row 3", "milliseconds; accepted: 1000000"]),
        ("time", ["1640995200", "1640995201000"], ["row 3", "seconds; accepted: 100000000 to"]),
        ("time", ["1640995200", "x"], ["row 3", "'x'", "no time in seconds"]),
        ("time", ["1640995200000", "x"], ["row 3", "'x'", "no time in milliseconds"]),
        ("time", ["2022-01-01T00:00:00"], ["no UTC offset", "TimeForm.ISO_8601_UTC"]),
        ("time", ["yesterday"], ["'yesterday'", "no ISO 8601 time"]),
        ("time", ["1969-12-31T23:59:59Z"], ["before 1970", "accepted: times since 1970"]),
    ],
)
def test_a_time_that_cannot_be_told_is_refused(
    tmp_path: Path, column: str, texts: list[str], parts: list[str]
) -> None:
    with pytest.raises(FeedError) as error:
        times(tmp_path, column, *texts)
    for part in ["bars.csv, row", f"column '{column}'", "accepted", *parts]:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (TimeForm.MILLISECONDS, "-1"),
        (TimeForm.SECONDS, "-1"),
        (TimeForm.SECONDS, "-0.5"),
        (TimeForm.MILLISECONDS, "10000000000000"),
        (TimeForm.SECONDS, "10000000000"),
        (TimeForm.ISO_8601_UTC, "1969-12-31"),
    ],
)
def test_a_stated_form_still_has_bounds(tmp_path: Path, form: TimeForm, text: str) -> None:
    with pytest.raises(FeedError, match=rf"row 2, column 'when': '{text}'.*accepted"):
        times(tmp_path, "when", text, form=form)
