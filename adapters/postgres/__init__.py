"""The state port on a PostgreSQL database; needs the extra ``postgres``."""

from .care import PostgresCare
from .connecting import Target
from .converting import Copies
from .shared import Membership, SharedPostgresState
from .state import PostgresState, has_journal

__all__ = [
    "Copies",
    "Membership",
    "PostgresCare",
    "PostgresState",
    "SharedPostgresState",
    "Target",
    "has_journal",
]
