"""The Bybit adapter passes the exchange suite over real sockets, in its other ways of trading.

With orders over REST it is among the right venues of ``test_exchange_suite``.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from .suite_runs import ROOT, run_pytest

LACKS = {
    "bybit_over_stream": set[str](),
    "bybit_demo": {"the venue declares that it lacks querying fee rates"},
}
"""Why cases are skipped: nothing but what the venue's documentation says it does not have."""

_DEMO_USUALLY = ("account", "capabilities", "market_data", "orders")
"""The suites that a demo account is run through in each test run; through all with ``--whole``.

It differs in its host, and in what it has not.
"""

CASES_MIN = 140
CASES_MIN_OF_DEMO = 60

Runs = Mapping[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def runs(*, whole: bool) -> Runs:
    """Run the suite in every way, all at once, each in a process of its own."""
    every = sorted(path.stem for path in (ROOT / "contracts").glob("test_exchange*.py"))
    of_demo = every if whole else [f"test_exchange_{name}" for name in _DEMO_USUALLY]
    suites = {"bybit_over_stream": every, "bybit_demo": of_demo}
    with ThreadPoolExecutor(len(LACKS)) as pool:
        ended = pool.map(_run, suites, suites.values())
        return dict(zip(suites, ended, strict=True))


def _run(factory: str, suites: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return run_pytest(
        "-q",
        "-rs",
        "--tb=short",
        "--exchange",
        f"tests.contracts.bybit_bench:{factory}",
        "--pyargs",
        *(f"tidegate.contracts.{name}" for name in suites),
        folder=ROOT,
    )


@pytest.mark.parametrize("factory", sorted(LACKS))
def test_the_adapter_passes_every_case(runs: Runs, factory: str, *, whole: bool) -> None:
    done = runs[factory]
    assert done.returncode == pytest.ExitCode.OK, done.stdout[-4000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    is_part = factory == "bybit_demo" and not whole
    assert int(passed[1]) > (CASES_MIN_OF_DEMO if is_part else CASES_MIN)
    reasons = set(re.findall(r"^SKIPPED .*?: (.*)$", done.stdout, re.MULTILINE))
    assert {reason.partition(": ")[2] or reason for reason in reasons} == LACKS[factory]
