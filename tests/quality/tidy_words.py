"""Words that have no place in the product: unfinished work, the workshop, tests that prove nothing.

The patterns are written so that they do not match their own text.
"""

import re
from collections.abc import Iterator

from .source import Finding, Tree

__all__ = ["empty_tests", "foreign_words", "unfinished"]

_UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K|NotImplemented[E]rror)\b|# *st[u]b\b")

_FOREIGN = re.compile(
    r"""
      /(?:wor[k]|far[m]|hom[e]|roo[t]|Users)/        # somebody's machine
    | \b(?:claud[e]|anthropi[c]|chatgp[t]|copilo[t]|language[ ]mode[l]|AI[ ]assistan[t])\b
    | \b(?:an)?other[ ](?:helpe[r]|agen[t]|sessio[n])\b | \bsub-?agen[t]s?\b
    | \bsession[ ]of[ ](?:min[e]|your[s])\b
    | \bissu[e][ ]\#?\d+
    | \brequiremen[t]s?[ ][A-K]\d                    # the text speaks of the product alone
    | \([A-K]\d{1,2}(?:,[ ]?[A-K]\d{1,2})*\)
    | \"\"\"placeholde[r]
    """,
    re.VERBOSE | re.IGNORECASE,
)

_EMPTY = re.compile(
    r"\bassert Tru[e]\b|pytest\.ski[p]\(\)"
    r"|(?:mocker|mock)\.patch\w*(?:\.\w+)?\(\s*[\"']tidegat[e]"
    r"|monkeypatch\.setattr\(\s*[\"']tidegat[e]"
)


def unfinished(tree: Tree) -> Iterator[Finding]:
    """Nothing is left for later: no marker, no stub."""
    for source in (*tree.shipped, *tree.tests):
        yield from _matches(source.path, source.text, _UNFINISHED)


def foreign_words(tree: Tree) -> Iterator[Finding]:
    """The text speaks of the product, not of the place where it was written."""
    for path, text in tree.texts():
        yield from _matches(path, text, _FOREIGN)


def empty_tests(tree: Tree) -> Iterator[Finding]:
    """No test passes by itself, and none replaces the code that it tests."""
    suites = (*tree.tests, *tree.in_layer("contracts"))
    for source in suites:
        yield from _matches(source.path, source.text, _EMPTY)


def _matches(path: str, text: str, pattern: re.Pattern[str]) -> Iterator[Finding]:
    if pattern.search(text) is None:  # one search is quicker than one for each line
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if (found := pattern.search(line)) is not None:
            yield Finding(path, number, f"the words {found.group()!r}")
