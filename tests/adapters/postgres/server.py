"""A real PostgreSQL server for tests: of Debian's packages, unprivileged, on a socket of its own.

It listens on no port. Its folder lies directly below ``/tmp``, because the server's user must reach
it and a socket's path must be short; it is removed at the end. Each process that runs tests has a
server of its own, which is stopped with it.
"""

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

__all__ = ["KEYED_PASSWORD", "KEYED_ROLE", "Server", "shared_server", "start_server"]

KEYED_ROLE = "keyed"
"""The one role that must give a password; everyone else is trusted."""
KEYED_PASSWORD = "correct-horse-battery"  # noqa: S105  (of a server that lives for a test)
_FOLDERS = "/usr/lib/postgresql/*/bin"
_USERS = ("postgres", "nobody")
_TMP = Path("/tmp")  # noqa: S108  (see above)
_PREFIX = "tgpg"
_START_S_MAX = 60
_STOP_S_MAX = 60
_ACCESS = f"local all {KEYED_ROLE} scram-sha-256\nlocal all all trust\n"
# Nothing is forced to the disk: power is cut by stopping the server before it has written what
# commits did not wait for, and the writer that would do it in the background sleeps for long.
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
wal_writer_delay = 10s
max_connections = 120
shared_buffers = 32MB
min_wal_size = 32MB
autovacuum = off
log_min_messages = fatal
"""
_CUT_OTHERS: LiteralString = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def binaries() -> Path | None:
    """Return the folder of the newest server's programs, ``None`` where there is none."""
    folders = sorted(Path("/").glob(f"{_FOLDERS[1:]}/initdb"), key=_release)
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


def _release(program: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in program.parts[-3].split(".") if part.isdecimal())


class Server:
    """One server; :meth:`database` makes an empty database in it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        _remove_orphans()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}_", dir=_TMP))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        user = _other_user()
        if user is not None:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._user = user
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.remove()
            raise

    def _prepare(self) -> None:
        initdb = [self._programs / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"]
        options = ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            self._as_user([*map(str, initdb), *options]), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        (self._data / "pg_hba.conf").write_text(_ACCESS)
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(folder=self._folder))

    def _as_user(self, command: Sequence[str]) -> list[str]:
        """Let the command end with us, and run as another user where we are the superuser."""
        given = ["setpriv", "--pdeathsig", "INT"]
        if self._user is not None:
            uid, gid = self._user.pw_uid, self._user.pw_gid
            given += ["--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
        return [*given, *command]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self._as_user([str(self._programs / "postgres"), "-D", str(self._data)])
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_S_MAX
        while True:
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                ended = self._process.poll() is not None
                assert not ended, (self._folder / "log").read_text()
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.02)
            else:
                return

    def dsn(self, database: str, *, user: str = "postgres") -> str:
        """Return a connection string without a password."""
        return f"host={self._folder} dbname={database} user={user}"

    def database(self) -> str:
        """Return the connection string of a database without our tables."""
        if not self._free:
            name = f"case{next(self._numbers)}"
            self.execute(f"CREATE DATABASE {name}".encode())
            self._free.append(self.dsn(name))
        return self._free.pop()

    def give_back(self, dsn: str) -> None:
        """Take our tables out of a database, also one in use: a new one takes much longer."""
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(_CUT_OTHERS)
            connection.execute("DROP SCHEMA IF EXISTS tidegate CASCADE")
        self._free.append(dsn)

    def execute(self, statement: LiteralString | bytes) -> None:
        """Do something as the server's superuser."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Stop it in an orderly way; clients are cut off."""
        self._end(signal.SIGINT)

    def cut_power(self) -> None:
        """Stop it at once: what was not written to its log by now is lost."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_STOP_S_MAX)

    def remove(self) -> None:
        """Stop it, and remove all that it left."""
        self._end(signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)


def _remove_orphans() -> None:
    """Remove what processes left that were killed; their servers ended with them."""
    for folder in _TMP.glob(f"{_PREFIX}*_*"):
        pid = folder.name.removeprefix(_PREFIX).partition("_")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd | None:
    """Return whom to run as: initdb refuses the superuser."""
    if os.geteuid() != 0:
        return None
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError(f"no unprivileged user to run the server as: none of {', '.join(_USERS)}")


def start_server() -> Server:
    """Start a server; without its programs the test is skipped, or fails where ``CI`` is set."""
    programs = binaries()
    if programs is None:
        why = f"no PostgreSQL server here: neither {_FOLDERS}/initdb nor initdb on the path"
        if os.environ.get("CI"):
            pytest.fail(f"{why}; .ci/run installs it", pytrace=False)
        pytest.skip(why)
    return Server(programs)


@functools.cache
def shared_server() -> Server:
    """Return the server of this process, started on first use and removed at its end."""
    server = start_server()
    atexit.register(server.remove)
    return server
