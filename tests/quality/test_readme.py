"""The README's commands are single lines that the check script can find and run word for word."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from .source import ROOT

_READER = ROOT / ".ci" / "readme-command"


def _command(name: str, readme: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_READER), name, str(readme)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("name", "ends_with"), [("demo", "tidegate demo"), ("tests", "pytest")])
def test_the_readme_holds_the_command(name: str, ends_with: str) -> None:
    found = _command(name, ROOT / "README.md")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("python3 -m venv ")
    assert found.stdout.strip().endswith(ends_with)


@pytest.mark.parametrize(
    "body",
    ["", "```sh\n```\n", "```sh\nmake a\nmake b\n```\n"],
    ids=["nothing", "an-empty-block", "two-lines"],
)
def test_anything_but_one_line_is_refused(body: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"<!-- command: demo -->\n{body}<!-- /command -->\n", encoding="utf-8")
    found = _command("demo", readme)
    assert found.returncode == 1
    assert "exactly one line" in found.stderr


def test_the_changelog_speaks_of_the_present_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {project['version']}" in changelog


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)
