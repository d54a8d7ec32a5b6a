"""The public names of the package, one per line, as text that a test pins.

``python -m tests.quality.public_names`` writes the list anew after an intended change.
"""

from pathlib import Path

from .source import ROOT, Tree

__all__ = ["PINNED", "REFRESH", "public_names"]

PINNED = Path(__file__).with_name("public_names.txt")
REFRESH = "python -m tests.quality.public_names"


def public_names(tree: Tree) -> list[str]:
    """Return ``module: name`` for every name that a public module lists in its ``__all__``."""
    return sorted(
        f"{source.module}: {name}"
        for source in tree.shipped
        if not any(part.startswith("_") for part in source.module.split("."))
        for name in source.public_names or ()
    )


if __name__ == "__main__":
    PINNED.write_text("\n".join([*public_names(Tree(ROOT)), ""]), encoding="utf-8")
