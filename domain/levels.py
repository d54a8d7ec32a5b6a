"""Stop and reward-to-risk ladder as prices on the grid, with quantities that add up.

The stop distance is one R. A target stands ``reward_to_risk`` times R from the entry. Stops and
targets round toward the entry: no more is risked than was approved, and a target is reached no
later than planned.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

import attrs

from .grid import protective_stop, take_profit
from .instrument import Instrument
from .ladder import LadderNote, NoteKind, Part, remaining, share_out, total
from .level_faults import (
    LevelFault,
    LevelRefusal,
    stop_beyond_liquidation,
    stop_misplaced,
    stop_too_close,
    stop_unreachable,
    target_misplaced,
    target_unreachable,
)
from .money import ONE, ZERO_DISTANCE, ZERO_QTY, ZERO_RATE, Distance, Price, Qty, Rate
from .orders import Side
from .signal import RungSpec, StopAtPrice, StopAtr, StopPercent, StopRoi, StopSpec

__all__ = [
    "Ladder",
    "LadderNote",
    "LevelFault",
    "LevelRefusal",
    "NoteKind",
    "Rung",
    "check_plan",
    "plan_ladder",
    "replan",
    "stop_price",
]

_NOTHING_CLOSED: Mapping[int, Qty] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Rung:
    """One take-profit order: its number in the ladder (from 1), price, quantity and R-multiple.

    ``reward_to_risk`` is that of the price on the grid, so it may be a little below the asked one.
    """

    number: int
    price: Price
    qty: Qty
    reward_to_risk: Rate


@attrs.frozen(kw_only=True)
class Ladder:
    """The targets of a position, nearest first, and what had to be changed to place them."""

    rungs: tuple[Rung, ...] = ()
    notes: tuple[LadderNote, ...] = ()

    @property
    def qty(self) -> Qty:
        """Return what all rungs together close."""
        return total(rung.qty for rung in self.rungs)


def stop_price(
    spec: StopSpec, *, entry: Price, side: Side, leverage: Rate, tick: Distance
) -> Price | LevelRefusal:
    """Return the stop of a position of ``side`` as a price on the grid, rounded toward ``entry``.

    A percent is of the entry price; an ROI percent is of the initial margin, so its distance is
    ``entry x fraction / leverage``; an ATR stop stands ``multiple x atr`` away. Refused: a
    distance that is not above zero, a stop on the wrong side or at zero, less than a tick of room.

    A ``Price`` on the tick, or a ``LevelRefusal`` with what is wrong.

    Raises:
        ValueError: for a leverage that is not above zero.

    """
    if leverage <= ZERO_RATE:
        raise ValueError(f"leverage {leverage}: must be above zero")
    match spec:
        case StopAtPrice(price):
            raw = price
        case StopPercent(fraction):
            raw = _against(side, entry, entry * fraction)
        case StopRoi(fraction):
            raw = _against(side, entry, entry * fraction / leverage)
        case StopAtr(multiple, atr):
            raw = _against(side, entry, atr * multiple)
        case _:
            assert_never(spec)
    if not isinstance(spec, StopAtPrice) and (entry - raw).times(side.sign) <= ZERO_DISTANCE:
        return _no_distance((entry - raw).times(side.sign))
    fault = stop_misplaced(raw, entry=entry, side=side)
    if fault is not None:
        return fault
    stop = protective_stop(raw, tick, position=side)
    # Rounding toward an entry that is itself between two ticks may even pass it.
    return stop_too_close(stop, entry=entry, side=side, tick=tick) or stop


def plan_ladder(
    ladder: tuple[RungSpec, ...],
    *,
    entry: Price,
    stop: Price | None,
    side: Side,
    qty: Qty,
    instrument: Instrument,
) -> Ladder | LevelRefusal:
    """Return the targets of a position of unsigned ``qty``, nearest first.

    Each quantity is its fraction of ``qty`` rounded down to the step; when the fractions add up
    to exactly one, the farthest rung takes the remainder, so that the ladder closes the position.
    A rung below the venue's minimum quantity is merged into a neighbour and a note says so;
    closing needs no minimum notional. A refusal names the first fault found.

    A ``Ladder`` on tick and step, or a ``LevelRefusal`` with what is wrong.
    """
    if not ladder:
        return Ladder()
    fault = _fraction_fault(ladder)
    if fault is not None:
        return fault
    prices = _targets(ladder, entry=entry, stop=stop, side=side, instrument=instrument)
    if isinstance(prices, LevelRefusal):
        return prices
    parts, notes = share_out(
        {number: ladder[number - 1].close_fraction for number in prices},
        qty=qty,
        step=instrument.qty_step,
        qty_min=instrument.qty_min,
    )
    return Ladder(rungs=tuple(_rung(part, prices[part.number]) for part in parts), notes=notes)


def replan(
    ladder: tuple[RungSpec, ...],
    *,
    entry: Price,
    stop: Price | None,
    side: Side,
    qty: Qty,
    already_closed: Mapping[int, Qty] = _NOTHING_CLOSED,
    closed_otherwise: Qty = ZERO_QTY,
    instrument: Instrument,
) -> Ladder | LevelRefusal:
    """Return the targets again for what is really held, after a fill of the entry or of a rung.

    ``entry`` is the actual average fill and ``qty`` what the entry has filled in all;
    ``already_closed`` says what each rung (by number) has closed so far, ``closed_otherwise``
    what left by any other order. ``stop`` is the one that defines R. The quantities returned are
    what each rung has still to close: together never more than is held, and all of it when the
    fractions add up to one.

    A ``Ladder`` on tick and step, or a ``LevelRefusal`` with what is wrong.

    Raises:
        ValueError: when more was closed than ``qty``.

    """
    planned = plan_ladder(ladder, entry=entry, stop=stop, side=side, qty=qty, instrument=instrument)
    if isinstance(planned, LevelRefusal):
        return planned
    held = qty - total(already_closed.values()) - closed_otherwise
    if held < ZERO_QTY:
        raise ValueError(
            f"{qty} was opened and {qty - held} closed: no more than was opened can be"
        )
    rung_of = {rung.number: rung for rung in planned.rungs}
    parts, notes = remaining(
        tuple(Part(number=rung.number, qty=rung.qty) for rung in planned.rungs),
        closed=already_closed,
        held=held,
        qty_min=instrument.qty_min,
    )
    rungs = tuple(attrs.evolve(rung_of[part.number], qty=part.qty) for part in parts)
    return Ladder(rungs=rungs, notes=planned.notes + notes)


def check_plan(
    *,
    side: Side,
    entry: Price,
    stop: Price | None,
    rungs: tuple[Rung, ...],
    qty: Qty,
    liquidation: Price | None,
    price_min: Price,
    price_max: Price,
    tick: Distance,
) -> tuple[LevelRefusal, ...]:
    """Return every fault of a plan of levels, none when it may be sent.

    ``liquidation`` is ``None`` where the venue could never liquidate; ``qty`` is unsigned.
    """
    faults: list[LevelRefusal | None] = []
    if stop is not None:
        faults.append(
            stop_misplaced(stop, entry=entry, side=side)
            or stop_too_close(stop, entry=entry, side=side, tick=tick)
        )
        faults.append(stop_beyond_liquidation(stop, side=side, liquidation=liquidation))
        faults.append(stop_unreachable(stop, tick=tick, price_min=price_min, price_max=price_max))
    for rung in rungs:
        faults.append(target_misplaced(rung.number, rung.price, entry=entry, side=side, tick=tick))
        faults.append(
            target_unreachable(
                rung.number, rung.price, tick=tick, price_min=price_min, price_max=price_max
            )
        )
    faults.append(_sum_fault(rungs, qty))
    return tuple(fault for fault in faults if fault is not None)


def _against(side: Side, entry: Price, distance: Distance) -> Price:
    return entry - distance.times(side.sign)


def _no_distance(distance: Distance) -> LevelRefusal:
    return LevelRefusal(
        reason=LevelFault.STOP_DISTANCE,
        observed=f"stop distance {distance}",
        limit="above 0",
        remedy="give a percentage, multiple and ATR above zero",
    )


def _targets(
    ladder: tuple[RungSpec, ...],
    *,
    entry: Price,
    stop: Price | None,
    side: Side,
    instrument: Instrument,
) -> dict[int, tuple[Price, Rate]] | LevelRefusal:
    """Return price and R-multiple of each rung by its number, nearest first."""
    if stop is None:
        return LevelRefusal(
            reason=LevelFault.STOP_MISSING,
            observed=f"{len(ladder)} targets without a stop",
            limit="a stop, which defines R",
            remedy="give a stop, or no targets",
        )
    fault = stop_misplaced(stop, entry=entry, side=side)
    if fault is not None:
        return fault
    risk = (entry - stop).times(side.sign)
    prices: dict[int, tuple[Price, Rate]] = {}
    for number, spec in sorted(enumerate(ladder, 1), key=lambda one: one[1].reward_to_risk):
        raw = entry + (risk * spec.reward_to_risk).times(side.sign)
        price = _target(number, raw, entry=entry, side=side, instrument=instrument)
        if isinstance(price, LevelRefusal):
            return price
        prices[number] = (price, (price - entry).times(side.sign) / risk)
    return prices


def _target(
    number: int, raw: Price, *, entry: Price, side: Side, instrument: Instrument
) -> Price | LevelRefusal:
    tick = instrument.tick
    price = raw if raw.sign < 0 else take_profit(raw, tick, position=side)
    fault = target_misplaced(
        number, price, entry=entry, side=side, tick=tick
    ) or target_unreachable(
        number, price, tick=tick, price_min=instrument.price_min, price_max=instrument.price_max
    )
    return price if fault is None else fault


def _rung(part: Part, target: tuple[Price, Rate]) -> Rung:
    price, reward_to_risk = target
    return Rung(number=part.number, price=price, qty=part.qty, reward_to_risk=reward_to_risk)


def _fraction_fault(ladder: tuple[RungSpec, ...]) -> LevelRefusal | None:
    fractions = [spec.close_fraction for spec in ladder]
    whole = sum(fractions, start=ZERO_RATE)
    if min(fractions) > ZERO_RATE and whole <= ONE:
        return None
    return LevelRefusal(
        reason=LevelFault.FRACTIONS,
        observed=f"close fractions {', '.join(map(str, fractions))}: {whole} in all",
        limit="each above 0, at most 1 in all",
        remedy="give fractions of the whole position, such as 0.5 and 0.5",
    )


def _sum_fault(rungs: tuple[Rung, ...], qty: Qty) -> LevelRefusal | None:
    closes = total(rung.qty for rung in rungs)
    if closes <= qty and all(rung.qty > ZERO_QTY for rung in rungs):
        return None
    return LevelRefusal(
        reason=LevelFault.FRACTIONS,
        observed=f"targets close {', '.join(str(rung.qty) for rung in rungs)}: {closes} in all",
        limit=f"each above 0, at most the position of {qty} in all",
        remedy="give quantities that add up to no more than the position",
    )
