"""The state suite, first part: the journal and its snapshots while the store is open."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from tidegate.ports.state import (
    Record,
    Snapshot,
    StateError,
    StatePort,
    StateUnavailable,
    VersionConflict,
)

from .state_bench import StateAbility, StateBench
from .state_cases import records, require, stored

__all__: list[str] = []

_WRITERS = 6
_ROUNDS = 15


def test_a_new_journal_is_empty(state_bench: StateBench) -> None:
    """A store that nobody wrote to is at version 0, with no record and no snapshot."""
    state = state_bench.open()
    assert state.version() == 0
    assert list(state.read()) == []
    assert state.load_snapshot() is None


def test_versions_count_from_one_without_a_gap(state_bench: StateBench) -> None:
    """Versions are 1, 2, 3 ... whatever the sizes of the appends; append returns the last."""
    state = state_bench.open()
    for size, expected in ((1, 1), (3, 4), (2, 6), (1, 7)):
        batch = records(*["x"] * size)
        assert state.append(batch, expected_version=expected - size, durable=size == 3) == expected
        assert state.version() == expected
    assert [found.version for found in state.read()] == [1, 2, 3, 4, 5, 6, 7]


def test_order_is_kept(state_bench: StateBench) -> None:
    """Records come back in the order of their appends, and within one append in its order."""
    state = state_bench.open()
    bodies = [str(number) for number in range(600)]
    for start in range(0, 600, 150):
        batch = records(*bodies[start : start + 150])
        state.append(batch, expected_version=start, durable=False)
    assert [found.record.body for found in state.read()] == bodies


def test_a_read_starts_after_the_given_version(state_bench: StateBench) -> None:
    """``read(after_version=n)`` yields the records n + 1 and later, each with its version."""
    state = state_bench.open()
    batch = records("a", "b", "c", "d")
    state.append(batch, expected_version=0, durable=False)
    for after in range(6):
        assert list(state.read(after_version=after)) == stored(batch)[after:]


def test_a_read_is_one_view(state_bench: StateBench) -> None:
    """A read that has begun shows the journal as it was, whatever is appended meanwhile."""
    state = state_bench.open()
    batch = records(*map(str, range(700)))
    state.append(batch, expected_version=0, durable=False)
    reading = state.read()
    first = next(reading)
    state.append(records("later"), expected_version=700, durable=False)
    assert [first, *reading] == stored(batch)
    assert state.version() == 701


@pytest.mark.parametrize("expected_version", [0, 1, 3, 99])
def test_a_conflict_writes_nothing_and_names_both_versions(
    state_bench: StateBench, expected_version: int
) -> None:
    """An append on any version but the current one is refused, whether behind it or ahead."""
    state = state_bench.open()
    batch = records("a", "b")
    state.append(batch, expected_version=0, durable=False)
    with pytest.raises(VersionConflict) as refused:
        state.append(records("c", "d"), expected_version=expected_version, durable=False)
    assert (refused.value.expected, refused.value.actual) == (expected_version, 2)
    assert list(state.read()) == stored(batch)
    assert state.version() == 2


@pytest.mark.parametrize("bad", ["\ud800", "half \udfff pair"])
def test_an_append_is_all_or_nothing(state_bench: StateBench, bad: str) -> None:
    """When one record cannot be stored (here: half a surrogate pair), none of its append is.

    A store that can hold such text gives it back unchanged.
    """
    state = state_bench.open()
    before = records("before")
    state.append(before, expected_version=0, durable=False)
    batch = records("first", bad, "last")
    try:
        state.append(batch, expected_version=1, durable=False)
    except (ValueError, StateError):
        assert list(state.read()) == stored(before)
        assert state.append(records("next"), expected_version=1, durable=False) == 2
    else:
        assert list(state.read()) == stored([*before, *batch])


def test_appending_nothing_changes_nothing(state_bench: StateBench) -> None:
    """An append of no records returns the version, and still refuses a wrong expectation."""
    state = state_bench.open()
    state.append(records("a"), expected_version=0, durable=False)
    assert state.append([], expected_version=1, durable=True) == 1
    with pytest.raises(VersionConflict):
        state.append([], expected_version=0, durable=False)
    assert list(state.read()) == stored(records("a"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t leading and trailing \r\n",
        "007",
        "1e5",
        "NULL",
        '{"quote": "it\'s", "slash": "\\\\"}',
        "Grüße, 你好, مرحبا, 🚀👩‍👩‍👧",
        "e\u0301 is not \u00e9",
        "nul \x00 inside, bell \x07, delete \x7f",
        "\ufeffmark, \u2028line, \uffff\U0010ffff",
    ],
    ids=["empty", "space", "zeros", "float", "null", "json", "scripts", "forms", "controls", "far"],
)
def test_text_comes_back_unchanged(state_bench: StateBench, text: str) -> None:
    """Kind, body and snapshot are text, not to be trimmed, normalised, converted or cut."""
    state = state_bench.open()
    record = Record(kind=f"kind.{text}", body=text, time_ms=0)
    state.append([record], expected_version=0, durable=False)
    state.save_snapshot(Snapshot(version=1, body=text))
    assert list(state.read()) == stored([record])
    assert state.load_snapshot() == Snapshot(version=1, body=text)


def test_a_large_body_comes_back_unchanged(state_bench: StateBench) -> None:
    """A body of four megabytes is stored whole, between its neighbours."""
    state = state_bench.open()
    batch = records("before", "0123456789abcdé" * 262_144, "after")
    state.append(batch, expected_version=0, durable=False)
    assert list(state.read()) == stored(batch)


@pytest.mark.parametrize("time_ms", [0, 1, 1_735_689_600_123, 2**53 + 1])
def test_times_are_exact(state_bench: StateBench, time_ms: int) -> None:
    """Milliseconds come back as the same integer, also beyond what a binary float can hold."""
    state = state_bench.open()
    record = Record(kind="tick.v1", body="", time_ms=time_ms)
    state.append([record], expected_version=0, durable=False)
    (found,) = state.read()
    assert found.record.time_ms == time_ms
    assert type(found.record.time_ms) is int


def test_the_newest_snapshot_wins(state_bench: StateBench) -> None:
    """``load_snapshot`` returns the one with the highest version, whatever was saved last."""
    state = state_bench.open()
    state.append(records("a", "b", "c"), expected_version=0, durable=False)
    state.save_snapshot(Snapshot(version=1, body="one"))
    assert state.load_snapshot() == Snapshot(version=1, body="one")
    state.save_snapshot(Snapshot(version=3, body="three"))
    assert state.load_snapshot() == Snapshot(version=3, body="three")
    state.save_snapshot(Snapshot(version=2, body="two"))
    assert state.load_snapshot() == Snapshot(version=3, body="three")


def test_a_snapshot_beyond_the_journal_is_refused(state_bench: StateBench) -> None:
    """A snapshot of a version that is not written yet is refused, and the one before it stays."""
    state = state_bench.open()
    state.append(records("a", "b"), expected_version=0, durable=False)
    state.save_snapshot(Snapshot(version=2, body="two"))
    with pytest.raises((ValueError, StateError)):
        state.save_snapshot(Snapshot(version=3, body="three"))
    assert state.load_snapshot() == Snapshot(version=2, body="two")


def test_a_snapshot_leaves_the_journal_alone(state_bench: StateBench) -> None:
    """Saving a snapshot removes no record and moves no version."""
    state = state_bench.open()
    batch = records("a", "b", "c")
    state.append(batch, expected_version=0, durable=False)
    state.save_snapshot(Snapshot(version=2, body="two"))
    assert list(state.read()) == stored(batch)
    assert state.append(records("d"), expected_version=3, durable=False) == 4


def test_closing_twice_is_harmless(state_bench: StateBench) -> None:
    """A second close does nothing, and says nothing."""
    state = state_bench.open()
    state.close()
    state.close()


_CALLS: dict[str, Callable[[StatePort], object]] = {
    "version": lambda state: state.version(),
    "append": lambda state: state.append(records("x"), expected_version=1, durable=False),
    "read": lambda state: list(state.read()),
    "save_snapshot": lambda state: state.save_snapshot(Snapshot(version=1, body="x")),
    "load_snapshot": lambda state: state.load_snapshot(),
}


@pytest.mark.parametrize("call", list(_CALLS.values()), ids=list(_CALLS))
def test_use_after_close_is_a_typed_error(
    state_bench: StateBench, call: Callable[[StatePort], object]
) -> None:
    """Every method of a closed adapter raises ``StateUnavailable``, no error of its driver."""
    state = state_bench.open()
    state.append(records("a"), expected_version=0, durable=False)
    call(state)
    state.close()
    with pytest.raises(StateUnavailable):
        call(state)


def test_exactly_one_thread_wins_each_version(state_bench: StateBench) -> None:
    """Of many threads that append on the same version one succeeds; the others are told so."""
    state = state_bench.open()
    _race([state] * _WRITERS)


def test_exactly_one_of_many_adapters_wins_each_version(state_bench: StateBench) -> None:
    """The same, when every thread has an adapter of its own on the one store."""
    require(state_bench, StateAbility.SHARING)
    _race([state_bench.open() for _ in range(_WRITERS)])


def _race(states: Sequence[StatePort]) -> None:
    barrier = threading.Barrier(len(states), timeout=60)
    with ThreadPoolExecutor(len(states)) as pool:
        racing = [pool.submit(_run, state, name, barrier) for name, state in enumerate(states)]
    errors = [error for racer in racing if (error := racer.exception()) is not None]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):  # those only follow the first
            raise error
    wins = [win for racer in racing for win in racer.result()[0]]
    conflicts = [conflict for racer in racing for conflict in racer.result()[1]]
    assert sorted(version for version, _ in wins) == list(range(_ROUNDS))
    assert len(conflicts) == _ROUNDS * (len(states) - 1)
    assert {actual - expected for expected, actual in conflicts} == {1}
    for state in states:
        assert [found.record.body for found in state.read()] == [body for _, body in sorted(wins)]


def _run(
    state: StatePort, name: int, barrier: threading.Barrier
) -> tuple[list[tuple[int, str]], list[tuple[int, int]]]:
    wins, conflicts = [], []
    try:
        for version in range(_ROUNDS):
            barrier.wait()
            body = f"{name} in round {version}"
            try:
                state.append(records(body), expected_version=version, durable=False)
            except VersionConflict as lost:
                conflicts.append((lost.expected, lost.actual))
            else:
                wins.append((version, body))
    except BaseException:
        barrier.abort()  # else the others would wait for one that has gone
        raise
    return wins, conflicts


def test_two_writers_on_one_store_see_each_other(state_bench: StateBench) -> None:
    """What one adapter appended is there for the other, whose old expectation is refused."""
    require(state_bench, StateAbility.SHARING)
    first, second = state_bench.open(), state_bench.open()
    batch = records("a", "c")
    first.append(batch[:1], expected_version=0, durable=False)
    with pytest.raises(VersionConflict) as refused:
        second.append(records("b"), expected_version=0, durable=False)
    assert (refused.value.expected, refused.value.actual) == (0, 1)
    assert second.append(batch[1:], expected_version=1, durable=True) == 2
    assert list(first.read()) == stored(batch)
    assert list(second.read()) == stored(batch)
    assert first.version() == second.version() == 2
