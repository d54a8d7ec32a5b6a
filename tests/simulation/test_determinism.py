"""A seed decides everything: the same again gives the same journal, byte for byte."""

import pytest
from tidegate.application.simulation.names import Violation
from tidegate.application.simulation.plan import Act, Store, draw_plan
from tidegate.application.simulation.seeds import simulate
from tidegate.application.simulation.world import Run
from tidegate.ports.commands import BadInput
from tidegate.ports.simulation import SimulateRequest


def nobody(_: int, __: int) -> None:
    """Watch no progress."""


@pytest.mark.parametrize("seed", range(8))
def test_a_seed_gives_the_same_journal_and_the_same_story_again(seed: int) -> None:
    first, second = (Run(draw_plan(seed), has_story=True).run() for _ in range(2))
    assert first.digest == second.digest
    assert first.story == second.story
    assert first.counts == second.counts


def test_other_seeds_give_other_journals() -> None:
    digests = {Run(draw_plan(seed)).run().digest for seed in range(12)}
    assert len(digests) == 12


def test_a_journal_in_a_file_gives_the_same_again() -> None:
    plan = next(p for p in map(draw_plan, range(400)) if p.store is Store.SQLITE)
    assert Run(plan).run().digest == Run(plan).run().digest


def test_processes_of_their_own_give_what_one_process_gives() -> None:
    alone = simulate(SimulateRequest(first=40, seeds=12), nobody)
    shared = simulate(SimulateRequest(first=40, seeds=12, jobs=2), nobody)
    assert alone == shared


def test_an_act_that_is_left_out_does_not_happen_and_the_rest_is_as_it_was() -> None:
    plan = draw_plan(3)
    smaller = plan.leaving_out(frozenset({"a0", "k0"}))
    assert [step.number for step in smaller.steps] == list(range(1, len(plan.steps)))
    assert smaller.kills == plan.kills[1:]
    assert smaller.calls == plan.calls
    acts = Run(smaller).run().counts.acts
    whole = Run(plan).run().counts.acts
    assert acts[Act.SIGNAL.name] == whole[Act.SIGNAL.name] - 1


def test_a_name_that_is_none_of_the_script_is_refused() -> None:
    with pytest.raises(BadInput, match="seed 7 has no a999; accepted: names of its acts"):
        simulate(SimulateRequest(first=7, seeds=1, without=("a999",)), nobody)


def test_a_violation_says_which_rule_was_broken() -> None:
    assert str(Violation("a rule", "what happened")) == "a rule: what happened"


def test_a_seed_that_holds_tells_its_story_by_the_command_s_request_too() -> None:
    report = simulate(SimulateRequest(first=4, seeds=1, has_story=True), lambda *_: None)
    told = Run(draw_plan(4), has_story=True).run()
    assert report.broken is None
    assert report.story == told.story
    assert report.seeds == 1
