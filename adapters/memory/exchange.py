"""The scripted venue: an exchange in memory that refuses, delays, loses and breaks on command."""

from collections.abc import Mapping

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import (
    ClientId,
    Symbol,
    VenueOrderId,
)
from tidegate.domain.reports import (
    AccountReport,
    OrderReport,
    PositionReport,
    Ticker,
)
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Capability,
    Done,
    MessageSink,
    PositionStop,
    Rejected,
    Unknown,
)

from . import requests
from .account import MemoryAccount
from .books import Books
from .clock import StandingClock
from .margins import account_report, position_report
from .market import MemoryMarket
from .options import MemoryOptions, RequestKind
from .ordering import MemoryOrders
from .script import Script
from .turn import Shared

__all__ = ["MemoryVenue"]


class MemoryVenue(MemoryOrders, MemoryMarket, MemoryAccount):
    """A small honest venue without a market: prices and faults come from :attr:`script`.

    Orders, positions, attached and position stops, leverage, fees, funding and history behave as on
    Bybit V5 (one-way mode), and requests are refused with its codes. Amounts are exact and not
    rounded. One lock guards everything, so any thread may call; messages reach the sink after the
    change that they tell of, before the call returns. The same calls give the same ids, times and
    messages. ``clock`` is the venue's clock; without one, time stands at ``options.start_ms`` until
    the script advances it.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[Symbol, Instrument],
        fees: FeeRates,
        wallet: Money,
        options: MemoryOptions | None = None,
        clock: ClockPort | None = None,
    ) -> None:
        options = MemoryOptions() if options is None else options
        books = Books(
            instruments=dict(instruments),
            fees=fees,
            wallet=wallet,
            options=options,
            clock=StandingClock(options.start_ms) if clock is None else clock,
        )
        super().__init__(Shared(books), options)
        self._script = Script(self._shared)

    @property
    def script(self) -> Script:
        """What makes the venue move, fill and fail."""
        return self._script

    def now_ms(self) -> int:
        """Return the venue's time, UTC milliseconds."""
        with self._shared.turn() as books:
            return books.now_ms()

    @property
    def kind(self) -> VenueKind:
        """Return ``MEMORY``."""
        return VenueKind.MEMORY

    def connect(self, sink: MessageSink) -> None:
        """Deliver every later message to ``sink``, and the state of the stream at once.

        Outcomes and errors: see :meth:`ExchangePort.connect`.
        """
        self._capabilities.require(Capability.STREAM)
        with self._shared.turn() as books:
            self._shared.delivery.connect(sink, books.now_ms())

    def close(self) -> None:
        """Deliver nothing more. The venue goes on, and may be connected to again."""
        with self._shared.turn():
            self._shared.delivery.close()

    # Queries

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``."""
        return self._ask("instrument", lambda books: books.instrument(symbol))

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the fee rates, the same for every symbol.

        Outcomes and errors: see :meth:`ExchangePort.fee_rates`.
        """
        self._capabilities.require(Capability.FEE_RATES)
        return self._ask("fee_rates", lambda books: books.fee_rates(symbol))

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the scripted prices."""
        return self._ask("ticker", lambda books: books.ticker(symbol))

    def account(self) -> AccountReport:
        """Return balances and margin."""
        return self._ask("account", account_report)

    def position(self, symbol: Symbol) -> PositionReport:
        """Return the position of ``symbol``; the script must have given it a price."""
        return self._ask("position", lambda books: position_report(books, symbol))

    def positions(self) -> tuple[PositionReport, ...]:
        """Return every position that is not flat."""
        return self._ask(
            "positions",
            lambda books: tuple(
                position_report(books, symbol)
                for symbol, held in books.folded.items()
                if not held.is_flat
            ),
        )

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every order that is not finished, the venue's own included, oldest first."""
        return self._ask("open_orders", lambda books: tuple(books.live(symbol)))

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        """Return one order by its venue id, finished or not, the venue's own included."""

        def read(books: Books) -> OrderReport | None:
            order = books.orders.get(venue_id)
            return order if order is not None and order.symbol == symbol else None

        return self._ask("find_by_venue_id", read)

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Return one order, finished or not; ``None`` when it never arrived."""

        def read(books: Books) -> OrderReport | None:
            order = books.find(client_id)
            return order if order is not None and order.symbol == symbol else None

        return self._ask("find_order", read)

    # Settings

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        """Set, move or clear the protection of an open position.

        Outcomes and errors: see :meth:`ExchangePort.set_position_stop`.
        """
        self._capabilities.require(Capability.POSITION_STOP)
        if stop.trailing_distance is not None:
            self._capabilities.require(Capability.TRAILING_STOP)
        return self._request(
            RequestKind.POSITION_STOP, lambda books: requests.set_position_stop(books, stop)
        )

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        """Set the leverage of ``symbol``.

        Outcomes and errors: see :meth:`ExchangePort.set_leverage`.
        """
        self._capabilities.require(Capability.LEVERAGE)
        return self._request(
            RequestKind.LEVERAGE, lambda books: requests.set_leverage(books, symbol, leverage)
        )
