"""From what a person types to values; what cannot be read is a usage error with an example."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import attrs
import typer
from tidegate.domain.money import (
    EXACT,
    ONE,
    PLACES_MAX,
    ZERO_RATE,
    Amount,
    Money,
    OutOfRange,
    Price,
    Qty,
    Rate,
)
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.signal import RungSpec, StopAtPrice, StopPercent, StopSpec

__all__ = [
    "LadderText",
    "StopText",
    "money",
    "parameters",
    "price",
    "qty",
    "rate",
    "rungs",
    "side",
    "speed",
    "stop",
    "symbol",
]

T = TypeVar("T", bound=Amount)

_SIDES = {"long": Side.BUY, "buy": Side.BUY, "short": Side.SELL, "sell": Side.SELL}
_PERCENT_PLACES = 2
_FRACTION_PLACES = 4


@attrs.frozen
class StopText:
    """A stop that was typed: the option's type has to be one class."""

    spec: StopSpec


@attrs.frozen
class LadderText:
    """A ladder that was typed."""

    rungs: tuple[RungSpec, ...]


def _above_zero(read: Callable[[str], T], text: str, example: str) -> T:
    places = f"at most {PLACES_MAX} places before or after the point, {example}"
    try:
        value = read(text)
    except OutOfRange:
        raise typer.BadParameter(f"{text!r}; accepted: {places}") from None
    except ValueError:
        raise typer.BadParameter(f"{text!r}; accepted: {example}") from None
    if value.sign <= 0:
        raise typer.BadParameter(f"{text!r}; accepted: above zero, {example}")
    if value.value.adjusted() < -PLACES_MAX:
        raise typer.BadParameter(f"{text!r}; accepted: {places}")
    return value


def price(text: str) -> Price:
    """Read a price.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    return _above_zero(Price.of, text, "a price such as 65000")


def money(text: str) -> Money:
    """Read an amount of USDT.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    return _above_zero(Money.of, text, "an amount such as 1400")


def qty(text: str) -> Qty:
    """Read a quantity of the base coin.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    return _above_zero(Qty.of, text, "a quantity such as 0.01")


def rate(text: str) -> Rate:
    """Read a factor, or a percentage.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    return _above_zero(_rate, text, "a number such as 0.01, or a percentage such as 1%")


def _rate(text: str) -> Rate:
    if not text.strip().endswith("%"):
        return Rate.of(text)
    return Rate(EXACT.scaleb(Rate.of(text.strip().removesuffix("%")).value, -_PERCENT_PLACES))


def speed(text: str) -> Rate:
    """Read a pace, which may be zero.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    try:
        value = Rate.of(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}; accepted: a number such as 10, or 0") from None
    if value.sign < 0:
        raise typer.BadParameter(f"{text!r}; accepted: 0 or more")
    return value


def stop(text: str) -> StopText:
    """Read a stop: a price, or a percentage of the entry price away from it.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    if text.strip().endswith("%"):
        return StopText(StopPercent(rate(text)))
    at = _above_zero(Price.of, text, "a price such as 64000, or 2% from the entry")
    return StopText(StopAtPrice(at))


def side(text: str) -> Side:
    """Read a direction.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    found = _SIDES.get(text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r}; accepted: long or short", param_hint="SIDE")
    return found


def symbol(text: str) -> Symbol:
    """Read a symbol.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    name = text.strip().upper()
    if not name.replace("-", "").isalnum():
        raise typer.BadParameter(
            f"{text!r}; accepted: a symbol such as BTCUSDT", param_hint="SYMBOL"
        )
    return Symbol(name)


def rungs(text: str) -> LadderText:
    """Read a ladder: ``1,2,3`` in equal parts, or with the share that each closes, ``1:50%,3:50%``.

    Equal parts are cut at four decimals and the last one takes the rest.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    parts = [part.strip() for part in text.split(",")]
    if any(":" in part for part in parts):
        return LadderText(tuple(_rung(part) for part in parts))
    multiples = [_multiple(part) for part in parts]
    whole = EXACT.divide_int(Decimal(10**_FRACTION_PLACES), Decimal(len(parts)))
    each = Rate(EXACT.scaleb(whole, -_FRACTION_PLACES))
    fractions = [each] * (len(parts) - 1) + [ONE - each.times(len(parts) - 1)]
    return LadderText(tuple(map(RungSpec, multiples, fractions)))


def _multiple(text: str) -> Rate:
    return _above_zero(Rate.of, text, "multiples of the risk such as 1,2,3")


def _rung(text: str) -> RungSpec:
    multiple, colon, share = text.partition(":")
    fraction = rate(share) if colon else ZERO_RATE
    if not ZERO_RATE < fraction <= ONE:
        raise typer.BadParameter(f"{text!r}; accepted: a rung and its share, such as 2:50%")
    return RungSpec(_multiple(multiple), fraction)


def parameters(pairs: list[str]) -> dict[str, str]:
    """Read ``name=value`` pairs.

    Raises:
        BadParameter: the text is not one; the message says what is accepted.

    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip().isidentifier():
            raise typer.BadParameter(
                f"{pair!r}; accepted: name=value, such as channel=55", param_hint="--strategy-param"
            )
        found[name.strip()] = value.strip()
    return found
