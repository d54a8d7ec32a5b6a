"""Where a managed stop belongs: break-even, and the distance and activation of a trailing stop."""

from collections.abc import Mapping, Sequence

from .costs import break_even_price
from .grid import price_down, price_up, protective_stop
from .level_faults import LevelFault, LevelRefusal
from .management import TrailingStop
from .money import ZERO_DISTANCE, ZERO_MONEY, ZERO_QTY, Distance, Money, Price, Qty, Rate
from .orders import Side
from .position import Position
from .signal import Signal

__all__ = [
    "break_even_stop",
    "is_rung_filled",
    "is_tighter",
    "management_faults",
    "trailing_activation",
    "trailing_distance",
]


def is_tighter(price: Price, than: Price | None, *, side: Side) -> bool:
    """Tell whether a stop loses less than another; every stop is tighter than none."""
    return than is None or (price - than).times(side.sign) > ZERO_DISTANCE


def break_even_stop(
    *,
    side: Side,
    qty: Qty,
    cost: Money,
    realised: Money,
    fees_paid: Money,
    funding_paid: Money,
    taker: Rate,
    cushion: Distance,
    tick: Distance,
) -> Price | None:
    """Return the stop at which what is left pays all costs of its trade, ``None`` where none does.

    ``qty`` (unsigned) and ``cost`` (USDT) are of what is still held. It pays every fee and all
    funding of the trade so far, its own closing fee at the taker rate, and what earlier closes
    lost; what they won is not counted, so that it stays won (see
    :func:`~tidegate.domain.costs.break_even_price`). Rounded toward profit: at the trigger price
    itself the trade does not lose.
    """
    held = Position(qty=qty.times(side.sign), cost=cost.times(side.sign))
    even = break_even_price(
        position=held,
        realised=min(realised, ZERO_MONEY),
        fees_paid=fees_paid,
        funding_paid=funding_paid,
        taker=taker,
    )
    price = even + cushion.times(side.sign)
    if price.sign <= 0:
        return None
    stop = protective_stop(price, tick, position=side)
    return stop if stop.sign > 0 else None


def is_rung_filled(
    number: int, *, order: Sequence[int], planned: Mapping[int, Qty], closed: Mapping[int, Qty]
) -> bool:
    """Tell whether a rung has filled whole. ``order`` names the rungs of the ladder, nearest first.

    ``planned`` is what each is to close in all. A rung that was merged into another waits for the
    next one beyond it, or the last one where there is none: its own target was reached then, and
    never later.
    """
    here = order.index(number)
    known = [one for one in order if one in planned or closed.get(one, ZERO_QTY) > ZERO_QTY]
    beyond = [one for one in known if order.index(one) >= here]
    if not known:
        return False
    one = beyond[0] if beyond else known[-1]
    # A rung that is planned no more has closed all that was its own.
    return closed.get(one, ZERO_QTY) >= planned.get(one, ZERO_QTY)


def trailing_distance(trailing: TrailingStop, tick: Distance) -> Distance:
    """Return the distance on the tick grid, never wider than asked and at least one tick."""
    rounded = price_down(Price(trailing.distance.value), tick)
    return max(Distance(rounded.value), tick)


def trailing_activation(
    trailing: TrailingStop, *, side: Side, entry: Price, risk: Distance | None, tick: Distance
) -> Price | None:
    """Return the price from which it trails, ``None`` for at once; never earlier than asked.

    ``risk`` is one R as an unsigned price distance. Without one an activation in R has no meaning:
    a plan without a stop refuses it, and a position whose stop is gone trails at once.
    """
    raw = trailing.activation_price
    if trailing.activation_reward is not None and risk is not None:
        raw = entry + (risk * trailing.activation_reward).times(side.sign)
    if raw is None or raw.sign <= 0:
        return None
    return price_up(raw, tick) if side is Side.BUY else price_down(raw, tick)


def management_faults(
    signal: Signal, *, entry: Price, stop: Price | None
) -> tuple[LevelRefusal, ...]:
    """Return what cannot be done of a signal's management in a plan from ``entry``."""
    faults = [_rung_fault(number, len(signal.ladder)) for number in signal.management.rungs]
    trailing = signal.management.trailing
    if trailing is not None:
        faults += [
            _distance_fault(trailing.distance, entry),
            _activation_fault(trailing, side=signal.side, entry=entry, stop=stop),
        ]
    return tuple(fault for fault in faults if fault is not None)


def _refusal(observed: str, limit: str, remedy: str) -> LevelRefusal:
    return LevelRefusal(reason=LevelFault.MANAGEMENT, observed=observed, limit=limit, remedy=remedy)


def _rung_fault(number: int, rungs: int) -> LevelRefusal | None:
    if number <= rungs:
        return None
    return _refusal(
        f"wait for rung {number}",
        f"the ladder's {rungs} rungs",
        f"name a rung from 1 to {rungs}" if rungs else "give the signal a ladder",
    )


def _distance_fault(distance: Distance, entry: Price) -> LevelRefusal | None:
    if distance < Distance(entry.value):
        return None
    return _refusal(
        f"trailing distance {distance}", f"below the entry {entry}", "give a price distance"
    )


def _activation_fault(
    trailing: TrailingStop, *, side: Side, entry: Price, stop: Price | None
) -> LevelRefusal | None:
    price = trailing.activation_price
    if price is not None and (price - entry).times(side.sign) <= ZERO_DISTANCE:
        where = "above" if side is Side.BUY else "below"
        return _refusal(
            f"trailing from {price} on",
            f"{where} the entry {entry}",
            f"give an activation {where} the entry, or none to trail at once",
        )
    if trailing.activation_reward is not None and stop is None:
        return _refusal(
            f"trailing from {trailing.activation_reward} R on, without a stop",
            "a stop, which defines R",
            "give a stop, or an activation price",
        )
    return None
