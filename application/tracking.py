"""Tracking a symbol: the core knows its specification, fees and prices before anything is sent."""

import logging

from tidegate.domain.core import inputs as given
from tidegate.domain.orders import Symbol
from tidegate.ports.exchange import VenueError

from .runner import Runner
from .specs import SpecCache

__all__ = ["SymbolTracker"]

_LOG = logging.getLogger(__name__)


class SymbolTracker:
    """Sees to it that the core knows a symbol, as fresh as the cache keeps it. From any thread."""

    def __init__(self, runner: Runner, specs: SpecCache | None = None) -> None:
        self._runner = runner
        self._specs = specs or SpecCache(runner.port.instrument, runner.engine.clock)

    def track(self, symbol: Symbol) -> VenueError | None:
        """Load what is missing or old; returns why it could not be, ``None`` when all is known.

        What the venue cannot tell stays unknown, so that the core refuses what needs it.
        """
        runner = self._runner
        try:
            for name in sorted({symbol, *self._traded_elsewhere()}):
                self._load(name)
            held = runner.state.books.positions
            for old in sorted(filter(self._is_price_old, {symbol, *held})):
                runner.deliver(runner.port.ticker(old))
        except VenueError as error:
            _LOG.warning("specification and prices of %s: %s", symbol, error)
            return error
        return None

    def _load(self, symbol: Symbol) -> None:
        runner, spec = self._runner, self._specs.get(symbol)
        view = runner.state.view
        if view.instruments.get(symbol) != spec or symbol not in view.fees:
            fees = runner.fee_rates(symbol)
            runner.deliver(given.SpecsLoaded(instrument=spec, fees=fees))

    def _traded_elsewhere(self) -> set[Symbol]:
        """Return the symbols that other processes trade: their entries count in the rules too."""
        if not self._runner.engine.config.is_shared:
            return set()
        books, known = self._runner.state.books, self._runner.state.view.fees
        used = {order.request.symbol for order in books.orders.values()} | set(books.positions)
        return used - set(known)

    def _is_price_old(self, symbol: Symbol) -> bool:
        """Tell whether a signal could be refused for the age of a price; without streams it is."""
        ticker, engine = self._runner.state.view.tickers.get(symbol), self._runner.engine
        if ticker is None:
            return True
        age_ms = engine.clock.now_ms() - ticker.time_ms
        return age_ms > engine.config.limits.market_age_ms_max // 2
