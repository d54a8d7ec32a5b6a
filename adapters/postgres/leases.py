"""Leases: under each name one process writes, and one that stalled for too long is kept out.

All times are the server's own. A lease is taken, and its loss is settled, under the lock of the
journal's head, as each append is: an append finds its lease held, or does not happen.
"""

import secrets
import socket
from typing import LiteralString

import attrs
import psycopg
from tidegate.ports.state import Fenced, LeaseHeld

from .schema import Place, lock_head

__all__ = ["Lease", "acquire", "end_stale", "fenced", "release", "renew", "require_held"]

_ACQUIRE: LiteralString = """
INSERT INTO tidegate.lease AS l (journal_id, name, holder, epoch, ends_at, is_open)
VALUES (%s, %s, %s, 1, clock_timestamp() + %s * interval '1 millisecond', true)
ON CONFLICT (journal_id, name) DO UPDATE SET
    holder = excluded.holder, epoch = l.epoch + 1, ends_at = excluded.ends_at, is_open = true
WHERE NOT l.is_open OR l.ends_at < clock_timestamp()
RETURNING epoch
"""
_HELD_BY: LiteralString = """
SELECT holder, ceil(extract(epoch FROM ends_at - clock_timestamp()) * 1000)::bigint
FROM tidegate.lease WHERE journal_id = %s AND name = %s
"""
_IS_HELD: LiteralString = """
SELECT epoch = %s AND is_open AND ends_at > clock_timestamp()
FROM tidegate.lease WHERE journal_id = %s AND name = %s
"""
_RENEW: LiteralString = """
UPDATE tidegate.lease SET ends_at = clock_timestamp() + %s * interval '1 millisecond'
WHERE journal_id = %s AND name = %s AND epoch = %s AND is_open AND ends_at > clock_timestamp()
"""
_RELEASE: LiteralString = """
UPDATE tidegate.lease SET is_open = false WHERE journal_id = %s AND name = %s AND epoch = %s
"""
_END_STALE: LiteralString = """
UPDATE tidegate.lease SET is_open = false, epoch = epoch + 1
WHERE journal_id = %s AND name <> %s AND is_open AND ends_at < clock_timestamp()
RETURNING name
"""


@attrs.frozen
class Lease:
    """A lease that was taken: its name, its epoch, and its length in milliseconds."""

    name: str
    epoch: int
    length_ms: int


def acquire(connection: psycopg.Connection, place: Place, name: str, length_ms: int) -> Lease:
    """Take the lease ``name`` for ``length_ms``, where nobody holds it.

    Raises:
        LeaseHeld: a live process holds it; says who, and for how long at least.
        StateCorrupt: the journal's head is missing.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    holder = f"{socket.gethostname()} {secrets.token_hex(4)}"
    with connection.transaction():
        lock_head(connection, place)
        key = (place.journal_id, name.encode())
        taken = connection.execute(_ACQUIRE, (*key, holder, length_ms)).fetchone()
        if taken is not None:
            return Lease(name, int(taken[0]), length_ms)
        row = connection.execute(_HELD_BY, key).fetchone()
    other, left_ms = ("somebody", length_ms) if row is None else row
    raise LeaseHeld(
        f"{place.text}: the lease {name!r} is held by a process on {other}, for {left_ms} ms more "
        "unless it is renewed; stop that one, wait until its lease ends, or trade under another "
        "name (state.writer)"
    )


def require_held(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Refuse an append of one who holds the lease no more; asked under the lock of the head.

    Raises:
        Fenced: another process has it, or its time is over.

    """
    key = (place.journal_id, lease.name.encode())
    row = connection.execute(_IS_HELD, (lease.epoch, *key)).fetchone()
    if row != (True,):
        raise fenced(place, lease)


def fenced(place: Place, lease: Lease) -> Fenced:
    """Return the error of one who lost a lease."""
    return Fenced(
        f"{place.text}: the lease {lease.name!r} (epoch {lease.epoch}) was not renewed within "
        f"{lease.length_ms} ms, or another process took it over; nothing was written, start again"
    )


def renew(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Hold the lease for its whole length from now on.

    Raises:
        Fenced: it was lost before.

    """
    key = (place.journal_id, lease.name.encode())
    done = connection.execute(_RENEW, (lease.length_ms, *key, lease.epoch))
    if done.rowcount != 1:
        raise fenced(place, lease)


def release(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Give the lease back; one that was lost stays with whoever has it."""
    connection.execute(_RELEASE, (place.journal_id, lease.name.encode(), lease.epoch))


def end_stale(connection: psycopg.Connection, place: Place, own: Lease) -> tuple[str, ...]:
    """End the leases of others that ran out, and return their names: their work is to be done.

    Of several processes one gets each name. The lock is waited for during a sixth of the lease.

    Raises:
        LockNotAvailable: it was not to be had; psycopg's own error.
        StateCorrupt: the journal's head is missing.
        NewerFormat: a newer release changed the tables meanwhile.

    """
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout TO {max(1, own.length_ms // 6)}".encode())
        lock_head(connection, place)
        rows = connection.execute(_END_STALE, (place.journal_id, own.name.encode())).fetchall()
    return tuple(bytes(row[0]).decode() for row in rows)
