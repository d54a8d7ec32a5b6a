"""Amounts as the venue writes them: decimals in text, prices with the decimals of their tick."""

from decimal import Decimal
from functools import lru_cache

from tidegate.domain.money import Amount, Distance, Price

__all__ = ["price_text", "text"]


def text(amount: Amount) -> str:
    """Return an amount in plain notation, without an exponent."""
    return format(amount.value, "f")


def price_text(price: Price, tick: Distance) -> str:
    """Return a price with at least as many decimals as its tick: ``60000`` is ``60000.00``."""
    return _padded(price.value, tick.value)


@lru_cache(maxsize=10_000)
def _padded(price: Decimal, tick: Decimal) -> str:
    places = -int(tick.as_tuple().exponent)
    digits = -int(price.normalize().as_tuple().exponent)
    return format(price, f".{max(places, digits, 0)}f")
