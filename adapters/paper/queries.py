"""What can be asked of the paper venue, by the desk and by a wire in front of it."""

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Rate
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    Ticker,
)
from tidegate.ports.exchange import History, TimeRange
from tidegate.ports.venue import WireOrder

from .account import report_account, report_position
from .market_queries import MarketOfPaper
from .transactions import Transactions

__all__ = ["PaperQueries"]


class PaperQueries(MarketOfPaper):
    """The queries of the port. Each sees the world as it is between two transactions."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``.

        Outcomes and errors: see :meth:`ExchangePort.instrument`.
        """
        return self._transactions.instrument(symbol)

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the fee rates, the same for every symbol.

        Outcomes and errors: see :meth:`ExchangePort.fee_rates`.
        """
        self._transactions.instrument(symbol)
        return self._transactions.world.fees

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the prices; :class:`QueryFailed` before the first market data of ``symbol``.

        Outcomes and errors: see :meth:`ExchangePort.ticker`.
        """
        with self._transactions.reading_priced(symbol) as world:
            return world.book(symbol).ticker()

    def account(self) -> AccountReport:
        """Return balances and margin."""
        with self._transactions.reading() as world:
            return report_account(world)

    def position(self, symbol: Symbol) -> PositionReport:
        """Return the position; :class:`QueryFailed` before the first market data of ``symbol``.

        Outcomes and errors: see :meth:`ExchangePort.position`.
        """
        with self._transactions.reading_priced(symbol) as world:
            return report_position(world, symbol)

    def positions(self) -> tuple[PositionReport, ...]:
        """Return every position that is not flat, by symbol."""
        with self._transactions.reading() as world:
            return tuple(
                report_position(world, symbol)
                for symbol, held in sorted(world.state.positions.items())
                if not held.position.is_flat
            )

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every unfinished order, oldest first; protection of positions included."""
        with self._transactions.reading() as world:
            return tuple(
                order.report()
                for order in world.state.orders.values()
                if symbol is None or order.symbol == symbol
            )

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Return one order, unfinished or not; ``None`` when it never arrived here."""
        with self._transactions.reading():
            order = self._transactions.find(client_id)
            return order.report() if order is not None and order.symbol == symbol else None

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        """Return one order by its venue id, unfinished or not, the venue's own included."""
        found = self.wire_order(venue_id)
        return found.report if found is not None and found.report.symbol == symbol else None

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return orders last updated within the range; the venue keeps them for ever."""
        with self._transactions.reading():
            orders = self._transactions.store.orders_within(symbol, within)
            return History(rows=tuple(order.report() for order in orders), covers=within)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range; the venue keeps them for ever."""
        with self._transactions.reading():
            rows = self._transactions.store.executions_within(symbol, within)
            return History(rows=tuple(rows), covers=within)

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range; the venue keeps them for ever."""
        with self._transactions.reading():
            return History(
                rows=tuple(self._transactions.store.payments_within(symbol, within)), covers=within
            )

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """Return the profit of closing orders last updated within the range, kept for ever."""
        with self._transactions.reading():
            rows = self._transactions.store.closings_within(symbol, within)
            return History(rows=tuple(row.shown() for row in rows), covers=within)

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """Return changes of the wallet within the range; the venue keeps them for ever."""
        with self._transactions.reading():
            rows = self._transactions.store.changes_within(within)
            return History(rows=tuple(rows), covers=within)

    def wire_order(self, venue_id: VenueOrderId) -> WireOrder | None:
        """Return one order as a wire shows it, unfinished or not."""
        with self._transactions.reading() as world:
            unfinished = world.state.by_venue_id(venue_id)
            order = unfinished or self._transactions.store.order_of_venue(venue_id)
            return None if order is None else order.wire()

    def leverage(self, symbol: Symbol) -> Rate:
        """Return the leverage of ``symbol``, also before any market data.

        Raises:
            QueryFailed: the symbol is not traded here, or the venue was closed.

        """
        with self._transactions.reading() as world:
            self._transactions.instrument(symbol)
            return world.held(symbol).leverage

    def auto_add_margin(self, symbol: Symbol) -> bool:
        """Tell whether margin is added before a liquidation of ``symbol``.

        Raises:
            QueryFailed: the symbol is not traded here, or the venue was closed.

        """
        with self._transactions.reading() as world:
            self._transactions.instrument(symbol)
            return world.held(symbol).auto_add_margin
