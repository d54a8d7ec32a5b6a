"""Trading days: boundaries, labels and what is refused. Oracle: the standard library's calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.day import DAY_MS, DayBoundary, day_label, day_start_ms

UTC_MIDNIGHT = DayBoundary()
TIMES = st.integers(min_value=0, max_value=4_102_444_800_000)
OFFSETS = st.integers(min_value=-1_439, max_value=1_439)


def ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("now", "offset", "start", "label"),
    [
        ("2024-02-29T00:00:00.000Z", 0, "2024-02-29T00:00:00Z", "2024-02-29"),
        ("2024-02-29T23:59:59.999Z", 0, "2024-02-29T00:00:00Z", "2024-02-29"),
        ("2024-03-01T00:00:00.000Z", 0, "2024-03-01T00:00:00Z", "2024-03-01"),
        # Midnight at UTC-5 is 05:00 UTC: one millisecond earlier is still the day before.
        ("2025-01-01T04:59:59.999Z", 300, "2024-12-31T05:00:00Z", "2024-12-31"),
        ("2025-01-01T05:00:00.000Z", 300, "2025-01-01T05:00:00Z", "2025-01-01"),
        # Midnight at UTC+8 is 16:00 UTC of the evening before; the label is the local date.
        ("2024-12-31T15:59:59.999Z", -480, "2024-12-30T16:00:00Z", "2024-12-31"),
        ("2024-12-31T16:00:00.000Z", -480, "2024-12-31T16:00:00Z", "2025-01-01"),
        # 1900 and 2100 are no leap years, 2000 is one.
        ("2000-02-29T12:00:00.000Z", 0, "2000-02-29T00:00:00Z", "2000-02-29"),
        ("2100-03-01T00:00:00.000Z", 0, "2100-03-01T00:00:00Z", "2100-03-01"),
    ],
)
def test_a_day_starts_at_its_boundary(now: str, offset: int, start: str, label: str) -> None:
    boundary = DayBoundary(offset)
    assert day_start_ms(ms(now), boundary) == ms(start)
    assert day_label(ms(now), boundary) == label


@given(now_ms=TIMES, offset=OFFSETS)
@settings(deadline=None, max_examples=100)
def test_every_moment_lies_in_exactly_one_day(now_ms: int, offset: int) -> None:
    boundary = DayBoundary(offset)
    start_ms = day_start_ms(now_ms, boundary)
    assert start_ms <= now_ms < start_ms + DAY_MS
    assert day_start_ms(start_ms, boundary) == start_ms
    assert day_start_ms(start_ms - 1, boundary) == start_ms - DAY_MS


@given(now_ms=TIMES, offset=OFFSETS)
@settings(deadline=None, max_examples=100)
def test_the_label_is_the_date_in_the_zone_whose_midnight_it_is(now_ms: int, offset: int) -> None:
    zone = timezone(timedelta(minutes=-offset))
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)
    assert day_label(now_ms, DayBoundary(offset)) == local.astimezone(zone).date().isoformat()


@pytest.mark.parametrize("offset", [1_440, -1_440, 100_000])
def test_an_offset_of_a_day_or_more_is_refused_with_the_limit(offset: int) -> None:
    with pytest.raises(ValueError, match=rf"{offset} minutes.*-1439 to 1439"):
        DayBoundary(offset)


@pytest.mark.parametrize("offset", [True, "60", None])
def test_an_offset_that_is_no_whole_number_is_refused(offset: object) -> None:
    with pytest.raises(TypeError, match="whole minutes"):
        DayBoundary(offset)  # type: ignore[arg-type]  # the wrong type is what is tested


def test_the_default_boundary_is_midnight_utc() -> None:
    assert DayBoundary() == DayBoundary(0)
    assert day_start_ms(DAY_MS + 1, UTC_MIDNIGHT) == DAY_MS
