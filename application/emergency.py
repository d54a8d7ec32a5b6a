"""An operator's panic where no desk runs: halt and close first, learn everything else afterwards.

Nothing that could fail or wait stands before it: no check list, no fees, prices, balances, history
or streams. What happened meanwhile is read while the positions are being closed.
"""

import logging
import threading

import attrs
from tidegate.domain.core.inputs import PanicRequest, SpecsLoaded
from tidegate.domain.core.state import Books
from tidegate.domain.instrument import FeeRates
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.ports.clock import KeyPort
from tidegate.ports.commands import PanicReport
from tidegate.ports.exchange import ExchangePort, VenueError
from tidegate.ports.state import JournalMismatch, StatePort

from .belonging import require_same_account, require_same_venue
from .engine import Engine
from .modes import check_mode
from .runner import ThreadedRunner

__all__ = ["RECORDED_OUTLOOK", "SETTLE_WAIT_MS", "outlook_of", "panic_now"]

SETTLE_WAIT_MS = 5_000
"""How long the books may take to learn what the panic did before it is reported."""
RECORDED_OUTLOOK = (
    "A recorded market stands still between sessions: what is left closes when the session goes on."
)
"""What becomes of what a panic left of a session on recorded data."""
_ACCOUNT_WAIT_S = 2
_SIMULATED = frozenset({VenueKind.MEMORY, VenueKind.PAPER})
_LOG = logging.getLogger(__name__)


def panic_now(
    *,
    engine: Engine,
    port: ExchangePort,
    state_port: StatePort,
    keys: KeyPort,
    symbols: frozenset[Symbol],
    fees: FeeRates,
    cause: str,
    timeout_ms: int = 60_000,
) -> PanicReport:
    """Halt what the journal belongs to, close everything at the venue, and report what is left.

    The panic is in the journal before the first request of it leaves, so whatever fails afterwards,
    the next start is halted and goes on with it. ``fees`` only complete the specifications.

    Raises:
        JournalMismatch: the journal belongs to another venue, or is known to belong to another
            account. An account that cannot be told in two seconds does not hold a panic back.
        ModeMismatch: trading mode and venue do not belong together.
        WriterStopped: nobody decides any more: the journal could not be written.
        StateError: the journal cannot be read; the panic was not begun.

    """
    check_mode(engine.config, port)
    _refuse_elsewhere(engine.state.books, port)
    runner = ThreadedRunner(engine, port)
    key = keys.key(f"panic {state_port.version()}")
    with engine.panic_calls.waiting(key) as call:
        runner.start()
        try:
            runner.deliver(PanicRequest(cause=cause, key=key))
            _learn_sizes(runner, symbols, fees)
            if runner.wait(lambda: call.is_over, timeout_ms=timeout_ms):
                runner.wait(lambda: _is_settled(runner.state.books), timeout_ms=SETTLE_WAIT_MS)
        finally:
            runner.stop()
    engine.save_snapshot()
    books = engine.state.books
    orders_open, unread = _orders_open(books, port)
    report = PanicReport(held=call.left(books), orders_open=orders_open, unread=unread)
    return report if report.is_clean else attrs.evolve(report, outlook=outlook_of(port.kind))


def outlook_of(kind: VenueKind) -> str:
    """Return what becomes of what a panic left at a venue of this kind, and what to do."""
    if kind in _SIMULATED:
        return (
            "A paper account is traded only while a session runs: repeat tidegate panic once the "
            "market can be asked, or go on with the session, which goes on with a panic that runs."
        )
    return (
        "The market goes on: repeat tidegate panic, or close what is left in Bybit's app. Stops "
        "that are at the venue are kept until a position is seen to be flat."
    )


def _orders_open(books: Books, port: ExchangePort) -> tuple[int, str | None]:
    """Count at the venue: the books lag behind where its history cannot be read.

    Returns the books' own count where the venue cannot be read, and why it cannot.
    """
    try:
        return len(port.open_orders()), None
    except VenueError as error:
        _LOG.warning("the venue's open orders could not be read: %s", error)
        return len(books.orders), str(error) or type(error).__name__


def _refuse_elsewhere(books: Books, port: ExchangePort) -> None:
    require_same_venue(books, port)
    found: list[JournalMismatch] = []

    def ask() -> None:
        try:
            require_same_account(books, port)
        except JournalMismatch as mismatch:
            found.append(mismatch)
        except VenueError as error:
            _LOG.warning("whose key this is could not be read: %s", error)

    asking = threading.Thread(target=ask, name="tidegate-account", daemon=True)
    asking.start()
    asking.join(_ACCOUNT_WAIT_S)
    if found:
        raise found[0]


def _learn_sizes(runner: ThreadedRunner, symbols: frozenset[Symbol], fees: FeeRates) -> None:
    """Let the core know how much one order may close; without that it tries with the whole."""
    for symbol in sorted(symbols | set(runner.state.books.positions)):
        try:
            spec = runner.port.instrument(symbol)
        except VenueError as error:
            _LOG.warning("specification of %s: %s", symbol, error)
        else:
            runner.deliver(SpecsLoaded(instrument=spec, fees=fees))


def _is_settled(books: Books) -> bool:
    """Tell whether the books know what became of everything; without a ledger they never do."""
    return books.ledger is None or not (books.orders or books.positions)
