"""The house rules that no linter knows, as one table of functions over a source tree.

``python -m tests.quality.tidy`` prints every finding in this repository.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from .source import ROOT, Finding, Tree
from .tidy_docstrings import (
    amounts_typed,
    described,
    errors_named,
    outcomes_named,
    spans_named,
)
from .tidy_layers import layers
from .tidy_packaging import packages, typed
from .tidy_purity import approval, clock_and_io, floats, recall
from .tidy_shape import (
    docstrings,
    lengths,
    sleeps,
    swallowed,
    type_ignores,
    type_ignores_ratchet,
)
from .tidy_words import empty_tests, foreign_words, unfinished

__all__ = ["RULES", "Rule"]

Rule = Callable[[Tree], Iterable[Finding]]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            amounts_typed,
            approval,
            clock_and_io,
            described,
            docstrings,
            empty_tests,
            errors_named,
            floats,
            foreign_words,
            layers,
            lengths,
            outcomes_named,
            packages,
            recall,
            sleeps,
            spans_named,
            swallowed,
            type_ignores,
            type_ignores_ratchet,
            typed,
            unfinished,
        )
    }
)


def _main() -> int:
    findings = [(name, found) for name, rule in RULES.items() for found in rule(Tree(ROOT))]
    for name, found in findings:
        sys.stdout.write(f"{found}  [{name}]\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(_main())
