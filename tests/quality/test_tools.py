"""Lint, format, types and layers, each as a test that shows what the tool said."""

from pathlib import Path

import pytest

from tests.conftest import BEGIN_FIRST

from .source import ROOT
from .tools import Ran, copy_sources, run_script


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--output-format", "concise", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
    ],
    ids=["ruff-check", "ruff-format", "mypy-strict"],
)
def test_the_tool_has_nothing_to_say(command: tuple[str, ...]) -> None:
    ran = run_script(*command)
    assert ran.code == 0, f"\n{ran.output}"


def _lint_imports(root: Path = ROOT) -> Ran:
    # The link below .ci/typing shows the folders of the root as one package. Without it
    # import-linter looks into an empty namespace and says that a layer does not exist.
    return run_script("lint-imports", "--no-cache", "--no-logo", cwd=root, PYTHONPATH=".ci/typing")


def test_every_import_points_inward() -> None:
    ran = _lint_imports()
    assert ran.code == 0, f"\n{ran.output}"
    assert "2 kept, 0 broken" in ran.output


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        (
            "domain/planted.py",
            "import tidegate.application\n",
            "tidegate.domain.planted -> tidegate.application",
        ),
        (
            "ports/planted.py",
            "from tidegate import adapters\n",
            "tidegate.ports.planted -> tidegate.adapters",
        ),
        (
            "contracts/planted.py",
            "import tidegate.adapters\n",
            "tidegate.contracts.planted -> tidegate.adapters",
        ),
        (
            "adapters/sqlite/planted.py",
            "import tidegate.adapters.memory\n",
            "tidegate.adapters.sqlite.planted -> tidegate.adapters.memory",
        ),
        ("unplaced/__init__.py", "", "unplaced"),
    ],
    ids=["domain", "ports", "contracts", "adapters", "a-new-folder"],
)
def test_a_planted_import_breaks_the_layers(
    path: str, text: str, says: str, tmp_path: Path
) -> None:
    copy_sources(tmp_path)
    planted = tmp_path / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text, encoding="utf-8")
    ran = _lint_imports(tmp_path)
    assert ran.code != 0, f"\n{ran.output}"
    assert says in ran.output, f"\n{ran.output}"


def test_the_files_that_begin_first_are_there() -> None:
    assert [name for name in BEGIN_FIRST if not (ROOT / "tests" / name).is_file()] == []
