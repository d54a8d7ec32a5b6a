"""Who uses a journal: each open store keeps a lock of its session, which ends with its connection.

The lock is PostgreSQL's advisory one, so that it needs no row and no right. Its key has the
journal's id in its lower half.
"""

from typing import LiteralString

import psycopg
from tidegate.ports.state import StateUnavailable
from tidegate.ports.state_care import CareRefused

from .schema import Place

__all__ = ["keep_in_use", "require_no_lease", "require_unused", "stop_using"]

_KEY = int.from_bytes(b"TGJU") << 32
_LEASES: LiteralString = """
SELECT name, holder, ceil(extract(epoch FROM ends_at - clock_timestamp()) * 1000)::bigint
FROM tidegate.lease WHERE journal_id = %s AND is_open ORDER BY ends_at DESC
"""


def keep_in_use(connection: psycopg.Connection, place: Place) -> None:
    """Say that this connection uses the journal, for as long as it lives.

    Raises:
        StateUnavailable: it is being compacted or moved, for longer than a lock is waited for.

    """
    try:
        connection.execute("SELECT pg_advisory_lock_shared(%s)", (_KEY + place.journal_id,))
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
        raise StateUnavailable(
            f"{place.text}: it is locked while it is compacted or moved ({error}); nothing was "
            "written, try again"
        ) from error


def stop_using(connection: psycopg.Connection) -> None:
    """Give the lock up and wait for that: a server notices the end of a connection only later.

    Raises:
        psycopg.Error: the server cannot be told; the lock ends with the connection.

    """
    connection.execute("SELECT pg_advisory_unlock_all()")


def require_unused(connection: psycopg.Connection, place: Place) -> None:
    """Refuse a journal that a store has open; until the transaction ends nobody opens it.

    Raises:
        CareRefused: somebody uses it; nothing was changed.

    """
    query = "SELECT pg_try_advisory_xact_lock(%s)"
    if connection.execute(query, (_KEY + place.journal_id,)).fetchone() != (True,):
        raise CareRefused(
            f"{place.text}: a desk has it open; nothing was changed. Stop the desk first"
        )


def require_no_lease(
    connection: psycopg.Connection, place: Place, *, refuses_ended: bool = False
) -> None:
    """Refuse a journal under whose leases somebody lives; asked under the lock of its head.

    With ``refuses_ended`` also one where a writer ended without a word, and nobody went on with its
    work.

    Raises:
        CareRefused: there is such a lease; nothing was changed.

    """
    for name, holder, left_ms in connection.execute(_LEASES, (place.journal_id,)).fetchall():
        writer = f"the writer {bytes(name).decode()!r} on {holder}"
        if left_ms > 0:
            raise CareRefused(
                f"{place.text}: {writer} holds its lease, for {left_ms} ms more unless it is "
                "renewed; nothing was changed. Stop it, or wait until its lease ends"
            )
        if refuses_ended:
            raise CareRefused(
                f"{place.text}: {writer} ended without giving its lease back; nothing was changed. "
                "Start it once more, so that it learns what happened, and stop it with Ctrl-C"
            )
