"""A tree of source files as the rules see it: paths, syntax trees, import names.

Nothing here imports the product: a tree can be planted in a temporary folder and judged there.
"""

import ast
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

__all__ = ["LAYERS", "ROOT", "Finding", "Import", "Source", "Tree"]

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("domain", "ports", "adapters", "application", "contracts")
_NOT_SHIPPED = {"tests", "docs", "build", "dist", "mutants"}


@attrs.frozen
class Finding:
    """One broken rule at one place."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@attrs.frozen
class Import:
    """One imported absolute name; ``from a import b`` counts as ``a.b``."""

    name: str
    line: int

    def is_within(self, package: str) -> bool:
        """Tell whether the name is ``package`` or below it."""
        return self.name == package or self.name.startswith(f"{package}.")


@attrs.frozen(slots=False)
class Source:
    """One Python file. ``path`` is relative to the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def layer(self) -> str:
        """The top folder."""
        return self.path.split("/")[0]

    @property
    def module(self) -> str:
        """The import name; tests keep theirs, every shipped folder stands below ``tidegate``."""
        dotted = self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return dotted if self.layer == "tests" else f"tidegate.{dotted}"

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @cached_property
    def public_names(self) -> tuple[str, ...] | None:
        """What ``__all__`` lists, or ``None`` when the module has none that can be read."""
        for node in self.tree.body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
                ):
                    return tuple(ast.literal_eval(value))
                case _:
                    pass
        return None

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(found for node in self.nodes for found in self._imported_by(node))

    def _imported_by(self, node: ast.AST) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = self._resolved(module, level)
                yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, node.lineno)
            case _:
                pass

    def _resolved(self, module: str | None, level: int) -> str:
        if level == 0:
            return module or ""
        parts = self.module.split(".")
        kept = parts[: len(parts) - level + (1 if self.is_package else 0)]
        return ".".join([*kept, *([module] if module else [])])


@attrs.frozen(slots=False, eq=False)
class Tree:
    """A repository: the folder that holds pyproject.toml, or a planted imitation of it."""

    root: Path

    @cached_property
    def shipped(self) -> tuple[Source, ...]:
        return tuple(source for folder in self.top_folders for source in self._read(folder))

    @cached_property
    def tests(self) -> tuple[Source, ...]:
        return tuple(self._read("tests"))

    @cached_property
    def top_folders(self) -> tuple[str, ...]:
        """Every folder at the root that holds Python files and is not for development alone."""
        return tuple(
            folder.name
            for folder in sorted(self.root.iterdir())
            if folder.is_dir()
            and folder.name.isidentifier()
            and folder.name not in _NOT_SHIPPED
            and not (folder / "pyvenv.cfg").exists()
            and any(folder.rglob("*.py"))
        )

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        return tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))

    def in_layer(self, layer: str) -> tuple[Source, ...]:
        return tuple(source for source in self.shipped if source.layer == layer)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Path and text of every file that a reader of the repository may read."""
        yield from ((source.path, source.text) for source in (*self.shipped, *self.tests))
        for pattern in ("*.md", "*.toml", "docs/**/*.md", ".ci/*"):
            for path in sorted(self.root.glob(pattern)):
                if path.is_file():
                    yield self._relative(path), path.read_text(encoding="utf-8")

    def _read(self, folder: str) -> Iterator[Source]:
        for path in sorted((self.root / folder).rglob("*.py")):
            yield Source(self._relative(path), path.read_text(encoding="utf-8"))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()
