"""The wheel holds the package, its types, its data and its licence, and nothing else."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import attrs
import pytest

from .source import ROOT, Tree
from .tools import copy_sources

_DATA = re.compile(r"tidegate/.+/data/[^/]+")
_METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt"}


@attrs.frozen
class _Built:
    wheel: Path
    said: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> _Built:
    """Build from a copy, so that a stale build folder of the repository adds nothing."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    copy_sources(source)
    command = ["pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--wheel-dir", str(out), str(source)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"
    (wheel,) = out.glob("*.whl")
    return _Built(wheel, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def wheel(built: _Built) -> Path:
    return built.wheel


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_build_warns_of_nothing(built: _Built) -> None:
    assert "Building wheel for tidegate" in built.said
    assert "Warning" not in built.said, built.said


def test_the_wheel_holds_every_shipped_module_and_no_other(wheel: Path) -> None:
    modules = {name for name in _names(wheel) if name.endswith(".py")}
    assert modules == {f"tidegate/{source.path}" for source in Tree(ROOT).shipped}


def test_everything_else_in_the_wheel_is_types_data_or_metadata(wheel: Path) -> None:
    rest = {name for name in _names(wheel) if not name.endswith((".py", "/py.typed"))}
    metadata = {name for name in rest if name.split("/")[0].endswith(".dist-info")}
    data = rest - metadata
    assert {name for name in data if not _DATA.fullmatch(name)} == set()
    assert {name.split("/")[-1] for name in metadata} == _METADATA | {"LICENSE", "NOTICE"}


def test_every_layer_ships_its_types(wheel: Path) -> None:
    folders = Tree(ROOT).top_folders
    assert {f"tidegate/{folder}/py.typed" for folder in folders} <= _names(wheel)


def test_every_data_file_is_in_the_wheel(wheel: Path) -> None:
    data = {
        path.relative_to(ROOT).as_posix()
        for folder in Tree(ROOT).top_folders
        for path in (ROOT / folder).rglob("data/*")
        if path.is_file()
    }
    assert {f"tidegate/{path}" for path in data} <= _names(wheel)


def test_the_entry_points_name_modules_of_the_wheel(wheel: Path) -> None:
    project = Tree(ROOT).pyproject["project"]
    targets = [
        *project["scripts"].values(),
        *(target for group in project["entry-points"].values() for target in group.values()),
    ]
    paths = {f"{target.partition(':')[0].replace('.', '/')}.py" for target in targets}
    assert paths <= _names(wheel)


def test_the_core_works_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    dependencies = str(Path(attrs.__file__).parents[1])
    program = (
        "import sys\n"
        f"sys.path[:0] = {[str(tmp_path), dependencies]!r}\n"
        "from tidegate.domain import money\n"
        "print(money.__file__)\n"
        "print(money.Price(money.exact('2')) * money.Qty(money.exact('3')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"\n{done.stderr}"
    where, product = done.stdout.splitlines()
    assert where == str(tmp_path / "tidegate" / "domain" / "money.py")
    assert "6" in product
