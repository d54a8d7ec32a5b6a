"""Two thousand seeds: every rule holds after every step, and the runs do what they are for."""

import pytest
from tidegate.application.simulation.names import Boundary, Fault
from tidegate.application.simulation.seeds import simulate
from tidegate.ports.simulation import Counted, SimulateRequest, SimulationReport

SEEDS = 2_000
PARTS = 8


@pytest.fixture(scope="module")
def reports() -> dict[int, SimulationReport]:
    """What the parts that ran on this worker came to."""
    return {}


def numbers(rows: tuple[Counted, ...]) -> dict[str, int]:
    return {row.name: row.count for row in rows}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_rule_holds(part: int, reports: dict[int, SimulationReport]) -> None:
    size = SEEDS // PARTS
    report = simulate(SimulateRequest(first=part * size, seeds=size), lambda *_: None)
    assert report.broken is None, f"{report.broken.text}\n{report.broken.replay}"
    assert report.seeds == size
    reports[part] = report


def test_the_seeds_reach_everything_that_they_are_for(
    reports: dict[int, SimulationReport],
) -> None:
    assert len(reports) == PARTS, "this test comes after the parts, on the same worker"
    kills = {one.name: 0 for one in Boundary}
    faults = {one.name: 0 for one in Fault}
    outcomes: dict[str, int] = {}
    for report in reports.values():
        for name, count in numbers(report.kills).items():
            kills[name] += count
        for name, count in numbers(report.faults).items():
            faults[name] += count
        for name, count in numbers(report.outcomes).items():
            outcomes[name] = outcomes.get(name, 0) + count
    assert min(kills.values()) >= 20, kills
    assert min(faults.values()) >= 20, faults
    # A desk that refuses everything, or a venue on which nothing happens, proves nothing.
    assert outcomes["entry_intended"] >= 2_000, outcomes
    assert outcomes["signal_refused"] >= 1_000, outcomes
    assert outcomes["filled"] >= 2_000, outcomes
    assert outcomes["stop_out"] >= 100, outcomes
    assert outcomes["panic_started"] >= 100, outcomes
    assert sum(report.lives for report in reports.values()) >= 4_000
