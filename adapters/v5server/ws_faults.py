"""Faults of private pushes: repeated, doubled, out of date, left out, held back.

Pure: pushes go in, what is sent comes out. ``PrivatePush`` is the account's own.
"""

from collections.abc import Iterable, Iterator

import attrs

from .accounts import PrivatePush

__all__ = ["PrivateFaults"]

Row = dict[str, object]


@attrs.define
class PrivateFaults:
    """What happens to the next private pushes. Counters say how many are still to suffer.

    Topics are the plain ones: ``order``, ``execution``, ``position``, ``wallet``.
    """

    repeat: dict[str, int] = attrs.field(factory=dict)
    """How many of the next pushes of a topic are sent twice."""
    lose: dict[str, int] = attrs.field(factory=dict)
    """How many of the next pushes of a topic are not sent at all."""
    double_filled: int = 0
    """How many of the next ``Filled`` orders are told again as if a cancel had come too late."""
    stale_positions: int = 0
    """How many of the next position pushes are followed by an older row."""
    silent_topics: set[str] = attrs.field(factory=set)
    """Topics that are not pushed until they are taken out again."""
    topic_order: tuple[str, ...] = ()
    """Which topics leave first when several are pushed together; others follow as they came."""
    is_holding: bool = False
    """Whether pushes are kept until :meth:`release`."""
    _kept: list[PrivatePush] = attrs.field(factory=list)
    _positions: dict[object, Row] = attrs.field(factory=dict)

    def apply(self, pushes: Iterable[PrivatePush]) -> list[PrivatePush]:
        """Return what is to be sent for pushes that belong together, in order."""
        leaving = [sent for push in self._ordered(pushes) for sent in self._one(push)]
        if not self.is_holding:
            return leaving
        self._kept.extend(leaving)
        return []

    def release(self) -> list[PrivatePush]:
        """Stop holding, and return what was kept."""
        kept, self._kept = self._kept, []
        self.is_holding = False
        return kept

    def _ordered(self, pushes: Iterable[PrivatePush]) -> list[PrivatePush]:
        ranks = {topic: rank for rank, topic in enumerate(self.topic_order)}
        return sorted(pushes, key=lambda push: ranks.get(push.topic, len(ranks)))

    def _one(self, push: PrivatePush) -> Iterator[PrivatePush]:
        stale = self._stale(push) if push.topic == "position" else None
        if push.topic in self.silent_topics or _use(self.lose, push.topic):
            return
        yield push
        if _use(self.repeat, push.topic):
            yield push
        if push.topic == "order" and (again := self._filled_again(push)):
            yield attrs.evolve(push, rows=again)
        if stale is not None:
            yield stale

    def _filled_again(self, push: PrivatePush) -> tuple[Row, ...]:
        """Return the second message of orders whose cancel lost against the fill."""
        filled = [row for row in push.rows if row.get("orderStatus") == "Filled"]
        chosen = filled[: self.double_filled]
        self.double_filled -= len(chosen)
        late = {"cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}
        return tuple({**row, **late} for row in chosen)

    def _stale(self, push: PrivatePush) -> PrivatePush | None:
        """Return an older row of the same positions, and remember the present ones."""
        older = [self._older(row) for row in push.rows] if self.stale_positions > 0 else []
        for row in push.rows:
            self._positions[row["symbol"]] = row
        if not older:
            return None
        self.stale_positions -= 1
        return attrs.evolve(push, rows=tuple(older))

    def _older(self, row: Row) -> Row:
        """Return the row that was pushed before, or this one under the number before it."""
        before = self._positions.get(row["symbol"])
        if before is not None and before["seq"] != row["seq"]:
            return before
        sequence = row["seq"]
        assert isinstance(sequence, int), "a position row carries seq as a number"
        return {**row, "seq": sequence - 1}


def _use(counters: dict[str, int], topic: str) -> bool:
    """Tell whether one of the counted pushes is due, and count it down."""
    left = counters.get(topic, 0)
    if left == 0:
        return False
    counters[topic] = left - 1
    return True
