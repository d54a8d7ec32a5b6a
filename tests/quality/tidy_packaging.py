"""The folders at the root and what pyproject.toml says about them."""

from collections.abc import Iterator

from .source import LAYERS, Finding, Tree

__all__ = ["packages", "typed"]

_PYPROJECT = "pyproject.toml"


def packages(tree: Tree) -> Iterator[Finding]:
    """Every folder of shipped code is a package, and pyproject.toml lists exactly these."""
    folders = {source.path.rpartition("/")[0] for source in tree.shipped}
    initialised = {source.path.rpartition("/")[0] for source in tree.shipped if source.is_package}
    for folder in sorted(folders - initialised):
        yield Finding(folder, 1, "holds modules and no __init__.py: the wheel would miss it")
    setuptools = tree.pyproject["tool"]["setuptools"]
    expected = {f"tidegate.{folder.replace('/', '.')}" for folder in folders}
    yield from _difference("packages", expected, set(setuptools["packages"]))
    top = {f"tidegate.{folder}" for folder in tree.top_folders}
    yield from _difference("package-dir", top, set(setuptools["package-dir"]))
    test_packages = {source.path for source in tree.tests if source.is_package}
    for path in sorted(test_packages):
        parent = path.split("/")[:-2]
        if parent and "/".join([*parent, "__init__.py"]) not in test_packages:
            yield Finding(
                path, 1, "a package in a folder that is none: its import name would differ"
            )


def _difference(what: str, expected: set[str], listed: set[str]) -> Iterator[Finding]:
    for name in sorted(expected - listed):
        yield Finding(_PYPROJECT, 1, f"{what}: {name} is a folder and not listed")
    for name in sorted(listed - expected):
        yield Finding(_PYPROJECT, 1, f"{what}: {name} is listed and there is no such folder")


def typed(tree: Tree) -> Iterator[Finding]:
    """Every layer stands at the root and ships its types."""
    for folder in sorted({*LAYERS, *tree.top_folders}):
        if not (tree.root / folder / "py.typed").is_file():
            yield Finding(folder, 1, "no py.typed")
