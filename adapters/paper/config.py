"""How the paper venue imitates a market; every number has a unit and a default."""

import enum
from collections.abc import Callable
from decimal import Decimal

import attrs
from tidegate.domain.money import ONE, ZERO_RATE, Rate
from tidegate.domain.reports import MarginMode

__all__ = ["PaperConfig", "PathRule"]


class PathRule(enum.Enum):
    """Which extreme of a bar comes first; the data does not tell.

    ``PESSIMISTIC`` takes the extreme that hurts first. With a position that is the low for a long
    and the high for a short, so a stop comes before a target in the same bar. When flat it is the
    extreme away from which a waiting entry would have profited: the high before a buy, the low
    before a sell. ``SEEDED`` draws a coin from the seed and the item's index.

    Under every rule a bar that opens beyond a stop fills it at the open, and no stop fills better
    than the market at that moment.
    """

    PESSIMISTIC = "pessimistic"
    HIGH_FIRST = "high first"
    LOW_FIRST = "low first"
    SEEDED = "seeded"


def _rate(text: str) -> Callable[[], Rate]:
    return lambda: Rate(Decimal(text))


def _not_negative(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} is {value}: it must be 0 or more")


def _fraction(_: object, attribute: "attrs.Attribute[Rate]", value: Rate) -> None:
    if not ZERO_RATE <= value <= ONE:
        raise ValueError(f"{attribute.name} is {value}: a fraction from 0 to 1 is needed")


def _above_zero(_: object, attribute: "attrs.Attribute[Rate]", value: Rate) -> None:
    if value <= ZERO_RATE:
        raise ValueError(f"{attribute.name} is {value}: it must be above zero")


@attrs.frozen(kw_only=True)
class PaperConfig:
    """The market model. Volumes in market data are in base coin."""

    seed: int = 0
    """Source of every id, and of the coin of ``PathRule.SEEDED``."""
    spread_ticks: int = attrs.field(default=2, validator=_not_negative)
    """Spread around a bar's or trade's price, in ticks; each half is rounded away from it."""
    slippage: Rate = attrs.field(factory=_rate("0.0001"), validator=_fraction)
    """How much worse than the best price a taker fills, as a fraction of that price."""
    participation: Rate = attrs.field(factory=_rate("0.1"), validator=_fraction)
    """Share of the traded volume of a bar's point or of a trade that our orders may take.

    A quarter of a bar's volume is traded at each of its four points. Displayed sizes of quotes may
    be taken whole.
    """
    latency_ms: int = attrs.field(default=0, validator=_not_negative)
    """How long a request to place, amend or cancel takes to have its effect.

    0: at once, against the present book. Above: at the first point of the symbol's data at or after
    that time; on the way between two points of a bar, at the price where the way begins. Requests
    about a position's protection and leverage are always at once.
    """
    margin_mode: MarginMode = MarginMode.ISOLATED
    """Account-wide margin mode."""
    leverage_default: Rate = attrs.field(factory=_rate("10"), validator=_above_zero)
    """Leverage of a symbol until it is set, capped at the instrument's."""
    path: PathRule = PathRule.PESSIMISTIC
    """Which extreme of a bar comes first."""
    mark_age_ms_max: int = attrs.field(default=60_000, validator=_not_negative)
    """How long a mark price from the data stays the mark; after that the last price is the mark."""
