"""How evidence is written: amounts with their units, never rounded onto the limit they break.

A long amount is rounded away from the limit that it breaks, and a computed limit the other way, so
that a refusal never reads as if both were equal.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tidegate.domain.money import EXACT, Money, Price, Qty, Rate

__all__ = [
    "coins",
    "multiple",
    "multiple_below",
    "percent",
    "percent_above",
    "percent_below",
    "price",
    "seconds",
    "usdt",
    "usdt_above",
    "usdt_below",
    "whole",
]

_MONEY_PLACES = Decimal("1e-8")
_RATE_PLACES = Decimal("1e-4")
_HUNDRED = Decimal(100)
_MS_PER_SECOND = Decimal(1_000)


def whole(value: Decimal) -> str:
    """Write a decimal in full, without an exponent, trailing zeros or the sign of a zero."""
    return format(EXACT.plus(value.normalize(EXACT)), "f")


def usdt(amount: Money) -> str:
    """Write an amount in full."""
    return f"{whole(amount.value)} USDT"


def usdt_above(amount: Money) -> str:
    """Write an amount rounded up at 8 decimals."""
    return usdt(Money(amount.value.quantize(_MONEY_PLACES, ROUND_CEILING, EXACT)))


def usdt_below(amount: Money) -> str:
    """Write an amount rounded down at 8 decimals."""
    return usdt(Money(amount.value.quantize(_MONEY_PLACES, ROUND_FLOOR, EXACT)))


def percent(rate: Rate) -> str:
    """Write a fraction as a percentage, in full."""
    return f"{whole(EXACT.multiply(rate.value, _HUNDRED))} %"


def percent_above(rate: Rate) -> str:
    """Write a fraction as a percentage rounded up at 4 decimals."""
    return f"{_hundredfold(rate, ROUND_CEILING)} %"


def percent_below(rate: Rate) -> str:
    """Write a fraction as a percentage rounded down at 4 decimals."""
    return f"{_hundredfold(rate, ROUND_FLOOR)} %"


def _hundredfold(rate: Rate, rounding: str) -> str:
    return whole(EXACT.multiply(rate.value, _HUNDRED).quantize(_RATE_PLACES, rounding, EXACT))


def multiple(rate: Rate, unit: str) -> str:
    """Write a multiple of ``unit`` in full, such as ``1.5 R`` or ``10 x``."""
    return f"{whole(rate.value)} {unit}"


def multiple_below(rate: Rate, unit: str) -> str:
    """Write a multiple of ``unit`` rounded down at 4 decimals."""
    return multiple(Rate(rate.value.quantize(_RATE_PLACES, ROUND_FLOOR, EXACT)), unit)


def seconds(ms: int) -> str:
    """Write milliseconds as seconds, in full."""
    return f"{whole(EXACT.divide(Decimal(ms), _MS_PER_SECOND))} s"


def coins(qty: Qty, coin: str) -> str:
    """Write a quantity of a coin in full."""
    return f"{whole(qty.value)} {coin}"


def price(value: Price) -> str:
    """Write a price in full, in USDT per coin."""
    return f"{whole(value.value)} USDT"
