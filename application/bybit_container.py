"""Wiring of a desk on Bybit: typed factories, one container, and the check list before trading.

The venue's libraries are loaded by the factories, so that importing this module costs nothing.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs
from dependency_injector import containers, providers
from tidegate.adapters.bybit.credentials import (
    KEY_VARIABLE,
    SECRET_VARIABLE,
    Credentials,
    CredentialsMissing,
)
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.hosts import Region as Site
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.commands import PanicReport
from tidegate.ports.desk import DeskPort
from tidegate.ports.preflight import PreflightPort
from tidegate.ports.state import StatePort

from .clocks import RandomKeys, SystemClock
from .emergency import panic_now
from .engine import Engine
from .lifecycle import Application
from .preflight import Checklist
from .settings import Settings
from .settings_bybit import OrderEntry
from .stores import make_state, make_writer_state

if TYPE_CHECKING:
    from tidegate.adapters.bybit.rest import RestConfig
    from tidegate.adapters.bybit.streams.settings import StreamConfig
    from tidegate.adapters.bybit.venue import BybitVenue

__all__ = [
    "KIND_OF",
    "BybitContainer",
    "built",
    "bybit_application",
    "credentials_trouble",
    "hosts_of",
    "open_bybit_desk",
    "open_venue_checks",
    "panic_on_bybit",
    "read_credentials",
    "venue_address",
]

KIND_OF: Mapping[TradingMode, VenueKind] = MappingProxyType(
    {
        TradingMode.DEMO: VenueKind.BYBIT_DEMO,
        TradingMode.TESTNET: VenueKind.BYBIT_TESTNET,
        TradingMode.LIVE: VenueKind.BYBIT_MAINNET,
    }
)
"""Which environment of Bybit each mode trades in."""


def hosts_of(settings: Settings) -> Hosts:
    """Return the addresses of the mode's environment, or those of a venue on this machine.

    Raises:
        ValueError: the mode has no venue of Bybit's.

    """
    kind, bybit = _kind(settings), settings.bybit
    if bybit.rest_url is not None and bybit.ws_url is not None:
        return Hosts.loopback(rest_url=bybit.rest_url, ws_url=bybit.ws_url, kind=kind)
    if kind is VenueKind.BYBIT_DEMO:
        return Hosts.demo()
    if kind is VenueKind.BYBIT_TESTNET:
        return Hosts.testnet()
    return Hosts.mainnet(Site(bybit.region.value))


def _kind(settings: Settings) -> VenueKind:
    kind = KIND_OF.get(settings.mode)
    if kind is None:
        accepted = ", ".join(mode.value for mode in KIND_OF)
        raise ValueError(f"mode {settings.mode.value} has no Bybit venue; accepted: {accepted}")
    return kind


def venue_address(settings: Settings) -> str:
    """Say which venue the settings lead to, and where it is."""
    hosts = hosts_of(settings)
    return f"{hosts.kind.value} at {hosts.rest_url}"


def read_credentials(settings: Settings, env: Mapping[str, str]) -> Credentials:
    """Return the API key of the environment, or else that of the system keyring.

    Raises:
        CredentialsMissing: there is none in either; the text says where it was looked for.
        ValueError: one is there and cannot be used.

    """
    try:
        return Credentials.from_environment(env)
    except CredentialsMissing as first:
        if any(env.get(name) for name in (KEY_VARIABLE, SECRET_VARIABLE)):
            raise
        try:
            return Credentials.from_keyring(settings.bybit.keyring_service)
        except CredentialsMissing as second:
            raise CredentialsMissing(f"{first}; {second}") from None


def credentials_trouble(settings: Settings, env: Mapping[str, str]) -> str | None:
    """Say why there is no usable API key; ``None`` where there is one."""
    try:
        read_credentials(settings, env)
    except (CredentialsMissing, ValueError) as error:
        return str(error)
    return None


def make_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return how a server is trusted; ``None`` for the system's own way."""
    path = settings.bybit.ca_path
    return None if path is None else ssl.create_default_context(cafile=path)


def make_stream_config(settings: Settings) -> "StreamConfig":
    """Return the bounds of the streams."""
    from tidegate.adapters.bybit.streams.settings import (  # noqa: PLC0415
        ConnectionLimits,
        RetryLimits,
        StreamConfig,
    )

    bybit = settings.bybit
    return StreamConfig(
        connection=ConnectionLimits(
            connect_wait_ms=bybit.connect_timeout_ms,
            ping_every_ms=bybit.ping_interval_ms,
            pong_wait_ms=bybit.pong_wait_ms,
        ),
        retry=RetryLimits(
            pause_ms_min=bybit.reconnect_delay_ms_min, pause_ms_max=bybit.reconnect_delay_ms_max
        ),
        value_age_ms_max=bybit.price_age_ms_max,
        public_silence_ms_max=bybit.public_silence_ms_max,
        arms_disconnect_cancel=bybit.disconnect_cancel_s > 0,
        trade_recv_window_ms=bybit.recv_window_ms,
    )


