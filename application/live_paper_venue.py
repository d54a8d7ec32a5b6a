"""The paper venue on a live market: connecting it begins the feed, closing it ends that first."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import attrs
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import Opening, PaperStore, StoreOfAnother
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.ports.exchange import MessageSink
from tidegate.ports.live_market import LiveMarketPort

from .live_feeding import LiveFeeder

__all__ = ["Kept", "LivePaperVenue", "kept_in"]


@attrs.frozen(kw_only=True)
class Kept:
    """What a store that was begun on a live market holds: its opening, and whom it may trade."""

    opening: Opening
    instruments: Mapping[Symbol, Instrument]
    held: frozenset[Symbol]


def kept_in(path: Path) -> Kept | None:
    """Look into a paper venue's store; ``None`` where there is none of a live market.

    Raises:
        StateError: it is in use, damaged or of a newer release.

    """
    if not path.is_file():
        return None
    with closing(PaperStore(path)) as store:
        opening = store.opening()
        if opening is None or not opening.is_live:
            return None
        held = {row.symbol for row in store.positions() if not row.position.is_flat}
        return Kept(
            opening=opening,
            instruments={spec.symbol: spec for spec in store.instruments()},
            held=frozenset(held | {order.symbol for order in store.open_orders()}),
        )


class LivePaperVenue(PaperVenue):
    """A paper venue whose market is ``symbol`` of ``market``, as it happens. Any thread may call.

    ``stream_wait_ms`` is how long connecting waits for the stream, which goes on trying after it;
    ``None`` does without a stream: the market then stands still from the connecting on.
    ``retry_ms`` is how long to wait before a failed query of the market is repeated. The venue owns
    the market and closes it.

    Raises:
        StoreOfAnother: the store was begun with something else, or holds another symbol.

    """

    def __init__(
        self,
        *,
        instruments: Mapping[Symbol, Instrument],
        fees: FeeRates,
        wallet: Money,
        config: PaperConfig,
        store: PaperStore,
        market: LiveMarketPort,
        symbol: Symbol,
        stream_wait_ms: int | None,
        retry_ms: int,
    ) -> None:
        super().__init__(
            instruments=instruments,
            fees=fees,
            wallet=wallet,
            config=config,
            store=store,
            is_live=True,
        )
        self.symbol = symbol
        self._market = market
        self._stream_wait_ms = stream_wait_ms
        self._is_open = False
        self._feeder = LiveFeeder(venue=self, market=market, symbol=symbol, retry_ms=retry_ms)
        try:
            self._refuse_others()
            # It stays in the store, so that what is held can be closed without the market.
            self.set_instrument(instruments[symbol])
        except BaseException:
            self.close()
            raise

    def _refuse_others(self) -> None:
        held = {report.symbol for report in self.positions()}
        others = (held | {order.symbol for order in self.open_orders()}) - {self.symbol}
        if others:
            raise StoreOfAnother(
                f"the paper venue's store holds {', '.join(sorted(others))}, and this session "
                f"trades {self.symbol}: close what is held first, or use another state folder"
            )

    @property
    def failure(self) -> BaseException | None:
        """The fault on which the feed ended, ``None`` where it did not."""
        return self._feeder.failure

    def when_feed_fails(self, act: Callable[[], None]) -> None:
        """Call ``act`` where the feed ends on a fault; it must neither block nor raise."""
        self._feeder.when_over = act

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification; once connected it is the market's own of now.

        Raises:
            QueryFailed: the market could not be asked.

        """
        known = super().instrument(symbol)
        if not self._is_open or symbol != self.symbol:
            return known
        present = self._market.instrument(symbol)
        if present != known:
            self.set_instrument(present)
        return present

    def refresh(self) -> None:
        """Match what the market did since the last price, and take its present prices.

        Raises:
            QueryFailed: the market could not be asked.

        """
        self._feeder.catch_up()

    def connect(self, sink: MessageSink) -> None:
        """Match what was missed, and begin to feed; messages go to ``sink``.

        Where the stream is not up in time it is told as down, and goes on trying.

        Raises:
            QueryFailed: the market could not be asked.

        """
        super().connect(sink)
        if self._is_open:
            return
        self._feeder.catch_up()
        if self._stream_wait_ms is not None:
            self._feeder.begin(sink)
            if self._market.wait_up(self._stream_wait_ms):
                self._feeder.wait_up(self._stream_wait_ms)
        self._is_open = True

    def close(self) -> None:
        """See :meth:`ExchangePort.close`; the feed ends first."""
        self._feeder.stop()
        self._market.close()
        super().close()
