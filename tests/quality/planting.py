"""A small clean repository in a temporary folder, to plant violations in."""

from collections.abc import Mapping
from pathlib import Path

from .source import LAYERS, Tree

__all__ = ["plant"]

_CLEAN = '"""A clean module."""\n\n__all__: list[str] = []\n'


def plant(root: Path, files: Mapping[str, str], *, packages: tuple[str, ...] = LAYERS) -> Tree:
    """Write a clean tree of the five layers at ``root``, then ``files`` over it."""
    for layer in LAYERS:
        _write(root / layer / "__init__.py", _CLEAN)
        _write(root / layer / "py.typed", "")
    listed = ", ".join(f'"tidegate.{package}"' for package in packages)
    folders = ", ".join(f'"tidegate.{layer}" = "{layer}"' for layer in LAYERS)
    _write(
        root / "pyproject.toml",
        f"[tool.setuptools]\npackages = [{listed}]\npackage-dir = {{{folders}}}\n",
    )
    for path, text in files.items():
        _write(root / path, text)
    return Tree(root)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
