"""``PositionManager``: what is held, what it earned, and closing it.

What the streams keep is handed out while it is fresh, and otherwise the venue is asked: private
data is fresh while the streams are up and the account was read since, marks by their age.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from tidegate.domain.core.events import Event, TradeClosed
from tidegate.domain.money import ZERO_MONEY, Money, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.performance import DailyStatistics, Summary, daily_statistics, summary
from tidegate.domain.reports import AccountReport, PositionReport
from tidegate.domain.trade import ClosedTrade
from tidegate.ports.desk import DeskPort
from tidegate.ports.exchange import Capability, VenueError
from tidegate.ports.state import StatePort

from .codec import decode
from .inline_runner import Runner
from .position_values import (
    CloseReport,
    Marked,
    PortfolioSnapshot,
    PositionSnapshot,
    Source,
    share,
    snapshot_of,
)

__all__ = ["TRADES_KEPT", "PositionManager"]

TRADES_KEPT = 500
"""How many finished trades are kept in memory; all of them are in the journal."""
_NOT_BOOKED = "the books do not know this position: reconcile and close it then, or panic"
_LOG = logging.getLogger(__name__)


class PositionManager:
    """Reads the frozen state and, where that is not fresh, the venue. Any thread may call.

    Raises:
        StateError: the journal cannot be read.

    """

    def __init__(self, *, runner: Runner, state_port: StatePort, desk: DeskPort) -> None:
        self._runner = runner
        self._state_port = state_port
        self._desk = desk
        self._begun_at = state_port.version()
        self._earlier: tuple[ClosedTrade, ...] | None = None
        self._lock = threading.Lock()
        self._recent: deque[ClosedTrade] = deque(maxlen=TRADES_KEPT)
        runner.engine.listen(self._take)

    # What is held

    @property
    def is_private_fresh(self) -> bool:
        """Whether what the streams keep of the account may be taken for its present state.

        That is so while they are up and the account was read after they came up.
        """
        view, engine = self._runner.state.view, self._runner.engine
        if Capability.STREAM not in self._runner.port.capabilities.supported:
            return False
        is_up = view.is_stream_up or not engine.config.streams_needed
        return is_up and view.stream_down_since_ms is None

    def position(self, symbol: Symbol) -> PositionSnapshot:
        """Return one position, flat where nothing is held.

        Raises:
            VenueError: what is at hand is not fresh, and the venue gave no usable answer.

        """
        state = self._runner.state
        known = state.view.positions.get(symbol) if self.is_private_fresh else None
        if known is not None:
            return self._snapshot(known, Source.STREAM)
        return self._snapshot(self._runner.port.position(symbol), Source.REST)

    def positions(self) -> tuple[PositionSnapshot, ...]:
        """Return every position that is not flat, foreign ones included, by symbol.

        Raises:
            VenueError: what is at hand is not fresh, and the venue gave no usable answer.

        """
        reports, source = self._reports()
        held = [report for report in reports if report.qty.sign != 0]
        return tuple(self._snapshot(r, source) for r in sorted(held, key=lambda r: r.symbol))

    def _reports(self) -> tuple[tuple[PositionReport, ...], Source]:
        view = self._runner.state.view
        # Before the first reading of the whole account a position may be held that no one told of.
        if self.is_private_fresh and view.differences is not None:
            return tuple(view.positions.values()), Source.STREAM
        return self._runner.port.positions(), Source.REST

    def portfolio(self) -> PortfolioSnapshot:
        """Return the account with every position, at fresh marks.

        Raises:
            VenueError: what is at hand is not fresh, and the venue gave no usable answer.

        """
        held, (account, source) = self.positions(), self._account()
        unrealised = _sum(one.unrealised for one in held)
        exposure, equity = _sum(one.notional for one in held), account.wallet + unrealised
        return PortfolioSnapshot(
            positions=held,
            wallet=account.wallet,
            available=account.available,
            equity=equity,
            unrealised=unrealised,
            exposure=exposure,
            exposure_of_equity=share(exposure, equity),
            initial_margin=_sum(one.initial_margin for one in held),
            maintenance_margin=_sum(one.maintenance_margin for one in held),
            source=source,
            time_ms=account.time_ms,
            age_ms=max(0, self._now_ms() - account.time_ms),
        )

    def _account(self) -> tuple[AccountReport, Source]:
        known = self._runner.state.view.account
        if known is not None and self.is_private_fresh:
            return known, Source.STREAM
        return self._runner.port.account(), Source.REST

    def _snapshot(self, report: PositionReport, source: Source) -> PositionSnapshot:
        return snapshot_of(
            report,
            self._mark(report.symbol),
            source=source,
            is_ours=report.symbol in self._runner.state.books.trades,
            now_ms=self._now_ms(),
        )

    def _mark(self, symbol: Symbol) -> Marked:
        limits, now_ms = self._runner.engine.config.limits, self._now_ms()
        ticker, source = self._runner.state.view.tickers.get(symbol), Source.STREAM
        if ticker is None or now_ms - ticker.time_ms > limits.market_age_ms_max:
            ticker, source = self._runner.port.ticker(symbol), Source.REST
        age_ms = max(0, now_ms - ticker.time_ms)
        return Marked(mark=ticker.mark, source=source, age_ms=age_ms)

    def _now_ms(self) -> int:
        return self._runner.engine.clock.now_ms()

    # What it earned

    def trades(self, *, after_version: int = 0) -> Iterator[ClosedTrade]:
        """Yield every finished trade of the journal, oldest first, one at a time.

        Raises:
            StateError: the journal cannot be read.

        """
        return self._closed(after_version, None)

    def _closed(self, after_version: int, last_version: int | None) -> Iterator[ClosedTrade]:
        for stored in self._state_port.read(after_version=after_version):
            if last_version is not None and stored.version > last_version:
                return
            if stored.record.kind.startswith("trade_closed."):
                event = decode(stored.record)
                assert isinstance(event, TradeClosed), f"{stored.record.kind} is a closed trade"
                yield event.trade

    def recent_trades(self, count: int = 100) -> tuple[ClosedTrade, ...]:
        """Return the last finished trades, newest first; at most ``TRADES_KEPT`` are kept.

        The journal is read once, for those of earlier processes.

        Raises:
            ValueError: ``count`` is below one or above ``TRADES_KEPT``.
            StateError: the journal cannot be read.

        """
        if not 1 <= count <= TRADES_KEPT:
            raise ValueError(f"count {count}; accepted: 1 to {TRADES_KEPT}, trades() yields all")
        with self._lock:
            found = tuple(reversed(self._recent))
        if len(found) < count:
            found += self._of_earlier_processes()
        return found[:count]

    def _of_earlier_processes(self) -> tuple[ClosedTrade, ...]:
        if self._earlier is None:
            kept: deque[ClosedTrade] = deque(maxlen=TRADES_KEPT)
            kept.extend(self._closed(0, self._begun_at))
            self._earlier = tuple(reversed(kept))
        return self._earlier

    def _take(self, event: Event, _: int) -> None:
        if isinstance(event, TradeClosed):
            with self._lock:
                self._recent.append(event.trade)

    def daily(self) -> DailyStatistics | None:
        """Return the closed days that are kept, ``None`` before the account was opened."""
        ledger = self._runner.state.books.ledger
        return None if ledger is None else daily_statistics(ledger)

    def performance(self) -> Summary | None:
        """Return the figures over all finished trades, ``None`` before the account was opened."""
        books = self._runner.state.books
        return None if books.ledger is None else summary(books.tally, books.ledger)

    # Closing

    def close(self, symbol: Symbol, *, timeout_ms: int = 30_000) -> CloseReport:
        """Cancel our orders of a symbol, close its position reduce-only, and ask the venue.

        The protective stop stays until the position is flat. What the venue shows after at most
        ``timeout_ms`` is the report, whatever that is.

        Raises:
            WriterStopped: nobody decides any more.

        """
        (report,) = self._close((symbol,), timeout_ms)
        return report

    def _close(self, symbols: Sequence[Symbol], timeout_ms: int) -> tuple[CloseReport, ...]:
        """Begin all closes, wait for all with one deadline, and then ask the venue of each."""
        before, runner = self._state_port.version(), self._runner
        until_ms = runner.elapsed_ms() + timeout_ms
        held = {symbol: runner.state.books.position(symbol).qty for symbol in symbols}
        self._desk.orders.close_positions(symbols, timeout_ms=timeout_ms)
        runner.wait(
            lambda: all(map(self._is_over, symbols)),
            timeout_ms=max(0, until_ms - runner.elapsed_ms()),
        )
        net = {trade.symbol: trade.net for trade in self.trades(after_version=before)}
        return tuple(self._closed_report(one, held[one], net.get(one)) for one in symbols)

    def _closed_report(self, symbol: Symbol, held: Qty, net: Money | None) -> CloseReport:
        try:
            left = self._runner.port.position(symbol).qty
            orders = self._orders_of(symbol)
        except VenueError as error:
            _LOG.warning("whether %s is flat could not be read: %s", symbol, error)
            return CloseReport(
                symbol=symbol,
                qty_before=held,
                qty_left=None,
                orders_left=(),
                net=net,
                trouble=str(error),
            )
        is_unknown = left.sign != 0 and self._runner.state.books.position(symbol).is_flat
        return CloseReport(
            symbol=symbol,
            qty_before=held,
            qty_left=left,
            orders_left=orders,
            net=net,
            trouble=_NOT_BOOKED if is_unknown else None,
        )

    def _is_over(self, symbol: Symbol) -> bool:
        books = self._runner.state.books
        return books.position(symbol).is_flat and not books.open_orders(symbol)

    def _orders_of(self, symbol: Symbol) -> tuple[str, ...]:
        """Return the orders of ours that the venue still shows; its own legs end with a position.

        Raises:
            VenueError: it gave no usable answer.

        """
        open_ones = self._runner.port.open_orders(symbol)
        books = self._runner.state.books
        return tuple(str(order.client_id) for order in open_ones if books.is_ours(order.client_id))

    def close_all(self, *, timeout_ms: int = 30_000) -> tuple[CloseReport, ...]:
        """Close every position of the account and every symbol with an order of ours, by symbol.

        All are begun before any is waited for: one that hangs, or cannot be closed, keeps none of
        the others from it. ``timeout_ms`` is for all of them; then the venue is asked of each.

        Raises:
            VenueError: what is held could not be read.
            WriterStopped: nobody decides any more.

        """
        books = self._runner.state.books
        ordered = {order.request.symbol for order in books.orders.values()}
        reports, _ = self._reports()
        held = {report.symbol for report in reports if report.qty.sign != 0}
        symbols = sorted(ordered | held | set(books.positions))
        return self._close(symbols, timeout_ms)


def _sum(amounts: Iterable[Money]) -> Money:
    total = ZERO_MONEY
    for amount in amounts:
        total = total + amount
    return total
