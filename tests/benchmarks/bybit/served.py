"""The venue's process, as the tests see it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.benchmarks.bybit.arrivals import Verdict

__all__ = ["Served", "serving"]

ROOT = Path(__file__).resolve().parents[3]
END_WAIT_S = 10


@attrs.frozen
class Served:
    """A venue that runs: its addresses, and its verdict on what arrived."""

    port: int
    _process: "subprocess.Popen[str]"

    @property
    def http_url(self) -> str:
        """The address of REST."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The address of the streams, without a path."""
        return f"ws://127.0.0.1:{self.port}"

    def verdict(self) -> Verdict:
        """Judge what arrived since the last time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return Verdict(**json.loads(self._process.stdout.readline()))


@contextmanager
def serving() -> Iterator[Served]:
    """Run a venue until the end of the block."""
    command = [sys.executable, "-m", "tests.benchmarks.bybit.venue"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            yield Served(int(process.stdout.readline()), process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(END_WAIT_S)
        finally:
            process.kill()
