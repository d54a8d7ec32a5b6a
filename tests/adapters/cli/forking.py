"""Runs commands in forks of one process that has loaded the command line already.

Loading takes longer than most commands. A fork is a process of its own like any other: it has its
own environment, folder, streams and clock, ends by itself, and nothing of it is left for the next.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from .fork_server import REQUEST_BYTES_MAX

__all__ = ["Forked", "Forks"]

_SERVER = Path(__file__).with_name("fork_server.py")


class Forked:
    """A command that runs, with as much of the interface of ``subprocess.Popen`` as is used."""

    def __init__(self, arguments: Sequence[str], out: int, trouble: int, ending: int) -> None:
        self.arguments = ["tidegate", *arguments]
        self.stdout: IO[str] = os.fdopen(out, encoding="utf-8", errors="backslashreplace")
        self.stderr: IO[str] = os.fdopen(trouble, encoding="utf-8", errors="backslashreplace")
        self._ending: IO[str] = os.fdopen(ending, encoding="ascii")
        self._lock = threading.Lock()
        self.pid = int(self._ending.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, ``None`` while it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its code. Raises ``TimeoutExpired``."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.arguments, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends, and wait. Raises ``TimeoutExpired``, and ends it.

        What was read already, by an earlier call too, does not come again.
        """
        if self.stdout.closed:
            return "", ""
        with self.stdout, self.stderr, ThreadPoolExecutor(2) as pool:
            read = [pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                self.wait()
                raise
            out, trouble = (one.result(timeout) for one in read)
        return out, trouble

    def _ended_within(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._ending], [], [], seconds)[0]:
                self.returncode = int(self._ending.readline())
                self._ending.close()
            return self.returncode


class Forks:
    """The process to fork from: begun with the first command, ended by :meth:`close`.

    Any thread may call.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._lock = threading.Lock()

    def start(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], ahead_ms: int = 0
    ) -> Forked:
        """Start a command on a clock that is so much ahead of the machine's, and let it run."""
        wish = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "env": dict(env),
            "ahead_ms": ahead_ms,
        }
        text = json.dumps(wish).encode()
        assert len(text) <= REQUEST_BYTES_MAX
        ours, theirs = zip(*(os.pipe() for _ in range(3)), strict=True)
        with self._lock:
            socket.send_fds(self._begun(), [text], theirs)
        for pipe in theirs:
            os.close(pipe)
        return Forked(arguments, *ours)

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. Raises ``TimeoutExpired`` after ``timeout_s``, and ends it."""
        forked = self.start(arguments, cwd=cwd, env=env)
        out, trouble = forked.communicate(timeout_s)
        return subprocess.CompletedProcess(forked.arguments, forked.wait(), out, trouble)

    def close(self) -> None:
        """End the process. Twice is harmless."""
        if self._process is not None and self._requests is not None:
            self._requests.close()
            self._process.wait(timeout=10)
            self._process = self._requests = None

    def _begun(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", str(_SERVER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
        return self._requests
