"""Settings of the journal's store. A password is not among them: libpq has places of its own."""

import enum
import re
from urllib.parse import urlsplit

import attrs

__all__ = ["StateBackend", "StateSettings"]

_JOURNAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_PASSWORD = re.compile(r"password\s*=", re.IGNORECASE)


class StateBackend(enum.Enum):
    """What keeps the journal."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


def _without_password(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    # The value itself must not appear: this text ends up in logs.
    if _PASSWORD.search(value) or _has_password(value):
        raise ValueError(
            f"{attribute.name} holds a password (not shown); accepted: a connection string "
            "without one, and the password in PGPASSWORD, in the file that PGPASSFILE names, or "
            "none where the server knows the user otherwise"
        )


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return False


def _journal_name(_: object, attribute: "attrs.Attribute[str | None]", value: str | None) -> None:
    if value is not None and not _JOURNAL.fullmatch(value):
        raise ValueError(
            f"{attribute.name} is {value!r}; accepted: 1 to 63 letters, digits, dots, hyphens and "
            "underscores, a letter or digit first"
        )


@attrs.frozen(kw_only=True)
class StateSettings:
    """Where the journal is kept, and with whom it is shared.

    Raises:
        ValueError: values that do not go together; the text says which, and what is accepted.

    """

    backend: StateBackend = StateBackend.SQLITE
    """In the file ``state_path``, or in a PostgreSQL database (install ``tidegate[postgres]``)."""
    dsn: str = attrs.field(default="", validator=_without_password)
    """The database, as a connection string or URI of libpq without a password, such as
    ``host=db.example dbname=tidegate user=desk``. What it leaves out comes from libpq's own places:
    ``PGHOST``, ``PGPASSWORD``, ``PGPASSFILE``, ``PGSERVICE``."""
    journal: str | None = attrs.field(
        default=None, validator=_journal_name, metadata={"default": "the mode's name"}
    )
    """The journal's name in the database: one for each account."""
    wait_ms_max: int = 10_000
    """How long a statement, a lock or a new connection may take before the store counts as
    unavailable; a connection at least two seconds."""
    shared: bool = False
    """Whether several processes trade this account through one journal in a database: then they
    share one budget of risk. Give all of them the same limits."""
    writer: str | None = attrs.field(
        default=None, metadata={"default": "the strategy's name and the symbol"}
    )
    """Under which name this process writes to a shared journal; one live process has it."""
    lease_ms: int = 15_000
    """How long a process on a shared journal may stall, or be without its database, before it may
    write no more and another goes on with its work. It is renewed three times within."""
    send_within_ms: int = 10_000
    """How long after its intent an order on a shared journal may still be sent; afterwards it is
    refused here, and the others believe that it never left."""
    report_lag_ms: int = 1_000
    """How much later than another process this one may hear of a position on a shared journal: for
    so long after the other wrote, what contradicts it is read again instead of believed."""

    def __attrs_post_init__(self) -> None:
        if self.shared and self.backend is not StateBackend.POSTGRES:
            raise ValueError(
                f"shared is true and backend is {self.backend.value}; accepted: backend "
                f"{StateBackend.POSTGRES.value}, or shared false"
            )
