"""The pytest plugin that runs the contract suites; pytest loads it through its entry point.

It is loaded in every run of pytest on the machine, so it imports the standard library and pytest
alone, and does nothing until one of its options, its fixtures or its folder is asked for. Should
its option names clash with those of another project, ``-p no:tidegate_contracts`` leaves it out.

The folder of the suites is collected here and not by pytest's own rules, so that the user's
``python_files``, ``--import-mode`` and the like have no say: every ``test_*.py`` in it is a suite,
imported under its real name. To run one suite, name its module:
``pytest --pyargs tidegate.contracts.test_state_journal --state acme.adapter:make``.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import pytest

from .loading import BenchFactory, FactoryNotFound, load_factory

if TYPE_CHECKING:
    from .exchange_bench import ExchangeBench
    from .state_bench import StateBench

__all__ = [
    "exchange_bench",
    "pytest_addoption",
    "pytest_collect_directory",
    "pytest_configure",
    "pytest_generate_tests",
    "state_bench",
]

_FOLDER = Path(__file__).resolve().parent
_PACKAGE = __name__.rpartition(".")[0]
_PORTS = ("exchange", "state")
_FACTORIES = pytest.StashKey[dict[str, dict[str, BenchFactory]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--exchange`` and ``--state``, each of which may be given several times."""
    group = parser.getgroup("tidegate", "contract suites of tidegate")
    for port in _PORTS:
        group.addoption(
            f"--{port}",
            action="append",
            default=[],
            dest=_option(port),
            metavar="MODULE:FACTORY",
            help=f"run the {port} suite against the bench that this factory makes",
        )


def _option(port: str) -> str:
    return f"tidegate_{port}"


def pytest_configure(config: pytest.Config) -> None:
    """Load the factories that the options name, so that a wrong one stops the run at once.

    Raises:
        UsageError: a factory cannot be found or loaded; the text says why.

    """
    config.stash[_FACTORIES] = {port: _load(config, port) for port in _PORTS}


def _load(config: pytest.Config, port: str) -> dict[str, BenchFactory]:
    texts: list[str] = config.getoption(_option(port))
    try:
        return {text: load_factory(text) for text in texts}
    except FactoryNotFound as error:
        raise pytest.UsageError(f"--{port} {error}") from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each case that asks for a bench once for every factory given."""
    for port, factories in metafunc.config.stash[_FACTORIES].items():
        if factories and f"{port}_bench" in metafunc.fixturenames:
            metafunc.parametrize(
                f"{port}_bench", list(factories.values()), ids=list(factories), indirect=True
            )


@pytest.fixture
def exchange_bench(request: pytest.FixtureRequest) -> Iterator["ExchangeBench"]:
    """Make a fresh bench of the exchange adapter under test, and close it after the case."""
    bench = _factory(request, "exchange")()
    from .exchange_bench import ExchangeBench  # noqa: PLC0415  (only when a case runs)

    if not isinstance(bench, ExchangeBench):
        _refuse(bench, ExchangeBench.__qualname__)
    with closing(bench):
        yield bench


@pytest.fixture
def state_bench(request: pytest.FixtureRequest) -> Iterator["StateBench"]:
    """Make a fresh bench of the state adapter under test, and close it after the case."""
    bench = _factory(request, "state")()
    from .state_bench import StateBench  # noqa: PLC0415  (only when a case runs)

    if not isinstance(bench, StateBench):
        _refuse(bench, StateBench.__qualname__)
    with closing(bench):
        yield bench


def _factory(request: pytest.FixtureRequest, port: str) -> BenchFactory:
    if not hasattr(request, "param"):
        pytest.skip(f"no {port} adapter to judge: give --{port} module:factory")
    factory: BenchFactory = request.param
    return factory


def _refuse(bench: object, wanted: str) -> NoReturn:
    pytest.fail(
        f"the factory returned {bench!r}, which is no {wanted}; derive the bench from it",
        pytrace=False,
    )


class SuiteModule(pytest.Module):
    """One suite, imported under its real name and with pytest's readable assertions."""

    def _getobj(self) -> ModuleType:
        name = f"{_PACKAGE}.{self.path.stem}"
        if name not in sys.modules:
            pytest.register_assert_rewrite(name)
        return importlib.import_module(name)

    def funcnamefilter(self, name: str) -> bool:
        """Take the cases of the suite, whatever ``python_functions`` says."""
        return name.startswith("test_")


class SuiteFolder(pytest.Directory):
    """The folder of the suites."""

    def collect(self) -> Iterable[SuiteModule]:
        """Yield a collector for each suite."""
        for path in sorted(self.path.glob("test_*.py")):
            yield SuiteModule.from_parent(self, path=path)


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> SuiteFolder | None:
    """Collect the folder of the suites here; leave any other to pytest."""
    if path.resolve() != _FOLDER:
        return None
    folder: SuiteFolder = SuiteFolder.from_parent(parent, path=path)
    return folder
