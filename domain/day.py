"""The trading day: where one day ends and the next begins, in whole milliseconds."""

import attrs

__all__ = ["DAY_MS", "DayBoundary", "day_label", "day_start_ms"]

DAY_MS = 86_400_000
_MINUTE_MS = 60_000
OFFSET_MINUTES_MAX = 1_439


def _offset_fits(_: object, __: object, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(
            f"day boundary offset {value!r} is a {type(value).__name__}; "
            "accepted: whole minutes such as 0 or -480"
        )
    if abs(value) > OFFSET_MINUTES_MAX:
        raise ValueError(
            f"day boundary offset {value} minutes: less than a day either way is accepted, "
            f"-{OFFSET_MINUTES_MAX} to {OFFSET_MINUTES_MAX}"
        )


@attrs.frozen
class DayBoundary:
    """When a trading day begins: ``offset_minutes`` after midnight UTC.

    A positive offset starts the day later (300 is midnight at UTC-5), a negative one on the
    evening before (-480 is midnight at UTC+8). The offset is fixed: there is no daylight saving.

    Raises:
        TypeError: the offset is not a whole number.
        ValueError: the offset is a day or more.

    """

    offset_minutes: int = attrs.field(default=0, validator=_offset_fits)


def _day_number(now_ms: int, boundary: DayBoundary) -> int:
    return (now_ms - boundary.offset_minutes * _MINUTE_MS) // DAY_MS


def day_start_ms(now_ms: int, boundary: DayBoundary) -> int:
    """Return the first UTC millisecond of the trading day that contains ``now_ms``."""
    return _day_number(now_ms, boundary) * DAY_MS + boundary.offset_minutes * _MINUTE_MS


def day_label(now_ms: int, boundary: DayBoundary) -> str:
    """Return the trading day's date as ``YYYY-MM-DD``: the date whose midnight was shifted.

    With an offset of -480 it is the date in UTC+8, with 300 the date in UTC-5.
    """
    year, month, day = _civil_date(_day_number(now_ms, boundary))
    return f"{year:04d}-{month:02d}-{day:02d}"


def _civil_date(days: int) -> tuple[int, int, int]:
    """Turn days since 1970-01-01 into a Gregorian date.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", ``civil_from_days``:
    years are counted from 1 March, in eras of 400 years (146,097 days).
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return era * 400 + year_of_era + (month <= 2), month, day
