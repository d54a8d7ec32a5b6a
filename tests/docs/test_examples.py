"""Every example in the documents runs as it stands and prints what the document says."""

from pathlib import Path

import pytest

from .blocks import Block, blocks, documents, run

TITLES = [
    document
    for document in documents()
    if any(block.info == "python" for block in blocks(document))
]


@pytest.mark.parametrize("document", TITLES, ids=lambda path: path.stem)
def test_every_example_runs_and_prints_what_it_says(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks(document):
        if block.info == "python":
            printed = run(block, names)
            assert printed == (block.output or ""), f"{document.name}, line {block.line}"


def test_the_documents_that_promise_examples_have_them() -> None:
    expected = {"README", "bybit", "contracts", "library", "paper", "risk", "state", "venue"}
    assert expected <= {document.stem for document in documents() if _has_python(blocks(document))}


def _has_python(found: list[Block]) -> bool:
    return any(block.info.startswith("python") for block in found)


def test_an_output_belongs_to_the_block_before_it(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("```python\nprint(1)\n```\n\n```output\n1\n```\n", encoding="utf-8")
    (block,) = blocks(document)
    assert block.output == "1\n"
    assert run(block, {}) == "1\n"


def test_an_output_without_a_block_before_it_is_a_mistake(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("```python\nprint(1)\n```\ntext\n```output\n1\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="follows no block"):
        blocks(document)


def test_an_example_that_fails_names_its_document_and_line(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("# Title\n\n```python\nraise KeyError('x')\n```\n", encoding="utf-8")
    (block,) = blocks(document)
    with pytest.raises(KeyError) as caught:
        run(block, {})
    frame = caught.value.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    assert frame is not None
    assert (frame.tb_frame.f_code.co_filename, frame.tb_lineno) == ("page.md", 4)
