"""The page for authors of adapters: its files and its command work in an empty folder."""

import re
import shlex
from pathlib import Path

from tests.contracts.suite_runs import run_pytest

from .blocks import ROOT, blocks, files

PAGE = ROOT / "docs" / "contracts.md"
_PYTEST = "python -m pytest "


def commands() -> list[str]:
    return [
        line.removeprefix(_PYTEST)
        for block in blocks(PAGE)
        if block.info == "sh"
        for line in block.text.splitlines()
        if line.startswith(_PYTEST)
    ]


def test_the_command_passes_with_the_files_of_the_page(tmp_path: Path) -> None:
    for name, text in files(PAGE).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = run_pytest("-q", *shlex.split(commands()[0]), folder=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    assert counted is not None
    assert int(counted[1]) > 150


def test_one_suite_alone_finds_a_wrong_adapter(tmp_path: Path) -> None:
    wrong = files(PAGE)["acme_journal.py"].replace(
        "if expected_version != len(self._records):", "if expected_version < 0:"
    )
    (tmp_path / "acme_journal.py").write_text(wrong, encoding="utf-8")
    done = run_pytest("-q", *shlex.split(commands()[1]), folder=tmp_path)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr
    assert "test_a_conflict_writes_nothing_and_names_both_versions" in done.stdout


def test_every_suite_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [p.name for p in (ROOT / "contracts").glob("test_*.py") if p.name not in text]
    assert missing == []
