"""What the cases of the state suite share."""

from collections.abc import Sequence

import pytest
from tidegate.ports.state import Record, StoredRecord

from .state_bench import StateAbility, StateBench

__all__ = ["records", "require", "stored"]


def records(*bodies: str) -> list[Record]:
    """Return a record for each body; kinds and times differ, so that a swap shows."""
    return [
        Record(kind=f"case{number % 3}.v1", body=body, time_ms=1_700_000_000_000 + number)
        for number, body in enumerate(bodies)
    ]


def stored(batch: Sequence[Record]) -> list[StoredRecord]:
    """Return what a journal yields that holds exactly this batch."""
    return [StoredRecord(version=number, record=record) for number, record in enumerate(batch, 1)]


def require(bench: StateBench, *abilities: StateAbility) -> None:
    """Skip the case when the bench does not declare one of these."""
    for ability in abilities:
        if ability not in bench.abilities:
            pytest.skip(f"the bench does not declare {ability.name}: {ability.value}")
