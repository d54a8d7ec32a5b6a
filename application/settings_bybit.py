"""Settings of the connection to Bybit. Keys are not among them: see the environment's variables."""

import enum
import ipaddress
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import attrs
from tidegate.domain.money import Money

__all__ = ["BybitSettings", "OrderEntry", "PaperMarket", "Region", "is_loopback"]

_DISCONNECT_S_MIN = 3
"""The shortest window of the venue's cancel on disconnect (Bybit V5, disconnected-cancel-all)."""


class Region(enum.Enum):
    """Which of Bybit's main net sites is used, by its domain; an account belongs to one of them."""

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


class PaperMarket(enum.Enum):
    """Whose public market live paper trading goes by."""

    MAINNET = "mainnet"
    TESTNET = "testnet"


class OrderEntry(enum.Enum):
    """How orders are sent."""

    REST = "rest"
    STREAM = "stream"


def is_loopback(url: str) -> bool:
    """Tell whether the host of a URL is a literal address of this machine, not a name."""
    try:
        host = urlsplit(url).hostname
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _loopback_url(*schemes: str) -> Callable[..., None]:
    def check(_: object, attribute: "attrs.Attribute[str | None]", url: str) -> None:
        if urlsplit(url).scheme not in schemes or not is_loopback(url):
            raise ValueError(
                f"{attribute.name} is {url!r}; accepted: {' or '.join(schemes)} and a loopback "
                f"address, such as {schemes[0]}://127.0.0.1:8080; Bybit's own hosts follow from "
                "mode and bybit.region"
            )

    return attrs.validators.optional(check)


@attrs.frozen(kw_only=True)
class BybitSettings:
    """The connection to Bybit. Times are milliseconds unless the name says otherwise.

    Raises:
        ValueError: values that do not go together; the text says which, and what is accepted.

    """

    region: Region = Region.GLOBAL
    """Which main net site the account belongs to; test net and demo have one host each."""
    paper_market: PaperMarket = PaperMarket.MAINNET
    """Whose public market ``tidegate run --mode paper`` goes by; it needs no key for either."""
    recv_window_ms: int = 5_000
    """How long after its time stamp the venue still takes a request. A window does not help a clock
    that is ahead."""
    connect_timeout_ms: int = 2_000
    """How long a connection may take to be made."""
    order_timeout_ms: int = 5_000
    """How long an order, a cancel or a stop may stay without an answer before its outcome counts as
    unknown."""
    query_timeout_ms: int = 10_000
    """How long a query may stay without an answer."""
    history_lag_ms: int = 3_000
    """How far the venue's history may lag behind; part of when "not found" is believed."""
    clock_offset_ms_max: int = 500
    """How far this machine's clock may be from the venue's when a desk starts. The venue refuses a
    clock that is 1,000 ms ahead."""
    order_entry: OrderEntry = OrderEntry.REST
    """Orders over REST or over the venue's order stream; the stream does not exist in demo mode."""
    streams: bool = True
    """Whether private and public streams are opened. Without them everything works over REST."""
    stream_start_ms: int = 10_000
    """How long the streams may take to be up when a desk starts."""
    ping_interval_ms: int = 20_000
    """How often a ping is sent on each stream; the venue cuts a silent one after 10 minutes."""
    pong_wait_ms: int = 5_000
    """How long the answer to a ping may take before the stream counts as dead."""
    public_silence_ms_max: int = 60_000
    """How long the public stream may push nothing before it is replaced."""
    price_age_ms_max: int = 5_000
    """How old a price of the stream may be and still count as fresh."""
    poll_up_ms: int = 60_000
    """How often the account's activity is read over REST beside streams that are up."""
    poll_down_ms: int = 2_000
    """How often it is read while the streams are down, or not used."""
    reconcile_every_ms: int = 300_000
    """How often everything is compared with the venue, closed profit and wallet too, whatever is
    held; also at a start and after each outage of the streams."""
    closed_profit_lag_ms: int = 60_000
    """How old a closing order must be before its record at the venue is missed."""
    closed_profit_tolerance: Money = attrs.field(factory=lambda: Money.of("0.01"))
    """How far the ledger's profit of a closing order may be from the venue's in USDT, as rounding,
    before it is reported. It stops no entry: money that is missing shows in the wallet."""
    reconnect_delay_ms_min: int = 250
    """How long the first wait before a new connection is, at most; each further one is twice as
    long."""
    reconnect_delay_ms_max: int = 30_000
    """How long the wait before a new connection becomes at most."""
    balance_min: Money = attrs.field(factory=lambda: Money.of(10))
    """The least wallet balance in USDT with which a desk starts."""
    wallet_tolerance: Money = attrs.field(factory=lambda: Money.of("0.1"))
    """How far the venue's wallet may be from the books' in USDT, as rounding, before entries are
    blocked."""
    wallet_moved: Money = attrs.field(factory=lambda: Money.of(0))
    """Deposits less withdrawals since the journal was begun, in USDT, and what else moved the
    wallet and was no trade of USDT perpetuals. The comparison allows for it; sizes do not."""
    key_days_left_min: int = 7
    """With fewer days left before the key expires a warning is given."""
    keyring_service: str = "tidegate"
    """Name of the service under which the system keyring holds the key and its secret."""
    allow_withdrawal_permission: bool = False
    """Whether live trading takes an API key that may withdraw. Make a key without it instead."""
    disconnect_cancel_s: int = 0
    """Seconds without any connection after which the venue cancels open orders, where the account
    has that (institutional clients); 0 does without."""
    allow_loopback: bool = False
    """Whether the two addresses below may be used: a venue on this machine, for tests."""
    rest_url: str | None = attrs.field(default=None, validator=_loopback_url("http", "https"))
    """REST address of a venue on this machine, such as ``http://127.0.0.1:8080``."""
    ws_url: str | None = attrs.field(default=None, validator=_loopback_url("ws", "wss"))
    """Stream address of a venue on this machine, such as ``ws://127.0.0.1:8080``."""
    ca_path: Path | None = None
    """File with the certificates (PEM) by which a loopback venue with TLS is trusted."""

    def __attrs_post_init__(self) -> None:
        if (self.rest_url is None) != (self.ws_url is None):
            raise ValueError(
                f"rest_url is {self.rest_url!r} and ws_url is {self.ws_url!r}; accepted: both, or "
                "neither"
            )
        if self.rest_url is not None and not self.allow_loopback:
            raise ValueError(
                f"rest_url is {self.rest_url!r} and allow_loopback is false; accepted: "
                "allow_loopback true beside it, or no address"
            )
        if 0 < self.disconnect_cancel_s < _DISCONNECT_S_MIN:
            raise ValueError(
                f"disconnect_cancel_s is {self.disconnect_cancel_s}; accepted: 0, or "
                f"{_DISCONNECT_S_MIN} to 300 seconds"
            )
        if self.reconnect_delay_ms_max < self.reconnect_delay_ms_min:
            raise ValueError(
                f"reconnect_delay_ms_max is {self.reconnect_delay_ms_max}; accepted: at least "
                f"reconnect_delay_ms_min, {self.reconnect_delay_ms_min}"
            )

    @property
    def not_found_final_ms(self) -> int:
        """Return when "not found" is proven: receive window, permitted clock lead, history lag."""
        return self.recv_window_ms + 1_000 + self.history_lag_ms
