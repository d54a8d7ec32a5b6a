"""Where the venue is: one set of addresses for each environment, and what may claim to be it.

Hosts are those of the Bybit V5 documentation ("Integration guidance" and "Connect"). Demo trading
has its own REST and private stream, shares the public stream of the main net, and has no order
entry by stream ("Demo trading service").
"""

import enum
import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import attrs
from tidegate.domain.mode import VenueKind

__all__ = ["Hosts", "Region", "kind_of_host"]

_PUBLIC_PATH = "/v5/public/linear"
_PRIVATE_PATH = "/v5/private"
_TRADE_PATH = "/v5/trade"


class Region(enum.Enum):
    """Main-net sites; the value is the domain. An account belongs to exactly one."""

    GLOBAL = "bybit.com"
    GLOBAL_ALTERNATIVE = "bytick.com"
    NETHERLANDS = "bybit.nl"
    KAZAKHSTAN = "bybit.kz"
    EMIRATES = "bybit.ae"
    EUROPE = "bybit.eu"
    INDONESIA = "bybit.id"
    TURKEY = "bybit-tr.com"
    GEORGIA = "bybitgeorgia.ge"
    JAPAN = "manepa.jp"


_OWN_STREAMS = frozenset(
    {Region.KAZAKHSTAN, Region.INDONESIA, Region.TURKEY, Region.GEORGIA, Region.JAPAN}
)
_TESTNET_LABELS = frozenset({"api-testnet", "stream-testnet"})
_DEMO_LABELS = frozenset({"api-demo", "stream-demo"})

_KIND_OF_LABEL: Mapping[str, VenueKind] = MappingProxyType(
    dict.fromkeys(_TESTNET_LABELS, VenueKind.BYBIT_TESTNET)
    | dict.fromkeys(_DEMO_LABELS, VenueKind.BYBIT_DEMO)
)

BYBIT_KINDS = frozenset({VenueKind.BYBIT_MAINNET, VenueKind.BYBIT_TESTNET, VenueKind.BYBIT_DEMO})


def kind_of_host(host: str) -> VenueKind | None:
    """Return the environment that a host name belongs to; ``None`` for one that is not Bybit's.

    Every other label below a Bybit domain counts as the main net, market makers' private names
    included: the strictest reading.
    """
    label, _, domain = host.lower().partition(".")
    if not any(domain == region.value or domain.endswith("." + region.value) for region in Region):
        return None
    if "testnet" in label and "demo" in label:
        return None
    return _KIND_OF_LABEL.get(label, VenueKind.BYBIT_MAINNET)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@attrs.frozen(kw_only=True)
class Hosts:
    """The addresses that an adapter talks to, and the environment that they are.

    ``rest_url`` has no path; the stream addresses are complete. ``orders_url`` and ``safety_url``
    replace ``rest_url`` for entries and for cancels, closes and stops (market makers' gateways).
    Construction refuses an address that does not belong to ``kind``. A loopback address belongs to
    no environment, so it is taken only with ``is_loopback``, as :meth:`loopback` sets it, and then
    every address must be one.

    Raises:
        ValueError: a kind that is not Bybit's, an address that is not accepted there, or a trade
            stream on demo.

    """

    kind: VenueKind
    rest_url: str
    public_url: str
    private_url: str
    trade_url: str | None = None
    orders_url: str | None = None
    safety_url: str | None = None
    is_loopback: bool = False

    def __attrs_post_init__(self) -> None:
        if self.kind not in BYBIT_KINDS:
            accepted = ", ".join(sorted(kind.value for kind in BYBIT_KINDS))
            raise ValueError(f"venue kind {self.kind.value!r}: accepted are {accepted}")
        for name in ("rest_url", "orders_url", "safety_url"):
            self._check(name, ("https",))
        for name in ("public_url", "private_url", "trade_url"):
            self._check(name, ("wss",))
        if self.kind is VenueKind.BYBIT_DEMO and not self.is_loopback and self.trade_url:
            raise ValueError(f"trade_url is {self.trade_url!r}: the demo venue has no trade stream")

    def _check(self, name: str, schemes: tuple[str, ...]) -> None:
        url: str | None = getattr(self, name)
        if url is None:
            return
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self.is_loopback:
            schemes = (*schemes, *(scheme.removesuffix("s") for scheme in schemes))
        if parts.scheme not in schemes or not host or parts.username is not None:
            raise ValueError(
                f"{name} is {url!r}: accepted are addresses that begin with "
                f"{' or '.join(f'{scheme}://' for scheme in schemes)} and hold no user name"
            )
        if _is_loopback(host) is not self.is_loopback:
            raise ValueError(
                f"{name} is {url!r}: a loopback address is accepted by Hosts.loopback only, and "
                "nothing else is accepted there"
            )
        if not self.is_loopback:
            self._belongs(name, url, host)

    def _belongs(self, name: str, url: str, host: str) -> None:
        expected = self.kind
        if name == "public_url" and self.kind is VenueKind.BYBIT_DEMO:
            expected = VenueKind.BYBIT_MAINNET
        found = kind_of_host(host)
        if found is not expected:
            says = "no host of Bybit's" if found is None else f"a host of {found.value}"
            raise ValueError(f"{name} is {url!r}, {says}; {self.kind.value} needs {expected.value}")

    @classmethod
    def mainnet(cls, region: Region = Region.GLOBAL) -> Self:
        """Return the main net of one region."""
        streams = region if region in _OWN_STREAMS else Region.GLOBAL
        return cls(
            kind=VenueKind.BYBIT_MAINNET,
            rest_url=f"https://api.{region.value}",
            public_url=f"wss://stream.{streams.value}{_PUBLIC_PATH}",
            private_url=f"wss://stream.{streams.value}{_PRIVATE_PATH}",
            trade_url=f"wss://stream.{streams.value}{_TRADE_PATH}",
        )

    @classmethod
    def testnet(cls) -> Self:
        """Return the test net."""
        return cls(
            kind=VenueKind.BYBIT_TESTNET,
            rest_url="https://api-testnet.bybit.com",
            public_url=f"wss://stream-testnet.bybit.com{_PUBLIC_PATH}",
            private_url=f"wss://stream-testnet.bybit.com{_PRIVATE_PATH}",
            trade_url=f"wss://stream-testnet.bybit.com{_TRADE_PATH}",
        )

    @classmethod
    def demo(cls) -> Self:
        """Return the demo venue: main-net prices, play money, no order entry by stream."""
        return cls(
            kind=VenueKind.BYBIT_DEMO,
            rest_url="https://api-demo.bybit.com",
            public_url=f"wss://stream.bybit.com{_PUBLIC_PATH}",
            private_url=f"wss://stream-demo.bybit.com{_PRIVATE_PATH}",
        )

    @classmethod
    def loopback(cls, *, rest_url: str, ws_url: str, kind: VenueKind) -> Self:
        """Return a venue on this machine that plays ``kind``; ``ws_url`` has no path."""
        has_trade = kind is not VenueKind.BYBIT_DEMO
        return cls(
            kind=kind,
            rest_url=rest_url,
            public_url=f"{ws_url}{_PUBLIC_PATH}",
            private_url=f"{ws_url}{_PRIVATE_PATH}",
            trade_url=f"{ws_url}{_TRADE_PATH}" if has_trade else None,
            is_loopback=True,
        )
