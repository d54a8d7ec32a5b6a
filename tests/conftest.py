"""What holds for every test run: one Hypothesis profile here, a repeatable one in CI."""

import os

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let nested runs start from a clean slate.

    The contract suites are run as a user runs them; they must not inherit the parallelism or the
    coverage options of the run that contains them. Workers have read them by now.
    """
    if session.config.getoption("collectonly"):
        return
    os.environ.pop("PYTEST_ADDOPTS", None)
