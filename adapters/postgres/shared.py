"""The journal of several processes: a lease for each writer, and word of what the others write."""

import logging
import threading
import time

import attrs
import psycopg
from tidegate.ports.state import (
    Fenced,
    JournalWatcher,
    SharedStatePort,
    StateError,
)

from .connecting import Link, Target
from .leases import Lease, acquire, end_stale, release, renew, require_held
from .state import PostgresState

__all__ = ["Membership", "SharedPostgresState"]

_CHANNEL = b"LISTEN tidegate"
_RENEWALS = 3
"""How often a lease is renewed within its length."""
_STOP_S_MAX = 5
_LOOK_S = 0.1
"""How long notices are waited for before the end of the store is looked for."""
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Membership:
    """Under which name a process writes, and how long its lease lasts, in milliseconds.

    Raises:
        ValueError: no name, or no length.

    """

    name: str = attrs.field(validator=attrs.validators.min_len(1))
    lease_ms: int = attrs.field(validator=attrs.validators.ge(1))


class SharedPostgresState(PostgresState, SharedStatePort):
    """A :class:`PostgresState` under a lease, which a second connection renews and listens on.

    The lease is taken before anything else; each append checks it in its own transaction. A lease
    is renewed three times within its length. When the server cannot be reached for longer, it ends,
    and the next append is refused: what others began meanwhile stays theirs.
    """

    def __init__(self, target: Target, membership: Membership) -> None:
        """Open the journal, and take the lease.

        Raises:
            LeaseHeld: a live process holds the lease of this name.
            StateCorrupt: not tables of this program, or damaged; left untouched.
            NewerFormat: a newer release made them; left untouched.
            StateUnavailable: the server cannot be reached, read or written now.

        """
        self._watcher: JournalWatcher | None = None
        self._lease: Lease | None = None
        # One that stalls in the middle of an append must not cost the others their leases.
        brief = attrs.evolve(target, idle_ms_max=max(1, membership.lease_ms // _RENEWALS))
        super().__init__(brief)
        self._second = Link(brief)
        try:
            self._lease = self._on_connection(
                lambda connection: acquire(
                    connection, self._place, membership.name, membership.lease_ms
                )
            )
            self._renewing = threading.Thread(
                target=self._attend, name="tidegate-lease", daemon=True
            )
            self._renewing.start()
        except BaseException:
            super().close()
            raise

    def follow(self, watcher: JournalWatcher) -> None:
        """See :meth:`SharedStatePort.follow`.

        Raises:
            StateUnavailable: the store is closed.

        """
        self._require_open()
        self._watcher = watcher
        watcher.journal_moved(self.version())

    def close(self) -> None:
        """Release lease and connections. A second call is harmless."""
        is_first = not self._closed.is_set()
        self._closed.set()
        if is_first and self._lease is not None:
            self._renewing.join(_STOP_S_MAX)
            self._give_back(self._lease)
        super().close()

    def _give_back(self, lease: Lease) -> None:
        try:
            with self._lock:
                release(self._link.connection(), self._place, lease)
        except (StateError, psycopg.Error) as error:
            _LOG.warning("the lease %r ends by itself: %s", lease.name, error)

    def _require_lease(self, connection: psycopg.Connection) -> None:
        if self._lease is not None:
            require_held(connection, self._place, self._lease)

    # The thread of the second connection

    def _attend(self) -> None:
        """Renew and listen until the store is closed or the lease is lost."""
        lease = self._lease
        assert lease is not None, "a lease is renewed once it was taken"
        while not self._closed.is_set():
            try:
                self._listen(lease)
            except Fenced as error:
                _LOG.critical("%s", error)
                if self._watcher is not None:
                    self._watcher.lease_lost(error)
                break
            except (StateError, psycopg.Error) as error:
                _LOG.warning("the journal's notices are interrupted: %s", error)
                self._second.close()
                self._closed.wait(lease.length_ms / 1_000 / _RENEWALS / 2)
        self._second.close()

    def _listen(self, lease: Lease) -> None:
        connection = self._second.connection()
        connection.execute(_CHANNEL)
        self._tell(self._version_on(connection))
        while not self._closed.is_set():
            renew(connection, self._place, lease)
            self._look_after_others(connection, lease)
            renew_by = time.monotonic() + lease.length_ms / 1_000 / _RENEWALS
            while not self._closed.is_set() and (left_s := renew_by - time.monotonic()) > 0:
                for notice in connection.notifies(timeout=min(left_s, _LOOK_S)):
                    self._noticed(notice.payload)

    def _look_after_others(self, connection: psycopg.Connection, lease: Lease) -> None:
        if self._watcher is None:
            return  # who starts does the work of all that ended before
        try:
            ended = end_stale(connection, self._place, lease)
        except psycopg.errors.LockNotAvailable:
            return  # somebody stalls with the lock: its own lease comes first, the others' later
        for name in ended:
            _LOG.warning("the writer %r ended without a word: its work goes on here", name)
            self._watcher.writer_ended(name)

    def _version_on(self, connection: psycopg.Connection) -> int:
        row = connection.execute(
            "SELECT version FROM tidegate.journal WHERE id = %s", (self._place.journal_id,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _noticed(self, payload: str) -> None:
        journal_id, _, version = payload.partition(" ")
        if journal_id == str(self._place.journal_id) and version.isdecimal():
            self._tell(int(version))

    def _tell(self, version: int) -> None:
        if self._watcher is not None:
            self._watcher.journal_moved(version)
