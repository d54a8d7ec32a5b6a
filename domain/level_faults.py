"""What is wrong with a stop or a target, with the evidence and the remedy."""

import enum

import attrs

from .grid import is_on_grid, price_down, price_up
from .money import ZERO_DISTANCE, Distance, Price
from .orders import Side

__all__ = [
    "LevelFault",
    "LevelRefusal",
    "stop_beyond_liquidation",
    "stop_misplaced",
    "stop_too_close",
    "stop_unreachable",
    "target_misplaced",
    "target_unreachable",
]


class LevelFault(enum.Enum):
    """Why a stop, a target or a whole plan of levels is refused."""

    STOP_MISSING = "stop missing"
    STOP_DISTANCE = "stop distance not above zero"
    STOP_ON_WRONG_SIDE = "stop on the wrong side"
    STOP_TOO_CLOSE = "stop less than one tick away"
    STOP_BEYOND_LIQUIDATION = "stop beyond liquidation"
    STOP_OFF_GRID = "stop off the tick grid"
    STOP_OUT_OF_RANGE = "stop outside the price range"
    TARGET_ON_WRONG_SIDE = "target on the wrong side"
    TARGET_TOO_CLOSE = "target less than one tick away"
    TARGET_OFF_GRID = "target off the tick grid"
    TARGET_OUT_OF_RANGE = "target outside the price range"
    FRACTIONS = "ladder fractions do not add up"
    MANAGEMENT = "management does not fit the plan"


@attrs.frozen(kw_only=True)
class LevelRefusal:
    """A level that is not sent: what was seen, what the limit is, what would be accepted."""

    reason: LevelFault
    observed: str
    limit: str
    remedy: str


def stop_misplaced(stop: Price, *, entry: Price, side: Side) -> LevelRefusal | None:
    """Refuse a stop at or beyond the entry on the winning side, and one at or below zero."""
    if (entry - stop).times(side.sign) <= ZERO_DISTANCE:
        return LevelRefusal(
            reason=LevelFault.STOP_ON_WRONG_SIDE,
            observed=f"stop {stop}",
            limit=f"{_losing_side(side)} the entry {entry}",
            remedy=f"give a stop {_losing_side(side)} {entry}",
        )
    if stop.sign <= 0:
        return LevelRefusal(
            reason=LevelFault.STOP_OUT_OF_RANGE,
            observed=f"stop {stop}",
            limit="above 0",
            remedy="give a stop above zero: a nearer one, or a smaller percentage",
        )
    return None


def stop_too_close(stop: Price, *, entry: Price, side: Side, tick: Distance) -> LevelRefusal | None:
    """Refuse a stop with less than one tick between it and the entry."""
    distance = (entry - stop).times(side.sign)
    if distance >= tick:
        return None
    return LevelRefusal(
        reason=LevelFault.STOP_TOO_CLOSE,
        observed=f"stop {stop}, {distance} from the entry {entry}",
        limit=f"one tick of {tick}",
        remedy=f"give a stop at least {tick} {_losing_side(side)} {entry}",
    )


def stop_beyond_liquidation(
    stop: Price, *, side: Side, liquidation: Price | None
) -> LevelRefusal | None:
    """Refuse a stop at or beyond the liquidation price: the venue would liquidate first."""
    if liquidation is None or (stop - liquidation).times(side.sign) > ZERO_DISTANCE:
        return None
    inside = side.opposite
    return LevelRefusal(
        reason=LevelFault.STOP_BEYOND_LIQUIDATION,
        observed=f"stop {stop}",
        limit=f"{_losing_side(inside)} the liquidation price {liquidation}",
        remedy="give a nearer stop or a lower leverage",
    )


def stop_unreachable(
    stop: Price, *, tick: Distance, price_min: Price, price_max: Price
) -> LevelRefusal | None:
    """Refuse a stop that the venue cannot carry: outside its prices or off its grid."""
    return _out_of_range(
        f"stop {stop}", stop, price_min, price_max, LevelFault.STOP_OUT_OF_RANGE
    ) or _off_grid(f"stop {stop}", stop, tick, LevelFault.STOP_OFF_GRID)


def target_misplaced(
    number: int, price: Price, *, entry: Price, side: Side, tick: Distance
) -> LevelRefusal | None:
    """Refuse a target on the losing side of the entry, or less than one tick beyond it."""
    distance = (price - entry).times(side.sign)
    if distance >= tick:
        return None
    wanted = _losing_side(side.opposite)
    if distance <= ZERO_DISTANCE:
        return LevelRefusal(
            reason=LevelFault.TARGET_ON_WRONG_SIDE,
            observed=f"target {number} at {price}",
            limit=f"{wanted} the entry {entry}",
            remedy="give a reward-to-risk above zero, worth at least one tick",
        )
    return LevelRefusal(
        reason=LevelFault.TARGET_TOO_CLOSE,
        observed=f"target {number} at {price}, {distance} from the entry {entry}",
        limit=f"one tick of {tick}",
        remedy="give a larger reward-to-risk or a wider stop",
    )


def target_unreachable(
    number: int, price: Price, *, tick: Distance, price_min: Price, price_max: Price
) -> LevelRefusal | None:
    """Refuse a target that the venue cannot carry: outside its prices or off its grid."""
    seen = f"target {number} at {price}"
    return _out_of_range(
        seen, price, price_min, price_max, LevelFault.TARGET_OUT_OF_RANGE
    ) or _off_grid(seen, price, tick, LevelFault.TARGET_OFF_GRID)


def _out_of_range(
    seen: str, price: Price, price_min: Price, price_max: Price, reason: LevelFault
) -> LevelRefusal | None:
    if price_min <= price <= price_max:
        return None
    return LevelRefusal(
        reason=reason,
        observed=seen,
        limit=f"from {price_min} to {price_max}",
        remedy="give a level nearer to the entry",
    )


def _off_grid(seen: str, price: Price, tick: Distance, reason: LevelFault) -> LevelRefusal | None:
    if is_on_grid(price, tick):
        return None
    return LevelRefusal(
        reason=reason,
        observed=seen,
        limit=f"a multiple of the tick {tick}",
        remedy=f"give {price_down(price, tick)} or {price_up(price, tick)}",
    )


def _losing_side(side: Side) -> str:
    return "below" if side is Side.BUY else "above"
