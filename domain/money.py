"""Exact amounts: prices, quantities, money, rates and distances that cannot be mixed up.

Every type wraps one ``Decimal``. Only the operators that make sense exist: ``Price + Qty`` is a
type error, ``Price * Qty`` is ``Money``. All arithmetic runs in one explicit context of 60 digits,
so results do not depend on the caller's thread and importing this module changes nothing global.
"""

import decimal
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Self, overload

import attrs

__all__ = [
    "EXACT",
    "MAGNITUDE_MAX",
    "ONE",
    "PLACES_MAX",
    "WIDE",
    "ZERO",
    "ZERO_DISTANCE",
    "ZERO_MONEY",
    "ZERO_QTY",
    "ZERO_RATE",
    "Amount",
    "Distance",
    "Money",
    "OutOfRange",
    "Price",
    "Qty",
    "Rate",
    "exact",
    "half_up",
]

EXACT = Context(
    prec=60,
    traps=[
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.FloatOperation,
    ],
)
MAGNITUDE_MAX = 1_000
"""The most places that a number may have before its point, or between its point and first digit."""
PLACES_MAX = 30
"""The most places before the point of an amount that is given: what follows from it by a few
products, and is written down, stays within :data:`MAGNITUDE_MAX`."""
WIDE = Context(prec=4 * MAGNITUDE_MAX, traps=[decimal.InvalidOperation, decimal.DivisionByZero])
"""Holds every digit of a whole number of steps, however large the amount and small the step."""
_SHOWN_MAX = 40
_add, _sub, _mul, _div = EXACT.add, EXACT.subtract, EXACT.multiply, EXACT.divide


class OutOfRange(ValueError):
    """A number with more places than an amount may have."""


def exact(value: Decimal | int | str, *, before: int = MAGNITUDE_MAX) -> Decimal:
    """Read an exact finite decimal from text, an integer or a decimal; never from a float.

    Raises:
        TypeError: for a float, a bool or any other type.
        ValueError: for text that is no number, and for NaN or infinity.
        OutOfRange: for a number of more than ``before`` places before its point or
            ``MAGNITUDE_MAX`` between the point and its first digit: as text it would fill the
            memory.

    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(
            f"{value!r} is a {type(value).__name__}; accepted: Decimal, int or text such as '0.1'"
        )
    try:
        number = Decimal(value)
    except decimal.InvalidOperation:
        raise ValueError(f"{value!r} is not a number; accepted: text such as '64000.5'") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not finite; accepted: text such as '64000.5'")
    if not -MAGNITUDE_MAX <= number.adjusted() < before:
        raise OutOfRange(
            f"{_short(value)!r} is out of range; accepted: at most {before} places before the "
            f"point, {MAGNITUDE_MAX} after it"
        )
    return number


def _short(value: Decimal | int | str) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def half_up(value: Decimal, places: int) -> Decimal:
    """Round half away from zero at ``places`` decimals, as the venue shows amounts."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)


@attrs.frozen(eq=False, repr=False)
class Amount:
    """One exact decimal with a meaning; the base of the five kinds below."""

    value: Decimal

    @classmethod
    def of(cls, value: Decimal | int | str) -> Self:
        """Build from text, an integer or a decimal of at most :data:`PLACES_MAX` places.

        Raises:
            TypeError: see :func:`exact`.
            ValueError: see :func:`exact`.
            OutOfRange: see :func:`exact`.

        """
        return cls(exact(value, before=PLACES_MAX))

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Self) -> bool:
        return self.value < other.value

    def __le__(self, other: Self) -> bool:
        return self.value <= other.value

    def __gt__(self, other: Self) -> bool:
        return self.value > other.value

    def __ge__(self, other: Self) -> bool:
        return self.value >= other.value

    def __bool__(self) -> bool:
        raise TypeError(f"a {type(self).__name__} has no truth value; compare it with zero instead")

    def __str__(self) -> str:
        return format(self.value, "f")

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self.value:f}')"

    @property
    def sign(self) -> int:
        """Return -1, 0 or 1."""
        return (self.value > 0) - (self.value < 0)


