"""After a start: learn the venue's truth, finish what was begun, and only then trade.

The journal says what was meant, the venue what happened. Executions and funding that came while
nobody listened are read from history and take the ordinary path; then every unfinished order is
asked for by its client id; then acts that were recorded and may not have happened are repeated.
"""

from tidegate.domain.core.effects import SetStop
from tidegate.domain.core.inputs import FindingsCleared, FindingSeen, SpecsLoaded
from tidegate.domain.core.react import unfinished, unsettled
from tidegate.domain.core.state import Books
from tidegate.domain.orders import Symbol
from tidegate.domain.reconcile import VenueSnapshot, differences
from tidegate.domain.reports import Execution, FundingPayment
from tidegate.ports.exchange import Capability, TimeRange

from .runner import InlineRunner

__all__ = ["LOOK_BACK_MS_MAX", "load_view", "reconcile", "recover"]

LOOK_BACK_MS_MAX = 3_600_000
"""How far before the last booked execution a missed one is looked for.

No further than the ids of booked executions are sure to be remembered.
"""


def load_view(runner: InlineRunner, symbols: frozenset[Symbol]) -> None:
    """Ask the venue for what the core needs to know before it may decide."""
    port = runner.port
    for symbol in sorted(symbols | _in_use(runner.state.books)):
        runner.submit(SpecsLoaded(instrument=port.instrument(symbol), fees=port.fee_rates(symbol)))
    runner.submit(port.account())


def _in_use(books: Books) -> frozenset[Symbol]:
    """Return the symbols with a position or an order that may still fill."""
    ordered = {order.request.symbol for order in books.orders.values()}
    return frozenset(ordered | set(books.positions))


def recover(runner: InlineRunner, symbols: frozenset[Symbol]) -> None:
    """Bring a freshly folded state to the venue's truth.

    What was missed is booked before prices are shown: a price of now against books of then would
    record profits and falls that never were. Stops come before everything else that is sent.
    """
    for item in _missed(runner):
        runner.submit(item)
    for symbol in sorted(symbols | _in_use(runner.state.books)):
        runner.submit(runner.port.ticker(symbol))
    acts = unfinished(runner.state.books)
    runner.run_effects(tuple(act for act in acts if isinstance(act, SetStop)))
    runner.run_effects(unsettled(runner.state.books))
    runner.run_effects(unfinished(runner.state.books))
    reconcile(runner)


def _missed(runner: InlineRunner) -> tuple[Execution | FundingPayment, ...]:
    """Return executions and payments that may not be booked yet, in venue order.

    A message can be lost while later ones come, so the range begins before the last one booked.
    """
    port = runner.port
    now_ms = runner.engine.clock.now_ms()
    since_ms = min(_unbooked_since_ms(runner.state.books), now_ms)
    within = TimeRange(start_ms=since_ms, end_ms=now_ms)
    rows: list[Execution | FundingPayment] = list(port.executions(None, within).rows)
    if Capability.FUNDING in port.capabilities.supported:
        rows += port.funding_payments(None, within).rows
    return tuple(sorted(rows, key=lambda row: row.time_ms))


def _unbooked_since_ms(books: Books) -> int:
    """Return since when something may be missing; never before the account was opened."""
    return max(books.opened_ms, books.last_execution_ms - LOOK_BACK_MS_MAX)


def reconcile(runner: InlineRunner) -> None:
    """Compare the books with the venue; each difference is a finding until it is gone."""
    port = runner.port
    snapshot = VenueSnapshot(positions=port.positions(), orders=port.open_orders())
    for order in snapshot.orders:
        # One that was given up and is live all the same takes the ordinary path: it is cancelled.
        runner.submit(order)
    found = differences(runner.state.books, snapshot)
    for finding in found:
        runner.submit(
            FindingSeen(
                finding_id=finding.finding_id,
                symbol=finding.symbol,
                text=finding.text,
                blocks_entries=finding.blocks_entries,
            )
        )
    runner.submit(FindingsCleared(still_open=frozenset(f.finding_id for f in found)))
