"""The exchange suite passes what is right and finds what is wrong."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest

from .suite_runs import ROOT, run_pytest
from .wrong_exchanges import IDLE, WRONG

RIGHT = ("memory", "bare_memory", "paper")
LINE = re.compile(
    r"^(PASSED|FAILED|ERROR|SKIPPED) \S*::(?P<case>\w+)\[(?P<params>\S+)\]", re.MULTILINE
)

SAFETY = (
    "test_reduce_only_never_flips",
    "test_reduce_only_never_adds",
    "test_a_resting_reduction_cannot_outlive_the_position",
    "test_a_cleared_stop_does_not_fire",
    "test_an_attached_stop_closes_the_position",
    "test_protection_is_gone_when_the_position_is",
    "test_a_duplicate_client_id_is_rejected_and_opens_nothing",
    "test_a_cancelled_order_is_over",
    "test_a_cancel_that_comes_too_late_loses_nothing",
    "test_who_is_flat_pays_no_funding",
    "test_immediate_or_cancel_never_rests",
)
"""Cases that a venue without any effect must not be able to pass."""

Verdicts = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """Run all cases over the right venues, and over the wrong ones those that must find them."""
    right = {name: f"tests.contracts.benches:{name}" for name in RIGHT}
    wrong = {name: f"tests.contracts.wrong_exchanges:make_{name}" for name in WRONG}
    modules = _modules()
    rows = [_row(modules, venue.case, wrong[name]) for name, venue in WRONG.items()]
    rows += [_row(modules, case, wrong[name]) for name in IDLE for case in SAFETY]
    return {
        **_run(right.values(), sorted(set(modules.values())), pytest.ExitCode.OK),
        **_run(wrong.values(), rows, pytest.ExitCode.TESTS_FAILED),
    }


def _modules() -> dict[str, str]:
    """Return case -> the suite that it is in."""
    return {
        node.name: f"tidegate.contracts.{path.stem}"
        for path in sorted((ROOT / "contracts").glob("test_exchange*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _row(modules: Mapping[str, str], case: str, factory: str) -> str:
    """Return the node id of one case over one factory."""
    name, _, own = case.removesuffix("]").partition("[")
    parameters = f"{factory}-{own}" if own else factory
    return f"{modules[name]}::{name}[{parameters}]"


def _run(factories: Iterable[str], what: Iterable[str], expected: pytest.ExitCode) -> Verdicts:
    """Run the suite in a process of its own, with the command that any adapter's author uses."""
    options = [text for factory in factories for text in ("--exchange", factory)]
    done = run_pytest("-q", "-rpfE", "--tb=no", *options, "--pyargs", *what, folder=ROOT)
    assert done.returncode == expected, done.stdout[-3000:] + done.stderr
    return _read(done.stdout)


def _read(report: str) -> Verdicts:
    """Return factory -> case -> verdict; a case's own parameter is part of its name."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for match in LINE.finditer(report):
        first, _, second = match["params"].partition("-")
        factory, own = (first, second) if ":" in first else (second, first)
        name = factory.partition(":")[2].removeprefix("make_")
        case = match["case"] + (f"[{own}]" if own else "")
        found[name][case] = match[1]
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_venue_passes_every_case(verdicts: Verdicts, name: str) -> None:
    failed = [case for case, verdict in verdicts[name].items() if verdict != "PASSED"]
    assert failed == []
    assert len(verdicts[name]) > 50


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_venue_fails_in_the_named_case(verdicts: Verdicts, name: str) -> None:
    case = WRONG[name].case
    assert verdicts["memory"][case] == "PASSED"
    assert verdicts[name][case] == "FAILED"


@pytest.mark.parametrize("name", IDLE)
@pytest.mark.parametrize("case", SAFETY)
def test_no_safety_case_passes_on_a_venue_that_does_nothing(
    verdicts: Verdicts, name: str, case: str
) -> None:
    assert verdicts[name][case] == "FAILED"


def test_every_case_states_the_rule_that_it_guards() -> None:
    modules = _modules()
    assert len(modules) > 80
    for case, module in modules.items():
        rule = getattr(importlib.import_module(module), case).__doc__
        assert rule, f"{module}::{case} states no rule"
