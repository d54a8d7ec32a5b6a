"""Starts the real command line in a process of its own, or in this one where only words matter."""

import atexit
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs
from tidegate.adapters.cli.app import build_app
from tidegate.application.commands import Commands
from typer.testing import CliRunner

from .forking import Forked, Forks

__all__ = ["Ended", "environment", "invoke", "start", "stopped_after", "tidegate"]

_SECONDS_MAX = 120
_FORKS = Forks()
atexit.register(_FORKS.close)


@attrs.frozen
class Ended:
    """How a command ended in this process."""

    code: int
    out: str
    trouble: str


def invoke(*arguments: str) -> Ended:
    """Run a command in this process, without settings of anyone's: for help and refusals."""
    app = build_app(Commands(env={}))
    env = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    done = CliRunner().invoke(app, list(arguments), prog_name="tidegate", env=env)
    return Ended(done.exit_code, done.stdout, done.stderr)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of the user's own is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(home))
    kept.pop("COLUMNS", None)
    return {**kept, **folders, "PYTHONIOENCODING": "utf-8", **more}


def tidegate(
    *arguments: str, home: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; it finds no settings but those in ``env`` and ``home``."""
    return _FORKS.run(
        arguments, cwd=home, env=environment(home, **(env or {})), timeout_s=_SECONDS_MAX
    )


def start(*arguments: str, home: Path, env: Mapping[str, str], ahead_ms: int = 0) -> Forked:
    """Start a command on a clock that is so much ahead, and let it run."""
    return _FORKS.start(arguments, cwd=home, env=environment(home, **env), ahead_ms=ahead_ms)


def stopped_after(process: Forked, number: signal.Signals) -> tuple[int, str, str]:
    """Send a signal and return how the process ended: code, output, words about trouble."""
    process.send_signal(number)
    out, trouble = process.communicate(timeout=_SECONDS_MAX)
    return process.wait(), out, trouble
