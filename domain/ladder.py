"""How a ladder of targets shares a position out: whole steps that add up exactly.

Only quantities are decided here; where a rung stands is decided in ``levels``.
"""

import enum
from collections.abc import Callable, Iterable, Mapping

import attrs

from .grid import qty_down
from .money import ONE, ZERO_QTY, ZERO_RATE, Qty, Rate

__all__ = ["LadderNote", "NoteKind", "Part", "remaining", "share_out", "total"]


class NoteKind(enum.Enum):
    """What had to be changed in a ladder to place it."""

    MERGED = "merged"
    DROPPED = "dropped"


@attrs.frozen(kw_only=True)
class LadderNote:
    """One change: rung ``number`` was below ``qty_min`` with its ``qty``.

    ``MERGED``: rung ``into`` closes its share. ``DROPPED``: no rung could take it, so no target
    closes that quantity; the stop still covers it.
    """

    kind: NoteKind
    number: int
    qty: Qty
    qty_min: Qty
    into: int | None = None

    def __str__(self) -> str:
        small = f"rung {self.number} of {self.qty} is below the venue's minimum of {self.qty_min}"
        match self.kind:
            case NoteKind.MERGED:
                return f"{small}: merged into rung {self.into}"
            case NoteKind.DROPPED:
                return f"{small} and there is no rung to merge it into: dropped"


@attrs.frozen(kw_only=True)
class Part:
    """The quantity that one rung closes."""

    number: int
    qty: Qty


def total(quantities: Iterable[Qty]) -> Qty:
    """Add quantities up."""
    return sum(quantities, start=ZERO_QTY)


def share_out(
    fractions: Mapping[int, Rate], *, qty: Qty, step: Qty, qty_min: Qty
) -> tuple[tuple[Part, ...], tuple[LadderNote, ...]]:
    """Give each rung its fraction of ``qty``, rounded down to the step.

    ``fractions`` are by rung number, nearest rung first, and add up to at most one. When they add
    up to exactly one, the last part takes the remainder. A share below ``qty_min`` moves to a
    neighbour that is large enough, the nearer one first; small shares side by side are put
    together at the nearest of them.
    """

    def share(numbers: Iterable[int]) -> Qty:
        fraction = sum((fractions[number] for number in numbers), start=ZERO_RATE)
        return qty_down(qty * fraction, step)

    parts, notes = _merged(tuple(fractions), share, qty_min=qty_min)
    if parts and sum(fractions.values(), start=ZERO_RATE) == ONE:
        before_last = total(part.qty for part in parts[:-1])
        parts = (*parts[:-1], attrs.evolve(parts[-1], qty=qty - before_last))
    assert total(part.qty for part in parts) <= qty, f"{parts} close more than {qty}"
    return parts, notes


def remaining(
    planned: tuple[Part, ...], *, closed: Mapping[int, Qty], held: Qty, qty_min: Qty
) -> tuple[tuple[Part, ...], tuple[LadderNote, ...]]:
    """Return what each rung has still to close, never more than ``held`` together.

    ``planned`` is the share of each rung in the whole position, nearest first, ``closed`` what
    each has closed. What was closed elsewhere is taken from the farthest rungs. A remainder below
    ``qty_min`` moves as in :func:`share_out`, unless it is all that is left of an order that has
    filled in part: that order already rests at the venue.
    """
    room = min(held, total(part.qty for part in planned) - total(closed.values()))
    left: dict[int, Qty] = {}
    for part in planned:
        wanted = min(part.qty - closed.get(part.number, ZERO_QTY), room)
        if wanted > ZERO_QTY:
            left[part.number] = wanted
            room -= wanted
    if len(left) == 1 and closed.get(next(iter(left)), ZERO_QTY) > ZERO_QTY:
        return tuple(Part(number=number, qty=qty) for number, qty in left.items()), ()
    return _merged(
        tuple(left), lambda numbers: total(left[number] for number in numbers), qty_min=qty_min
    )


_Share = Callable[[Iterable[int]], Qty]


def _merged(
    numbers: tuple[int, ...], share: _Share, *, qty_min: Qty
) -> tuple[tuple[Part, ...], tuple[LadderNote, ...]]:
    """Group the rungs so that every part reaches ``qty_min``; what cannot is dropped."""
    parts: list[Part] = []
    notes: list[LadderNote] = []
    for group in _groups(numbers, lambda some: share(some) >= qty_min):
        large = [number for number in group if share((number,)) >= qty_min]
        place = large[0] if large else group[0]
        is_placed = share(group) >= qty_min
        if is_placed:
            parts.append(Part(number=place, qty=share(group)))
        notes.extend(
            LadderNote(
                kind=NoteKind.MERGED if is_placed else NoteKind.DROPPED,
                number=number,
                qty=share((number,)),
                qty_min=qty_min,
                into=place if is_placed else None,
            )
            for number in group
            if number != place or not is_placed
        )
    return tuple(parts), tuple(notes)


def _groups(
    numbers: tuple[int, ...], is_enough: Callable[[Iterable[int]], bool]
) -> list[list[int]]:
    """Split rungs into runs that are each enough; only a single run may fall short."""
    groups: list[list[int]] = []
    for number in numbers:
        if not groups or is_enough(groups[-1]):
            groups.append([number])
        elif len(groups) > 1 and is_enough((number,)):
            small = groups.pop()
            groups[-1].extend(small)
            groups.append([number])
        else:
            groups[-1].append(number)
    if len(groups) > 1 and not is_enough(groups[-1]):
        small = groups.pop()
        groups[-1].extend(small)
    return groups
