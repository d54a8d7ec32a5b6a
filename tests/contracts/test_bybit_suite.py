"""The Bybit adapter passes the exchange suite over real sockets, in its other ways of trading.

With orders over REST it is among the right venues of ``test_exchange_suite``.
"""

import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from .suite_runs import ROOT, run_pytest

LACKS = {
    "bybit_over_stream": set[str](),
    "bybit_demo": {"the venue declares that it lacks querying fee rates"},
}
"""Why cases are skipped: nothing but what the venue's documentation says it does not have."""


Runs = Mapping[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Run the suite in every way, all at once, each in a process of its own."""
    with ThreadPoolExecutor(len(LACKS)) as pool:
        return dict(zip(LACKS, pool.map(_run, LACKS), strict=True))


def _run(factory: str) -> "subprocess.CompletedProcess[str]":
    return run_pytest(
        "-q",
        "-rs",
        "--tb=short",
        "--exchange",
        f"tests.contracts.bybit_bench:{factory}",
        "--pyargs",
        *_suites(),
        folder=ROOT,
    )


def _suites() -> list[str]:
    return [
        f"tidegate.contracts.{path.stem}"
        for path in sorted((ROOT / "contracts").glob("test_exchange*.py"))
    ]


@pytest.mark.parametrize("factory", sorted(LACKS))
def test_the_adapter_passes_every_case(runs: Runs, factory: str) -> None:
    done = runs[factory]
    assert done.returncode == pytest.ExitCode.OK, done.stdout[-4000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 140
    reasons = set(re.findall(r"^SKIPPED .*?: (.*)$", done.stdout, re.MULTILINE))
    assert {reason.partition(": ")[2] or reason for reason in reasons} == LACKS[factory]
