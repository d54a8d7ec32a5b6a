"""What docstrings must tell is found where it is missing, and only there."""

from pathlib import Path

import pytest

from .planting import plant
from .source import Tree
from .tidy import RULES

HEAD = '"""A module."""\n\n__all__ = ["C", "Won", "Lost", "Outcome", "f", "g"]\n\n'
OUTCOMES = 'class Won:\n    """W."""\nclass Lost:\n    """L."""\nOutcome = Won | Lost\n'


def _found(rule: str, text: str, root: Path, **others: str) -> list[str]:
    files = {f"application/{name}.py": f"{HEAD}{more}\n" for name, more in others.items()}
    tree: Tree = plant(root, {"application/a.py": f"{HEAD}{text}\n", **files})
    return [str(found) for found in RULES[rule](tree)]


def _raising(body: str, text: str = "Do it.", more: str = "") -> str:
    return f'class Bad(Exception):\n    """B."""\ndef f(x):\n    """{text}"""\n    {body}\n{more}'


METHOD = (
    'class C:\n    """C."""\n    def m(self):\n        """M."""\n        self._n()\n'
    "    def _n(self):\n        raise KeyError\n"
)
CLASS = (
    'class C:\n    """C.\n\n    Raises:\n        KeyError: always.\n\n    """\n'
    '    def m(self):\n        """M."""\n        raise KeyError\n'
)
MANAGER = (
    "@contextmanager\ndef _named():\n    try:\n        yield\n    except ValueError:\n        g()\n"
)
REFERENCE = (
    'def g() -> Outcome:\n    """``Won``: yes. ``Lost``: no."""\n'
    'def f() -> Outcome:\n    """Outcomes: see :func:`g`."""'
)
MAKER = 'class Worse(Bad):\n    """W."""\ndef _made(x) -> Bad:\n    return Worse(x)\n'
HELPER = 'def _h(x):\n    raise ValueError("x")\n'
NAMED = "Do it.\n\n    Raises:\n        {}: when.\n\n    "


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_raising('raise ValueError("x")'), "f raises ValueError"),
        (_raising("raise Bad"), "f raises Bad"),
        (_raising("_h(x)", more=HELPER), "f raises ValueError by _h"),
        (
            _raising("_h(x)", more='def _h(x):\n    _i(x)\ndef _i(x):\n    raise Bad("x")\n'),
            "by _i",
        ),
        (_raising("g(x)", more='def g(x):\n    """G."""\n    raise Bad("x")\n'), "Bad by g"),
        (_raising('raise _made("x")', more="def _made(x) -> Bad:\n    return Bad(x)\n"), "Bad"),
        (_raising('raise _made("x")', more=MAKER), "f raises Worse"),
        (_raising('raise ValueError("x")', text="Raises ValueError."), "f raises ValueError"),
        (_raising("raise Bad", text=NAMED.format("ValueError")), "f raises Bad"),
        (_raising("raise ValueError", text="See :func:`g`.", more='def g():\n    """G."""\n'), "f"),
        (_raising("raise Bad", text=f"As :func:`g`; {NAMED.format('KeyError')}"), "f raises Bad"),
        (
            'class C:\n    """C."""\n    def __init__(self):\n        raise ValueError\n',
            "C.__init__",
        ),
        (
            'class C:\n    """C."""\n    def m(self):\n        """M."""\n        raise KeyError\n',
            "C.m",
        ),
        (
            METHOD,
            "C.m raises KeyError by C._n",
        ),
        (
            _raising("try:\n        raise Bad\n    except ValueError:\n        g()"),
            "f raises Bad",
        ),
        (
            _raising("try:\n        raise Bad\n    except Bad:\n        raise"),
            "f raises Bad",
        ),
    ],
)
def test_an_error_that_is_raised_and_not_named_is_found(
    text: str, says: str, tmp_path: Path
) -> None:
    found = _found("errors_named", text, tmp_path)
    assert any(says in one and one.endswith("unnamed under Raises:") for one in found), found


@pytest.mark.parametrize(
    "text",
    [
        _raising("raise Bad", text=NAMED.format("Bad")),
        _raising("raise ValueError", text=f"See :func:`g`.{NAMED.format('ValueError')}"),
        _raising('raise AssertionError("our own bug")'),
        _raising("try:\n        raise Bad\n    except Bad:\n        g()"),
        _raising("try:\n        raise Bad\n    except Exception:\n        g()"),
        _raising("with suppress(Bad):\n        raise Bad"),
        _raising("def inner():\n        raise Bad\n    g(inner)"),
        _raising("g(x)", more='def g(x):\n    """G."""\n    raise ValueError("x")\n').replace(
            '    """G."""', f'    """{NAMED.format("ValueError")}"""'
        ),
        _raising("raise Worse", text=NAMED.format("Bad"), more='class Worse(Bad):\n    """W."""\n'),
        _raising("unknown(x)\n    x.unknown()\n    x[0]()"),
        CLASS,
        MANAGER + _raising("with _named():\n        raise ValueError"),
    ],
)
def test_an_error_that_is_named_or_taken_is_not_found(text: str, tmp_path: Path) -> None:
    assert _found("errors_named", text, tmp_path) == []