def make_rest_config(settings: Settings) -> "RestConfig":
    """Return the bounds of REST."""
    from tidegate.adapters.bybit.rest import RestConfig  # noqa: PLC0415
    from tidegate.adapters.bybit.sender import SenderConfig  # noqa: PLC0415

    bybit = settings.bybit
    return RestConfig(
        recv_window_ms=bybit.recv_window_ms,
        orders=SenderConfig(
            connect_wait_ms=bybit.connect_timeout_ms, answer_wait_ms=bybit.order_timeout_ms
        ),
        queries=SenderConfig(
            connect_wait_ms=bybit.connect_timeout_ms,
            answer_wait_ms=bybit.query_timeout_ms,
            rate_wait_ms=bybit.query_timeout_ms,
        ),
    )


def make_rules(settings: Settings) -> PreflightRules:
    """Return what the checks compare with."""
    bybit = settings.bybit
    return PreflightRules(
        kind=_kind(settings),
        symbols=frozenset({settings.symbol}),
        clock_offset_ms_max=bybit.clock_offset_ms_max,
        balance_min=bybit.balance_min,
        key_days_left_min=bybit.key_days_left_min,
        allow_withdrawal_permission=bybit.allow_withdrawal_permission,
        disconnect_cancel_s=bybit.disconnect_cancel_s,
        with_streams=bybit.streams,
        stream_start_ms=bybit.stream_start_ms,
    )


def make_venue(
    settings: Settings, hosts: Hosts, credentials: Credentials, clock: ClockPort
) -> "BybitVenue":
    """Return the adapter; it connects when it is asked to."""
    from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue  # noqa: PLC0415

    bybit = settings.bybit
    return BybitVenue(
        hosts=hosts,
        credentials=credentials,
        clock=clock,
        symbols=(settings.symbol,),
        config=BybitConfig(
            rest=make_rest_config(settings),
            streams=make_stream_config(settings),
            with_streams=bybit.streams,
            orders_over_stream=bybit.order_entry is OrderEntry.STREAM,
            history_lag_ms=bybit.history_lag_ms,
            stream_wait_ms=bybit.stream_start_ms,
        ),
        tls=make_tls(settings),
    )


def make_venue_checks(
    settings: Settings, hosts: Hosts, credentials: Credentials, venue: "BybitVenue"
) -> PreflightPort:
    """Return the checks that ask the venue; streams are tried on connections of their own."""
    from tidegate.adapters.bybit.preflight import BybitPreflight  # noqa: PLC0415
    from tidegate.adapters.bybit.preflight_streams import HubProbe  # noqa: PLC0415

    probe = HubProbe(
        hosts=hosts,
        credentials=credentials,
        clock=venue.rest.clock,
        config=make_stream_config(settings),
        symbols=(settings.symbol,),
        ssl_context=make_tls(settings),
    )
    return BybitPreflight(client=venue.rest, venue=venue, rules=make_rules(settings), probe=probe)


@contextmanager
def open_venue_checks(settings: Settings, env: Mapping[str, str]) -> Iterator[PreflightPort]:
    """Give the checks that ask the venue, on connections of their own, closed afterwards.

    Raises:
        CredentialsMissing: neither the environment nor the keyring has the key and its secret.

    """
    hosts, credentials, clock = hosts_of(settings), read_credentials(settings, env), SystemClock()
    venue = make_venue(settings, hosts, credentials, clock)
    try:
        yield make_venue_checks(settings, hosts, credentials, venue)
    finally:
        venue.close()


def make_engine(
    settings: Settings, venue: "BybitVenue", clock: ClockPort, state_port: StatePort
) -> Engine:
    """Fold the journal into a writer for the venue that was built."""
    bybit = settings.bybit
    config = attrs.evolve(
        settings.core_config(venue.kind),
        not_found_final_ms=max(
            settings.timings.not_found_final_ms, venue.capabilities.not_found_final_ms
        )
        + _own_wait_ms(settings),
        history_lag_ms=bybit.history_lag_ms,
        poll_down_ms=bybit.poll_down_ms,
        reconcile_every_ms=bybit.reconcile_every_ms,
        poll_up_ms=bybit.poll_up_ms if bybit.streams else bybit.poll_down_ms,
        streams_needed=bybit.streams,
    )
    return Engine(config=config, clock=clock, state_port=state_port)


