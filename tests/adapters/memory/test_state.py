"""What the in-memory journal does beyond the contract; the contract itself is run as a suite."""

import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.ports.state import Record, Snapshot

_RECORD = Record(kind="case.v1", body="body", time_ms=1)


def test_two_journals_share_nothing() -> None:
    first, second = MemoryState(), MemoryState()
    first.append([_RECORD], expected_version=0, durable=True)
    assert second.version() == 0


def test_text_that_a_lasting_store_could_not_hold_is_refused_here_too() -> None:
    state = MemoryState()
    with pytest.raises(ValueError, match=r"'bad\.v1' record holds a character that UTF-8 cannot"):
        state.append(
            [_RECORD, Record(kind="bad.v1", body="\ud800", time_ms=1)],
            expected_version=0,
            durable=False,
        )
    assert list(state.read()) == []


@pytest.mark.parametrize("version", [-1, 1])
def test_a_snapshot_of_a_version_that_is_not_there_is_refused(version: int) -> None:
    state = MemoryState()
    with pytest.raises(ValueError, match=rf"version {version} does not .* at version 0; give 0 to"):
        state.save_snapshot(Snapshot(version=version, body=""))
    assert state.load_snapshot() is None


def test_reading_after_a_negative_version_is_refused() -> None:
    with pytest.raises(ValueError, match="after_version is -1; versions count from 1"):
        MemoryState().read(after_version=-1)
