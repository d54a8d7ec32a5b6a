"""A simulated venue behind Bybit's protocol, wired: server, accounts, paper venues, market data.

The server's library is loaded only when a venue is served.
"""

import contextlib
import queue
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Price, Qty
from tidegate.ports.commands import BadInput
from tidegate.ports.exchange import VenueError
from tidegate.ports.feed import Feed, TradePoint
from tidegate.ports.venue_server import ServedAccount, VenueServerError, VenueServerPort

from .venue_accounts import AccountSettings
from .venue_feeding import Point, due_s, points_of, stamped

if TYPE_CHECKING:
    from tidegate.adapters.v5server.accounts import AccountSpec
    from tidegate.adapters.v5server.exchange import Exchange
    from tidegate.adapters.v5server.server import V5Server

__all__ = ["ServedVenue", "VenueServerSettings", "require_server_library"]

_TRADE_EVERY_S = 1
_PLENTY = Qty.of(1_000)
_JOIN_S = 30


@attrs.frozen(kw_only=True)
class VenueServerSettings:
    """What is served, and where.

    ``price`` is where the market stands until data or the control moves it. ``speed`` is how fast
    ``feed`` is told, 1 as recorded and 0 as fast as can be. Port 0 takes any free one. Without a
    ``folder`` the accounts' stores are temporary.
    """

    instrument: Instrument
    fees: FeeRates
    accounts: tuple[AccountSettings, ...]
    paper: PaperConfig
    price: Price
    feed: Feed | None = None
    speed: Decimal = Decimal(1)
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    folder: Path | None = None


def require_server_library() -> None:
    """Raise :class:`BadInput`, saying how to install it, where the server's library is missing.

    Raises:
        BadInput: it is not installed; the text says how to install it.

    """
    try:
        import aiohttp  # noqa: F401, PLC0415  (an extra, and slow to import)
    except ImportError:
        raise BadInput(
            ["a served venue needs aiohttp, which is not installed: pip install 'tidegate[venue]'"]
        ) from None


