"""Strategies by name: built, or refused with what would be accepted."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tidegate.adapters.strategies import DonchianBreakout, StrategyError, load_strategy

SHIPPED = "tidegate.adapters.strategies.donchian:DonchianBreakout"
OWN = """
from tidegate.ports.strategy import StrategyPort
from tidegate.domain.money import Rate

class Quiet(StrategyPort):
    window = 1

    def __init__(self, *, calm: int, rate: object = "1") -> None:
        self.calm = 10 // calm
        self.rate = Rate.of(rate)

    def decide(self, bars, view):
        return None

class Half(StrategyPort):
    def decide(self, bars, view):
        return None

class Silent(StrategyPort):
    window = 2

    def decide(self, bars, view):
        return None

class Leaving(StrategyPort):
    window = 1

    def __init__(self) -> None:
        raise SystemExit(3)

    def decide(self, bars, view):
        return None

class Plain:
    pass

number = 5
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the name of a user's module that can be imported."""
    (tmp_path / "own_strategies.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "own_broken.py").write_text("import not_there_at_all", encoding="utf-8")
    (tmp_path / "own_failing.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "own_leaving.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_strategies"
    for name in ("own_strategies", "own_broken", "own_failing", "own_leaving"):
        sys.modules.pop(name, None)


def refusal(name: str, **params: object) -> str:
    with pytest.raises(StrategyError) as error:
        load_strategy(name, params)
    assert repr(name) in str(error.value)
    return str(error.value)


def test_the_shipped_strategy_loads_with_its_parameters() -> None:
    assert load_strategy(SHIPPED, {}) == DonchianBreakout()
    params = {"channel": 20, "risk_fraction": Decimal("0.02"), "ladder": [["1", "1"]]}
    assert load_strategy(SHIPPED, params) == DonchianBreakout(
        channel=20, risk_fraction="0.02", ladder=[("1", "1")]
    )


def test_a_strategy_of_the_users_own_loads(module: str) -> None:
    assert load_strategy(f"{module}:Quiet", {"calm": 2}).window == 1
    assert load_strategy(f"{module}:Silent", {}).window == 2


@pytest.mark.parametrize("name", ["", "donchian", "a b:C", ":C", "./own.py:C", "a..b:C"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    assert f"accepted: module:Class, such as {SHIPPED}" in refusal(name)


@pytest.mark.usefixtures("module")
def test_a_missing_module_is_told_from_a_module_that_misses_another() -> None:
    assert "there is no module 'not_there_at_all'" in refusal("not_there_at_all:C")
    assert "there is no module 'not_there_at_all'" in refusal("not_there_at_all.deeper:C")
    assert "no module 'tidegate.nothing'" in refusal("tidegate.nothing:C")
    assert "its module imports 'not_there_at_all', which is not installed" in refusal(
        "own_broken:C"
    )


@pytest.mark.usefixtures("module")
def test_a_module_that_fails_is_refused_with_its_error() -> None:
    assert "fails when imported: ZeroDivisionError: division by zero" in refusal("own_failing:C")


def test_an_exit_that_a_module_or_a_class_asks_for_is_a_fault_of_it(module: str) -> None:
    assert "its module fails when imported: SystemExit: 3" in refusal("own_leaving:C")
    assert "fails when it is built: SystemExit: 3" in refusal(f"{module}:Leaving")


@pytest.mark.parametrize(
    ("class_name", "part"),
    [
        ("Missing", "'Missing' is not in the module; accepted: Half, Leaving, Quiet, Silent"),
        ("", "'' is not in the module; accepted: Half, Leaving, Quiet, Silent"),
        (
            "Plain",
            "'Plain' is not a class derived from StrategyPort; accepted: Half, Leaving, Quiet",
        ),
        ("number", "'number' is not a class derived from StrategyPort"),
        ("StrategyPort", "is abstract: it does not define decide, window"),
        ("Half", "is abstract: it does not define window"),
    ],
)
def test_what_is_no_strategy_is_refused_with_those_that_are(
    module: str, class_name: str, part: str
) -> None:
    assert part in refusal(f"{module}:{class_name}")


def test_a_module_without_strategies_says_so() -> None:
    assert "accepted: none there" in refusal("tidegate.domain.money:Price")


def test_parameters_that_the_class_does_not_take_are_refused_with_its_own(module: str) -> None:
    message = refusal(SHIPPED, chanel=20)
    assert "'chanel'" in message
    assert "accepted: channel, atr_bars, stop_multiple, risk_fraction, ladder" in message
    assert "accepted: calm, rate" in refusal(f"{module}:Quiet")
    assert "accepted: no parameters" in refusal(f"{module}:Silent", calm=1)


def test_values_that_the_class_refuses_are_shown_with_its_reason(module: str) -> None:
    message = refusal(SHIPPED, channel=1)
    assert "(channel=1): channel 1; accepted: 2 to 10000" in message
    assert "(risk_fraction=0.5): 0.5 is a float; accepted: Decimal" in refusal(
        SHIPPED, risk_fraction=0.5
    )
    assert "(calm=0): integer division" in refusal(f"{module}:Quiet", calm=0)
