"""Writes the tables of the documents anew: ``python -m tests.docs.generate``.

Each stands between ``<!-- generated: NAME -->`` and ``<!-- /generated -->``.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from .blocks import ROOT
from .demo import demo_excerpt
from .tables_more import columns_table, events_table, paper_table
from .tables_orders import diagram, saga, transitions_table
from .tables_requirements import requirement_tables
from .tables_risk import limits_table, rules_table

__all__ = ["PARTS", "main", "renewed"]

PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"demo": demo_excerpt},
    "docs/risk.md": {"rules": rules_table, "limits": limits_table},
    "docs/orders.md": {"transitions": transitions_table, "diagram": diagram, "saga": saga},
    "docs/paper.md": {"paper settings": paper_table, "columns": columns_table},
    "docs/requirements.md": requirement_tables(),
    "docs/state.md": {"events": events_table},
}
_PART = re.compile(r"<!-- generated: (?P<name>[^>]+) -->\n.*?<!-- /generated -->", re.DOTALL)


def renewed(document: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the text of a document with its generated parts as the code is now."""
    text = document.read_text(encoding="utf-8")
    named = [match["name"] for match in _PART.finditer(text)]
    assert sorted(named) == sorted(parts), f"{document.name} has {named}, not {sorted(parts)}"
    return _PART.sub(lambda match: _part(match["name"], parts[match["name"]]()), text)


def _part(name: str, text: str) -> str:
    return f"<!-- generated: {name} -->\n{text}\n<!-- /generated -->"


def main() -> None:
    """Write every document whose generated parts changed."""
    for name, parts in PARTS.items():
        document = ROOT / name
        text = renewed(document, parts)
        if text != document.read_text(encoding="utf-8"):
            document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
