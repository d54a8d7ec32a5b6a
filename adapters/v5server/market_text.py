"""Amounts as the venue writes them: decimals in text, prices with the decimals of their tick."""

from tidegate.domain.money import Amount, Distance, Price

__all__ = ["price_text", "text"]


def text(amount: Amount) -> str:
    """Return an amount in plain notation, without an exponent."""
    return format(amount.value, "f")


def price_text(price: Price, tick: Distance) -> str:
    """Return a price with at least as many decimals as its tick: ``60000`` is ``60000.00``."""
    places = -int(tick.value.as_tuple().exponent)
    digits = -int(price.value.as_tuple().exponent)
    return format(price.value, f".{max(places, digits, 0)}f")
