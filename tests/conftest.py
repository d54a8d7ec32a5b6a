"""What holds for every test run: the Hypothesis profile, the order of files, what is traced."""

import gc
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

_TESTS = Path(__file__).parent

_TRACED = ("domain", "application")
"""The tests that count for branch coverage: a layer is covered by tests of its own, with examples
that are written down. Drawn examples, whole sessions and the wire run untraced, at less than half
of the time."""

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


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the garbage collector pass over what is loaded now: it lives to the end.

    To look through modules and tests again and again took a sixth of a worker's time.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let nested runs start from a clean slate.

    The contract suites are run as a user runs them; they must not inherit the parallelism or the
    coverage options of the run that contains them. Workers have read them by now.
    """
    if session.config.getoption("collectonly"):
        return
    os.environ.pop("PYTEST_ADDOPTS", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave out of the tracer what need not be in it."""
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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run an untraced test and its fixtures without the tracer, and put that back after it.

    The mark ``no_cover`` of pytest-cov is not enough: a worker has two tracers, and it stops the
    one that was started last, which lets the other go on.
    """
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    is_coverage = type(tracer).__module__.startswith("coverage")  # and no debugger
    if not is_coverage or item.get_closest_marker("untraced") is None:
        yield
        return
    sys.settrace(None)
    threading.settrace(None)
    yield
    sys.settrace(tracer)
    threading.settrace(of_threads)
