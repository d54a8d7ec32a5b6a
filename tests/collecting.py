"""How several workers load the tests in little time."""

from pathlib import Path

import pytest

__all__ = ["is_worker", "take_turns"]


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process is one of several that run the tests."""
    return hasattr(config, "workerinput")


def take_turns(config: pytest.Config) -> None:
    """Let each worker begin to load at another file.

    All load all of them, and a file is compiled by the one that comes to it first: on the same way
    each would compile all. Tests that are asked for by name keep their order.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or any("::" in argument for argument in config.args):
        return
    files = [file for argument in config.args for file in _files(argument)]
    number = int(worker["workerid"].removeprefix("gw"))
    start = len(files) * number // worker["workercount"]
    config.args[:] = files[start:] + files[:start]


def _files(argument: str) -> list[str]:
    folder = Path(argument)
    return sorted(map(str, folder.rglob("test_*.py"))) if folder.is_dir() else [argument]
