"""Transactions that are told apart by how they end: done, undone, or with an answer that was lost.

A commit without ``durable`` is visible to all at once, and may be lost when the server crashes soon
after; see :class:`~tidegate.adapters.postgres.PostgresState`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import LiteralString, TypeVar

import psycopg

__all__ = ["AnswerLost", "committed", "viewed"]

_Found = TypeVar("_Found")

_BEGIN: Mapping[bool, LiteralString] = MappingProxyType(
    {False: "BEGIN", True: "BEGIN; SET LOCAL synchronous_commit TO on"}
)
_LOOK: LiteralString = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class AnswerLost(Exception):
    """The connection ended at the commit: what was written may be there or not."""


def committed(
    connection: psycopg.Connection, work: Callable[[], _Found], *, durable: bool
) -> _Found:
    """Do the work in one transaction, and commit it; whatever the work raises undoes it all.

    Raises:
        AnswerLost: the connection ended at the commit.

    """
    connection.execute(_BEGIN[durable])
    try:
        found = work()
    except BaseException:
        _roll_back(connection)
        raise
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        if connection.closed:
            raise AnswerLost(str(error)) from error
        raise
    except BaseException:
        connection.close()  # nobody reads the answer any more
        raise
    return found


def viewed(connection: psycopg.Connection, work: Callable[[], _Found]) -> _Found:
    """Do the work in one view of the database, which cannot write."""
    connection.execute(_LOOK)
    try:
        return work()
    finally:
        _roll_back(connection)


def _roll_back(connection: psycopg.Connection) -> None:
    if not connection.closed:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()  # and with it the transaction
