"""A journal belongs to one account at one venue: nothing else may go on from its books.

The first session names both. Asked before anything is written to the journal or sent.
"""

from tidegate.domain.core.state import Books
from tidegate.domain.mode import VenueKind
from tidegate.ports.exchange import ExchangePort
from tidegate.ports.state import JournalMismatch

__all__ = ["require_same_account", "require_same_venue"]


def require_same_venue(books: Books, port: ExchangePort) -> None:
    """Refuse a venue of another kind than the one the books were begun on; asks nobody.

    Raises:
        JournalMismatch: names both sides and the remedy.

    """
    if books.venue not in (None, port.kind):
        raise JournalMismatch(_text(books, port.kind, None))


def require_same_account(books: Books, port: ExchangePort) -> str | None:
    """Refuse another account than the one the books were begun on; returns the account's id.

    Raises:
        JournalMismatch: names both sides and the remedy.
        VenueError: the venue does not say whose key this is.

    """
    require_same_venue(books, port)
    account = port.account_id()
    if books.account not in (None, account):
        raise JournalMismatch(_text(books, port.kind, account))
    return account


def _text(books: Books, kind: VenueKind, account: str | None) -> str:
    assert books.venue is not None, "books without a session belong to nobody yet"
    return (
        f"this journal belongs to {_named(books.venue, books.account)}, and this desk is on "
        f"{_named(kind, account)}: name another state folder (state_path, --state) for this desk, "
        "or use the mode and the API key that the journal was begun with"
    )


def _named(kind: VenueKind, account: str | None) -> str:
    venue = f"the venue {kind.value!r}"
    return venue if account is None else f"{venue}, account {account}"
