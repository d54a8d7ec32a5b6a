"""The server under test on paper venues, and a client that signs by its own arithmetic.

The client knows nothing of the server's code: it builds the text to sign and the signature itself.
"""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, cast
from urllib.parse import urlsplit

from tidegate.adapters.paper import PaperConfig, PaperStore, PaperVenue
from tidegate.adapters.v5server.accounts import Accounts, AccountSpec
from tidegate.adapters.v5server.clock import ServerClock, wall_ms
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.faults import Faults
from tidegate.adapters.v5server.market import Market
from tidegate.adapters.v5server.pushes import PushPlan
from tidegate.adapters.v5server.server import V5Server
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ONE, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, TradePoint

from tests.domain.samples import BTCUSDT, COARSE, FEES

__all__ = [
    "KEY",
    "PLENTY",
    "SECRET",
    "Answered",
    "Bench",
    "Client",
    "Json",
    "account_spec",
]

Json = dict[str, object]

KEY, SECRET = "the-key", "the-secret"
PLENTY = Qty.of("1000000")
PLAIN = PaperConfig(spread_ticks=0, slippage=ZERO_RATE, participation=ONE)


def account_spec(
    key: str = KEY, secret: str = SECRET, uid: int = 1001, wallet: str = "100000"
) -> AccountSpec:
    """An account as most tests want it."""
    return AccountSpec(key=key, secret=secret, uid=uid, wallet=Money.of(wallet))


@dataclass(frozen=True)
class Answered:
    """What came back: status, headers, the raw text, and the envelope if it was JSON."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        return cast(Json, json.loads(self.text))

    @property
    def code(self) -> int:
        return cast(int, self.body["retCode"])

    @property
    def message(self) -> str:
        return cast(str, self.body["retMsg"])

    @property
    def result(self) -> Json:
        return cast(Json, self.body["result"])

    @property
    def rows(self) -> list[Json]:
        return cast(list[Json], self.result["list"])

    @property
    def ext(self) -> list[Json]:
        return cast(list[Json], cast(Json, self.body["retExtInfo"])["list"])


@dataclass
class Client:
    """One key at one server. ``now_ms`` is the client's clock."""

    base: str
    key: str = KEY
    secret: str = SECRET
    now_ms: Callable[[], int] = field(default=lambda: int(time.time() * 1000))
    recv_window: str = "5000"

    def headers(self, payload: str) -> dict[str, str]:
        stamp = str(self.now_ms())
        text = f"{stamp}{self.key}{self.recv_window}{payload}"
        sign = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-SIGN": sign,
            "X-BAPI-RECV-WINDOW": self.recv_window,
        }

    def get(self, path: str, query: str = "", *, signed: bool = True) -> Answered:
        headers = self.headers(query) if signed else {}
        return self.send("GET", f"{path}?{query}" if query else path, headers=headers)

    def post(self, path: str, **body: object) -> Answered:
        text = json.dumps(body)
        headers = {**self.headers(text), "Content-Type": "application/json"}
        return self.send("POST", path, headers=headers, body=text)

    def send(
        self, method: str, target: str, *, headers: Mapping[str, str], body: str | None = None
    ) -> Answered:
        parts = urlsplit(self.base)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            connection.request(method, target, body=body, headers=dict(headers))
            response = connection.getresponse()
            text = response.read().decode()
            return Answered(response.status, dict(response.getheaders()), text)
        finally:
            connection.close()


def _frozen() -> Callable[[], int]:
    """A wall clock that stands: time passes by ``advance`` alone."""
    now_ms = wall_ms()
    return lambda: now_ms


class Bench:
    """A running server with BTCUSDT and COARSEUSDT, and short ways to say what a test means."""

    def __init__(
        self,
        specs: Iterable[AccountSpec] = (),
        *,
        config: PaperConfig = PLAIN,
        instruments: Iterable[Instrument] = (BTCUSDT, COARSE),
        ack_delay_ms: int = 0,
        path: str = ":memory:",
        has_frozen_clock: bool = False,
        peer_requests_max: int | None = None,
    ) -> None:
        self.specs = tuple(specs) or (account_spec(),)
        self.config = config
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.ack_delay_ms = ack_delay_ms
        self.path = path
        self.peer_requests_max = peer_requests_max
        self.wall: Callable[[], int] = _frozen() if has_frozen_clock else wall_ms
        self.server = V5Server(self.exchange)

    def exchange(self) -> Exchange:
        """Make the exchange, on the server's loop."""
        clock = ServerClock(self.wall)
        return Exchange(
            accounts=Accounts(self.specs, self._venue),
            symbols=self.instruments,
            clock=clock,
            market=Market(self.instruments, clock.now_ms),
            faults=Faults(),
            pushes=PushPlan(ack_delay_ms=self.ack_delay_ms),
            peer_requests_max=self.peer_requests_max,
        )

    def _venue(self, spec: AccountSpec) -> PaperVenue:
        return PaperVenue(
            instruments=self.instruments,
            fees=FEES,
            wallet=spec.wallet,
            config=self.config,
            store=PaperStore(self.path),
        )

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def client(self, spec: AccountSpec | None = None) -> Client:
        """A client of an account, of the first one by default; its clock is the server's."""
        spec = self.specs[0] if spec is None else spec
        return Client(self.server.rest_url, spec.key, spec.secret, now_ms=self.now_ms)

    def now_ms(self) -> int:
        return self.server.call(lambda exchange: exchange.clock.now_ms())

    def advance(self, ms: int) -> None:
        def act(exchange: Exchange) -> None:
            exchange.clock.advance(ms)
            exchange.settle_time()

        self.server.call(act)

    def feed(self, *items: FeedItem) -> None:
        def act(exchange: Exchange) -> None:
            for item in items:
                exchange.feed(item)

        self.server.call(act)

    def price(
        self,
        last: str,
        *,
        mark: str | None = None,
        size: Qty = PLENTY,
        instrument: Instrument = BTCUSDT,
    ) -> None:
        """Let the mark and then the last price be so, with ``size`` on offer on each side."""
        symbol, now_ms = instrument.symbol, self.now_ms()
        self.feed(
            MarkPoint(symbol=symbol, time_ms=now_ms, mark=Price.of(mark or last)),
            TradePoint(symbol=symbol, time_ms=now_ms, price=Price.of(last), qty=size),
        )

    def index(self, index: str) -> None:
        """Let the index of BTCUSDT, which was its mark, be so in every venue."""

        def act(exchange: Exchange) -> None:
            for account in exchange.accounts:
                account.venue.set_index(BTCUSDT.symbol, Price.of(index))

        self.server.call(act)

    def funding(self, rate: str) -> None:
        """Settle a funding rate now."""
        point = FundingPoint(symbol=BTCUSDT.symbol, time_ms=self.now_ms(), rate=Rate.of(rate))
        self.feed(point)
