"""Every house rule holds in this repository, and finds what is planted against it."""

from pathlib import Path

import attrs
import pytest

from .planting import plant
from .source import LAYERS, ROOT, Tree
from .tidy import RULES
from .tidy_shape import TYPE_IGNORES_MAX

HEAD = '"""A module."""\n\n__all__: list[str] = []\n\n'


@attrs.frozen
class Planted:
    """One violation: what stands where, and the words of the finding that names it."""

    rule: str
    path: str
    text: str
    says: str


def _import(rule: str, path: str, line: str, says: str) -> Planted:
    return Planted(rule, path, f"{HEAD}{line}\n", says)


def _public(rule: str, text: str, says: str) -> Planted:
    return Planted(rule, "ports/a.py", f'"""A module."""\n\n__all__ = ["f"]\n\n{text}\n', says)


def _words(rule: str, path: str, line: str) -> Planted:
    """A line with the forbidden words between bars, broken by a tilde: this file is judged too."""
    whole = line.replace("~", "")
    return _import(rule, path, whole.replace("|", ""), repr(whole.split("|")[1])[1:-1])


VIOLATIONS = (
    _import("layers", "domain/a.py", "import requests", "domain.a may not import requests"),
    _import("layers", "domain/a.py", "import json", "may not import json"),
    _import("layers", "domain/a.py", "from tidegate.ports import clock", "tidegate.ports.clock"),
    _import("layers", "domain/risk/a.py", "from ...ports import x", "tidegate.ports.x"),
    _import("layers", "domain/a.py", "def f():\n    import tidegate.adapters", "tidegate.adapters"),
    _import("layers", "ports/a.py", "from tidegate import adapters", "tidegate.adapters"),
    _import("layers", "ports/a.py", "import sqlite3", "may not import sqlite3"),
    _import("layers", "adapters/a.py", "from .paper import x", "tidegate.adapters.paper.x"),
    _import("layers", "adapters/b/a.py", "from ..paper import x", "tidegate.adapters.paper.x"),
    _import("layers", "adapters/b/a.py", "import tidegate.application", "tidegate.application"),
    _import(
        "layers",
        "adapters/b/a.py",
        'import_module("tidegate.adapters.paper")',
        "tidegate.adapters.paper",
    ),
    _import("layers", "contracts/a.py", "import tidegate.adapters.x", "tidegate.adapters.x"),
    _import("layers", "contracts/a.py", "import cattrs", "may not import cattrs"),
    _import("layers", "extra/a.py", "", "extra/ has no place"),
    _import("floats", "domain/a.py", "x = 0.5", "the float literal 0.5"),
    _import("floats", "domain/a.py", "x = 1e9", "the float literal"),
    _import("floats", "domain/a.py", 'x = float("1")', "float("),
    _import("floats", "domain/a.py", "def f(x: float) -> None: ...", "says float"),
    _import("floats", "domain/a.py", "def f() -> float: ...", "says float"),
    _import("clock_and_io", "domain/a.py", "import time", "imports time"),
    _import("clock_and_io", "domain/a.py", "from uuid import uuid4", "imports uuid.uuid4"),
    _import("clock_and_io", "domain/a.py", "from os import path", "imports os.path"),
    _import("clock_and_io", "domain/a.py", "import random", "imports random"),
    _import("clock_and_io", "domain/a.py", "import logging", "imports logging"),
    _import("clock_and_io", "domain/a.py", "import threading", "imports threading"),
    _import("clock_and_io", "domain/a.py", "x = datetime.now(UTC)", "read by .now"),
    _import("clock_and_io", "domain/a.py", "clock = datetime.utcnow", "read by .utcnow"),
    _import("clock_and_io", "domain/a.py", "x = dt.date.today()", "read by .today"),
    _import("clock_and_io", "domain/a.py", 'print("here")', "I/O by print("),
    _import("approval", "application/a.py", "Approved(order, seal=s)", "Approved( is called"),
    _import("approval", "domain/risk/a.py", "approval.Approved(order)", "Approved( is called"),
    _import("approval", "adapters/a.py", "object.__new__(Approved)", "__new__"),
    _import("approval", "adapters/a.py", "Approved.__new__(Approved)", "__new__"),
    _import("approval", "adapters/a.py", "x.__attrs_init__(order)", "__attrs_init__"),
    _import("approval", "tests/a.py", "from x.approval import _SEAL", "_SEAL"),
    _import("approval", "adapters/a.py", 'getattr(approval, "_SEAL")', "_SEAL"),
    _import("approval", "adapters/a.py", "from x import Approved as A", "another name"),
    _import("recall", "application/a.py", "recall(order)", "recall is named"),
    _import("recall", "domain/a.py", "from .risk.judge import recall", "recall is named"),
    _import(
        "recall",
        "adapters/a.py",
        "from tidegate.domain.risk import judge\njudge.recall(order)",
        "recall is named",
    ),
    Planted("lengths", "domain/a.py", HEAD + "x = 1\n" * 400, "404 lines"),
    _import("lengths", "tests/test_a.py", "def f():\n" + "    g()\n" * 70, "f has 71 lines"),
    Planted("docstrings", "domain/a.py", "__all__: list[str] = []\n", "no module docstring"),
    Planted("docstrings", "domain/a.py", '"""A module."""\n\nx = 1\n', "no __all__"),
    Planted(
        "docstrings",
        "domain/a.py",
        '"""A."""\n__all__ = ["f"]\ndef f() -> None: ...\n',
        "public f has no docstring",
    ),
    Planted(
        "docstrings",
        "domain/a.py",
        '"""A."""\n__all__ = ["C"]\nclass C: ...\n',
        "public C has no docstring",
    ),
    _public("described", "class f:\n    'F.'\n    def m(self): ...", "f.m has no docstring"),
    _public("errors_named", "def f():\n    'F.'\n    raise ValueError", "f raises ValueError"),
    _public("spans_named", "def f(wait: int):\n    'F.'", "wait is a bare number"),
    _public("amounts_typed", "def f(price: int):\n    'F.'", "price is int"),
    _public(
        "outcomes_named",
        "class A: ...\nclass B: ...\ndef f() -> A | B:\n    'F.'",
        "unexplained: A, B",
    ),
    _import("swallowed", "adapters/a.py", "try:\n    f()\nexcept OSError:\n    pass", "nothing"),
    _import("swallowed", "adapters/a.py", "try:\n    f()\nexcept OSError:\n    ...", "nothing"),
    _import("swallowed", "adapters/a.py", "try:\n    f()\nexcept:\n    g()", "a bare except"),
    _import("swallowed", "adapters/a.py", "with suppress(Exception):\n    f()", "suppress()"),
    _import("sleeps", "adapters/a.py", "time.sleep(1)", "a sleep"),
    _import("sleeps", "application/a.py", "from time import sleep", "a sleep"),
    _import("type_ignores", "domain/a.py", "x = 1  # type: ignore", "type: ignore[code]"),
    _import("type_ignores", "tests/a.py", "x = 1  # type: ignore[misc]", "the reason"),
    _import(
        "type_ignores_ratchet",
        "tests/a.py",
        "x = 1  # type: ignore[misc]  # a reason\n" * (TYPE_IGNORES_MAX + 1),
        f"{TYPE_IGNORES_MAX + 1} in the tree",
    ),
    _words("unfinished", "domain/a.py", "# |TO~DO| later"),
    _words("unfinished", "tests/a.py", "raise |NotImplemented~Error|"),
    _words("foreign_words", "domain/a.py", "# see |/hom~e/|someone"),
    _words("foreign_words", "ports/a.py", "# |iss~ue #12|"),
    _words("foreign_words", "docs/a.md", "as |Claud~e| said"),
    _words("foreign_words", "README.md", "whole quantities |(B~3, B4)|"),
    _words("empty_tests", "tests/a.py", "|assert Tru~e|"),
    _words("empty_tests", "contracts/a.py", "|pytest.ski~p()|"),
    _words("empty_tests", "tests/a.py", "|mocker.patch(\"tidegat~e|.domain.x\")"),
    _import("packages", "domain/new/a.py", "", "no __init__.py"),
    _import("packages", "domain/new/__init__.py", "", "tidegate.domain.new is a folder"),
    _import("packages", "extra/__init__.py", "", "package-dir: tidegate.extra"),
    _import("packages", "tests/x/__init__.py", "", "a folder that is none"),
    _import("typed", "extra/__init__.py", "", "no py.typed"),
)  # fmt: skip


