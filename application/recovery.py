"""After a start: learn the venue's truth, finish what was begun, and only then trade.

The journal says what was meant, the venue what happened. Executions and funding that came while
nobody listened are read from history and take the ordinary path; then every unfinished order is
asked for by its client id; then acts that were recorded and may not have happened are repeated.
"""

from tidegate.domain.core.effects import ReadActivity, SetStop
from tidegate.domain.core.inputs import FindingsCleared, FindingSeen, HistoryRows, SpecsLoaded
from tidegate.domain.core.polling import unbooked_since_ms
from tidegate.domain.core.react import unfinished, unsettled
from tidegate.domain.core.reconciling import records_question
from tidegate.domain.core.state import Books
from tidegate.domain.findings import FindingKind, kind_of
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Execution, FundingPayment
from tidegate.ports.exchange import History

from .activity import bookings_since, coverage, read_activity
from .runner import InlineRunner

__all__ = ["book_missed", "finish_recovery", "load_view", "reconcile", "recover"]


def load_view(runner: InlineRunner, symbols: frozenset[Symbol]) -> None:
    """Ask the venue for what the core needs to know before it may decide."""
    port = runner.port
    for symbol in sorted(symbols | _in_use(runner.state.books)):
        runner.submit(
            SpecsLoaded(instrument=port.instrument(symbol), fees=runner.fee_rates(symbol))
        )
    runner.submit(port.account())


def _in_use(books: Books) -> frozenset[Symbol]:
    """Return the symbols with a position or an order that may still fill."""
    ordered = {order.request.symbol for order in books.orders.values()}
    return frozenset(ordered | set(books.positions))


def recover(runner: InlineRunner, symbols: frozenset[Symbol]) -> None:
    """Bring a freshly folded state to the venue's truth.

    For a venue that tells nothing on its own meanwhile; otherwise its messages are held back
    between the two halves.
    """
    finish_recovery(runner, symbols, book_missed(runner))


def book_missed(runner: InlineRunner) -> History[Execution | FundingPayment]:
    """Book what happened while nobody listened, and return it.

    No message of a stream may be taken before: a newer execution would be booked ahead of older
    ones, and would say that the history is known up to its own time.
    """
    since_ms = unbooked_since_ms(runner.state.books)
    missed = bookings_since(since_ms, runner.port, runner.engine.clock)
    runner.submit(HistoryRows(rows=missed.rows))
    for covered in coverage(missed):
        runner.submit(covered)
    return missed


def finish_recovery(
    runner: InlineRunner,
    symbols: frozenset[Symbol],
    missed: History[Execution | FundingPayment],
) -> None:
    """Go on from books that have what was missed.

    It was booked before prices are shown: a price of now against books of then would record
    profits and falls that never were. Stops come before everything else that is sent.

    Raises:
        VenueError: the venue gave no usable answer.

    """
    for symbol in sorted(symbols | _in_use(runner.state.books)):
        runner.submit(runner.port.ticker(symbol))
    acts = unfinished(runner.state.books)
    runner.run_effects(tuple(act for act in acts if isinstance(act, SetStop)))
    runner.run_effects(unsettled(runner.state.books))
    runner.run_effects(unfinished(runner.state.books))
    if missed.is_complete:
        _history_is_known(runner)
    reconcile(runner, also=() if missed.is_complete else (_forgotten(missed),))


def _forgotten(missed: History[Execution | FundingPayment]) -> FindingSeen:
    """Stop entries when the venue no longer keeps all that may have happened meanwhile."""
    return FindingSeen(
        finding_id=f"history:{missed.covers.start_ms}",
        symbol=None,
        text=(
            f"the venue's history since {missed.covers.start_ms} is not complete: the books may "
            "lack executions; compare them with the venue's closed profit before going on"
        ),
        blocks_entries=True,
    )


def reconcile(runner: InlineRunner, *, also: tuple[FindingSeen, ...] = ()) -> None:
    """Compare everything with the venue, by the readings that a running desk takes too.

    Nothing is under way meanwhile, so that one reading is believed. On a journal that is shared,
    something of others may be: the running desk takes a second reading later, before anything is
    believed. ``also`` are findings of the caller's own.

    Raises:
        VenueError: the venue gave no usable answer about the activity. Records that cannot be read
            are read again later.

    """
    for finding in also:
        runner.submit(finding)
    # What the first reading brings may make the desk act: only the second is compared in quiet.
    _read(runner, is_alone=False)
    if not runner.engine.config.is_shared:
        _read(runner, is_alone=True)
    runner.run_effects((records_question(runner.state, runner.engine.clock.now_ms()),))


def _read(runner: InlineRunner, *, is_alone: bool) -> None:
    state = runner.state
    asked = ReadActivity(
        since_ms=unbooked_since_ms(state.books),
        unreadable_count=state.view.unreadable_count,
        stream_changes=state.view.stream_changes,
        wanted=state.view.reconcile_wanted,
        is_alone=is_alone,
    )
    for item in read_activity(asked, runner.port, runner.engine.clock):
        runner.submit(item)


def _history_is_known(runner: InlineRunner) -> None:
    """Settle what an earlier start could not know: the history since then is complete after all."""
    books = runner.state.books
    others = (name for name in books.findings if kind_of(name) is not FindingKind.HISTORY)
    runner.submit(FindingsCleared(still_open=frozenset(others)))
