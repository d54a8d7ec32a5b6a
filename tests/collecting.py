"""How several workers load the tests in little time."""

import importlib
from pathlib import Path
from pkgutil import walk_packages

import pytest
import tidegate.application
import tidegate.domain

__all__ = ["is_worker", "load_layers", "take_turns"]


def load_layers() -> None:
    """Import each module that coverage is asked for, so that the tracer sees its first lines."""
    for package in (tidegate.domain, tidegate.application):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process is one of several that run the tests."""
    return hasattr(config, "workerinput")


def take_turns(config: pytest.Config) -> None:
    """Let each worker begin to load at another file.

    All load all of them, and a file is compiled by the one that comes to it first: on the same way
    each would compile all.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return
    files = [file for argument in config.args for file in _files(argument)]
    number = int(worker["workerid"].removeprefix("gw"))
    start = len(files) * number // worker["workercount"]
    config.args[:] = files[start:] + files[:start]


def _files(argument: str) -> list[str]:
    folder = Path(argument)
    return sorted(map(str, folder.rglob("test_*.py"))) if folder.is_dir() else [argument]
