"""The state port on a PostgreSQL database; needs the extra ``postgres``."""

from .connecting import Target
from .state import PostgresState, has_journal

__all__ = ["PostgresState", "Target", "has_journal"]
