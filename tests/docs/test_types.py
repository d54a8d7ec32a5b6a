"""The examples pass the strict type checker, which is what a reader's editor will ask of them."""

import subprocess
import sys
from pathlib import Path

from .blocks import ROOT, blocks, documents, files


def faults(folder: Path) -> list[str]:
    """Return what is wrong with the files of ``folder``, judged as strictly as this repository."""
    sources = sorted(str(path) for path in folder.glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *sources],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(str(folder))]


def write_pages(folder: Path) -> None:
    """Write the examples of each document as one module, and the files that they name."""
    for document in documents():
        code = "\n".join(block.text for block in blocks(document) if block.info == "python")
        if code:
            (folder / f"page_{document.stem.lower()}.py").write_text(code, encoding="utf-8")
        for name, text in files(document).items():
            (folder / name).write_text(text, encoding="utf-8")


def test_the_examples_are_typed_and_a_forgotten_outcome_is_found(tmp_path: Path) -> None:
    write_pages(tmp_path)
    assert faults(tmp_path) == []

    page = tmp_path / "page_library.py"
    text = page.read_text(encoding="utf-8")
    begin, end = text.index("        case TimedOut("), text.index("        case _:\n")
    page.write_text(text[:begin] + text[end:], encoding="utf-8")
    (found,) = faults(tmp_path)
    assert "TimedOut" in found
