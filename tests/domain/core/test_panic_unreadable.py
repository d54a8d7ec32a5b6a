"""Panic and rows that nobody understands."""

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import Inventory
from tidegate.domain.reports import UnreadableReport

from .test_panic_steps import T0, foreign, panicked, take


def test_what_could_not_be_read_is_held_and_is_named_at_the_end() -> None:
    """Flat is not proven by it: what protects stays, and panic goes on until it may not."""
    row = UnreadableReport(source="positions", text="ETHUSDT: " + "x" * 200, time_ms=T0)
    protective = foreign(reduce_only=True)
    unknown = Inventory(positions=(), orders=(protective,), unreadable=(row,))
    assert take(panicked(), unknown, 9).events == ()
    state = panicked()
    counted = attrs.evolve(state, view=attrs.evolve(state.view, panic_inventories=3))
    named = f"unreadable: positions ETHUSDT: {'x' * 91}"
    assert take(counted, unknown, 9).events == (ev.PanicEnded(remaining=(named,), time_ms=T0 + 9),)
