"""The public names are explicit, pinned, and real."""

import importlib
import importlib.util
from difflib import unified_diff
from pathlib import Path

from .planting import plant
from .public_names import PINNED, REFRESH, public_names
from .source import ROOT, Tree

# The library behind an optional extra; a module that needs it can be read and not imported.
_EXTRAS = ("pybit", "pyarrow")

_TREE = Tree(ROOT)
"""Read once, when it is first asked for something."""


def test_the_public_names_are_the_pinned_ones() -> None:
    pinned = PINNED.read_text(encoding="utf-8").splitlines()
    diff = list(unified_diff(pinned, public_names(_TREE), "pinned", "found", lineterm="", n=0))
    remedy = f"When the change is intended: {REFRESH}"
    assert not diff, "\n".join(["", *diff, "", remedy])


def test_every_public_name_exists() -> None:
    missing_extras = [name for name in _EXTRAS if importlib.util.find_spec(name) is None]
    for source in _TREE.shipped:
        if any(found.is_within(extra) for extra in missing_extras for found in source.imports):
            continue
        module = importlib.import_module(source.module)
        for name in source.public_names or ():
            assert hasattr(module, name), f"{source.module} lists {name} and does not define it"


def test_no_public_name_is_private() -> None:
    listed = public_names(_TREE)
    assert [line for line in listed if line.split(": ")[1].startswith("_")] == []


def test_a_new_public_name_is_seen_and_a_private_module_is_not(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "domain/a.py": '"""A."""\n\n__all__ = ["New"]\n',
            "domain/_b.py": '"""B."""\n\n__all__ = ["Hidden"]\n',
        },
    )
    assert public_names(tree) == ["tidegate.domain.a: New"]
