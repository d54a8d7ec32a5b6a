"""The process that commands are forked from: it has loaded the command line already.

It reads requests from the socket whose number it is given, each with the two pipes that the
command writes to and a third on which it says the command's process id, and how that ended.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["REQUEST_BYTES_MAX"]

REQUEST_BYTES_MAX = 1 << 20


class _Ahead:
    """The clock of a machine that is ahead: read by whatever takes the time from ``time_ns``.

    A served venue can be moved forward in time, and a desk refuses a venue whose clock is not its
    own.
    """

    def __init__(self) -> None:
        self._read_ns = time.time_ns
        self.ms = 0

    def __call__(self) -> int:
        """Return the time in nanoseconds."""
        return self._read_ns() + self.ms * 1_000_000


def _warm_up() -> None:
    """Have what is made or loaded at its first use before the forks, which then share it."""
    import pybit.unified_trading  # noqa: F401
    from tidegate.adapters.bybit import venue  # noqa: F401
    from tidegate.adapters.cli.app import build_app
    from tidegate.adapters.v5server import server  # noqa: F401
    from tidegate.application import bybit_container, live_paper  # noqa: F401
    from tidegate.application.commands import Commands
    from typer.testing import CliRunner

    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "none.toml")
        settings.touch()
        app = build_app(Commands(env={"TIDEGATE_CONFIG": str(settings)}))
        for command in (("demo", "--bars", "150"), ("state", "verify"), ("journal",)):
            done = CliRunner().invoke(app, [*command, "--state", f"{folder}/state"])
            assert done.exit_code == 0, done.output


def _serve(requests: socket.socket, ahead: _Ahead) -> None:
    """Fork for each request, and say how each ends, until there are no more requests.

    Returns in a fork, as what was asked for.
    """
    running: dict[int, tuple[int, int]] = {}
    ready = select.poll()
    ready.register(requests, select.POLLIN)
    while True:
        for number, _ in ready.poll():
            if number in running:
                ready.unregister(number)
                _tell_end(number, *running.pop(number))
                continue
            text, pipes, _, _ = socket.recv_fds(requests, REQUEST_BYTES_MAX, 3)
            if not text:
                requests.close()
                sys.exit()
            *outputs, ending = pipes
            child = os.fork()
            if child == 0:
                requests.close()
                for other in (ending, *running, *(ending for _, ending in running.values())):
                    os.close(other)
                _become(json.loads(text), outputs, ahead)
                return
            for output in outputs:
                os.close(output)
            _say(ending, child)
            ended = os.pidfd_open(child)
            running[ended] = child, ending
            ready.register(ended, select.POLLIN)


def _tell_end(ended: int, child: int, ending: int) -> None:
    """Say the exit code of a command that is over: minus the signal that ended it."""
    _, status = os.waitpid(child, 0)
    _say(ending, os.waitstatus_to_exitcode(status))
    os.close(ended)
    os.close(ending)


def _say(ending: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(ending, f"{number}\n".encode())


def _become(request: Mapping[str, Any], outputs: list[int], ahead: _Ahead) -> None:
    """Take on the environment, the folder, the streams, the clock and the arguments."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path[:0] = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    ahead.ms = request["ahead_ms"]
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, opened in enumerate((nothing, *outputs)):
        os.dup2(opened, number)
        os.close(opened)
    encoding = os.environ["PYTHONIOENCODING"]
    sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(
        2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False
    )
    sys.argv = ["tidegate", *request["arguments"]]


class _Exit:
    """Ends a fork without taking apart what it shares with the others.

    To free every module and object would copy the memory that they lie in, which takes longer than
    most commands. What is registered first is called last: threads and files are done with by then.
    """

    def __init__(self) -> None:
        self._code: object = None
        atexit.register(self._leave)

    def run(self, command: Callable[[], None]) -> None:
        """Run a command to its end."""
        try:
            command()
        except SystemExit as ended:
            self._code = ended.code
            raise

    def _leave(self) -> None:
        if isinstance(self._code, int):
            gc.collect()  # what was left open is told, as at any other end
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._code)


if __name__ == "__main__":
    leaving = _Exit()
    # The folder of this file is no place to import from.
    del sys.path[0]
    clock = _Ahead()
    time.time_ns = clock
    from tidegate.application.main import main

    _warm_up()
    assert threading.active_count() == 1, "a fork has one thread: another one would be missing"
    # What is frozen stays shared with the forks: no collection of theirs looks at it.
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])), clock)
    leaving.run(main)
