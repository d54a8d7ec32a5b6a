"""What holds for every test run: the Hypothesis profile, the order of files, what is watched."""

import gc
import os
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from tests.branches import watch_branches
from tests.collecting import is_worker, take_turns

_TESTS = Path(__file__).parent

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
    """Let the long sweeps and the branches be asked for."""
    parser.addoption(
        "--whole", action="store_true", help="run sweeps over all of their data, not over a part"
    )
    parser.addoption(
        "--branches",
        type=Path,
        metavar="FILE",
        help="write which branches of the domain and of the application were taken, as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch branches, if asked to, before a module of the layers is loaded."""
    report = config.getoption("branches")
    if report is not None:
        watch_branches(config, report)


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Tell whether a sweep is to run over all of its data."""
    return bool(request.config.getoption("whole"))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the garbage collector pass over the tests for good once they are loaded.

    To look through modules and tests again and again took a sixth of a worker's time, and to look
    for garbage as often as Python does by itself took a tenth of what was left.
    """
    take_turns(session.config)
    gc.disable()
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
    """Put the longest files first, and leave out the sweeps that were not asked for."""
    if not config.getoption("whole"):
        sweeps = [item for item in items if item.get_closest_marker("sweep") is not None]
        config.hook.pytest_deselected(items=sweeps)
        items[:] = [item for item in items if item not in sweeps]
    if is_worker(config):
        items.sort(key=lambda item: item.path)  # each has loaded them in another order
    items.sort(key=lambda item: _rank(item.path))


@cache
def _rank(path: Path) -> int:
    places = [_TESTS / name for name in BEGIN_FIRST]
    return places.index(path) if path in places else len(places)
