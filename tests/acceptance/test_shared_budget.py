"""Three processes on one account and one journal: one is killed, one stalls, the limit holds."""

from tests.acceptance.shared_budget import run
from tests.acceptance.shared_judge import Plan, check

SEED = 5


def test_processes_that_die_and_stall_never_pass_the_shared_limit() -> None:
    plan = Plan(processes=3, signals=90, kills=(0.3,), pauses=(0.5,), lease_ms=5_000)
    found = run(plan, SEED)
    check(found, approvals_min=40)