@pytest.fixture(scope="module")
def repository() -> Tree:
    """Parsed once for all rules."""
    return Tree(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds_in_this_repository(rule: str, repository: Tree) -> None:
    findings = [str(found) for found in RULES[rule](repository)]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_finds_nothing_in_a_clean_tree(rule: str, tmp_path: Path) -> None:
    assert list(RULES[rule](plant(tmp_path, {}))) == []


@pytest.mark.parametrize(
    "planted", VIOLATIONS, ids=lambda planted: f"{planted.rule}-{planted.says}"
)
def test_the_rule_names_what_is_planted(planted: Planted, tmp_path: Path) -> None:
    tree = plant(tmp_path, {planted.path: planted.text})
    findings = [str(found) for found in RULES[planted.rule](tree)]
    assert any(planted.says in finding for finding in findings), findings


def test_every_rule_has_a_planted_violation() -> None:
    assert {planted.rule for planted in VIOLATIONS} == set(RULES)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("domain/risk/judge.py", "from .approval import _SEAL, Approved\nApproved(o, seal=_SEAL)"),
        ("domain/core/react.py", "from tidegate.domain.risk.judge import recall\nrecall(order)"),
        ("adapters/paper/a.py", "from tidegate.adapters.paper.b import x\nfrom .b import y"),
        ("adapters/sqlite/a.py", "import sqlite3\nimport time\ntime.monotonic()"),
        ("application/a.py", "from tidegate.adapters.paper import x"),
        ("contracts/a.py", "import pytest\nfrom tidegate.ports.exchange import ExchangePort"),
        ("domain/a.py", "from decimal import Decimal\nx = ledger.today"),
        ("tests/a.py", "x = 0.5  # type: ignore[misc]  # the stub says int"),
    ],
)
def test_what_is_permitted_is_not_found(path: str, line: str, tmp_path: Path) -> None:
    folder = path.rpartition("/")[0]
    files = {path: f"{HEAD}{line}\n"}
    packages: tuple[str, ...] = LAYERS
    if "/" in folder:
        files[f"{folder}/__init__.py"] = HEAD
        packages = (*LAYERS, folder.replace("/", "."))
    tree = plant(tmp_path, files, packages=packages)
    assert [str(found) for rule in RULES.values() for found in rule(tree)] == []


def test_a_listed_package_without_a_folder_is_found(tmp_path: Path) -> None:
    tree = plant(tmp_path, {}, packages=(*LAYERS, "domain.gone"))
    assert [str(found) for found in RULES["packages"](tree)] == [
        "pyproject.toml:1: packages: tidegate.domain.gone is listed and there is no such folder"
    ]
