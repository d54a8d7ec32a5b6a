"""Which layer may import what. The domain and the ports live on a short list of pure modules."""

import sys
from collections.abc import Callable, Iterator

from .source import Finding, Import, Source, Tree

__all__ = ["layers"]

# Pure: the same arguments give the same result; no clock, no I/O, no binary floats.
_PURE_STDLIB = (
    "__future__",
    "abc",
    "bisect",
    "collections",
    "contextlib",
    "copy",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "operator",
    "re",
    "string",
    "types",
    "typing",
)
_ALLOWED = {
    "domain": (*_PURE_STDLIB, "attrs", "tidegate.domain"),
    "ports": (*_PURE_STDLIB, "attrs", "tidegate.domain", "tidegate.ports"),
}
_CONTRACTS_ALLOWED = (
    "attrs",
    "pytest",
    "tidegate.contracts",
    "tidegate.domain",
    "tidegate.ports",
)


def layers(tree: Tree) -> Iterator[Finding]:
    """Dependencies point inward, and the inner layers import nothing impure."""
    for source in tree.shipped:
        may_import = _MAY_IMPORT.get(source.layer)
        if may_import is None:
            yield Finding(source.path, 1, f"{source.layer}/ has no place among the layers")
            continue
        for found in source.imports:
            if not may_import(source, found):
                message = f"{source.module} may not import {found.name}"
                yield Finding(source.path, found.line, message)


def _inner(source: Source, found: Import) -> bool:
    return any(found.is_within(package) for package in _ALLOWED[source.layer])


def _adapter(source: Source, found: Import) -> bool:
    if found.is_within("tidegate.application") or found.is_within("tidegate.contracts"):
        return False
    if not found.is_within("tidegate.adapters"):
        return True
    own = ".".join(source.module.split(".")[:3])
    return own != "tidegate.adapters" and found.is_within(own)


def _contract(source: Source, found: Import) -> bool:
    return found.name.split(".")[0] in sys.stdlib_module_names or any(
        found.is_within(package) for package in _CONTRACTS_ALLOWED
    )


def _anything(source: Source, found: Import) -> bool:
    return True


_MAY_IMPORT: dict[str, Callable[[Source, Import], bool]] = {
    "domain": _inner,
    "ports": _inner,
    "adapters": _adapter,
    "contracts": _contract,
    "application": _anything,
}
