"""The same market script makes the same desk on memory, on paper and on Bybit's protocol."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import pytest

from .three.local_worlds import MemoryWorld, PaperWorld
from .three.scenarios import Scenario, scenarios
from .three.told import Told, told
from .three.wire_world import WireWorld
from .three.world import World

WORLDS: Mapping[str, Callable[[Path], World]] = MappingProxyType(
    {
        "memory": lambda _: MemoryWorld(),
        "paper": lambda _: PaperWorld(),
        "bybit": WireWorld,
    }
)


def _run(make: Callable[[Path], World], folder: Path, scenario: Scenario) -> Told:
    with closing(make(folder)) as world:
        scenario.run(world)
        world.settle()
        assert world.application._runner.failure is None
        assert world.application._engine.listener_errors == 0
        return told(tuple(world.events))


@pytest.fixture
def told_by(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, Told]:
    """Run the script on all three venues, side by side: most of the time each of them waits."""
    with ThreadPoolExecutor(len(WORLDS)) as pool:
        runs = {
            name: pool.submit(_run, make, tmp_path, request.param) for name, make in WORLDS.items()
        }
    return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize("told_by", scenarios(), ids=lambda s: s.name, indirect=True)
def test_every_venue_tells_the_same_story(told_by: Mapping[str, Told]) -> None:
    memory, paper, bybit = told_by["memory"], told_by["paper"], told_by["bybit"]
    assert memory.orders, "the script did something"
    assert paper == memory
    assert bybit == memory
