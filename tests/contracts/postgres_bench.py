"""The bench of the PostgreSQL journal: an empty database on a real server for each case."""

import os
import socket
from collections.abc import Callable

import psycopg
from tidegate.adapters.postgres import PostgresState, Target
from tidegate.contracts.state_bench import StateAbility, StateBench
from tidegate.ports.state import StatePort

from tests.adapters.postgres.server import shared_server

__all__ = ["PostgresBench", "make_postgres"]

_CONTENT = (
    "SELECT * FROM tidegate.format",
    "SELECT * FROM tidegate.journal ORDER BY id",
    "SELECT * FROM tidegate.record ORDER BY journal_id, version",
    "SELECT * FROM tidegate.snapshot ORDER BY journal_id, version",
    "SELECT * FROM tidegate.archive ORDER BY journal_id, first",
    "SELECT * FROM tidegate.archived ORDER BY journal_id, version",
)


class PostgresBench(StateBench):
    """Everything that a store can do. Power is cut by stopping the server at once."""

    abilities = frozenset(StateAbility)

    def __init__(self, adapter: Callable[[Target], PostgresState] = PostgresState) -> None:
        self._adapter = adapter
        self._server = shared_server()
        self._dsn = self._server.database()
        self._states: list[PostgresState] = []

    def open(self) -> StatePort:
        state = self._adapter(Target(self._dsn, "suite"))
        self._states.append(state)
        return state

    def close(self) -> None:
        self._close_states()
        self._server.give_back(self._dsn)

    def crash(self) -> None:
        for state in self._states:
            _cut_off(state._link.connection())
        self._close_states()

    def lose_power(self) -> None:
        self._server.cut_power()
        self._close_states()
        self._server.start()

    def _close_states(self) -> None:
        for state in self._states:
            state.close()
        self._states.clear()

    def corrupt(self) -> None:
        self._execute("UPDATE tidegate.record SET kind = 'case9.v1' WHERE version = 2")

    def make_newer(self) -> None:
        self._execute("UPDATE tidegate.format SET version = version + 1")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._dsn) as connection:
            connection.execute(statement.encode())

    def content(self) -> bytes:
        with psycopg.connect(self._dsn) as connection:
            found = [connection.execute(query.encode()).fetchall() for query in _CONTENT]
        return repr(found).encode()


def _cut_off(connection: psycopg.Connection) -> None:
    """End the connection as the death of its process does: the server reads an end of file."""
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


def make_postgres() -> StateBench:
    return PostgresBench()
