"""Which database and which journal in it, and the one connection that a store keeps to it."""

import logging
import re
from collections.abc import Callable

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tidegate.ports.state import StateUnavailable

from .errors import typed_error

__all__ = ["Link", "Target"]

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HIDDEN_LENGTH_MIN = 3
_CONNECT_S_MIN = 2
"""libpq takes less for more: postgresql.org/docs/current, libpq-connect, connect_timeout."""
_IDLE_S, _PROBE_S, _PROBES = 5, 2, 3
"""A connection that is silent is probed after 5 s, and given up 6 s later."""


def _journal_name(_: object, __: "attrs.Attribute[str]", value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"the journal's name is {value!r}; accepted: 1 to 63 letters, digits, dots, hyphens "
            "and underscores, a letter or digit first"
        )


@attrs.frozen(repr=False, eq=False)
class Target:
    """A journal in a database. The connection string shows nowhere: it may hold a password.

    ``dsn`` is a connection string or URI of libpq; what it leaves out comes from libpq's own
    places, such as ``PGPASSWORD``, ``PGPASSFILE`` or ``PGSERVICE``. A statement, a lock and a new
    connection may each take ``wait_ms_max``, in milliseconds; a connection at least two seconds.
    A process that stalls within a transaction for ``idle_ms_max`` loses its connection, and with it
    the lock that keeps all others out.

    Raises:
        ValueError: not a connection string, a name that a journal cannot have, or no waiting time.

    """

    dsn: str
    journal: str = attrs.field(validator=_journal_name)
    wait_ms_max: int = attrs.field(default=10_000, validator=attrs.validators.ge(1))
    idle_ms_max: int = attrs.field(
        default=attrs.Factory(lambda self: self.wait_ms_max, takes_self=True),
        validator=attrs.validators.ge(1),
    )
    _known: dict[str, str] = attrs.field(init=False)

    @_known.default
    def _read_dsn(self) -> dict[str, str]:
        try:
            found = conninfo_to_dict(self.dsn)
        except psycopg.Error:
            # The library's own text repeats what it could not read.
            raise ValueError(
                "the connection string cannot be read (it is not shown, it may hold a password); "
                "accepted: such as 'host=db.example dbname=tidegate user=desk', or a postgresql:// "
                "URI"
            ) from None
        return {name: str(value) for name, value in found.items() if value is not None}

    @property
    def has_password(self) -> bool:
        """Tell whether the connection string itself holds a password."""
        return "password" in self._known

    def __repr__(self) -> str:
        return f"Target({self.place})"

    @property
    def place(self) -> str:
        """Name the journal and the database, without user and password."""
        host = self._known.get("host") or self._known.get("service") or "the default host"
        database = self._known.get("dbname", "of the user")
        return f"journal {self.journal!r} in database {database!r} at {host}"

    def blotted(self, text: str) -> str:
        """Return a text of the library or of the server without the password."""
        for name in ("password", "sslpassword"):
            secret = self._known.get(name, "")
            if len(secret) >= _HIDDEN_LENGTH_MIN:
                text = text.replace(secret, "<hidden>")
        return text

    def connect(self) -> psycopg.Connection:
        """Open a connection; every statement on it is a transaction until one is begun.

        Raises:
            StateUnavailable: the server cannot be reached, or does not let this user in.

        """
        given = self._known
        defaults = {
            "application_name": "tidegate",
            "connect_timeout": str(max(_CONNECT_S_MIN, self.wait_ms_max // 1_000)),
            "keepalives_idle": str(_IDLE_S),
            "keepalives_interval": str(_PROBE_S),
            "keepalives_count": str(_PROBES),
            "tcp_user_timeout": str(self.wait_ms_max),
        }
        try:
            whole = make_conninfo(**{**defaults, **given, "client_encoding": "UTF8"})
            return self._prepared(psycopg.connect(whole, autocommit=True))
        except psycopg.Error as error:
            said = self.blotted(" ".join(str(error).split()))
            raise StateUnavailable(
                f"{self.place}: the server cannot be reached ({said}); nothing was written"
            ) from None

    def _prepared(self, connection: psycopg.Connection) -> psycopg.Connection:
        try:
            connection.execute(
                _SESSION.format(wait=self.wait_ms_max, idle=self.idle_ms_max).encode()
            )
        except BaseException:
            connection.close()
            raise
        return connection


# Not durable unless an append says so; see PostgresState. An empty search path: only what is named
# in full is ours. A transaction that this process no longer tends must not keep its lock for ever.
_SESSION = """
SET synchronous_commit TO off;
SET search_path TO '';
SET client_min_messages TO error;
SET statement_timeout TO {wait};
SET lock_timeout TO {wait};
SET idle_in_transaction_session_timeout TO {idle};
"""


class Link:
    """The connection of one store, made anew after it was lost. One thread at a time uses it."""

    def __init__(
        self,
        target: Target,
        begin: Callable[[psycopg.Connection], None] = lambda _: None,
        end: Callable[[psycopg.Connection], None] = lambda _: None,
    ) -> None:
        """Make connections to ``target``; ``begin`` is done first with each new one.

        ``end`` is done last with one that is given up while it lives.
        """
        self._target = target
        self._begin = begin
        self._end = end
        self._connection: psycopg.Connection | None = None

    def connection(self) -> psycopg.Connection:
        """Return the live connection, or a new one.

        Raises:
            StateUnavailable: the server cannot be reached, or keeps it waiting for too long.
            StateCorrupt: what is done first meets tables that are not ours.

        """
        if self._connection is None or self._connection.closed:
            self.close()
            connection = self._target.connect()
            try:
                self._begin(connection)
            except BaseException as error:
                connection.close()
                if isinstance(error, psycopg.Error):
                    raise typed_error(self._target.place, error) from error
                raise
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Give the connection up; the next use makes a new one."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if not connection.closed:
                self._end(connection)
        except psycopg.Error as error:
            _LOG.warning("%s: a connection ends without a last word: %s", self._target.place, error)
        finally:
            connection.close()