class ServedVenue(VenueServerPort):
    """One server with one market, driven by one feed at most.

    Raises:
        BadInput: the server's library is not installed.

    """

    def __init__(self, settings: VenueServerSettings) -> None:
        require_server_library()
        self._settings = settings
        self._undo = contextlib.ExitStack()
        self._folder = settings.folder
        self._server: V5Server | None = None
        # A queue that a signal handler may use: an event's lock could be held by the very thread
        # that the signal interrupts.
        self._asked: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._is_ending = threading.Event()
        self._traded = _PLENTY

    @property
    def title(self) -> str:
        """See :meth:`VenueServerPort.title`."""
        feed, symbol = self._settings.feed, self._settings.instrument.symbol
        if feed is None:
            return f"{symbol} at {self._settings.price}"
        return f"{symbol}, {len(feed):,} items of market data"

    @property
    def accounts(self) -> tuple[ServedAccount, ...]:
        """See :meth:`VenueServerPort.accounts`."""
        return tuple(
            ServedAccount(key=spec.key, secret=spec.secret, wallet=spec.wallet)
            for spec in self._settings.accounts
        )

    @property
    def rest_url(self) -> str:
        """See :meth:`VenueServerPort.rest_url`."""
        return self._started().rest_url

    @property
    def ws_url(self) -> str:
        """See :meth:`VenueServerPort.ws_url`."""
        return self._started().ws_url

    def _started(self) -> "V5Server":
        if self._server is None:
            raise VenueServerError("the venue has no address: it was not started")
        return self._server

    def start(self) -> None:
        """See :meth:`VenueServerPort.start`."""
        from tidegate.adapters.v5server.server import ServerError, V5Server  # noqa: PLC0415

        settings = self._settings
        if self._folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="tidegate-venue-")
            self._folder = Path(self._undo.enter_context(temporary))
        try:
            server = V5Server(
                self._exchange,
                host=settings.host,
                port=settings.port,
                tls=_tls(settings),
                allow_remote=settings.allow_remote,
            )
            server.start()
        except ServerError as error:
            self._undo.close()
            raise VenueServerError(str(error)) from error
        self._server = server
        self._undo.callback(server.stop)
        server.call(self._open_market)
        thread = threading.Thread(target=self._drive, name="venue-feed", daemon=True)
        thread.start()
        self._undo.callback(thread.join, _JOIN_S)
        self._undo.callback(self._is_ending.set)

    def run(self) -> None:
        """See :meth:`VenueServerPort.run`."""
        fault = self._asked.get()
        if fault is not None:
            raise fault

    def stop(self) -> None:
        """See :meth:`VenueServerPort.stop`."""
        self._asked.put(None)

    def close(self) -> None:
        """See :meth:`VenueServerPort.close`."""
        self._undo.close()

    # What is served

    def _exchange(self) -> "Exchange":
        from tidegate.adapters.v5server.accounts import Accounts  # noqa: PLC0415
        from tidegate.adapters.v5server.clock import ServerClock  # noqa: PLC0415
        from tidegate.adapters.v5server.exchange import Exchange  # noqa: PLC0415
        from tidegate.adapters.v5server.faults import Faults  # noqa: PLC0415
        from tidegate.adapters.v5server.market import Market  # noqa: PLC0415
        from tidegate.adapters.v5server.pushes import PushPlan  # noqa: PLC0415

        spec, clock = self._settings.instrument, ServerClock()
        specs = [_account_spec(account) for account in self._settings.accounts]
        return Exchange(
            accounts=Accounts(specs, self._venue),
            symbols=(spec.symbol,),
            clock=clock,
            market=Market({spec.symbol: spec}, clock.now_ms),
            faults=Faults(),
            pushes=PushPlan(),
        )

    def _venue(self, spec: "AccountSpec") -> PaperVenue:
        assert self._folder is not None, "the folder is made before the server starts"
        settings = self._settings
        self._folder.mkdir(parents=True, exist_ok=True)
        return PaperVenue(
            instruments={settings.instrument.symbol: settings.instrument},
            fees=settings.fees,
            wallet=spec.wallet,
            config=settings.paper,
            store=PaperStore(self._folder / f"account-{spec.uid}.sqlite"),
        )

    # Its market

    def _open_market(self, exchange: "Exchange") -> None:
        """Give the market its first price; a stored venue goes on from its own."""
        symbol = self._settings.instrument.symbol
        try:
            price = exchange.accounts.first.venue.ticker(symbol).last
        except VenueError:
            price = self._settings.price
        self._trade(exchange, price)

    def _trade_again(self, exchange: "Exchange") -> None:
        """Trade at the last price once more, so that prices stay fresh while nothing moves."""
        symbol = self._settings.instrument.symbol
        self._trade(exchange, exchange.accounts.first.venue.ticker(symbol).last)

    def _trade(self, exchange: "Exchange", price: Price) -> None:
        symbol, now_ms = self._settings.instrument.symbol, exchange.clock.now_ms()
        trade = TradePoint(symbol=symbol, time_ms=now_ms, price=price, qty=self._traded)
        exchange.feed(trade)

    def _drive(self) -> None:
        """Tell the feed at its pace, and the last trade again once a second in between."""
        try:
            for point, wait_until_s in self._paced():
                if not self._pause_until(wait_until_s):
                    return
                if isinstance(point, TradePoint):
                    self._traded = point.qty
                self._started().call(_telling(point))
            self._pause_until(None)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits in run
            self._asked.put(error)

    def _paced(self) -> Iterator[tuple[Point, float]]:
        feed, speed = self._settings.feed, self._settings.speed
        if feed is None:
            return
        begun_s, first_ms = time.monotonic(), None
        for point in points_of(feed, self._settings.instrument):
            first_ms = point.time_ms if first_ms is None else first_ms
            yield point, begun_s + float(due_s(first_ms, point.time_ms, speed))

    def _pause_until(self, at_s: float | None) -> bool:
        """Wait, keeping the prices fresh; returns whether it goes on after that."""
        while True:
            left_s = _TRADE_EVERY_S if at_s is None else at_s - time.monotonic()
            if self._is_ending.wait(max(0, min(left_s, _TRADE_EVERY_S))):
                return False
            if at_s is not None and time.monotonic() >= at_s:
                return True
            self._started().call(self._trade_again)


def _telling(point: Point) -> "Callable[[Exchange], None]":
    def tell(exchange: "Exchange") -> None:
        exchange.feed(stamped(point, exchange.clock.now_ms()))

    return tell


def _account_spec(account: AccountSettings) -> "AccountSpec":
    from tidegate.adapters.v5server.accounts import AccountSpec  # noqa: PLC0415

    wallet = (("Wallet", ("Withdraw",)),) if account.may_withdraw else ()
    return AccountSpec(
        key=account.key,
        secret=account.secret,
        uid=account.uid,
        wallet=account.wallet,
        permissions=(("ContractTrade", account.permissions), *wallet),
        is_read_only=account.read_only,
        ips=account.ips,
        is_demo=account.is_demo,
    )


def _tls(settings: VenueServerSettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise VenueServerError(
            f"certificate {settings.tls_cert}, key {settings.tls_key}: {error}; accepted: PEM files"
        ) from error
    return context
