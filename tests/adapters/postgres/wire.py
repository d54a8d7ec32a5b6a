"""A wire between client and server that can be cut at a commit, before or after the server has it.

It listens on a socket of its own folder, and passes bytes on unread but for one word.
"""

import contextlib
import enum
import shutil
import socket
import tempfile
import threading
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["Cut", "Wire"]

_SOCKET = ".s.PGSQL.5432"
_BYTES = 65_536


class Cut(enum.Enum):
    """Where the next commit is cut."""

    BEFORE_IT_ARRIVES = "the server never reads it"
    BEFORE_ITS_ANSWER = "the server does it, and nobody hears of that"


class Wire:
    """Every connection through it ends together; ``cuts`` says what happens to coming commits."""

    def __init__(self, dsn: str) -> None:
        self._server = f"{conninfo_to_dict(dsn)['host']}/{_SOCKET}"
        self._folder = Path(tempfile.mkdtemp(prefix="tgw", dir="/tmp"))
        self.dsn = make_conninfo(dsn, host=str(self._folder))
        self.cuts: list[Cut] = []
        self.is_open = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / _SOCKET))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._ends: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._ends += [client, server]
            for target in (self._to_server, self._to_client):
                thread = threading.Thread(target=target, args=(client, server), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_BYTES):
                cut = self.cuts.pop(0) if b"COMMIT" in data and self.cuts else None
                if cut is Cut.BEFORE_IT_ARRIVES:
                    break
                if cut is Cut.BEFORE_ITS_ANSWER:
                    _end(client)  # first, so that no answer passes
                    server.sendall(data)
                    break
                server.sendall(data)
        _end(client)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_BYTES):
                client.sendall(data)
        _end(client)

    def close(self) -> None:
        _end(self._listener)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        for end in self._ends:
            end.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
