"""A real server, and an empty database on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.postgres.server import Server, shared_server


@pytest.fixture(scope="session")
def server() -> Server:
    return shared_server()


@pytest.fixture
def dsn(server: Server) -> Iterator[str]:
    found = server.database()
    yield found
    server.give_back(found)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.journal"
