"""The shape of modules and functions: length, docstrings, public names, handlers, ignores."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from .source import Finding, Source, Tree

__all__ = [
    "FUNCTION_LINES_MAX",
    "MODULE_LINES_MAX",
    "TYPE_IGNORES_MAX",
    "docstrings",
    "lengths",
    "sleeps",
    "swallowed",
    "type_ignores",
    "type_ignores_ratchet",
]

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TYPE_IGNORES_MAX = 3
"""How many ``type: ignore`` the whole tree may hold. Lower it when one goes; never raise it."""

_IGNORE = re.compile(r"#\s*type:\s*ignore")
_GOOD_IGNORE = re.compile(r"#\s*type:\s*ignore\[[a-z0-9, -]+\]\s+#\s*\S{2,}")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def lengths(tree: Tree) -> Iterator[Finding]:
    """One idea each: a module of at most 400 lines, a function of at most 70."""
    for source in (*tree.shipped, *tree.tests):
        lines = len(source.text.splitlines())
        if lines > MODULE_LINES_MAX:
            message = f"{lines} lines; a module has at most {MODULE_LINES_MAX}"
            yield Finding(source.path, lines, message)
        for node in source.nodes:
            if isinstance(node, _Function):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    message = f"{node.name} has {length} lines; at most {FUNCTION_LINES_MAX}"
                    yield Finding(source.path, node.lineno, message)


def docstrings(tree: Tree) -> Iterator[Finding]:
    """Every shipped module says what it is for and what is public; every public name is described.

    A module that holds nothing but its docstring needs no ``__all__``.
    """
    for source in tree.shipped:
        if ast.get_docstring(source.tree) is None:
            yield Finding(source.path, 1, "no module docstring")
        if source.public_names is None and len(source.tree.body) > 1:
            yield Finding(source.path, 1, "no __all__")
        public = set(source.public_names or ())
        for node in source.tree.body:
            if (
                isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                and node.name in public
                and ast.get_docstring(node) is None
            ):
                yield Finding(source.path, node.lineno, f"public {node.name} has no docstring")


def swallowed(tree: Tree) -> Iterator[Finding]:
    """No handler drops an error without a word, and none suppresses every error."""
    for source in tree.shipped:
        for node in source.nodes:
            match node:
                case ast.ExceptHandler(body=body) if all(_does_nothing(line) for line in body):
                    yield Finding(source.path, node.lineno, "a handler that does nothing")
                case ast.ExceptHandler(type=None):
                    yield Finding(source.path, node.lineno, "a bare except")
                case ast.Call(
                    func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"),
                    args=[ast.Name(id="Exception" | "BaseException"), *_],
                ):
                    yield Finding(source.path, node.lineno, "suppress() of every error")
                case _:
                    pass


def _does_nothing(line: ast.stmt) -> bool:
    match line:
        case ast.Pass() | ast.Continue() | ast.Expr(value=ast.Constant()):
            return True
        case _:
            return False


def sleeps(tree: Tree) -> Iterator[Finding]:
    """Shipped code waits for an event with a deadline; it never sleeps."""
    for source in tree.shipped:
        for node in source.nodes:
            match node:
                case ast.Attribute(attr="sleep", value=ast.Name(id="time" | "asyncio")):
                    yield Finding(source.path, node.lineno, "a sleep")
                case _:
                    pass
        for found in source.imports:
            if found.name in ("time.sleep", "asyncio.sleep"):
                yield Finding(source.path, found.line, "a sleep")


def type_ignores(tree: Tree) -> Iterator[Finding]:
    """A ``type: ignore`` carries its code, and its reason in a second comment beside it."""
    for source, line, comment in _ignores(tree):
        if not _GOOD_IGNORE.search(comment):
            message = f"{comment}: write `# type: ignore[code]  # the reason`"
            yield Finding(source.path, line, message)


def type_ignores_ratchet(tree: Tree) -> Iterator[Finding]:
    """The number of ``type: ignore`` comments never grows."""
    places = list(_ignores(tree))
    if len(places) > TYPE_IGNORES_MAX:
        for source, line, comment in places:
            message = f"{comment}: {len(places)} in the tree; at most {TYPE_IGNORES_MAX}"
            yield Finding(source.path, line, message)


def _ignores(tree: Tree) -> Iterator[tuple[Source, int, str]]:
    for source in (*tree.shipped, *tree.tests):
        if "type:" not in source.text:
            continue
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT and _IGNORE.search(token.string):
                yield source, token.start[0], token.string
