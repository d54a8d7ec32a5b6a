"""The state port on one SQLite file."""

from .state import SqliteState

__all__ = ["SqliteState"]
