"""``Reconciler``: books against venue whenever somebody asks, by the path of a start."""

import itertools
from collections import Counter
from collections.abc import Iterable

from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import ReconcileRequest
from tidegate.domain.findings import kind_of
from tidegate.ports.reconciling import Applied, OpenFinding, ReconcileReport
from tidegate.ports.state import StatePort

from .codec import decode
from .inline_runner import InlineRunner, Runner
from .recovery import reconcile

__all__ = ["Reconciler", "applied_in"]


class Reconciler:
    """Compares orders, positions, fills, funding, wallet and closed profit with the venue.

    A desk does so by itself at its start, after each outage of a stream and at an interval; this is
    the same on demand. Any thread may ask.
    """

    def __init__(self, runner: Runner, state_port: StatePort) -> None:
        self._runner = runner
        self._state_port = state_port
        self._numbers = itertools.count(1)

    def findings(self) -> tuple[OpenFinding, ...]:
        """Return what is not settled, oldest first, without asking anybody."""
        return tuple(
            OpenFinding(
                finding_id=raised.finding_id,
                kind=kind_of(raised.finding_id),
                symbol=raised.symbol,
                text=raised.text,
                blocks_entries=raised.blocks_entries,
                raised_ms=raised.time_ms,
            )
            for raised in self._runner.state.books.findings.values()
        )

    def reconcile(self, *, timeout_ms: int = 30_000) -> ReconcileReport:
        """Ask the venue, correct what can be corrected, and say what is left.

        On a running desk two readings in a row must say the same; after ``timeout_ms`` milliseconds
        without that the report is not confirmed, and the desk goes on trying.

        Raises:
            VenueError: on a desk without a writer thread, when the venue gave no usable answer.
            WriterStopped: nobody decides any more.
            StateError: the journal cannot be read.

        """
        before = self._state_port.version()
        is_confirmed = self._ask(timeout_ms)
        return self._report(before, is_confirmed=is_confirmed)

    def _ask(self, timeout_ms: int) -> bool:
        runner, number = self._runner, next(self._numbers)
        if isinstance(runner, InlineRunner):
            # Nothing is under way in the caller's thread: one reading is believed.
            reconcile(runner)
            return True
        runner.deliver(ReconcileRequest(number=number))
        return runner.wait(lambda: self._is_done(number), timeout_ms=timeout_ms)

    def _is_done(self, number: int) -> bool:
        view = self._runner.state.view
        return min(view.reconciled, view.records_read) >= number

    def _report(self, before: int, *, is_confirmed: bool) -> ReconcileReport:
        state, engine = self._runner.state, self._runner.engine
        ledger, account = state.books.ledger, state.view.account
        rows = self._state_port.read(after_version=before)
        return ReconcileReport(
            findings=self.findings(),
            applied=applied_in(decode(row.record) for row in rows),
            wallet_books=None if ledger is None else ledger.wallet + engine.config.wallet_moved,
            wallet_venue=None if account is None else account.wallet,
            profits=state.view.profits,
            is_confirmed=is_confirmed,
            time_ms=engine.clock.now_ms(),
        )


def applied_in(events: Iterable[ev.Event]) -> Applied:
    """Count what some events put right."""
    kinds = Counter(map(type, events))
    return Applied(
        executions=kinds[ev.Filled],
        funding=kinds[ev.FundingBooked],
        cancels=kinds[ev.CancelIntended],
        stops=kinds[ev.StopMoveIntended],
        settled=kinds[ev.FindingSettled],
    )
