"""The Bybit adapter against its venue over TLS, its certificate issued by a test authority."""

import ssl
from collections.abc import Iterable

import trustme
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.streams.settings import RetryLimits, StreamConfig
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.adapters.v5server.accounts import AccountSpec
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.server import V5Server
from tidegate.contracts.exchange_bench import ExchangeBench
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.ports.clock import ClockPort

from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.domain.samples import BTCUSDT

from .bybit_bench import START, BybitBench, BybitDrive, WatchedVenue

__all__ = ["BybitTlsBench", "TestCa", "TlsServerBench", "bybit_tls"]


class TestCa:
    """A certificate authority that nothing else knows of."""

    __test__ = False

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return what a server shows; its certificate is for ``names``, 127.0.0.1 without any."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts this authority too; all checks are on."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context

    @property
    def pem(self) -> bytes:
        """The certificate of the authority."""
        return self._ca.cert_pem.bytes()


class TlsServerBench(Bench):
    """The server under test with a certificate."""

    def __init__(self, tls: ssl.SSLContext, specs: Iterable[AccountSpec] = ()) -> None:
        super().__init__(specs, instruments=[BTCUSDT])
        self.server = V5Server(self.exchange, tls=tls)


class _TrustingVenue(BybitVenue):
    """Trusts what its class was told to."""

    trust: ssl.SSLContext

    def __init__(
        self,
        *,
        hosts: Hosts,
        credentials: Credentials,
        clock: ClockPort,
        symbols: Iterable[Symbol],
        config: BybitConfig,
    ) -> None:
        super().__init__(
            hosts=hosts,
            credentials=credentials,
            clock=clock,
            symbols=symbols,
            config=config,
            tls=self.trust,
        )


def _watched(hosts: Hosts, trusted: ssl.SSLContext) -> WatchedVenue:
    class TrustingVenue(WatchedVenue, _TrustingVenue):
        trust = trusted

    retry = RetryLimits(pause_ms_min=5, pause_ms_max=20)
    return TrustingVenue(hosts=hosts, config=BybitConfig(streams=StreamConfig(retry=retry)))


class BybitTlsBench(BybitBench):
    """A server and a certificate authority of its own for each case."""

    def __init__(self) -> None:
        ExchangeBench.__init__(self)
        authority = TestCa()
        wallet = Money.of("20000")
        spec = AccountSpec(key=KEY, secret=SECRET, uid=1001, wallet=wallet, level=LimitLevel.PRO1)
        self._server = TlsServerBench(authority.server_context(), [spec])
        self._server.server.start()
        self.control = control = Control(self._server.server.call)
        control.price(BTCUSDT.symbol, START)
        urls = self._server.server
        hosts = Hosts.loopback(
            rest_url=urls.rest_url, ws_url=urls.ws_url, kind=VenueKind.BYBIT_TESTNET
        )
        self.venue = self._venue = _watched(hosts, authority.client_context())
        self._drive = BybitDrive(self._venue, control, self._server)


def bybit_tls() -> ExchangeBench:
    """The adapter over TLS, orders over REST."""
    return BybitTlsBench()
