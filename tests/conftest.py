"""What holds for every test run: one Hypothesis profile here, a repeatable one in CI."""

import os

from hypothesis import settings

# Nested runs (the contract suites are run as a user runs them) start from a clean slate: they
# must not inherit the parallelism or the coverage options of the run that contains them.
os.environ.pop("PYTEST_ADDOPTS", None)

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
