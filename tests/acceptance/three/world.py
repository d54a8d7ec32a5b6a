"""A desk on some venue, and what a market script may do to the venue."""

import enum
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from tidegate.application.desk import Desk
from tidegate.application.lifecycle import Application
from tidegate.domain.core.events import Event
from tidegate.domain.core.state import Books, State
from tidegate.domain.money import Amount, Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import OrderReport, PositionReport
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.exchange import ExchangePort

from tests.domain.samples import BTCUSDT

__all__ = ["BTC", "LIMITS", "START", "WAIT_MS", "World", "plain", "until"]

BTC: Symbol = BTCUSDT.symbol
START = "65000.0"
"""A price at which the fee of 0.010 BTC has four decimals: no venue rounds it."""

WAIT_MS = 15_000
LIMITS = RiskLimits(
    market_age_ms_max=30_000,
    loss_cooldown_ms=0,
    symbol_losses_in_row_max=10_000,
    stops_in_window_max=10_000,
    orders_per_second_max=1_000,
    orders_per_minute_max=100_000,
    orders_per_day_max=1_000_000,
)


def until(holds: Callable[[], bool], what: str, *, seconds: float = 15) -> None:
    """Wait for what another thread does; fails when it does not."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.003)


def plain(value: object) -> str:
    """Return a value as text; an amount without zeros at its end."""
    if isinstance(value, Amount):
        return f"{value.value.normalize():f}"
    return str(value.value if isinstance(value, enum.Enum) else value)


class World(ABC):
    """What a scenario is told in. The desk runs with its own threads on every venue."""

    application: Application
    port: ExchangePort
    reads_all_the_time = False
    """Whether one reading of the account follows the other, so that lanes are never idle."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.notes: list[str] = []

    def note(self, *values: object) -> None:
        """Write down what a query said: it must be the same on every venue."""
        self.notes.append(" ".join(map(plain, values)))

    @property
    @abstractmethod
    def name(self) -> str:
        """Return which venue it is."""

    @property
    def desk(self) -> Desk:
        """Return the public facade."""
        return self.application.desk

    @property
    def state(self) -> State:
        """Return what the desk knows."""
        return self.application._engine.state

    @property
    def books(self) -> Books:
        """Return what the desk has written down."""
        return self.state.books

    # The market

    def price(self, last: str) -> None:
        """Let the market trade at ``last``; return when the desk knows, and all has settled."""
        self.move(Price.of(last))
        until(lambda: self._knows(last), f"the desk knows the price {last}")
        self.settle()

    def _knows(self, last: str) -> bool:
        ticker = self.state.view.tickers.get(BTC)
        return ticker is not None and ticker.last == Price.of(last) == ticker.mark

    @abstractmethod
    def move(self, last: Price) -> None:
        """Let last, mark, bid and ask be at one price, deep enough for everything."""

    @abstractmethod
    def fund(self, rate: str) -> None:
        """Settle funding."""

    @abstractmethod
    def liquidate(self) -> None:
        """Let the venue liquidate the position."""

    # Somebody else at the same account

    @abstractmethod
    def close_by_hand(self) -> None:
        """Close the position in the venue's own app."""

    @abstractmethod
    def foreign_limit(self, side: Side, qty: Qty, price: Price) -> None:
        """Rest an order that the desk knows nothing of."""

    @abstractmethod
    def stop_by_hand(self, price: Price) -> None:
        """Set the position's stop in the venue's own app; zero clears it."""

    # The connection

    @abstractmethod
    def disconnect(self) -> None:
        """Take the streams down until :meth:`reconnect`."""

    @abstractmethod
    def reconnect(self) -> None:
        """Let the streams come up again."""

    @abstractmethod
    def lose_next_answer(self) -> None:
        """Let the next order reach the venue, and its answer be lost."""

    @abstractmethod
    def restart_venue(self) -> None:
        """Let the venue's service restart: streams break, and a query fails meanwhile."""

    # What is there

    @abstractmethod
    def orders(self) -> tuple[OrderReport, ...]:
        """Return the open orders at the venue."""

    @abstractmethod
    def position(self) -> PositionReport:
        """Return the position at the venue."""

    def settle(self) -> None:
        """Return when nothing is under way between desk and venue, and both hold the same."""
        self.flush()
        quiet = 0
        give_up = time.monotonic() + WAIT_MS / 1_000
        while quiet < 3:
            assert time.monotonic() < give_up, f"{self.name} does not settle: {self.books.orders}"
            quiet = quiet + 1 if self._is_quiet() else 0
            time.sleep(0.004)

    def flush(self) -> None:
        """Wait for what the venue still has to tell; in this process it has been told at once."""
        assert self.application.desk is not None

    def _is_quiet(self) -> bool:
        runner = self.application._runner
        if not runner._inbox.empty() or not (runner._lanes.is_idle or self.reads_all_the_time):
            return False
        if self.books.position(BTC).qty != self.position().qty:
            return False
        at_venue = {order.client_id for order in self.orders()} - {None}
        ours = {order_id for order_id, order in self.books.orders.items() if order.is_open}
        return ours <= at_venue and not self.state.view.in_flight

    # The desk

    @abstractmethod
    def begin(self) -> None:
        """Build a desk on the journal that is there, and start it."""

    def halt(self) -> None:
        """Stop the desk; the venue and its market go on."""
        self.application.stop()

    def restart(self) -> None:
        """Stop the desk, and start another one on the same journal."""
        self.halt()
        self.begin()
        self.settle()

    def _start(self, application: Application) -> None:
        self.application = application
        application._engine.listen(lambda event, _: self.events.append(event))
        application.start()

    def close(self) -> None:
        """Stop everything."""
        self.application.stop()
