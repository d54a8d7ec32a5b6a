"""What importing the core costs: no venue library, no web server, no number cruncher."""

import json
import subprocess
import sys

import pytest

from .source import ROOT, Tree

# The entry point wires the adapters that a person drives, and with them their libraries.
ENTRY_POINTS = {"tidegate.application.main"}
FOREIGN = {
    "aiohttp",
    "fastapi",
    "flask",
    "matplotlib",
    "numpy",
    "pandas",
    "plotly",
    "psycopg",
    "pyarrow",
    "pybit",
    "pytest",
    "requests",
    "rich",
    "starlette",
    "typer",
    "websocket",
}
_PROGRAM = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def _loaded_by(modules: list[str]) -> set[str]:
    """Import ``modules`` in a fresh interpreter; return the top names of all that it loaded."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps(modules)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"\n{done.stderr}"
    return {name.split(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("layer", ["domain", "ports", "application"])
def test_importing_the_layer_loads_no_foreign_library(layer: str) -> None:
    modules = [source.module for source in Tree(ROOT).in_layer(layer)]
    assert modules
    loaded = _loaded_by([name for name in modules if name not in ENTRY_POINTS])
    assert "tidegate" in loaded
    assert not loaded & FOREIGN


def test_importing_the_pytest_plugin_loads_no_adapter_and_no_foreign_library() -> None:
    """The plugin is loaded in every test run of everyone who installed the package."""
    loaded = _loaded_by(["tidegate.contracts.plugin"])
    assert not loaded & (FOREIGN - {"pytest"})


def test_a_foreign_library_would_be_seen() -> None:
    assert _loaded_by(["typer"]) & FOREIGN


@pytest.mark.parametrize("layer", ["domain", "ports"])
def test_the_inner_layers_load_nothing_of_the_outer_ones(layer: str) -> None:
    modules = [source.module for source in Tree(ROOT).in_layer(layer)]
    program = _PROGRAM.replace("sorted(sys.modules)", "[n for n in sys.modules if '.' in n]")
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(modules)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    outer = ("tidegate.adapters", "tidegate.application", "tidegate.contracts")
    assert [name for name in json.loads(done.stdout) if name.startswith(outer)] == []
