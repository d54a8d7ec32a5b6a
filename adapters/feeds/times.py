"""Reading times: which form a column uses, and a reader of that form."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from tidegate.domain.money import EXACT

from .columns import TimeForm

__all__ = ["TIME_NAMES", "detect_form", "time_reader"]

TIME_NAMES = (
    "start_ms", "time_ms", "timestamp_ms", "open_time_ms",
    "start_s", "time_s", "timestamp_s", "open_time_s",
    "start", "time", "timestamp", "open_time", "date", "datetime",
)  # fmt: skip

# Both windows are 1973-03-03 to 2286-11-20: inside them a number can only mean one unit.
_SECONDS = range(10**8, 10**10)
_MILLISECONDS = range(10**11, 10**13)
_DIGITS_MAX = 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_THOUSAND = Decimal(1000)
_FORMS = "TimeForm." + ", TimeForm.".join(form.name for form in TimeForm)


def detect_form(column: str, text: str) -> TimeForm:
    """Decide the form from the column's name (``_ms``, ``_s``), else from its first value.

    Raises:
        ValueError: when neither decides; the message says which forms can be named.

    """
    number = _number(text)
    if number is None:
        return TimeForm.ISO_8601
    by_name = {"_ms": TimeForm.MILLISECONDS}.get(column[-3:]) or (
        TimeForm.SECONDS if column.endswith("_s") else None
    )
    whole = int(number)
    by_value = TimeForm.SECONDS if whole in _SECONDS else None
    if whole in _MILLISECONDS:
        by_value = TimeForm.MILLISECONDS
    if by_value is None:
        raise ValueError(
            f"is neither seconds ({_SECONDS.start} to {_SECONDS.stop}) nor milliseconds "
            f"({_MILLISECONDS.start} to {_MILLISECONDS.stop}) of 1973 to 2286; accepted: either, "
            f"or a schema that names its time_form ({_FORMS})"
        )
    if by_name is not None and by_name is not by_value:
        raise ValueError(
            f"reads as {by_value.value} while the column's name says {by_name.value}; accepted: "
            f"a name that agrees, or a schema with time_form=TimeForm.{by_value.name}"
        )
    return by_value


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # A time has at most 19 digits; the bound keeps `int` from writing out 1e999999.
    return number if number.is_finite() and number.adjusted() < _DIGITS_MAX else None


def time_reader(form: TimeForm, *, named: TimeForm | None) -> Callable[[str], int]:
    """Return a reader of one cell to UTC milliseconds, parts of a millisecond dropped.

    Where the schema has ``named`` the form, any time since 1970 is accepted; where it was
    detected, each value must lie in the window that told seconds from milliseconds.

    Raises:
        ValueError: (the reader) with what is wrong and what is accepted.

    """
    match form:
        case TimeForm.MILLISECONDS:
            window = range(10**13) if named is form else _MILLISECONDS
            return functools.partial(_milliseconds, window=window)
        case TimeForm.SECONDS:
            window = range(10**10) if named is form else _SECONDS
            return functools.partial(_seconds, window=window)
        case TimeForm.ISO_8601:
            return _iso
        case TimeForm.ISO_8601_UTC:
            return _iso_utc


def _milliseconds(text: str, *, window: range) -> int:
    try:
        whole = int(text)
    except ValueError:
        number = _number(text)
        whole = -1 if number is None else int(number)
    if whole not in window:
        raise ValueError(f"is no time in milliseconds; accepted: {window.start} to {window.stop}")
    return whole


def _seconds(text: str, *, window: range) -> int:
    number = _number(text)
    if number is None or number < 0 or int(number) not in window:
        raise ValueError(f"is no time in seconds; accepted: {window.start} to {window.stop}")
    return int(EXACT.multiply(number, _THOUSAND))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            "is no ISO 8601 time; accepted: text such as 2024-08-08T12:00:00Z, or a whole column "
            "of seconds or milliseconds"
        ) from None


def _iso(text: str) -> int:
    moment = _moment(text)
    if moment.tzinfo is None:
        raise ValueError(
            "has no UTC offset; accepted: 2024-08-08T12:00:00Z, or a schema with "
            "time_form=TimeForm.ISO_8601_UTC where the times are known to be UTC"
        )
    return _since_1970(moment)


def _iso_utc(text: str) -> int:
    moment = _moment(text)
    return _since_1970(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _since_1970(moment: datetime) -> int:
    since = (moment - _EPOCH) // _MS
    if since < 0:
        raise ValueError("lies before 1970; accepted: times since 1970-01-01T00:00:00Z")
    return since