class _Additive(Amount):
    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        return self.__class__(_add(self.value, other.value))

    def __sub__(self, other: Self) -> Self:
        return self.__class__(_sub(self.value, other.value))

    def __neg__(self) -> Self:
        return self.__class__(EXACT.minus(self.value))

    def __abs__(self) -> Self:
        return self.__class__(EXACT.abs(self.value))

    def times(self, factor: int) -> Self:
        """Multiply by a whole number, for signs and counts."""
        return self.__class__(_mul(self.value, Decimal(factor)))


class Rate(_Additive):
    """A dimensionless factor: a fee rate, a fraction of equity, a leverage, an R-multiple."""

    __slots__ = ()

    def __mul__(self, other: "Rate") -> "Rate":
        return Rate(_mul(self.value, other.value))

    def __truediv__(self, other: "Rate") -> "Rate":
        return Rate(_div(self.value, other.value))


class Distance(_Additive):
    """A difference of two prices, in quote currency per unit of base."""

    __slots__ = ()

    @overload
    def __mul__(self, other: "Qty") -> "Money": ...
    @overload
    def __mul__(self, other: Rate) -> "Distance": ...
    def __mul__(self, other: "Qty | Rate") -> "Money | Distance":
        product = _mul(self.value, other.value)
        return Money(product) if isinstance(other, Qty) else Distance(product)

    @overload
    def __truediv__(self, other: "Distance | Price") -> Rate: ...
    @overload
    def __truediv__(self, other: Rate) -> "Distance": ...
    def __truediv__(self, other: "Distance | Price | Rate") -> "Rate | Distance":
        quotient = _div(self.value, other.value)
        return Distance(quotient) if isinstance(other, Rate) else Rate(quotient)


class Qty(_Additive):
    """A quantity of the base coin; negative for a short position."""

    __slots__ = ()

    def __mul__(self, other: Rate) -> "Qty":
        return Qty(_mul(self.value, other.value))

    @overload
    def __truediv__(self, other: "Qty") -> Rate: ...
    @overload
    def __truediv__(self, other: Rate) -> "Qty": ...
    def __truediv__(self, other: "Qty | Rate") -> "Rate | Qty":
        quotient = _div(self.value, other.value)
        return Qty(quotient) if isinstance(other, Rate) else Rate(quotient)


class Money(_Additive):
    """An amount of the settlement coin, USDT."""

    __slots__ = ()

    def __mul__(self, other: Rate) -> "Money":
        return Money(_mul(self.value, other.value))

    @overload
    def __truediv__(self, other: "Money") -> Rate: ...
    @overload
    def __truediv__(self, other: "Price | Distance") -> Qty: ...
    @overload
    def __truediv__(self, other: Rate) -> "Money": ...
    @overload
    def __truediv__(self, other: Qty) -> "Price": ...
    def __truediv__(
        self, other: "Money | Price | Distance | Rate | Qty"
    ) -> "Rate | Qty | Money | Price":
        quotient = _div(self.value, other.value)
        if isinstance(other, Money):
            return Rate(quotient)
        if isinstance(other, Rate):
            return Money(quotient)
        return Price(quotient) if isinstance(other, Qty) else Qty(quotient)


class Price(Amount):
    """A price in quote currency per unit of base. Two prices differ by a ``Distance``."""

    __slots__ = ()

    def __add__(self, other: Distance) -> "Price":
        return Price(_add(self.value, other.value))

    @overload
    def __sub__(self, other: "Price") -> Distance: ...
    @overload
    def __sub__(self, other: Distance) -> "Price": ...
    def __sub__(self, other: "Price | Distance") -> "Distance | Price":
        difference = _sub(self.value, other.value)
        return Distance(difference) if isinstance(other, Price) else Price(difference)

    @overload
    def __mul__(self, other: Qty) -> Money: ...
    @overload
    def __mul__(self, other: Rate) -> Distance: ...
    def __mul__(self, other: Qty | Rate) -> Money | Distance:
        product = _mul(self.value, other.value)
        return Money(product) if isinstance(other, Qty) else Distance(product)


ZERO = Decimal(0)
ONE = Rate(Decimal(1))
ZERO_RATE = Rate(ZERO)
ZERO_QTY = Qty(ZERO)
ZERO_MONEY = Money(ZERO)
ZERO_DISTANCE = Distance(ZERO)
