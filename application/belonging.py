"""A journal belongs to one account at one venue: nothing else may go on from its books.

The first session names both. Asked before anything is written to the journal or sent.
"""

from tidegate.domain.core.state import Books
from tidegate.domain.mode import VENUES_OF, TradingMode, VenueKind
from tidegate.ports.exchange import ExchangePort
from tidegate.ports.state import JournalMismatch

__all__ = ["mode_of", "require_same_account", "require_same_venue", "require_venue_of"]


def mode_of(kind: VenueKind) -> TradingMode:
    """Return the mode whose own venue this is."""
    return next(mode for mode in TradingMode if _own_venue(mode) is kind)


def _own_venue(mode: TradingMode) -> VenueKind:
    """Return the venue that a mode is for: paper may also go to the scripted one."""
    return next(kind for kind in reversed(VenueKind) if kind in VENUES_OF[mode])


def require_venue_of(books: Books, mode: TradingMode) -> None:
    """Refuse books that were begun on no venue of this mode; asks nobody.

    Raises:
        JournalMismatch: names both sides and the remedy.

    """
    if books.venue is not None and books.venue not in VENUES_OF[mode]:
        raise JournalMismatch(_text(books, _own_venue(mode), None))


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
    mode = "mode" if books.venue is kind else f"mode (--mode {mode_of(books.venue).value})"
    return (
        f"this journal belongs to {_named(books.venue, books.account)}, and this desk is on "
        f"{_named(kind, account)}: name another state folder (state_path, --state) for this desk, "
        f"or use the {mode} and the API key that the journal was begun with"
    )


def _named(kind: VenueKind, account: str | None) -> str:
    venue = f"the venue {kind.value!r}"
    return venue if account is None else f"{venue}, account {account}"
