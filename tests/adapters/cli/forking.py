"""Runs commands in forks of one process that has loaded the command line already.

Loading takes longer than most commands. A fork is a process of its own like any other: it has its
own environment, folder and streams, ends by itself, and nothing of it is left for the next one.

The process reads one request a line and answers with one line when that command has ended.
"""

import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Forks"]


class Forks:
    """The process to fork from: begun with the first command, ended by :meth:`close`.

    Any thread may call; one command runs at a time.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. Raises ``TimeoutExpired`` after ``timeout_s``, and ends it."""
        with self._lock, tempfile.TemporaryDirectory() as name:
            out, trouble = Path(name) / "out", Path(name) / "trouble"
            code = self._ask(
                {
                    "arguments": list(arguments),
                    "cwd": str(cwd),
                    "env": dict(env),
                    "out": str(out),
                    "trouble": str(trouble),
                },
                timeout_s,
            )
            return subprocess.CompletedProcess(
                ["tidegate", *arguments],
                code,
                out.read_bytes().decode(),
                trouble.read_bytes().decode(),
            )

    def close(self) -> None:
        """End the process. Twice is harmless."""
        if self._process is not None:
            self._process.communicate(timeout=10)
            self._process = None

    def _ask(self, request: Mapping[str, Any], timeout_s: float) -> int:
        process = self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        is_told, _, _ = select.select([process.stdout], [], [], timeout_s)
        if not is_told:
            os.killpg(process.pid, signal.SIGKILL)
            self.close()
            raise subprocess.TimeoutExpired(request["arguments"], timeout_s)
        return int(process.stdout.readline())

    def _begun(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process


def _warm_up() -> None:
    """Have what is made or loaded at its first use before the forks, which then share it."""
    from tidegate.adapters.cli.app import build_app
    from tidegate.application.commands import Commands
    from typer.testing import CliRunner

    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "none.toml")
        settings.touch()
        app = build_app(Commands(env={"TIDEGATE_CONFIG": str(settings)}))
        for command in (("demo", "--bars", "150"), ("state", "verify"), ("journal",)):
            done = CliRunner().invoke(app, [*command, "--state", f"{folder}/state"])
            assert done.exit_code == 0, done.output


def _serve() -> None:
    """Fork for each request until there are no more. Returns in a fork, as what was asked for."""
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    sys.exit()


def _become(request: Mapping[str, Any]) -> None:
    """Take on the environment, the folder, the streams and the arguments of a request."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    places = ((os.devnull, os.O_RDONLY), (request["out"], flags), (request["trouble"], flags))
    for number, (path, how) in enumerate(places):
        opened = os.open(path, how)
        os.dup2(opened, number)
        os.close(opened)
    encoding = os.environ["PYTHONIOENCODING"]
    sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(
        2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False
    )
    sys.argv = ["tidegate", *request["arguments"]]


if __name__ == "__main__":
    # The folder of this file is no place to import from.
    del sys.path[0]
    from tidegate.application.main import main

    _warm_up()
    assert threading.active_count() == 1, "a fork has one thread: another one would be missing"
    # What is frozen stays shared with the forks: no collection of theirs looks at it.
    gc.collect()
    gc.freeze()
    _serve()
    main()