def _own_wait_ms(settings: Settings) -> int:
    """Return how long another process may hold a request that it let go, before it is stamped."""
    if not settings.state.shared:
        return 0
    orders = make_rest_config(settings).orders
    return orders.rate_wait_ms + orders.answer_wait_ms


def make_preflight(settings: Settings, checks: PreflightPort) -> Checklist:
    """Return the whole check list; the key was read when the venue was built."""
    return Checklist(settings=settings, keys=lambda: None, venue=lambda: checks)


def make_application(
    settings: Settings,
    engine: Engine,
    venue: "BybitVenue",
    state_port: StatePort,
    keys: KeyPort,
    preflight: PreflightPort | None,
) -> Application:
    """Put the desk together; it does not start while a check fails."""
    return Application(
        engine=engine,
        port=venue,
        state_port=state_port,
        keys=keys,
        symbols=frozenset({settings.symbol}),
        preflight=preflight,
        fees_stated=settings.costs.fees if venue.kind is VenueKind.BYBIT_DEMO else None,
        bounds=settings.bounds,
    )


class BybitContainer(containers.DeclarativeContainer):
    """Everything of one desk on Bybit; each part is built once, on first use, by any thread."""

    settings = providers.Dependency(instance_of=Settings)
    env: providers.Dependency[Mapping[str, str]] = providers.Dependency()
    hosts = providers.ThreadSafeSingleton(hosts_of, settings)
    credentials = providers.ThreadSafeSingleton(read_credentials, settings, env)
    clock = providers.ThreadSafeSingleton(SystemClock)
    venue = providers.ThreadSafeSingleton(make_venue, settings, hosts, credentials, clock)
    checks = providers.ThreadSafeSingleton(make_venue_checks, settings, hosts, credentials, venue)
    preflight = providers.ThreadSafeSingleton(make_preflight, settings, checks)
    state_port = providers.ThreadSafeSingleton(make_writer_state, settings)
    engine = providers.ThreadSafeSingleton(make_engine, settings, venue, clock, state_port)
    keys = providers.ThreadSafeSingleton(RandomKeys)
    application = providers.ThreadSafeSingleton(
        make_application, settings, engine, venue, state_port, keys, preflight
    )


def bybit_application(settings: Settings, env: Mapping[str, str]) -> Application:
    """Build a desk on Bybit; nothing connects before it is started.

    Raises:
        CredentialsMissing: there is no API key.
        ValueError: the mode has no Bybit venue, or the key cannot be used.
        ModeMismatch: trading mode and venue do not belong together.

    """
    return built(BybitContainer(settings=settings, env=env))


@contextmanager
def open_bybit_desk(settings: Settings, env: Mapping[str, str]) -> Iterator[DeskPort]:
    """Open the desk of an account on Bybit for one act of an operator, without any check before it.

    The desk has recovered when it is handed out; a panic does not wait for that.

    Raises:
        CredentialsMissing: there is no API key.
        VenueError: the venue gave no usable answer.

    """
    parts = BybitContainer(settings=settings, env=env)
    # An operator's act needs no lease: it must be possible while others trade.
    parts.state_port.override(providers.ThreadSafeSingleton(make_state, settings))
    with parts.preflight.override(providers.Object(None)):
        application = built(parts)
    application.start()
    try:
        yield application.desk
    finally:
        application.stop()


def panic_on_bybit(settings: Settings, env: Mapping[str, str], *, cause: str) -> PanicReport:
    """Halt and close everything of an account on Bybit: over REST alone, and before all else.

    Raises:
        CredentialsMissing: there is no API key.
        JournalMismatch: the journal belongs to another venue or account.

    """
    bybit = attrs.evolve(settings.bybit, streams=False, order_entry=OrderEntry.REST)
    parts = BybitContainer(settings=attrs.evolve(settings, bybit=bybit), env=env)
    parts.state_port.override(providers.ThreadSafeSingleton(make_state, settings))
    with ExitStack() as stack:
        venue = parts.venue()
        stack.callback(venue.close)
        state_port = parts.state_port()
        stack.callback(state_port.close)
        return panic_now(
            engine=parts.engine(),
            port=venue,
            state_port=state_port,
            keys=parts.keys(),
            symbols=frozenset({settings.symbol}),
            fees=settings.costs.fees,
            cause=cause,
        )


def built(parts: BybitContainer) -> Application:
    """Build the application of a container; where that fails, what was opened is closed."""
    venue, state_port = parts.venue(), parts.state_port()
    try:
        return parts.application()
    except BaseException:
        state_port.close()
        venue.close()
        raise
