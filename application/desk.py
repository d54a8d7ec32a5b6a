"""The desk: the public facade over runner and state."""

import logging
from collections.abc import Iterator

from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.core.state import Books, State
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.performance import Summary, summary
from tidegate.domain.reports import Ticker
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason
from tidegate.ports.account_desk import AccountDeskPort
from tidegate.ports.clock import KeyPort
from tidegate.ports.desk import (
    Closing,
    DeskPort,
    Fill,
    JournalEntry,
    Nothing,
    OpenOutcome,
    Placed,
    StatusReport,
    TimedOut,
)
from tidegate.ports.desk_market import DeskMarketPort
from tidegate.ports.desk_records import DeskRecordsPort
from tidegate.ports.orders import OrdersPort
from tidegate.ports.preflight import PreflightPort
from tidegate.ports.reconciling import ReconcileReport
from tidegate.ports.state import StatePort

from .account_manager import AccountManager
from .executor import OrderExecutor
from .journal_entries import as_entry
from .market import MarketData
from .modes import ModeMismatch, check_mode
from .positions import PositionManager
from .positions_protection import PositionProtection
from .reconciler import Reconciler
from .records import DeskRecords
from .risk_manager import RiskManager
from .runner import Runner
from .safety import Safety
from .specs import SpecCache
from .tracking import SymbolTracker

__all__ = ["Desk", "ModeMismatch"]

_LOG = logging.getLogger(__name__)


class Desk(DeskPort):
    """Turns calls into inputs and waits for what becomes of them.

    ``safety``, ``risk``, ``positions`` and ``reconciler`` are its parts, each with questions and
    acts of its own.

    Raises:
        ModeMismatch: trading mode and venue do not belong together.

    """

    def __init__(
        self,
        *,
        runner: Runner,
        state_port: StatePort,
        keys: KeyPort,
        specs: SpecCache | None = None,
        preflight: PreflightPort | None = None,
    ) -> None:
        check_mode(runner.engine.config, runner.port)
        self._runner = runner
        self._state_port = state_port
        self._keys = keys
        engine = runner.engine
        specs = specs or SpecCache(runner.port.instrument, engine.clock)
        tracker = SymbolTracker(runner, specs)
        self._records = DeskRecords(runner.port)
        self._market = MarketData(
            runner.port,
            clock=engine.clock,
            specs=specs,
            told=self._told,
            age_ms_max=engine.config.limits.market_age_ms_max,
        )
        self._orders = OrderExecutor(
            runner=runner, state_port=state_port, keys=keys, tracker=tracker
        )
        self.reconciler = Reconciler(runner, state_port)
        self._account = AccountManager(
            runner=runner, state_port=state_port, keys=keys, track=tracker.track
        )
        self.protection = PositionProtection(
            runner=runner, keys=keys, version=state_port.version, track=tracker.track
        )
        self.risk = RiskManager(runner)
        self.safety = Safety(runner=runner, state_port=state_port, keys=keys, preflight=preflight)
        self.positions = PositionManager(runner=runner, state_port=state_port, desk=self)

    @property
    def orders(self) -> OrdersPort:
        """See :attr:`DeskPort.orders`."""
        return self._orders

    def _told(self, symbol: Symbol) -> Ticker | None:
        return self._runner.state.view.tickers.get(symbol)

    @property
    def records(self) -> DeskRecordsPort:
        """See :attr:`DeskPort.records`."""
        return self._records

    @property
    def market(self) -> DeskMarketPort:
        """See :attr:`DeskPort.market`."""
        return self._market

    @property
    def state(self) -> State:
        """The present frozen state: books and what the venue showed last."""
        return self._runner.state

    @property
    def _books(self) -> Books:
        return self._runner.state.books

    @property
    def account(self) -> AccountDeskPort:
        """See :attr:`DeskPort.account`."""
        return self._account

    def execute(self, signal: Signal, *, timeout_ms: int = 10_000) -> OpenOutcome:
        """See :meth:`DeskPort.execute`."""
        return self._orders.execute(signal, timeout_ms=timeout_ms)

    def close_position(
        self,
        symbol: Symbol,
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> Closing | Nothing:
        """See :meth:`DeskPort.close_position`."""
        return self._orders.close_position(symbol, timeout_ms=timeout_ms, reason=reason)

    def wait_for_fill(self, client_id: ClientId, *, timeout_ms: int) -> Fill | TimedOut:
        """See :meth:`DeskPort.wait_for_fill`."""
        return self._orders.wait_for_fill(client_id, timeout_ms=timeout_ms)

    def open_with_rr(self, signal: Signal, *, timeout_ms: int = 30_000) -> OpenOutcome:
        """See :meth:`DeskPort.open_with_rr`."""
        outcome = self.execute(signal, timeout_ms=timeout_ms)
        if not isinstance(outcome, Placed):
            return outcome
        done = self._runner.wait(
            lambda: _is_protected(self._books, signal.symbol, outcome.client_id),
            timeout_ms=timeout_ms,
        )
        return outcome if done else TimedOut(waited_ms=timeout_ms)

    def panic(self, cause: str, *, timeout_ms: int = 60_000) -> tuple[str, ...]:
        """See :meth:`DeskPort.panic`."""
        return self.safety.panic(cause, timeout_ms=timeout_ms)

    def reset_panic(self, *, confirmation: str) -> None:
        """See :meth:`DeskPort.reset_panic`."""
        self.safety.reset(confirmation=confirmation)

    def set_trading_state(self, state: TradingState, cause: str) -> None:
        """See :meth:`DeskPort.set_trading_state`."""
        self.safety.set_state(state, cause)

    def reconcile(self, *, timeout_ms: int = 30_000) -> ReconcileReport:
        """See :meth:`DeskPort.reconcile`; ``desk.reconciler`` lists the findings without asking."""
        return self.reconciler.reconcile(timeout_ms=timeout_ms)

    def status(self) -> StatusReport:
        """See :meth:`DeskPort.status`."""
        state = self._runner.state
        books = state.books
        return StatusReport(
            trading_state=books.effective_state,
            panic_cause=None if books.panic is None else books.panic.cause,
            version=self._state_port.version(),
            wallet=None if books.ledger is None else books.ledger.wallet,
            equity=equity_now(books, state.view),
            positions=tuple(books.positions.items()),
            books=books,
        )

    def performance(self) -> Summary | None:
        """See :meth:`DeskPort.performance`."""
        books = self._books
        return None if books.ledger is None else summary(books.tally, books.ledger)

    def journal(self, *, after_version: int = 0) -> Iterator[JournalEntry]:
        """See :meth:`DeskPort.journal`."""
        for stored in self._state_port.read(after_version=after_version):
            yield as_entry(stored)


def _is_protected(books: Books, symbol: Symbol, entry_id: ClientId) -> bool:
    """Tell whether the entry ended unfilled, or its position has stop and ladder in place.

    An order whose fills were reported and have not come as executions has not ended unfilled.
    """
    trade, order = books.trades.get(symbol), books.order(entry_id)
    if trade is None:
        return order is None or order.is_settled
    has_stop = trade.stop_wanted is None or trade.is_stop_confirmed
    placed = {o.request.purpose.rung for o in books.orders.values() if o.request.symbol == symbol}
    return has_stop and all(rung.number in placed for rung in trade.rungs)
