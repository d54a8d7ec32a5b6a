"""The same market script makes the same desk on memory, on paper and on Bybit's protocol.

``python -m tests.acceptance.test_three_venues [SCRIPT ...]`` runs every script, or these, under
every condition of the streams.
"""

import logging
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import attrs
import pytest

from tests.quality.requirement_rows import NUMBERS, read_map

from .three import (
    scenarios_account,
    scenarios_orders,
    scenarios_protection,
    scenarios_queries,
    scenarios_safety,
)
from .three.elsewhere import ELSEWHERE
from .three.local_worlds import MemoryWorld, PaperWorld
from .three.scenarios import Scenario, scenarios
from .three.told import Told, told
from .three.wire_world import Condition, WireWorld
from .three.world import World

WORLDS: Mapping[str, Callable[[Path], World]] = MappingProxyType(
    {
        "memory": lambda folder: MemoryWorld(folder / "memory"),
        "paper": lambda folder: PaperWorld(folder / "paper"),
        "bybit": WireWorld,
    }
)


def _run(make: Callable[[Path], World], folder: Path, scenario: Scenario) -> Told:
    with closing(make(folder)) as world:
        scenario.run(world)
        world.settle()
        assert world.application._runner.failure is None
        assert world.application._engine.listener_errors == 0
        return told(tuple(world.events), world.notes)


def test_every_requirement_of_these_sections_is_shown_by_a_script_or_has_a_reason() -> None:
    asked = {number for number in NUMBERS if number[0] in "AFGH"}
    shown = {number for script in scenarios() for number in script.shows}
    assert shown - set(NUMBERS) == set()
    assert asked - shown == set(ELSEWHERE)
    proven = {row.number for row in read_map() if row.proofs}
    assert set(ELSEWHERE) - proven == set()


@pytest.fixture
def told_by(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, Told]:
    """Run the script on all three venues, side by side: most of the time each of them waits."""
    with ThreadPoolExecutor(len(WORLDS)) as pool:
        runs = {
            name: pool.submit(_run, make, tmp_path, request.param) for name, make in WORLDS.items()
        }
    return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize(
    "told_by",
    [
        pytest.param(script, marks=() if number % 2 else pytest.mark.sweep)
        for number, script in enumerate(scenarios())
    ],
    ids=lambda s: s.name,
    indirect=True,
)
def test_every_venue_tells_the_same_story(told_by: Mapping[str, Told]) -> None:
    memory, paper, bybit = told_by["memory"], told_by["paper"], told_by["bybit"]
    assert memory.orders or memory.notes or memory.refusals, "the script did something"
    assert paper == memory
    assert bybit == memory


BOOKED = (
    scenarios_account,
    scenarios_orders,
    scenarios_protection,
    scenarios_queries,
    scenarios_safety,
)
"""The modules whose scripts are registered by being imported."""

STREAMLESS = frozenset({"fills_while_the_streams_are_down_are_found_over_queries"})
"""Scripts that are about the streams themselves."""


def _under(condition: Condition, folder: Path, names: Container[str] | None) -> dict[str, Told]:
    """Run scripts under a condition, several at once: most of the time each of them waits."""
    chosen = [
        script
        for script in scenarios()
        if script.name not in STREAMLESS and (names is None or script.name in names)
    ]

    def run(script: Scenario) -> Told:
        below = folder / script.name
        below.mkdir()
        return _run(lambda path: WireWorld(path, condition), below, script)

    with ThreadPoolExecutor(6) as pool:
        return dict(zip([s.name for s in chosen], pool.map(run, chosen), strict=True))


EACH = frozenset(
    {
        "a_long_trade_runs_up_its_ladder",
        "a_stop_at_the_venue_ends_the_trade_and_its_orders",
        "a_close_takes_the_orders_off_first",
        "panic_takes_everything_and_halts",
    }
)
"""What is run under every condition in each test run; all of it by the module's own command."""


@pytest.mark.parametrize(
    "condition",
    [
        Condition.FLAPPING,
        pytest.param(Condition.DOWN, marks=pytest.mark.sweep),
        pytest.param(Condition.LATE, marks=pytest.mark.sweep),
        pytest.param(Condition.OFF, marks=pytest.mark.sweep),
        pytest.param(Condition.STALE, marks=pytest.mark.sweep),
    ],
    ids=lambda c: c.name,
)
def test_no_condition_of_the_streams_changes_the_story(
    condition: Condition, tmp_path: Path
) -> None:
    compare(condition, tmp_path, EACH)


def compare(condition: Condition, folder: Path, names: Container[str] | None) -> None:
    """Compare scripts under a condition with the venue in memory, where nothing can go wrong."""
    stories = _under(condition, folder, names)
    assert stories
    differing = []
    for script in scenarios():
        if script.name in stories:
            right = _run(WORLDS["memory"], folder / script.name, script)
            differing += [
                f"{script.name}: {what}" for what in differences(stories[script.name], right)
            ]
    assert not differing, "\n".join(differing)


def differences(told: Told, right: Told) -> Iterator[str]:
    """Say in which parts two stories differ, and how each has it."""
    for field in attrs.fields(Told):
        ours, theirs = getattr(told, field.name), getattr(right, field.name)
        if ours != theirs:
            yield f"{field.name}:\n  {ours}\n  in memory {theirs}"


if __name__ == "__main__":
    logging.disable()
    chosen = frozenset(sys.argv[1:]) or None
    for each in Condition:
        with TemporaryDirectory() as scratch:
            compare(each, Path(scratch), chosen)
            sys.stdout.write(f"{each.name}: every script tells the same story\n")
