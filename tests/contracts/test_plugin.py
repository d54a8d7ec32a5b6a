"""The plugin leaves other projects alone, and runs the suites wherever a user calls it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tidegate.contracts.loading import FactoryNotFound, load_factory

from tests.contracts.suite_runs import run_pytest

_SUITE = "tidegate.contracts.test_state_journal"

_ADAPTER = """
import importlib.util
from tidegate.adapters.memory.state import MemoryState
from tidegate.contracts.state_bench import StateBench

class Bench(StateBench):
    def open(self):
        assert importlib.util.find_spec("ports") is None, "the suite's folder is on sys.path"
        return MemoryState()
    def close(self):
        pass

def make():
    return Bench()

def make_nothing():
    return None

NOT_A_FACTORY = 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "adapter.py").write_text(_ADAPTER)
    return tmp_path


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, tidegate.contracts.plugin\n"
        "print(*(name for name in sys.modules if name.startswith(('tidegate.', 'attr', 'cattr'))))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) == {
        "tidegate.contracts",
        "tidegate.contracts.plugin",
        "tidegate.contracts.loading",
    }


def test_a_project_that_does_not_ask_for_the_suites_gets_none(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own() -> None:\n    assert len('own') == 3\n")
    result = run_pytest("-q", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize(
    "settings",
    [
        "python_files = check_*.py\npython_functions = check_*\naddopts = --strict-markers",
        pytest.param(
            "addopts = --import-mode=importlib --doctest-modules\nfilterwarnings = error",
            marks=pytest.mark.sweep,
        ),
    ],
    ids=["own names", "own imports"],
)
def test_one_command_judges_an_adapter_of_any_project(project: Path, settings: str) -> None:
    (project / "pytest.ini").write_text(f"[pytest]\n{settings}\n")
    result = run_pytest(
        "--pyargs", "tidegate.contracts", "--state", "acme.adapter:make", "-q",
        "-k", "test_order_is_kept or test_times_are_exact",
        folder=project,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "5 passed" in result.stdout


def test_several_factories_are_judged_in_one_run(project: Path) -> None:
    result = run_pytest(
        "--pyargs", _SUITE, "--state", "acme.adapter:make", "-k", "order_is_kept", "-v",
        "--state", "acme.adapter:Bench",
        folder=project,
    )  # fmt: skip
    assert "test_order_is_kept[acme.adapter:make] PASSED" in result.stdout
    assert "test_order_is_kept[acme.adapter:Bench] PASSED" in result.stdout


def test_without_the_option_each_case_is_skipped_and_says_what_to_give(project: Path) -> None:
    result = run_pytest("--pyargs", _SUITE, "-rs", folder=project)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no state adapter to judge: give --state module:factory" in result.stdout
    assert "passed" not in result.stdout


@pytest.mark.parametrize("option", ["--state", "--exchange"])
def test_an_unknown_factory_stops_the_run_and_says_why(project: Path, option: str) -> None:
    result = run_pytest("--pyargs", _SUITE, option, "acme.adapter:mak", folder=project)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR, result.stdout
    assert f"ERROR: {option} 'acme.adapter:mak': module 'acme.adapter' has no" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tidegate.contracts.loading", "names no factory; give module:factory, such as acme."),
        (":make", "':make' names no factory"),
        ("a:b.c", "'a:b.c' names no factory"),
        ("acme.nowhere:make", "cannot import 'acme.nowhere': No module named 'acme'; it must be"),
        ("tidegate.contracts.loading:mak", "has no callable 'mak'; it has .*load_factory"),
        ("tidegate.contracts.loading:_FORM", "has no callable '_FORM'"),
    ],
)
def test_a_text_that_leads_to_no_factory_is_refused_with_the_reason(
    text: str, message: str
) -> None:
    with pytest.raises(FactoryNotFound, match=message):
        load_factory(text)


def test_a_factory_that_makes_no_bench_fails_and_says_what_is_needed(project: Path) -> None:
    result = run_pytest(
        "--pyargs", _SUITE, "--state", "acme.adapter:make_nothing", "-k", "order_is_kept",
        folder=project,
    )  # fmt: skip
    assert result.returncode == 1, result.stdout + result.stderr
    assert "the factory returned None, which is no StateBench" in result.stdout
