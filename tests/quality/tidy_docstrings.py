"""What a reader of a public name is told: errors, units and outcomes, held against the code.

``docstrings`` asks for a description of what a module lists; here methods are asked for theirs too.
"""

import ast
import re
from collections.abc import Iterator

from .code_index import Class, Code, Function, FunctionNode, code_of, members_of
from .errors_raised import errors_said, raised_by
from .source import Finding, Source, Tree

__all__ = ["amounts_typed", "described", "errors_named", "outcomes_named", "spans_named"]

_REFERENCE = re.compile(r":(?:meth|attr|func|class|data):`~?([\w.]+)`")

# fmt: off
_SPAN_WORDS = frozenset({
    "age", "clock", "deadline", "delay", "duration", "elapsed", "expiry", "grace", "interval",
    "lag", "latency", "lead", "now", "since", "span", "time", "timeout", "timestamp", "ttl",
    "until", "uptime", "wait",
})
_UNITS = frozenset({
    "ns", "us", "ms", "s", "seconds", "minutes", "hours", "days",
    "count", "factor", "lines", "orders", "rows",
})
_AMOUNT_WORDS = frozenset({
    "price", "qty", "quantity", "amount", "money", "notional", "equity", "wallet", "profit", "fee",
    "fees", "margin", "leverage", "balance",
})
# fmt: on
_AMOUNTS = frozenset({"Amount", "Price", "Qty", "Money", "Rate", "Distance"})
_BARE = frozenset({"int", "float", "Decimal"})


def described(tree: Tree) -> Iterator[Finding]:
    """Every public method says what it does, as its class and every public function do."""
    for _, function in _public_functions(tree):
        if not function.is_overload and not _text(function.node):
            yield _at(function, f"public {function.name} has no docstring")


def errors_named(tree: Tree) -> Iterator[Finding]:
    """What a public function raises stands under ``Raises:``, or where it refers its reader.

    What every method of a class raises alike may stand in the docstring of the class, and so do the
    errors of making a value.
    """
    for code, function in _public_functions(tree, with_making=True):
        texts = _with_references(code, function)
        named = {name for text in texts for name in errors_said(text)}
        for raised in raised_by(code, function).values():
            if not named & _product_names(code, function.source, raised.error):
                via = "" if raised.via is None else f" by {raised.via}"
                message = f"{function.name} raises {raised.error}{via}, unnamed under Raises:"
                yield _at(function, message)


def spans_named(tree: Tree) -> Iterator[Finding]:
    """A time or a span that is a bare number carries its unit in its name."""
    for source, owner, line, name, annotation in _values(tree):
        words = name.strip("_").split("_")
        if _is_number(annotation) and _SPAN_WORDS & set(words) and not _UNITS & set(words):
            message = f"{owner}: {name} is a bare number; end it with its unit, such as {name}_ms"
            yield Finding(source.path, line, message)


def amounts_typed(tree: Tree) -> Iterator[Finding]:
    """An amount has the type that tells its unit: Price, Qty, Money, Rate or Distance.

    Adapters also hold what a wire or a file calls so: there, a text is no amount.
    """
    for source, owner, line, name, annotation in _values(tree):
        types = {ast.unparse(part) for part in members_of(annotation)}
        bare = types & (_BARE if source.layer == "adapters" else _BARE | {"str"})
        if bare and not types & _AMOUNTS and name.split("_")[-1] in _AMOUNT_WORDS:
            found = min(bare)
            message = f"{owner}: {name} is {found}; type it Price, Qty, Money, Rate or Distance"
            yield Finding(source.path, line, message)


def outcomes_named(tree: Tree) -> Iterator[Finding]:
    """A function that returns one of several outcomes says what each of them means.

    It may say so itself, or where it refers its reader, or the alias of the outcomes does.
    """
    for code, function in _public_functions(tree):
        union, explained = _union(code, function)
        if len(union) < 2 or function.is_overload:
            continue
        said = "\n".join([explained, *_with_references(code, function)])
        missing = [name for name in union if re.search(rf"\b{name}\b", said) is None]
        if missing:
            message = f"{function.name} returns one of several; unexplained: {', '.join(missing)}"
            yield _at(function, message)


