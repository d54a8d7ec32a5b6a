"""Which errors a function raises, in its body and in what it calls directly.

An error that a handler around it takes does not count, nor does an ``AssertionError``: that is a
bug of ours and no outcome. Of what is called, a private helper of the same module is a part of the
caller's body, so all of its errors count; of a public function those count that the product
defines, since whether an argument is one that ``ValueError`` refuses is the caller's to know.
"""

import ast
import re
from collections.abc import Iterator

import attrs

from .code_index import Code, Function, members_of

__all__ = ["Raised", "errors_said", "raised_by"]

_SECTION = re.compile(r"^Raises:\n((?:[ \t]+\S.*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}([\w.]+):", re.MULTILINE)
_DEPTH_MAX = 8
_BUGS = ("AssertionError", "StopIteration", "StopAsyncIteration")


@attrs.frozen
class Raised:
    """An error's name, and the function that raises it where that is another one."""

    error: str
    via: str | None = None


@attrs.frozen(eq=False)
class _Place:
    """A raise or a call, and the names of the errors that handlers around it take."""

    node: ast.Raise | ast.Call
    taken: frozenset[str]


def errors_said(docstring: str) -> set[str]:
    """Return the names of the errors that a docstring lists under ``Raises:``."""
    section = _SECTION.search(docstring)
    return set() if section is None else {it.split(".")[-1] for it in _ENTRY.findall(section[1])}


def raised_by(code: Code, function: Function) -> dict[str, Raised]:
    """Return the errors by name."""
    found: dict[str, Raised] = {}
    for raised in _raised(code, function, depth=0, seen=frozenset()):
        found.setdefault(raised.error, raised)
    return found


def _raised(
    code: Code, function: Function, *, depth: int, seen: frozenset[int]
) -> Iterator[Raised]:
    for place in _Reading(code, function).places():
        for raised in _at(code, function, place, depth=depth, seen=seen | {id(function.node)}):
            names = code.ancestors(function.source, raised.error)
            if not names & place.taken and not names & set(_BUGS):
                yield raised


def _at(
    code: Code, function: Function, place: _Place, *, depth: int, seen: frozenset[int]
) -> Iterator[Raised]:
    if isinstance(place.node, ast.Raise):
        yield from map(Raised, _errors(code, function, place.node.exc))
        return
    callee = code.called(function, place.node)
    if callee is None or id(callee.node) in seen or depth == _DEPTH_MAX:
        return
    is_helper = callee.node.name.startswith("_") and callee.source.path == function.source.path
    if is_helper:
        for raised in _raised(code, callee, depth=depth + 1, seen=seen):
            yield raised if raised.via else Raised(raised.error, callee.name)
        return
    yield from (Raised(error, callee.name) for error in _of_public(code, callee))


def _of_public(code: Code, callee: Function) -> Iterator[str]:
    """Yield the product's errors that a public function raises; of a port, those that it names."""
    if "abstractmethod" in callee.decorators:
        said = errors_said(ast.get_docstring(callee.node) or "")
        yield from (error for error in sorted(said) if code.only_class(error) is not None)
    for place in _Reading(code, callee).places():
        if not isinstance(place.node, ast.Raise):
            continue
        for error in _errors(code, callee, place.node.exc):
            is_ours = code.class_of(callee.source, ast.Name(id=error)) is not None
            if is_ours and not code.ancestors(callee.source, error) & place.taken:
                yield error


def _errors(code: Code, function: Function, exc: ast.expr | None) -> list[str]:
    match exc:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if _is_class_name(name):
            return [name]
        case ast.Call() if (maker := code.called(function, exc)) is not None:
            return _made_by(maker)
        case ast.Name(id=name) | ast.Attribute(attr=name) if _is_class_name(name):
            return [name]
        case _:
            return []


def _made_by(maker: Function) -> list[str]:
    """Return the classes of the errors that a function makes for its callers to raise."""
    made = [
        node.value.func.id
        for node in ast.walk(maker.node)
        if isinstance(node, ast.Return)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and _is_class_name(node.value.func.id)
    ]
    said = [ast.unparse(part).split(".")[-1] for part in members_of(maker.node.returns)]
    return made or [name for name in said if _is_class_name(name)]


def _is_class_name(name: str) -> bool:
    return name[:1].isupper()


@attrs.frozen(eq=False)
class _Reading:
    """One walk through a function's own body; functions that it defines are not walked."""

    code: Code
    function: Function

    def places(self) -> Iterator[_Place]:
        """Yield every raise and call, with what is taken around it."""
        yield from self._in_body(self.function.node.body, frozenset())

    def passed(self) -> frozenset[str]:
        """Return what a context manager takes of its block: the handlers around its ``yield``."""
        return frozenset(
            name
            for node in ast.walk(self.function.node)
            if isinstance(node, ast.Try) and any(map(_yields, node.body))
            for name in self._taken_by(node.handlers)
        )

    def _in_body(self, body: list[ast.stmt], taken: frozenset[str]) -> Iterator[_Place]:
        for line in body:
            yield from self._within(line, taken)

    def _within(self, node: ast.AST, taken: frozenset[str]) -> Iterator[_Place]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                return
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                yield from self._in_body(body, taken | self._taken_by(handlers))
                for handler in handlers:
                    yield from self._in_body(handler.body, taken)
                yield from self._in_body([*orelse, *final], taken)
                return
            case ast.With(items=items, body=body):
                for item in items:
                    yield from self._within(item.context_expr, taken)
                yield from self._in_body(body, taken | self._taken_by_managers(items))
                return
            case ast.Raise() | ast.Call():
                yield _Place(node, taken)
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            yield from self._within(child, taken)

    def _taken_by(self, handlers: list[ast.ExceptHandler]) -> frozenset[str]:
        return frozenset(
            name
            for handler in handlers
            if not _passes_on(handler)
            for name in self._names(handler.type)
        )

    def _taken_by_managers(self, items: list[ast.withitem]) -> frozenset[str]:
        names: set[str] = set()
        for item in items:
            match item.context_expr:
                case (
                    ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")) as call
                ):
                    names.update(name for arg in call.args for name in self._names(arg))
                case ast.Call() as call:
                    made = self.code.called(self.function, call)
                    if made is not None and "contextmanager" in made.decorators:
                        names |= _Reading(self.code, made).passed()
                case _:
                    pass
        return frozenset(names)

    def _names(self, expression: ast.expr | None) -> list[str]:
        match expression:
            case None:
                return ["BaseException"]
            case ast.Tuple(elts=parts):
                return [name for part in parts for name in self._names(part)]
            case ast.Call():
                return ["BaseException"]  # not told by the text: it may take anything
            case ast.Name(id=name):
                at = self.code.definition(self.function.source, name)
                if at is not None and isinstance(at[1], ast.Assign):
                    return _Reading(self.code, Function(at[0], self.function.node))._names(
                        at[1].value
                    )
                return [name]
            case _:
                return [ast.unparse(expression).split(".")[-1]]


def _yields(line: ast.stmt) -> bool:
    return any(isinstance(node, ast.Yield) for node in ast.walk(line))


def _passes_on(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise)
        and (node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == handler.name))
        for line in handler.body
        for node in ast.walk(line)
    )
