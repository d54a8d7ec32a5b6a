"""The comparison of the desk's books with the oracle's and the venue's, at every journal event."""

from collections import Counter
from fractions import Fraction

from tidegate.application.engine import Engine
from tidegate.domain.core.events import (
    Event,
    Filled,
    FundingBooked,
    OrderUpdated,
    SignalRefused,
    TradeClosed,
)
from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Amount
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Origin
from tidegate.ports.session import SessionReport
from tidegate.ports.venue import SimulatedVenuePort

from .oracle import Oracle
from .recorder import Log
from .sessions import Parts, Plan, make_session, silent

__all__ = ["Watch", "run_watched"]


def _exact(amount: Amount) -> Fraction:
    return Fraction(amount.value)


class Watch:
    """A listener that fails at the first event after which the books are wrong.

    ``counts`` tells what a run went through. A listener's fault is isolated by the engine, so the
    first one is kept here and raised by :meth:`finish`.
    """

    def __init__(
        self, *, plan: Plan, engine: Engine, venue: SimulatedVenuePort, log: Log, oracle: Oracle
    ) -> None:
        self._symbol: Symbol = plan.instrument.symbol
        self._engine, self._venue, self._log, self._oracle = engine, venue, log, oracle
        self._records_taken = 0
        self._trades_closed = 0
        self.counts: Counter[str] = Counter()
        self.failure: AssertionError | None = None

    def listen(self, event: Event, now_ms: int) -> None:
        """Compare, once for each event; after the first fault nothing more."""
        if self.failure is not None:
            return
        try:
            self._count(event)
            self._check(event)
        except AssertionError as fault:
            fault.add_note(f"at {now_ms} after {event}")
            self.failure = fault

    def finish(self) -> None:
        """Raise the first fault; then everything that crossed must have been handled."""
        if self.failure is not None:
            raise self.failure
        assert self._log.is_level, "money crossed the port and the desk never handled it"
        self._compare()
        self._compare_venue()

    def _count(self, event: Event) -> None:
        counts = self.counts
        counts["events"] += 1
        match event:
            case TradeClosed():
                counts["trades"] += 1
                counts[event.trade.reason.value] += 1
            case SignalRefused():
                counts["refusals"] += 1
            case FundingBooked():
                counts["funding"] += 1
            case Filled() if event.execution.origin is Origin.LIQUIDATION:
                counts["liquidation fills"] += 1
            case Filled():
                counts["fills"] += 1
            case OrderUpdated() if event.status is Status.PARTIALLY_FILLED:
                counts["partial fills"] += 1
            case _:
                return

    def _check(self, event: Event) -> None:
        records = self._log.records
        self._oracle.take_all(records[self._records_taken :])
        self._records_taken = len(records)
        if self._engine.state.books.ledger is None:
            return
        self._compare()
        if self._log.is_level:
            self._compare_venue()
        if isinstance(event, TradeClosed):
            self._compare_trade(event)

    def _compare(self) -> None:
        state, oracle = self._engine.state, self._oracle
        ledger = state.books.ledger
        assert ledger is not None
        assert _exact(ledger.opening) == oracle.opening
        assert _exact(ledger.realised) == oracle.realised
        assert _exact(ledger.fees) == oracle.fees
        assert _exact(ledger.funding) == oracle.funding
        assert _exact(ledger.wallet) == oracle.wallet
        assert _exact(state.books.position(self._symbol).qty) == oracle.position(self._symbol)
        equity = equity_now(state.books, state.view)
        if equity is None:
            self.counts["without a mark"] += 1
            return
        self.counts["open" if oracle.position(self._symbol) else "flat"] += 1
        assert _exact(equity) == oracle.equity()

    def _compare_venue(self) -> None:
        """The venue's own figures; its mark may be ahead until the desk has its price."""
        account, position = self._venue.account(), self._venue.position(self._symbol)
        assert _exact(account.wallet) == self._oracle.wallet
        assert _exact(position.qty) == self._oracle.position(self._symbol)
        ticker = self._engine.state.view.tickers.get(self._symbol)
        if ticker is not None and ticker.mark == position.mark:
            self.counts["equal to the venue"] += 1
            assert _exact(account.equity) == self._oracle.equity()

    def _compare_trade(self, event: TradeClosed) -> None:
        self._trades_closed += 1
        assert len(self._oracle.trades) == self._trades_closed
        closed, judged = event.trade, self._oracle.trades[-1]
        assert _exact(closed.profit) == judged.profit
        assert _exact(closed.fees) == judged.fees
        assert _exact(closed.funding) == judged.funding
        assert _exact(closed.worst) == judged.worst
        assert _exact(closed.best) == judged.best
        assert _exact(closed.net) == judged.profit - judged.fees - judged.funding


def run_watched(
    plan: Plan, parts: Parts, log: Log | None = None, *, taker: str | None = None
) -> tuple[SessionReport, Watch]:
    """Run a session to the end of its data with its books compared at every event.

    ``taker`` makes the oracle expect another fee rate than the venue's.
    """
    log = Log() if log is None else log
    session, engine = make_session(plan, parts, log)
    fees = parts.venue.fee_rates(plan.instrument.symbol)
    oracle = Oracle(opening=str(plan.wallet), taker=taker or str(fees.taker), maker=str(fees.maker))
    watch = Watch(plan=plan, engine=engine, venue=parts.venue, log=log, oracle=oracle)
    session.listen(watch.listen)
    report = session.run(silent)
    watch.finish()
    assert engine.listener_errors == 0
    return report, watch
