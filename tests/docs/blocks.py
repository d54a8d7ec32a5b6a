"""The fenced blocks of a document, and how those that are Python are run.

A block of ``python`` is executed; the blocks of one document share their names, in order. A block
of ``output`` right after one is what it prints, line for line. A block of ``python file=NAME`` is a
file that a reader saves, and is written instead of executed.
"""

import contextlib
import io
import re
from pathlib import Path

import attrs

__all__ = ["ROOT", "Block", "blocks", "documents", "files", "run"]

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = "python file="


@attrs.frozen(kw_only=True)
class Block:
    """One fenced block: what its first line says, its text, its line, and what it should print."""

    document: str
    info: str
    text: str
    line: int
    output: str | None = None


def documents() -> list[Path]:
    """Return every document that a reader of the repository is led to."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path) -> list[Block]:
    """Return the blocks of a document; an ``output`` is part of the block before it."""
    text = document.read_text(encoding="utf-8")
    found: list[Block] = []
    end_before = -1
    for match in _FENCE.finditer(text):
        info, between = match["info"].strip(), text[end_before : match.start()]
        if info == "output":
            follows = found and found[-1].info == "python" and not between.strip()
            assert follows, f"{document.name}: an output follows no block of python"
            found[-1] = attrs.evolve(found[-1], output=match["text"])
        else:
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(document=document.name, info=info, text=match["text"], line=line))
        end_before = match.end()
    return found


def files(document: Path) -> dict[str, str]:
    """Return the files that a document tells its reader to save, by name."""
    return {
        block.info.removeprefix(_FILE): block.text
        for block in blocks(document)
        if block.info.startswith(_FILE)
    }


def run(block: Block, names: dict[str, object]) -> str:
    """Execute one block with the names of those before it, and return what it prints."""
    code = compile("\n" * block.line + block.text, block.document, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)  # noqa: S102 - the documents of this repository
    return printed.getvalue()
