"""What holds for every test run: the Hypothesis profile, the order of files, what is traced."""

import gc
import os
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

from tests.collecting import is_worker, load_layers, take_turns
from tests.tracing import is_traced, untraced

_TESTS = Path(__file__).parent

_TRACED = ("domain", "application")
"""The tests that count for branch coverage: a layer is covered by tests of its own, with examples
that are written down. Drawn examples, whole sessions and the wire run untraced, at less than half
of the time."""

_SELDOM = (20_000, 50, 50)
"""After how many new objects their generation is collected, and after how many times the next."""

BEGIN_FIRST = (
    "wire/test_crash_sweep.py",
    "simulation/test_seeds.py",
    "acceptance/test_crash_resume.py",
    "quality/test_tools.py",
    "acceptance/test_three_venues.py",
    "acceptance/test_books.py",
    "contracts/test_exchange_suite.py",
    "wire/test_secrets.py",
    "adapters/cli/test_run.py",
    "simulation/test_planted.py",
    "contracts/test_bybit_suite.py",
    "adapters/cli/test_run_paper.py",
    "wire/test_faults_requests.py",
    "quality/test_requirement_map.py",
    "acceptance/test_determinism.py",
    "quality/test_tidy.py",
    "contracts/test_state_suite.py",
)
"""The longest files, longest first: with several workers none is left alone with one at the end.
The type checker is among them, because the examples of the documents are judged with its cache."""

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long sweeps be asked for."""
    parser.addoption(
        "--whole", action="store_true", help="run sweeps over all of their data, not over a part"
    )


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Tell whether a sweep is to run over all of its data."""
    return bool(request.config.getoption("whole"))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Load the tests without the tracer, and let the garbage collector pass over them for good.

    To look through modules and tests again and again took a sixth of a worker's time, and to look
    for garbage as often as Python does by itself took a tenth of what was left.
    """
    take_turns(session.config)
    gc.disable()
    if is_traced():
        load_layers()
    with untraced():
        collected = yield
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    gc.enable()
    return collected


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let nested runs start from a clean slate.

    The contract suites are run as a user runs them; they must not inherit the parallelism or the
    coverage options of the run that contains them. Workers have read them by now.
    """
    if session.config.getoption("collectonly"):
        return
    os.environ.pop("PYTEST_ADDOPTS", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave out of the tracer what need not be in it."""
    if is_worker(config):
        items.sort(key=lambda item: item.path)  # each has loaded them in another order
    items.sort(key=lambda item: _rank(item.path))
    for item in items:
        if not _is_traced(item.path) or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("untraced")


@cache
def _rank(path: Path) -> int:
    places = [_TESTS / name for name in BEGIN_FIRST]
    return places.index(path) if path in places else len(places)


@cache
def _is_traced(path: Path) -> bool:
    return any(path.is_relative_to(_TESTS / folder) for folder in _TRACED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run an untraced test and its fixtures without the tracer, and put that back after it.

    The mark ``no_cover`` of pytest-cov is not enough: a worker has two tracers, and it stops the
    one that was started last, which lets the other go on.
    """
    if item.get_closest_marker("untraced") is None:
        return (yield)
    with untraced():
        return (yield)
