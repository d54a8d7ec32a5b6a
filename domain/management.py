"""How a held position is managed: when its stop goes to break-even, and how it trails.

Both only ever tighten. Neither is part of one R: that is what was at risk when the entry filled.
"""

import attrs

from .money import ZERO_DISTANCE, ZERO_RATE, Distance, Price, Rate

__all__ = [
    "BreakEven",
    "Management",
    "TrailingStop",
]


def _is_a_rung(_: object, __: object, number: int | None) -> None:
    if number is not None and number < 1:
        raise ValueError(f"after rung {number}: rungs are counted from 1")


def _not_negative(_: object, __: object, distance: Distance) -> None:
    if distance < ZERO_DISTANCE:
        raise ValueError(f"cushion {distance}: a price distance of 0 or more is accepted")


@attrs.frozen(kw_only=True)
class BreakEven:
    """Move the stop to break-even once the rung ``after_rung`` has filled.

    ``cushion`` is a price distance on top, such as for the slippage of the stop.
    """

    after_rung: int = attrs.field(default=1, validator=_is_a_rung)
    cushion: Distance = attrs.field(default=ZERO_DISTANCE, validator=_not_negative)


@attrs.frozen(kw_only=True)
class TrailingStop:
    """A stop that follows the best price at ``distance``, kept by the venue itself.

    It begins at once, or when the price reaches ``activation_price``, or
    ``activation_reward`` times one R from the entry, or when the rung ``after_rung`` has filled:
    at most one of the three is given.

    Raises:
        ValueError: for a distance or reward that is not above zero, and for two activations.

    """

    distance: Distance
    activation_price: Price | None = None
    activation_reward: Rate | None = None
    after_rung: int | None = attrs.field(default=None, validator=_is_a_rung)

    def __attrs_post_init__(self) -> None:
        if self.distance <= ZERO_DISTANCE:
            raise ValueError(f"trailing distance {self.distance}: must be above zero")
        reward = self.activation_reward
        if reward is not None and reward <= ZERO_RATE:
            raise ValueError(f"activation at {reward} R: must be above zero")
        given = (self.activation_price, reward, self.after_rung)
        if sum(one is not None for one in given) > 1:
            raise ValueError(
                f"activation at price {self.activation_price}, at {reward} R and after rung "
                f"{self.after_rung}: give at most one of the three"
            )


@attrs.frozen(kw_only=True)
class Management:
    """What is done with the stop of a held position, by itself. The default does nothing."""

    break_even: BreakEven | None = None
    trailing: TrailingStop | None = None

    @property
    def rungs(self) -> tuple[int, ...]:
        """Return the rungs that something waits for."""
        even = None if self.break_even is None else self.break_even.after_rung
        trail = None if self.trailing is None else self.trailing.after_rung
        return tuple(number for number in (even, trail) if number is not None)
