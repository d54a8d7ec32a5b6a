"""How figures are written for a person: rounded for the eye, while the books stay exact."""

from datetime import UTC, datetime, timedelta

from tidegate.domain.money import EXACT, Money, Price, Qty, Rate

__all__ = [
    "UNKNOWN",
    "count",
    "decimals",
    "duration",
    "moment",
    "money",
    "percent",
    "price",
    "qty",
    "ratio",
    "second",
    "signed",
    "signed_r",
]

UNKNOWN = "-"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERCENT_PLACES = 2
_PRICE_PLACES_MAX = 8
_AVERAGE_PLACES_MIN = 2


def money(amount: Money | None) -> str:
    """Write USDT with two decimals and thousands separated."""
    return UNKNOWN if amount is None else f"{_no_minus_zero(f'{amount.value:,.2f}')}"


def signed(amount: Money | None) -> str:
    """Write a profit or loss with its sign."""
    if amount is None:
        return UNKNOWN
    text = money(amount)
    return f"+{text}" if amount.sign > 0 else text


def percent(rate: Rate | None) -> str:
    """Write a fraction as a percentage with two decimals."""
    if rate is None:
        return UNKNOWN
    return f"{_no_minus_zero(f'{EXACT.scaleb(rate.value, _PERCENT_PLACES):.2f}')} %"


def ratio(rate: Rate | None) -> str:
    """Write a factor with two decimals."""
    return UNKNOWN if rate is None else _no_minus_zero(f"{rate.value:.2f}")


def signed_r(rate: Rate | None) -> str:
    """Write a multiple of the money at risk with its sign."""
    if rate is None:
        return UNKNOWN
    text = ratio(rate)
    return f"+{text} R" if rate.sign > 0 else f"{text} R"


def price(value: Price | None, places: int | None = None) -> str:
    """Write a price as it stands, or with ``places`` decimals; an average is cut at eight."""
    if value is None:
        return UNKNOWN
    exponent = value.value.as_tuple().exponent
    own = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if places is None and own > _PRICE_PLACES_MAX:
        cut = Price.of(f"{value.value:.{_PRICE_PLACES_MAX}f}")
        return price(cut, max(decimals(cut), _AVERAGE_PLACES_MIN))
    return f"{value.value:.{own if places is None else places}f}"


def decimals(value: Price) -> int:
    """Return how many decimals a price needs."""
    exponent = value.value.normalize(EXACT).as_tuple().exponent
    needed = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return min(needed, _PRICE_PLACES_MAX)


def qty(value: Qty | None, coin: str) -> str:
    """Write a quantity of a coin in full."""
    return UNKNOWN if value is None else f"{value} {coin}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write how many of something there are."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def second(time_ms: int) -> str:
    """Write a moment in UTC, to the second."""
    return datetime.fromtimestamp(time_ms / 1_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment(time_ms: int) -> str:
    """Write UTC milliseconds to the minute."""
    return f"{_EPOCH + timedelta(milliseconds=time_ms):%Y-%m-%d %H:%M}"


def duration(ms: int | None) -> str:
    """Write a length of time in its two largest units."""
    if ms is None:
        return UNKNOWN
    minutes = ms // 60_000
    days, rest = divmod(minutes, 1_440)
    hours, left = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {left} min" if hours else f"{left} min"


def _no_minus_zero(text: str) -> str:
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.,") else text
