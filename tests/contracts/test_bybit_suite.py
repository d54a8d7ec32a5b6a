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

_OF_ORDERS = (
    "batches",
    "cancel_all",
    "fills",
    "messages",
    "orders",
    "outages",
    "outcomes",
    "threads",
)
_USUALLY = {
    "bybit_over_stream": _OF_ORDERS,
    "bybit_demo": ("account", "capabilities", "market_data"),
}
"""The suites that are run in each test run; with ``--whole`` they all are.

With orders over the stream, orders and cancels take another way, and nothing else does. A demo
account differs in its host, and in what it has not.
"""

CASES_MIN = 140
CASES_MIN_OF_PART = {"bybit_over_stream": 100, "bybit_demo": 60}

Runs = Mapping[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def runs(*, whole: bool) -> Runs:
    """Run the suite in every way, all at once, each in a process of its own."""
    every = sorted(path.stem for path in (ROOT / "contracts").glob("test_exchange*.py"))
    suites = {
        factory: every if whole else [f"test_exchange_{name}" for name in part]
        for factory, part in _USUALLY.items()
    }
    with ThreadPoolExecutor(len(suites)) as pool:
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
    assert int(passed[1]) > (CASES_MIN if whole else CASES_MIN_OF_PART[factory])
    reasons = set(re.findall(r"^SKIPPED .*?: (.*)$", done.stdout, re.MULTILINE))
    assert {reason.partition(": ")[2] or reason for reason in reasons} == LACKS[factory]
