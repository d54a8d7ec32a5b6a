"""The state suite, second part: what is there after a close, a kill, a power cut or damage."""

from collections.abc import Callable

import pytest
from tidegate.ports.state import NewerFormat, Snapshot, StateCorrupt, StateError

from .state_bench import AbilityMissing, StateAbility, StateBench
from .state_cases import records, require, stored

__all__: list[str] = []

_ENDINGS: dict[StateAbility, Callable[[StateBench], object]] = {
    StateAbility.CRASH: lambda bench: bench.crash(),
    StateAbility.POWER_LOSS: lambda bench: bench.lose_power(),
    StateAbility.CORRUPTION: lambda bench: bench.corrupt(),
    StateAbility.NEWER_FORMAT: lambda bench: bench.make_newer(),
}


@pytest.mark.parametrize("ability", list(_ENDINGS), ids=lambda ability: ability.name.lower())
def test_what_the_bench_does_not_declare_it_refuses(
    state_bench: StateBench, ability: StateAbility
) -> None:
    """An undeclared ability raises ``AbilityMissing`` and names it: no case runs in vain."""
    if ability in state_bench.abilities:
        pytest.skip(f"the bench declares {ability.name}")
    with pytest.raises(AbilityMissing) as refused:
        _ENDINGS[ability](state_bench)
    assert refused.value.ability is ability


def test_a_store_that_is_not_shared_refuses_a_second_adapter(state_bench: StateBench) -> None:
    """Without ``SHARING`` a second open is refused; two stores must not pass for one."""
    if StateAbility.SHARING in state_bench.abilities:
        pytest.skip("the bench declares SHARING")
    state_bench.open()
    with pytest.raises((AbilityMissing, StateError)):
        state_bench.open()


def test_a_store_that_does_not_persist_starts_empty(state_bench: StateBench) -> None:
    """Without ``PERSISTENCE`` nothing is left after a close: no record, no snapshot, no version."""
    if StateAbility.PERSISTENCE in state_bench.abilities:
        pytest.skip("the bench declares PERSISTENCE")
    state = state_bench.open()
    state.append(records("a"), expected_version=0, durable=True)
    state.save_snapshot(Snapshot(version=1, body="one"))
    state.close()
    again = state_bench.open()
    assert again.version() == 0
    assert list(again.read()) == []
    assert again.load_snapshot() is None


def test_reopening_shows_everything_acknowledged(state_bench: StateBench) -> None:
    """After a close every record, in order, and the newest snapshot are there; writing goes on."""
    require(state_bench, StateAbility.PERSISTENCE)
    batch = records(*map(str, range(400)))
    state = state_bench.open()
    state.append(batch[:1], expected_version=0, durable=True)
    state.append(batch[1:], expected_version=1, durable=False)
    state.save_snapshot(Snapshot(version=399, body="almost all"))
    state.close()
    again = state_bench.open()
    assert again.version() == 400
    assert list(again.read()) == stored(batch)
    assert again.load_snapshot() == Snapshot(version=399, body="almost all")
    assert again.append(records("next"), expected_version=400, durable=False) == 401


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_a_crash_after_an_append_loses_nothing(state_bench: StateBench, *, durable: bool) -> None:
    """An append that returned survives the death of the process, durable or not."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.CRASH)
    batch = records("a", "b", "c")
    state = state_bench.open()
    state.append(batch[:2], expected_version=0, durable=durable)
    state.append(batch[2:], expected_version=2, durable=durable)
    state_bench.crash()
    again = state_bench.open()
    assert list(again.read()) == stored(batch)
    assert again.append(records("next"), expected_version=3, durable=durable) == 4


def test_crash_after_crash_loses_nothing(state_bench: StateBench) -> None:
    """A store goes through many crashes in a row; each life adds to what the others wrote."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.CRASH)
    batch = records(*map(str, range(6)))
    for life, record in enumerate(batch):
        state = state_bench.open()
        assert list(state.read()) == stored(batch[:life])
        state.append([record], expected_version=life, durable=life % 2 == 0)
        state_bench.crash()
    assert list(state_bench.open().read()) == stored(batch)


def test_a_power_cut_loses_nothing_up_to_the_last_durable_append(state_bench: StateBench) -> None:
    """A durable append saves all records before it too; of later ones an unbroken start remains."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.POWER_LOSS)
    batch = records("a", "b", "c", "d", "e")
    state = state_bench.open()
    state.append(batch[:2], expected_version=0, durable=False)
    state.append(batch[2:3], expected_version=2, durable=True)
    state.append(batch[3:4], expected_version=3, durable=False)
    state.append(batch[4:], expected_version=4, durable=False)
    state_bench.lose_power()
    again = state_bench.open()
    left = list(again.read())
    assert len(left) >= 3
    assert left == stored(batch)[: len(left)]
    assert again.version() == len(left)


def test_an_empty_durable_append_saves_the_records_before_it(state_bench: StateBench) -> None:
    """Appending nothing durably is the way to make what is already written durable."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.POWER_LOSS)
    batch = records("a", "b")
    state = state_bench.open()
    state.append(batch, expected_version=0, durable=False)
    state.append([], expected_version=2, durable=True)
    state_bench.lose_power()
    assert list(state_bench.open().read()) == stored(batch)


def test_a_corrupt_store_is_refused_untouched(state_bench: StateBench) -> None:
    """Damage is a ``StateCorrupt`` when the store is opened or read, and no byte of it changes."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.CORRUPTION)
    _fill(state_bench)
    state_bench.corrupt()
    before = state_bench.content()
    with pytest.raises(StateCorrupt):
        list(state_bench.open().read())
    assert state_bench.content() == before


def test_a_newer_store_is_refused_untouched(state_bench: StateBench) -> None:
    """A store of a newer release is a ``NewerFormat`` when it is opened, and no byte changes."""
    require(state_bench, StateAbility.PERSISTENCE, StateAbility.NEWER_FORMAT)
    _fill(state_bench)
    state_bench.make_newer()
    before = state_bench.content()
    with pytest.raises(NewerFormat):
        state_bench.open()
    assert state_bench.content() == before


def _fill(bench: StateBench) -> None:
    state = bench.open()
    state.append(records(*map(str, range(50))), expected_version=0, durable=True)
    state.save_snapshot(Snapshot(version=25, body="half"))
    state.close()
    again = bench.open()
    assert again.version() == 50  # else a store that can never be read would pass as damaged
    assert len(list(again.read())) == 50
    again.close()
