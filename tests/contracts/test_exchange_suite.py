"""The exchange suite passes what is right and finds what is wrong."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from .suite_runs import ROOT, run_pytest
from .wrong_bybit import RIGHT_ON_A_WRONG_WIRE, WRONG_BYBIT
from .wrong_exchanges import ALSO_FOUND, IDLE, WRONG

RIGHT = {
    "memory": "tests.contracts.benches:memory",
    "bare_memory": "tests.contracts.benches:bare_memory",
    "paper": "tests.contracts.benches:paper",
    "bybit": "tests.contracts.bybit_bench:bybit",
}
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
    "test_a_cancel_leaves_the_protection",
    "test_a_stop_that_is_gone_is_not_shown",
    "test_a_stop_not_modified_is_done_only_where_it_stands",
    "test_a_trailing_stop_waits_for_its_activation",
    "test_reductions_within_the_position_keep_their_quantities",
    "test_a_filled_order_told_twice_is_one_fill",
    "test_a_query_heeds_no_message_that_came_late",
    "test_a_history_of_several_pages_is_whole",
    "test_funding_is_no_execution",
    "test_a_batch_has_one_outcome_for_each_order_in_their_order",
    "test_reductions_of_a_batch_stay_reductions",
    "test_a_batch_without_its_answer_is_unknown_and_found",
    "test_cancel_all_bares_the_position",
    "test_cancel_all_ends_what_waits_for_a_trigger",
    "test_an_amended_stop_is_the_one_that_closes",
    "test_a_leg_not_modified_is_accepted_only_where_it_stands",
    "test_the_margin_mode_stays_with_a_position",
    "test_no_more_margin_is_taken_than_was_added",
    "test_a_partial_stop_closes_its_part_and_no_more",
    "test_a_partial_stop_is_never_larger_than_the_position",
    "test_partial_stops_end_with_the_position",
)
"""Cases that a venue without any effect must not be able to pass."""

CASE_OF = {name: venue.case for name, venue in WRONG.items()}
CASE_OF_BYBIT = {name: venue.case for name, venue in WRONG_BYBIT.items()}
_EACH_TIME = {*list(WRONG_BYBIT)[::2], "FollowsItsCursorForEver"}
"""The wrong adapters of Bybit of each run; with ``--whole`` all of them, each over real sockets."""
WRONG_CASES = [
    *CASE_OF.items(),
    *((name, case) for case, name in ALSO_FOUND.items()),
    *((name, case) for name in IDLE for case in SAFETY),
]

Verdicts = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def verdicts(*, whole: bool) -> Verdicts:
    """Run all cases over the right venues, and over the wrong ones those that must find them.

    The runs are processes of their own, two at a time.
    """
    modules = _modules()
    suites = sorted(set(modules.values()))
    with ThreadPoolExecutor(2) as runs:
        parts = [
            runs.submit(_run, [RIGHT["bybit"]], suites, pytest.ExitCode.OK),
            runs.submit(_run_wrong, modules, "wrong_exchanges", WRONG_CASES),
            runs.submit(_run, _in_process(), suites, pytest.ExitCode.OK),
            runs.submit(_run_wrong, modules, "wrong_bybit", _bybit_cases(whole=whole)),
        ]
        return {name: found for part in parts for name, found in part.result().items()}


def _bybit_cases(*, whole: bool) -> list[tuple[str, str]]:
    wrong = [(name, case) for name, case in CASE_OF_BYBIT.items() if whole or name in _EACH_TIME]
    return [*wrong, RIGHT_ON_A_WRONG_WIRE]


def _in_process() -> list[str]:
    return [factory for name, factory in RIGHT.items() if name != "bybit"]


def _run_wrong(modules: Mapping[str, str], home: str, cases: Iterable[tuple[str, str]]) -> Verdicts:
    """Run each case over the wrong venue that it must find; ``cases`` are pairs of both names."""
    factories = {name: f"tests.contracts.{home}:make_{name}" for name, _ in cases}
    rows = [_row(modules, case, factories[name]) for name, case in cases]
    return _run(factories.values(), rows, pytest.ExitCode.TESTS_FAILED)


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
    report = ("-q", "-rpfE", "--tb=no", "--assert=plain")
    done = run_pytest(*report, *options, "--pyargs", *what, folder=ROOT)
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


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_right_venue_passes_every_case(verdicts: Verdicts, name: str) -> None:
    failed = [case for case, verdict in verdicts[name].items() if verdict != "PASSED"]
    assert failed == []
    assert len(verdicts[name]) > 50


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_venue_fails_in_the_named_case(verdicts: Verdicts, name: str) -> None:
    case = CASE_OF[name]
    assert verdicts["memory"][case] == "PASSED"
    assert verdicts[name][case] == "FAILED"


@pytest.mark.parametrize("case", sorted(ALSO_FOUND))
def test_a_wrong_venue_fails_in_the_case_beside_its_own(verdicts: Verdicts, case: str) -> None:
    assert verdicts["memory"][case] == "PASSED"
    assert verdicts[ALSO_FOUND[case]][case] == "FAILED"


def test_there_is_no_case_that_finds_nothing() -> None:
    named = {case.partition("[")[0] for case in CASE_OF.values()}
    assert named | set(ALSO_FOUND) == set(_modules())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in _EACH_TIME else pytest.mark.sweep)
        for name in sorted(WRONG_BYBIT)
    ],
)
def test_a_wrong_adapter_of_bybit_fails_in_the_named_case(verdicts: Verdicts, name: str) -> None:
    case = CASE_OF_BYBIT[name]
    assert verdicts["bybit"][case] == "PASSED"
    assert verdicts[name][case] == "FAILED"


def test_a_wire_that_repeats_its_cursor_does_not_mislead_the_right_adapter(
    verdicts: Verdicts,
) -> None:
    name, case = RIGHT_ON_A_WRONG_WIRE
    assert verdicts[name][case] == "PASSED"
    assert verdicts["FollowsItsCursorForEver"][case] == "FAILED"


def test_no_two_venues_have_one_name() -> None:
    names = [*RIGHT, *WRONG, *WRONG_BYBIT]
    assert len(set(names)) == len(names)


def test_bybit_leaves_no_case_out(verdicts: Verdicts) -> None:
    assert set(verdicts["bybit"]) == set(verdicts["memory"])


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