def test_a_call_is_followed_through_imports_and_annotated_attributes(tmp_path: Path) -> None:
    caller = (
        "from .b import C as B\nclass C:\n"
        '    """C."""\n    def __init__(self, held: B) -> None:\n        self._held = held\n'
        '    def m(self):\n        """M."""\n        self._held.ask()\n'
    )
    bad = 'class Bad(Exception):\n    """B."""\n'
    told = '"""Ask.\n\n        Raises:\n            Bad: no.\n\n        """'
    asked = f'{bad}class C:\n    """C."""\n    def ask(self):\n        {told}\n        raise Bad\n'
    (found,) = _found("errors_named", caller, tmp_path, b=asked)
    assert "C.m raises Bad by C.ask" in found
    port = asked.replace("        raise Bad\n", "").replace(
        "    def", "    @abstractmethod\n    def"
    )
    (found,) = _found("errors_named", caller, tmp_path / "port", b=port)
    assert "C.m raises Bad by C.ask" in found


def test_a_reference_is_followed_to_the_port_that_names_the_error(tmp_path: Path) -> None:
    port = 'class C:\n    """C."""\n    def m(self):\n        """M.\n\n        {}\n        """\n'
    text = (
        "from .b import C as Port\nclass Mine(Port):\n"
        '    """M."""\n    def m(self):\n        """See :meth:`Port.m`."""\n'
        "        raise KeyError\n"
    )
    text = text.replace("class Mine", "class C")
    silent = _found("errors_named", text, tmp_path / "silent", b=port.format(""))
    assert ["C.m raises KeyError" in found for found in silent] == [True]
    telling = port.format("Raises:\n            KeyError: no.\n")
    assert _found("errors_named", text, tmp_path / "telling", b=telling) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('def f(timeout: int):\n    """F."""', "timeout"),
        ('def f(*, age_max: "int | None" = None):\n    """F."""', "age_max"),
        ('class C:\n    """C."""\n    ask_interval: float', "ask_interval"),
        ('class C:\n    """C."""\n    def __init__(self, wait: float) -> None: ...', "wait"),
    ],
)
def test_a_span_without_its_unit_is_found(line: str, name: str, tmp_path: Path) -> None:
    (found,) = _found("spans_named", line, tmp_path)
    assert f"{name} is a bare number; end it with its unit, such as {name}_ms" in found


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('def f(price: int):\n    """F."""', "price is int"),
        (
            'def f(qty_max: Qty, stop_price: "Decimal | None"):\n    """F."""',
            "stop_price is Decimal",
        ),
        ('class C:\n    """C."""\n    wallet: str', "wallet is str"),
        (
            'class C:\n    """C."""\n    def m(self, leverage: float):\n        """M."""',
            "leverage is",
        ),
    ],
)
def test_an_amount_without_a_type_is_found(line: str, name: str, tmp_path: Path) -> None:
    (found,) = _found("amounts_typed", line, tmp_path)
    assert name in found


@pytest.mark.parametrize("name", ["f(deadline_ms: int)", "f(wait: Waiter)", "f(qty: Qty | int)"])
def test_what_tells_its_unit_is_not_found(name: str, tmp_path: Path) -> None:
    text = f'def {name}:\n    """F."""'
    assert _found("spans_named", text, tmp_path) == []
    assert _found("amounts_typed", text, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('def f() -> Won | Lost:\n    """F."""', "unexplained: Won, Lost"),
        ('def f() -> "Outcome | None":\n    """Return ``Won``."""', "unexplained: Lost"),
        (
            'class C:\n    """C."""\n    def m(self) -> Outcome:\n        """See :meth:`C.n`."""',
            "Won",
        ),
    ],
)
def test_an_outcome_that_nobody_explains_is_found(text: str, says: str, tmp_path: Path) -> None:
    (found,) = _found("outcomes_named", OUTCOMES + text, tmp_path)
    assert says in found


@pytest.mark.parametrize(
    "text",
    [
        'def f() -> Outcome:\n    """``Won``: yes. ``Lost``: no."""',
        'def f() -> Won | None:\n    """F."""',
        'def f(it: Outcome) -> Outcome:\n    """Return it again."""',
        REFERENCE,
        '"""``Won``: yes. ``Lost``: no."""\ndef f() -> Outcome:\n    """F."""',
    ],
)
def test_an_outcome_that_is_explained_is_not_found(text: str, tmp_path: Path) -> None:
    assert _found("outcomes_named", OUTCOMES + text, tmp_path) == []


def test_a_public_method_without_a_docstring_is_found(tmp_path: Path) -> None:
    text = 'class C:\n    """C."""\n    def m(self) -> None: ...\n    def _n(self) -> None: ...\n'
    (found,) = _found("described", text, tmp_path)
    assert "public C.m has no docstring" in found