_MAKING = ("__init__", "__attrs_post_init__", "__call__", "__enter__", "__exit__")


def _public_functions(tree: Tree, *, with_making: bool = False) -> Iterator[tuple[Code, Function]]:
    code = code_of(tree)
    for source in tree.shipped:
        public = set(source.public_names or ())
        for node in source.tree.body:
            if isinstance(node, FunctionNode) and node.name in public:
                yield code, Function(source, node)
            elif isinstance(node, ast.ClassDef) and node.name in public:
                for name, method in Class(source, node).methods.items():
                    if not name.startswith("_") or (with_making and name in _MAKING):
                        yield code, method


def _values(tree: Tree) -> Iterator[tuple[Source, str, int, str, ast.expr | None]]:
    """Yield each parameter of a public function, and each field of a public class."""
    for _, function in _public_functions(tree, with_making=True):
        for arg in function.parameters:
            yield function.source, function.name, arg.lineno, arg.arg, arg.annotation
    for source in tree.shipped:
        public = set(source.public_names or ())
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and node.name in public:
                for field in Class(source, node).fields:
                    if isinstance(field.target, ast.Name) and not field.target.id.startswith("_"):
                        yield source, node.name, field.lineno, field.target.id, field.annotation


def _is_number(annotation: ast.expr | None) -> bool:
    return any(ast.unparse(part) in ("int", "float") for part in members_of(annotation))


def _union(code: Code, function: Function) -> tuple[list[str], str]:
    """Return the classes that a function may return, and what the alias of their union says."""
    names: list[str] = []
    explained = ""
    returned = members_of(function.node.returns)
    taken = {ast.unparse(it) for arg in function.parameters for it in members_of(arg.annotation)}
    if all(ast.unparse(part) in taken for part in returned):
        return [], ""  # what was given comes back, and is no outcome
    for part in returned:
        at = code.definition(function.source, part.id) if isinstance(part, ast.Name) else None
        match at:
            case (source, ast.Assign(value=value) as alias):
                names += [ast.unparse(member) for member in members_of(value)]
                explained += _text_below(source, alias)
            case (_, ast.ClassDef(name=name)):
                names.append(name)
            case _:
                pass
    return names, explained


def _text_below(source: Source, line: ast.stmt) -> str:
    """Return the text that describes a constant or an alias: it stands below it."""
    below = source.tree.body[source.tree.body.index(line) + 1 :][:1]
    match below:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return text
        case _:
            return ""


def _with_references(
    code: Code, function: Function, seen: frozenset[int] = frozenset()
) -> Iterator[str]:
    """Yield the docstring and its class's, and where it says ``see``, those that it refers to."""
    text = _text(function.node)
    yield text
    if function.owner is not None:
        yield _text(function.owner.node)
    for match in _REFERENCE.finditer(text):
        if re.search(r"\b[Ss]ee(?: also)?\s+$", text[: match.start()]) is None:
            continue
        found = _referred(code, function, match[1])
        if found is not None and id(found.node) not in seen:
            yield from _with_references(code, found, seen | {id(function.node)})


def _referred(code: Code, function: Function, name: str) -> Function | None:
    owner, _, last = name.rpartition(".")
    if owner:
        named = code.class_of(function.source, ast.Name(id=owner)) or code.only_class(owner)
        return None if named is None else code.method(named, last)
    own = None if function.owner is None else code.method(function.owner, last)
    return own or code.function(function.source, last)


def _product_names(code: Code, source: Source, error: str) -> frozenset[str]:
    """Return the names that a handler may catch it by: its own, and the product's bases of it."""
    return frozenset({error, *(it for it in code.ancestors(source, error) if code.only_class(it))})


def _text(node: FunctionNode | ast.ClassDef) -> str:
    return ast.get_docstring(node) or ""


def _at(function: Function, message: str) -> Finding:
    return Finding(function.source.path, function.node.lineno, message)
