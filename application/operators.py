"""What an operator's commands know of a desk before they open it: whose it is, how it was left."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import attrs
from tidegate.adapters.paper.store import PaperStore
from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.core.state import Books, View
from tidegate.domain.mode import VENUES_OF, VenueKind
from tidegate.ports.commands import BadInput, NamedDesk
from tidegate.ports.desk import StatusReport
from tidegate.ports.state import StateError, StateUnavailable

from .belonging import mode_of, require_venue_of
from .doctor import venue_text
from .engine import fold
from .runner import WriterStopped
from .settings import Settings
from .stores import open_existing, place_of

__all__ = [
    "as_begun",
    "books_of_mode",
    "journal_kept",
    "named_desk",
    "require_panic_over",
    "status_of",
]


@contextmanager
def journal_kept() -> Iterator[None]:
    """Tell of a desk that stopped because its journal failed as of that journal.

    Raises:
        StateUnavailable: why it failed, that nobody knows what is open, and the remedy.

    """
    try:
        yield
    except WriterStopped as stopped:
        if not isinstance(stopped.__cause__, StateError):
            raise
        raise StateUnavailable(
            f"the journal could not be written or read ({stopped.__cause__}), so the desk stopped: "
            "what is open at the venue is not known. Mend the store and give the command again; "
            "on Bybit, what is held can be closed in its app meanwhile"
        ) from stopped


def books_of_mode(settings: Settings) -> Books:
    """Return the books of a journal that exists and was begun in the settings' mode; asks nobody.

    Raises:
        StateUnavailable: there is none.
        JournalMismatch: it belongs to the venue of another mode, which is named.
        StateError: it cannot be read.

    """
    books = _books(settings)
    require_venue_of(books, settings.mode)
    return books


def _books(settings: Settings) -> Books:
    with closing(open_existing(settings)) as journal:
        return fold(journal, settings.core_config(VenueKind.PAPER))[0]


def named_desk(settings: Settings) -> NamedDesk:
    """Name the desk; what a journal says of itself counts more than the settings.

    Raises:
        StateUnavailable: the settings name no database that could be asked.

    """
    try:
        books = _books(settings)
    except StateError:
        books = Books()
    mode, venue = settings.mode, venue_text(settings)
    if books.venue is not None and books.venue not in VENUES_OF[mode]:
        mode, venue = mode_of(books.venue), books.venue.value
    return NamedDesk(mode=mode, venue=venue, account=books.account, journal=place_of(settings))


def require_panic_over(settings: Settings) -> None:
    """Refuse to go on while a panic runs: opening its desk would go on with closing everything.

    Raises:
        BadInput: it has not ended; what the books still hold, and the remedy.
        StateError: the journal is missing, of another mode, or cannot be read.

    """
    books = books_of_mode(settings)
    if not books.is_panic_running:
        return
    held = [f"{symbol} {position.qty}" for symbol, position in sorted(books.positions.items())]
    left = ", ".join(held) or "no position"
    why = (
        f"the panic has not ended, and is not reset: the books hold {left}; open orders: "
        f"{len(books.orders)}. Nothing was changed or sent. tidegate panic, with the same --mode "
        "and --state, finishes it; reset it then"
    )
    raise BadInput([why])


def as_begun(settings: Settings) -> Settings:
    """Take what the venue's store was begun with: its books and ids fit nothing else.

    Raises:
        StateUnavailable: no store is there, or a session has it open.

    """
    if not settings.venue_path.is_file():
        raise StateUnavailable(
            f"{settings.venue_path}: no venue's store there; name the state folder of a session "
            "with --state"
        )
    with closing(PaperStore(settings.venue_path)) as store:
        opening = store.opening()
    if opening is None:
        return settings
    return attrs.evolve(
        settings,
        seed=opening.seed,
        wallet=opening.wallet,
        paper=attrs.evolve(settings.paper, margin_mode=opening.margin_mode),
    )


def status_of(books: Books, version: int) -> StatusReport:
    """Return the overview of books at a version of their journal, as far as no venue is asked."""
    return StatusReport(
        trading_state=books.effective_state,
        panic_cause=None if books.panic is None else books.panic.cause,
        version=version,
        wallet=None if books.ledger is None else books.ledger.wallet,
        equity=equity_now(books, View()),
        positions=tuple(books.positions.items()),
        books=books,
    )
