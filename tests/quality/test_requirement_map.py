"""Every requirement is in the map, and what the map says is true: shown by making it false."""

import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from .raising import Bitten, find_function
from .requirement_map import main
from .requirement_rows import NUMBERS, Progress, Proof, Requirement, form_faults, read_map
from .source import ROOT

_EACH = 36
"""Of how many requirements the proofs of one are run, unless all are asked for."""

_SECONDS_MAX = 1_800
_COMMAND = "tests.quality.requirement_map"

_PLANTED = """
from pathlib import Path

import pytest
from tidegate.domain.grid import price_down
from tidegate.domain.money import Distance, Price

SHARED = Path(__file__).parents[2] / "shared"

def rounded():
    return price_down(Price.of("10.7"), Distance.of("0.5"))

def test_that_looks():
    assert rounded() == Price.of("10.5")

def test_that_looks_at_nothing():
    assert Price.of("10.5") == Price.of("10.5")

@pytest.mark.skip(reason="not today")
def test_that_is_skipped():
    assert rounded() == Price.of("10.5")

def test_that_needs_what_lies_beside_the_repository():
    assert (SHARED / "note.txt").read_text() == "here"
    assert rounded() == Price.of("10.5")

def test_that_swallows():
    try:
        rounded()
    except Exception:
        pass

@pytest.mark.parametrize("is_used", [False, True])
def test_of_which_one_case_looks(is_used):
    assert not is_used or rounded() > Price.of("10")
"""


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", _COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )


def test_every_requirement_is_in_the_map_and_every_name_leads_somewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 0, capsys.readouterr().out


def test_functions_of_the_map_are_missed_by_their_tests_when_they_raise(*, whole: bool) -> None:
    asked = NUMBERS if whole else NUMBERS[::_EACH]
    done = _run("--bite", *asked)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]


def _planted(folder: Path, *proofs: tuple[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a map of some proofs, each a function and a test, over the planted tests."""
    tests = folder / "repository" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_planted.py").write_text(_PLANTED)
    (folder / "shared").mkdir()
    (folder / "shared" / "note.txt").write_text("here")
    file = folder / "map.toml"
    file.write_text(f'[B3]\nasks = "rounding"\nproofs = {json.dumps(proofs)}\n')
    return _run("--map", str(file), "--tests", str(tests), "--bite")


def test_a_proof_that_holds_is_accepted(tmp_path: Path) -> None:
    names = ("that_looks", "of_which_one_case_looks")
    proofs = [("domain.grid:price_down", f"test_planted.py::test_{name}") for name in names]
    done = _planted(tmp_path, *proofs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 functions made to raise, 0 not noticed" in done.stdout


_UNNOTICED = "passes although the function raises"
_NO_PROOFS = {
    ("domain.grid:price_down", "that_looks_at_nothing"): _UNNOTICED,
    ("domain.grid:price_down", "that_swallows"): _UNNOTICED,
    ("domain.grid:price_up", "that_looks"): _UNNOTICED,
    ("domain.grid:price_down", "that_was_deleted"): "no such test was collected",
    ("domain.grid:price_down", "that_is_skipped"): "the test skipped as it is",
    (
        "domain.grid:price_down",
        "that_needs_what_lies_beside_the_repository",
    ): "is not in a clone that stands alone",
    ("domain.grid:price_sideways", "that_looks"): "there is no 'price_sideways'",
    ("domain.grids:price_down", "that_looks"): "there is no module tidegate.domain.grids",
    ("domain.grid:__all__", "that_looks"): "accepted: a function or a class",
}


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what is said of proofs of which none holds."""
    proofs = [(function, f"test_planted.py::test_{test}") for function, test in _NO_PROOFS]
    done = _planted(tmp_path_factory.mktemp("planted"), *proofs)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("function", "test"), _NO_PROOFS)
def test_a_proof_that_does_not_hold_is_found(function: str, test: str, faults: list[str]) -> None:
    of_it = (f"{function}, test_planted.py::test_{test}: ", f"B3: {function}: ")
    assert any(line.startswith(of_it) and _NO_PROOFS[function, test] in line for line in faults), (
        faults
    )


def test_a_file_of_tests_that_is_gone_is_found(tmp_path: Path) -> None:
    done = _planted(tmp_path, ("domain.grid:price_down", "test_gone.py::test_that_looks"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "B3: there is no file tests/test_gone.py" in done.stdout


_ROWS = read_map()
_PROVEN = next(row for row in _ROWS if row.progress is Progress.DONE)


def _with(row: Requirement) -> list[Requirement]:
    return [row if other.number == row.number else other for other in _ROWS]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (_ROWS[1:], f"missing ['{NUMBERS[0]}']"),
        ((*_ROWS, attrs.evolve(_PROVEN, number="Z1")), "unknown ['Z1']"),
        ((_ROWS[1], _ROWS[0], *_ROWS[2:]), "accepted: each number once, in order"),
        (_with(attrs.evolve(_PROVEN, lacks="the half of it")), "done, and lacks"),
        (_with(attrs.evolve(_PROVEN, progress=Progress.PARTLY)), "partly, and lacks ''"),
        (_with(attrs.evolve(_PROVEN, proofs=())), "done with 0 proofs"),
        (
            _with(attrs.evolve(_PROVEN, progress=Progress.NOT_YET, lacks="all of it")),
            "not yet with",
        ),
        (_with(attrs.evolve(_PROVEN, proofs=_PROVEN.proofs * 2)), "a proof is there twice"),
    ],
)
def test_a_map_that_lacks_or_contradicts_is_found(rows: list[Requirement], says: str) -> None:
    (fault,) = form_faults(rows)
    assert says in fault


def test_the_numbers_are_those_of_the_specification() -> None:
    assert len(NUMBERS) == 67
    assert (NUMBERS[0], NUMBERS[-1]) == ("A1", "K4")


def test_a_row_with_a_key_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('[A1]\nasks = "it starts"\ndone = true\n')
    with pytest.raises(ValueError, match=r"A1: .*accepted: asks, progress, lacks, proofs"):
        read_map(file)


def test_an_unknown_number_is_refused_before_anything_runs() -> None:
    done = _run("--bite", "A99")
    assert done.returncode == 2
    assert "there is no number A99; accepted: A1 to K4" in done.stderr


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("domain.orders:Order.is_open", None),
        ("domain.core.state:Order.is_open", "is_open"),
        ("domain.money:Amount.of", "of"),
        ("domain.risk.approval:Approved", "__init__"),
        ("tests.quality.raising:find_function", "find_function"),
    ],
)
def test_a_function_is_found_behind_what_wraps_it(name: str, plain: str | None) -> None:
    if plain is None:
        with pytest.raises(LookupError, match="there is no 'Order'"):
            find_function(name)
    else:
        assert find_function(name).__name__ == plain


def test_what_raises_says_which_function_it_stands_for() -> None:
    code = (
        "from tests.quality.raising import make_raise\n"
        "from tidegate.domain.core.state import Order\n"
        "make_raise('domain.core.state:Order.is_open')\n"
        "Order.is_open.fget(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{Bitten.__name__}: domain.core.state:Order.is_open" in done.stderr


def test_a_proof_names_its_file() -> None:
    assert Proof("domain.grid:price_down", "domain/test_grid.py::test_x[1]").file == (
        "domain/test_grid.py"
    )
