"""The state suite passes the right adapters, and catches each planted fault in a named case."""

import pytest

from tests.contracts.suite_runs import outcomes
from tests.contracts.wrong_states import CAUGHT_BY

_SUITES = ("tidegate.contracts.test_state_journal", "tidegate.contracts.test_state_recovery")
_RIGHT = {
    "tests.contracts.state_benches:make_memory": 20,
    "tests.contracts.state_benches:make_sqlite": 25,
    "tests.contracts.postgres_bench:make_postgres": 26,
    "tests.contracts.wrong_states:make_disk": 23,
}
_WRONG = {f"tests.contracts.wrong_states:{name}": case for name, case in CAUGHT_BY.items()}
_EACH_TIME = list(_WRONG)[::3]
"""The wrong adapters of each run; with ``--whole`` all of them."""
_WRONG_CASES = [
    pytest.param(
        factory,
        case,
        marks=() if factory in _EACH_TIME else pytest.mark.sweep,
        id=factory.rpartition(":")[2],
    )
    for factory, case in _WRONG.items()
]

Results = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, *, whole: bool) -> Results:
    factories = [*_RIGHT, *(_WRONG if whole else _EACH_TIME)]
    report = tmp_path_factory.mktemp("report") / "report.xml"
    return outcomes(_SUITES, "--state", factories, report)


def _failed(cases: dict[str, set[str]]) -> set[str]:
    return {case for case, ends in cases.items() if ends & {"failure", "error"}}


@pytest.mark.parametrize("factory", _RIGHT)
def test_a_right_adapter_passes_every_case_that_it_declares(results: Results, factory: str) -> None:
    cases = results[factory]
    passed = {case for case, ends in cases.items() if "passed" in ends}
    assert _failed(cases) == set()
    assert len(passed) >= _RIGHT[factory], sorted(set(cases) - passed)


@pytest.mark.parametrize(("factory", "case"), _WRONG_CASES)
def test_a_wrong_adapter_fails_in_a_named_case(results: Results, factory: str, case: str) -> None:
    cases = results[factory]
    assert case in _failed(cases)
    # A fault that fails everything would show that the bench is broken, not that a case bites.
    assert 2 * len(_failed(cases)) < len(cases), sorted(_failed(cases))


def test_every_case_passes_for_some_right_adapter(results: Results) -> None:
    cases = set().union(*(results[factory] for factory in _RIGHT))
    passed = {
        case for factory in _RIGHT for case, ends in results[factory].items() if "passed" in ends
    }
    assert cases == passed
