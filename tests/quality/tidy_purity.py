"""What the domain must not touch, and what only one place in the product may do."""

import ast
from collections.abc import Iterator

from .source import Finding, Source, Tree

__all__ = ["approval", "clock_and_io", "floats", "recall"]

_IMPURE_MODULES = (
    "asyncio",
    "logging",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "sys",
    "threading",
    "time",
    "uuid",
)

_APPROVAL = "domain/risk/approval.py"
_JUDGE = "domain/risk/judge.py"
_CORE = "domain/core/"
_OF_APPROVAL = ("Approved", "__attrs_init__", "_SEAL")
"""What `approval` looks for: a file without any of these words need not be parsed."""

_MAY_TEST_THE_SEAL = ("tests/domain/risk/", "tests/quality/")


def floats(tree: Tree) -> Iterator[Finding]:
    """The domain holds no binary float: no literal, no conversion, no annotation."""
    for source in tree.in_layer("domain"):
        for node in source.nodes:
            match node:
                case ast.Constant(value=float() | complex() as value):
                    yield Finding(source.path, node.lineno, f"the float literal {value}")
                case ast.Call(func=ast.Name(id="float")):
                    yield Finding(source.path, node.lineno, "a conversion by float(")
                case (
                    ast.arg(annotation=ast.Name(id="float"))
                    | ast.AnnAssign(annotation=ast.Name(id="float"))
                    | ast.FunctionDef(returns=ast.Name(id="float"))
                ):
                    yield Finding(source.path, node.lineno, "an annotation that says float")
                case _:
                    pass


def clock_and_io(tree: Tree) -> Iterator[Finding]:
    """The domain reads no clock, draws no random number, and does no I/O: they are arguments."""
    for source in tree.in_layer("domain"):
        for found in source.imports:
            if any(found.is_within(module) for module in _IMPURE_MODULES):
                yield Finding(source.path, found.line, f"the domain imports {found.name}")
        for node in source.nodes:
            match node:
                case (
                    ast.Call(func=ast.Attribute(attr="now" | "today" | "utcnow" as name))
                    | ast.Attribute(
                        value=ast.Name(id="date" | "datetime"),
                        attr="now" | "today" | "utcnow" as name,
                    )
                ):
                    yield Finding(source.path, node.lineno, f"a clock is read by .{name}")
                case ast.Call(func=ast.Name(id="input" | "open" | "print" as name)):
                    yield Finding(source.path, node.lineno, f"I/O by {name}(")
                case _:
                    pass


def approval(tree: Tree) -> Iterator[Finding]:
    """Only `judge` makes an Approved: nothing else calls it, renames it or touches its seal."""
    for source in (*tree.shipped, *tree.tests):
        if source.path in (_APPROVAL, _JUDGE) or source.path.startswith(_MAY_TEST_THE_SEAL):
            continue
        if not any(word in source.text for word in _OF_APPROVAL):
            continue
        for node in source.nodes:
            if (what := _approves(node)) is not None:
                message = f"{what}: only {_JUDGE} makes an Approved"
                yield Finding(source.path, getattr(node, "lineno", 1), message)


def _approves(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="Approved") | ast.Attribute(attr="Approved")):
            return "Approved( is called"
        case ast.Call(args=[ast.Name(id="Approved"), *_], func=ast.Attribute(attr="__new__")):
            return "Approved is made by __new__"
        case ast.Attribute(attr="__new__", value=ast.Name(id="Approved")):
            return "Approved is made by __new__"
        case ast.Attribute(attr="__attrs_init__"):
            return "__attrs_init__ is called"
        case ast.alias(name="Approved", asname=str()):
            return "Approved is imported under another name"
        case _:
            pass
    touches_the_seal = (
        (isinstance(node, ast.Name) and node.id == "_SEAL")
        or (isinstance(node, ast.Attribute) and node.attr == "_SEAL")
        or (isinstance(node, ast.alias) and node.name == "_SEAL")
        or (isinstance(node, ast.Constant) and node.value == "_SEAL")
    )
    return "_SEAL is touched" if touches_the_seal else None


def recall(tree: Tree) -> Iterator[Finding]:
    """Only the core recalls an approval, for an intent that its journal holds."""
    for source in tree.shipped:
        if source.path == _JUDGE or source.path.startswith(_CORE):
            continue
        for node in source.nodes:
            if _names_recall(source, node):
                message = f"recall is named: only {_CORE} may recall an approval"
                yield Finding(source.path, getattr(node, "lineno", 1), message)


def _names_recall(source: Source, node: ast.AST) -> bool:
    match node:
        case ast.alias(name="recall") | ast.Name(id="recall"):
            return True
        case ast.Attribute(attr="recall", value=ast.Name(id=owner)):
            return any(
                found.name.endswith((f".judge.{owner}", f".{owner}")) and "risk" in found.name
                for found in source.imports
            )
        case _:
            return False
