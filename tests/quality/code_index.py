"""What a name in the shipped code stands for, told from the text alone, and never guessed.

A name is followed through imports to where it is defined; an attribute through the annotation of
the parameter that fills it. What cannot be told that way is unknown, and nothing is said of it.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache

import attrs

from .source import Source, Tree

__all__ = ["Class", "Code", "Function", "FunctionNode", "code_of", "members_of"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_HOPS_MAX = 20


@attrs.frozen(eq=False)
class Function:
    """One function or method, with the module and the class that it stands in."""

    source: Source
    node: FunctionNode
    owner: "Class | None" = None

    @property
    def name(self) -> str:
        """The name with the name of its class."""
        return self.node.name if self.owner is None else f"{self.owner.node.name}.{self.node.name}"

    @property
    def is_overload(self) -> bool:
        """Tell whether it is the signature of an overload, which describes nothing by itself."""
        return "overload" in self.decorators

    @property
    def decorators(self) -> frozenset[str]:
        """The last part of the name of each decorator."""
        return frozenset(ast.unparse(it).split("(")[0].split(".")[-1] for it in self._decorators)

    @property
    def _decorators(self) -> list[ast.expr]:
        return self.node.decorator_list

    @property
    def parameters(self) -> tuple[ast.arg, ...]:
        """Every parameter but ``self`` and ``cls``."""
        args = self.node.args
        found = (*args.posonlyargs, *args.args, *args.kwonlyargs)
        return tuple(arg for arg in found if arg.arg not in ("self", "cls"))


@attrs.frozen(eq=False, slots=False)
class Class:
    """One class with what its body defines."""

    source: Source
    node: ast.ClassDef

    @cached_property
    def methods(self) -> Mapping[str, Function]:
        """The methods by name; of overloads and of a property with a setter, the last and first."""
        found: dict[str, Function] = {}
        for line in self.node.body:
            if isinstance(line, FunctionNode):
                function = Function(self.source, line, self)
                if "setter" not in function.decorators:
                    found[line.name] = function
        return found

    @cached_property
    def fields(self) -> tuple[ast.AnnAssign, ...]:
        """The annotated attributes of the body."""
        return tuple(
            line
            for line in self.node.body
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        )


class Code:
    """The shipped modules of a tree, and where each name in them leads."""

    def __init__(self, tree: Tree) -> None:
        self.sources = {source.module: source for source in tree.shipped}
        self._tops = {module: _definitions(source) for module, source in self.sources.items()}
        self._imports = {module: dict(_imported(source)) for module, source in self.sources.items()}
        self._classes: dict[int, Class] = {}
        self._by_name: dict[str, list[Class]] = {}
        for source in tree.shipped:
            for line in source.tree.body:
                if isinstance(line, ast.ClassDef):
                    made = self._classes.setdefault(id(line), Class(source, line))
                    self._by_name.setdefault(line.name, []).append(made)

    def only_class(self, name: str) -> Class | None:
        """Return the shipped class of that name, where there is exactly one."""
        found = self._by_name.get(name, [])
        return found[0] if len(found) == 1 else None

    def definition(self, source: Source, name: str) -> tuple[Source, ast.stmt] | None:
        """Follow ``name`` from ``source`` to the statement that defines it, in whatever module."""
        module = source.module
        for _ in range(_HOPS_MAX):
            if (found := self._tops.get(module, {}).get(name)) is not None:
                return self.sources[module], found
            target = self._imports.get(module, {}).get(name)
            if target is None:
                return None
            module, _, name = target.rpartition(".")
        return None

    def module(self, source: Source, name: str) -> Source | None:
        """Return the shipped module that ``name`` stands for."""
        return self.sources.get(self._imports[source.module].get(name, ""))

    def class_of(self, source: Source, expression: ast.expr | None) -> Class | None:
        """Return the one shipped class that an annotation, or the name of a class, says."""
        found = [self._named(source, part) for part in members_of(expression)]
        known = [it for it in found if it is not None]
        return known[0] if len(known) == 1 else None

    def _named(self, source: Source, part: ast.expr) -> Class | None:
        match part:
            case ast.Name(id=name):
                at = self.definition(source, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                module = self.module(source, owner)
                at = None if module is None else self.definition(module, name)
            case _:
                return None
        if at is None or not isinstance(at[1], ast.ClassDef):
            return None
        return self._classes.setdefault(id(at[1]), Class(at[0], at[1]))

    def lineage(self, found: Class) -> Iterator[Class]:
        """Yield the class and every shipped class that it inherits from."""
        yield found
        for base in found.node.bases:
            bare = base.value if isinstance(base, ast.Subscript) else base
            if (parent := self.class_of(found.source, bare)) is not None:
                yield from self.lineage(parent)

    def method(self, found: Class, name: str) -> Function | None:
        """Return the method of that name, of the class or inherited."""
        for parent in self.lineage(found):
            if name in parent.methods:
                return parent.methods[name]
        return None

    def attribute(self, found: Class, name: str) -> Class | None:
        """Return the class of ``self.name``, where a field, a property or ``__init__`` says it."""
        for parent in self.lineage(found):
            for field in parent.fields:
                if isinstance(field.target, ast.Name) and field.target.id == name:
                    return self.class_of(parent.source, field.annotation)
            if (asked := parent.methods.get(name)) is not None:
                is_property = "property" in asked.decorators
                return self.class_of(parent.source, asked.node.returns) if is_property else None
            if (made := parent.methods.get("__init__")) is not None:
                value = _assigned(made, name)
                if value is not None:
                    return self.value_class(made, value)
        return None

    def value_class(self, function: Function, value: ast.expr) -> Class | None:
        """Return the class of a value within ``function``, as its annotations say."""
        source, owner = function.source, function.owner
        match value:
            case ast.Name(id="self" | "cls"):
                return owner
            case ast.Name(id=name):
                for parameter in function.parameters:
                    if parameter.arg == name:
                        return self.class_of(source, parameter.annotation)
                return None
            case ast.Attribute(value=inner, attr=name):
                held = self.value_class(function, inner)
                return None if held is None else self.attribute(held, name)
            case ast.Call(func=called) if (made := self.class_of(source, called)) is not None:
                return made
            case _:
                return None

    def called(self, function: Function, call: ast.Call) -> Function | None:
        """Return the shipped function or method that a call runs, where it can be told."""
        source = function.source
        match call.func:
            case ast.Name(id=name):
                return self.function(source, name)
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
                parents = [] if function.owner is None else [*self.lineage(function.owner)][1:]
                return next((it.methods[name] for it in parents if name in it.methods), None)
            case ast.Attribute(value=held, attr=name):
                if isinstance(held, ast.Name):
                    if (module := self.module(source, held.id)) is not None:
                        return self.function(module, name)
                    if (named := self.class_of(source, held)) is not None:
                        return self.method(named, name)
                owner = self.value_class(function, held)
                return None if owner is None else self.method(owner, name)
            case _:
                return None

    def function(self, source: Source, name: str) -> Function | None:
        """Return the function that a name in a module stands for."""
        at = self.definition(source, name)
        match at:
            case (where, ast.FunctionDef() | ast.AsyncFunctionDef() as node):
                return Function(where, node)
            case _:
                return None

    def ancestors(self, source: Source, name: str) -> frozenset[str]:
        """Return the names of a class of errors and of all that it inherits from."""
        found = self.class_of(source, ast.Name(id=name)) or self.only_class(name)
        if found is None:
            known = getattr(builtins, name, None)
            lineage = known.__mro__ if isinstance(known, type) else ()
            return frozenset({name, *(it.__name__ for it in lineage)})
        names = {name, found.node.name}
        for base in found.node.bases:
            names |= self.ancestors(found.source, ast.unparse(base).split("[")[0].split(".")[-1])
        return frozenset(names)


@lru_cache(maxsize=1)
def code_of(tree: Tree) -> Code:
    """Return the code of a tree, read once for the rules that ask one after the other."""
    return Code(tree)


def members_of(expression: ast.expr | None) -> list[ast.expr]:
    """Return the members of a union in an annotation, without ``None``; a text is read."""
    match expression:
        case None | ast.Constant(value=None):
            return []
        case ast.Constant(value=str(text)):
            return members_of(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*members_of(left), *members_of(right)]
        case _:
            return [expression]


def _definitions(source: Source) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for line in source.tree.body:
        match line:
            case (
                ast.ClassDef(name=name)
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
            ):
                found[name] = line
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = line
            case _:
                pass
    return found


def _imported(source: Source) -> Iterator[tuple[str, str]]:
    for node in source.nodes:
        match node:
            case ast.ImportFrom(names=names):
                resolved = {it.line: it for it in source.imports}
                base = resolved[node.lineno].name.rpartition(".")[0]
                yield from ((it.asname or it.name, f"{base}.{it.name}") for it in names)
            case ast.Import(names=names):
                yield from ((it.asname or it.name, it.name) for it in names)
            case _:
                pass


def _assigned(made: Function, name: str) -> ast.expr | None:
    for line in ast.walk(made.node):
        match line:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr)], value=value
            ) if attr == name:
                return value
            case _:
                pass
    return None
