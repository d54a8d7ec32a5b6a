"""PostgreSQL's errors in the words of the state port: one table."""

from collections.abc import Mapping
from types import MappingProxyType

import psycopg
from tidegate.ports.state import StateCorrupt, StateError, StateUnavailable

__all__ = ["typed_error"]

# SQLSTATE codes and, as two characters, their classes (postgresql.org/docs/current,
# errcodes-appendix). Every code that is absent here says that the content is not what this adapter
# wrote: a table or a column that is gone, a damaged page, a key that is there twice.
_UNAVAILABLE: Mapping[str, str] = MappingProxyType(
    {
        "08": "the connection was lost",
        "0A": "this server lacks what is needed",
        "25006": "the server takes no writes: it is read-only, or a standby",
        "25P03": "the transaction was idle for too long",
        "28": "the server refused user or password",
        "3D000": "there is no such database",
        "40": "the server rolled the transaction back",
        "42501": "access is denied",
        "53": "the server lacks disk, memory or connections",
        "54": "it is more than the server can hold",
        "55": "another process keeps it locked",
        "57": "the server is stopping, starting, or took too long",
        "58": "the server's disk reports an error",
    }
)
_NO_CODE = "the server cannot be reached"


def typed_error(place: str, error: psycopg.Error) -> StateError:
    """Return the port's error for one of psycopg's; the caller raises it from ``error``.

    An error without a code is one of the connection: no server, or none any more.
    """
    code = error.sqlstate
    if code is None:
        cause: str | None = _NO_CODE
    else:
        cause = _UNAVAILABLE.get(code) or _UNAVAILABLE.get(code[:2])
    said = " ".join(str(error).split()) or type(error).__name__
    if cause is not None:
        return StateUnavailable(f"{place}: {cause} ({said}); nothing was written")
    return StateCorrupt(
        f"{place}: not a sound journal ({said}); it was left untouched, restore a copy of the "
        "database or name another one"
    )
