"""Lives are forked from one process that has loaded the program already: loading takes longest.

The process has a single thread, reads one request a line, says the new life's process id at once,
and says how the life ended when it has.
"""

import gc
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import attrs

from tests.application.shapes import use_every_shape

from .life import LifeAsked, live

__all__ = ["Nursery"]

_ROOT = Path(__file__).parents[3]


class Nursery:
    """One process to fork from; one life at a time. Leaving it ends the process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.wire.sweep.nursery"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()

    def run(self, asked: LifeAsked, born: Callable[[int], None]) -> int:
        """Live a life to its end and return its exit code: minus the signal that killed it."""
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(attrs.asdict(asked)) + "\n")
            self._process.stdin.flush()
            born(int(self._process.stdout.readline()))
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process, once the life that is under way has ended."""
        self._process.communicate(timeout=60)


def _serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _be(LifeAsked(**json.loads(line)))
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _be(asked: LifeAsked) -> None:
    """Live in a fork: what it says goes to a file of its own, and it never returns."""
    place = Path(asked.folder, f"{asked.part}-{os.getpid()}.txt")
    out = os.open(place, os.O_WRONLY | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    code = 1
    try:
        live(asked)
        code = 0
    except BaseException:  # noqa: BLE001 - the parent reads it from the file
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    use_every_shape()
    gc.freeze()
    _serve()
