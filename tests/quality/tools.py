"""Runs the command-line tools of this environment, in this repository or in a copy of it."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import attrs

from .source import ROOT, Tree

__all__ = ["Ran", "copy_sources", "run_script"]

_TIMEOUT_S = 300


@attrs.frozen
class Ran:
    """How a tool ended, and everything that it said."""

    code: int
    output: str


def run_script(name: str, *arguments: str, cwd: Path = ROOT, **extra_env: str) -> Ran:
    """Run the console script ``name`` of the running interpreter's environment."""
    command = [str(Path(sysconfig.get_path("scripts")) / name), *arguments]
    return _run(command, cwd=cwd, env={**os.environ, "NO_COLOR": "1", **extra_env})


def _run(command: list[str], *, cwd: Path, env: Mapping[str, str]) -> Ran:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return Ran(done.returncode, done.stdout)


def copy_sources(target: Path) -> None:
    """Copy everything that the wheel is built from, and the link that shows it as one package."""
    tree = Tree(ROOT)
    for folder in tree.top_folders:
        shutil.copytree(
            ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    project = tree.pyproject["project"]
    for name in ("pyproject.toml", project["readme"], *project["license-files"]):
        shutil.copy2(ROOT / name, target / name)
    shutil.copytree(ROOT / ".ci" / "typing", target / ".ci" / "typing", symlinks=True)
