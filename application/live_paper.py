"""Live paper trading: a desk on the paper venue, which matches against a real market's public data.

No key is read or needed: nothing private is asked. The venue's libraries are loaded by the
factories, so that importing this module costs nothing.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs
from dependency_injector import containers, providers
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.hosts import Region as Site
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.adapters.paper.store import PaperStore
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.ports.bars import BarPort
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.commands import PanicReport
from tidegate.ports.desk import DeskPort
from tidegate.ports.exchange import QueryFailed, VenueError
from tidegate.ports.live import LiveReport, LiveSessionPort
from tidegate.ports.preflight import Check, Finding, PreflightFailed, PreflightPort
from tidegate.ports.session import SessionError
from tidegate.ports.state import StatePort
from tidegate.ports.strategy import StrategyPort

from .bybit_container import make_rest_config, make_stream_config, make_tls
from .clocks import RandomKeys, SystemClock
from .emergency import panic_now
from .engine import Engine
from .lifecycle import Application
from .live_bybit import names_of, pace_of
from .live_paper_venue import LivePaperVenue, kept_in
from .live_session import LiveSession
from .preflight import look_at_settings
from .settings import Settings
from .settings_bybit import PaperMarket
from .stores import look_at_state, make_state

if TYPE_CHECKING:
    from tidegate.adapters.bybit.public_market import PublicMarket

__all__ = [
    "LivePaperContainer",
    "is_live_paper",
    "live_paper_session",
    "market_hosts",
    "open_live_paper_desk",
    "panic_on_live_paper",
]

_LOG = logging.getLogger(__name__)


def market_hosts(settings: Settings) -> Hosts:
    """Return the addresses of the market that paper trading goes by."""
    bybit = settings.bybit
    is_testnet = bybit.paper_market is PaperMarket.TESTNET
    if bybit.rest_url is not None and bybit.ws_url is not None:
        kind = VenueKind.BYBIT_TESTNET if is_testnet else VenueKind.BYBIT_MAINNET
        return Hosts.loopback(rest_url=bybit.rest_url, ws_url=bybit.ws_url, kind=kind)
    return Hosts.testnet() if is_testnet else Hosts.mainnet(Site(bybit.region.value))


def make_market(settings: Settings, hosts: Hosts, clock: ClockPort) -> "PublicMarket":
    """Return the market's public data; it connects when it is asked to."""
    from tidegate.adapters.bybit.public_market import PublicMarket  # noqa: PLC0415

    return PublicMarket(
        hosts=hosts,
        clock=clock,
        rest=make_rest_config(settings),
        streams=make_stream_config(settings),
        tls=make_tls(settings),
    )


class _Checklist(PreflightPort):
    """What is known here first, then what the market is asked."""

    def __init__(self, settings: Settings, market: PreflightPort) -> None:
        self._settings = settings
        self._market = market

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        """See :meth:`PreflightPort.run`."""
        settings = self._settings
        agreed = look_at_settings(settings)
        if not settings.bybit.streams:
            agreed = Finding(
                check=Check.SETTINGS,
                is_ok=False,
                what="bybit.streams is false, and live paper trading goes by the public stream",
                remedy="set bybit.streams to true",
            )
        here = (agreed, look_at_state(settings))
        return here if not agreed.is_ok else (*here, *self._market.run(is_fixing=is_fixing))


def make_preflight(
    settings: Settings, hosts: Hosts, market: "PublicMarket", clock: ClockPort
) -> PreflightPort:
    """Return the check list; the stream is tried on a connection of its own."""
    from tidegate.adapters.bybit.preflight_market import MarketPreflight  # noqa: PLC0415
    from tidegate.adapters.bybit.preflight_streams import HubProbe  # noqa: PLC0415

    bybit, symbols = settings.bybit, frozenset({settings.symbol})
    probe = HubProbe(
        hosts=hosts,
        credentials=None,
        clock=clock,
        config=make_stream_config(settings),
        symbols=symbols,
        ssl_context=make_tls(settings),
    )
    rules = PreflightRules(
        kind=hosts.kind,
        symbols=symbols,
        clock_offset_ms_max=bybit.clock_offset_ms_max,
        stream_start_ms=bybit.stream_start_ms,
    )
    checks = MarketPreflight(
        client=market.rest, instrument=market.instrument, rules=rules, probe=probe
    )
    return _Checklist(settings, checks)


def read_spec(settings: Settings, market: "PublicMarket", checks: PreflightPort) -> Instrument:
    """Return the market's own specification of the symbol.

    Raises:
        PreflightFailed: it cannot be read, and a check says why.
        QueryFailed: it cannot be read, though every check passes.

    """
    try:
        return market.instrument(settings.symbol)
    except QueryFailed:
        findings = checks.run()
        if any(found.stops_start for found in findings):
            raise PreflightFailed(findings) from None
        raise


def make_venue(settings: Settings, market: "PublicMarket", spec: Instrument) -> LivePaperVenue:
    """Open the paper venue on its durable store."""
    settings.venue_path.parent.mkdir(parents=True, exist_ok=True)
    kept, bybit = kept_in(settings.venue_path), settings.bybit
    known = {} if kept is None else kept.instruments
    return LivePaperVenue(
        instruments={**known, spec.symbol: spec},
        fees=settings.costs.fees,
        wallet=settings.wallet,
        config=settings.paper,
        store=PaperStore(settings.venue_path),
        market=market,
        symbol=spec.symbol,
        stream_wait_ms=bybit.stream_start_ms if bybit.streams else None,
        retry_ms=bybit.poll_down_ms,
    )


def make_engine(settings: Settings, clock: ClockPort, state_port: StatePort) -> Engine:
    """Fold the journal into a writer for the paper venue; entries need the market's stream."""
    bybit = settings.bybit
    config = attrs.evolve(
        settings.core_config(VenueKind.PAPER),
        poll_down_ms=bybit.poll_down_ms,
        poll_up_ms=bybit.poll_up_ms,
        reconcile_every_ms=bybit.reconcile_every_ms,
        streams_needed=bybit.streams,
    )
    return Engine(config=config, clock=clock, state_port=state_port)


def make_application(
    engine: Engine,
    venue: LivePaperVenue,
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
        symbols=frozenset({venue.symbol}),
        preflight=preflight,
    )


class LivePaperContainer(containers.DeclarativeContainer):
    """Everything of one desk; each part is built once, on first use, by any thread."""

    settings = providers.Dependency(instance_of=Settings)
    hosts = providers.ThreadSafeSingleton(market_hosts, settings)
    clock = providers.ThreadSafeSingleton(SystemClock)
    market = providers.ThreadSafeSingleton(make_market, settings, hosts, clock)
    preflight = providers.ThreadSafeSingleton(make_preflight, settings, hosts, market, clock)
    spec = providers.ThreadSafeSingleton(read_spec, settings, market, preflight)
    venue = providers.ThreadSafeSingleton(make_venue, settings, market, spec)
    state_port = providers.ThreadSafeSingleton(make_state, settings)
    engine = providers.ThreadSafeSingleton(make_engine, settings, clock, state_port)
    keys = providers.ThreadSafeSingleton(RandomKeys)
    application = providers.ThreadSafeSingleton(
        make_application, engine, venue, state_port, keys, preflight
    )


class _PaperSession(LiveSession):
    """A live session that ends where its market is fed no more."""

    def __init__(
        self,
        *,
        application: Application,
        state_port: StatePort,
        venue: LivePaperVenue,
        bars: Callable[[], BarPort],
        strategy: StrategyPort,
        settings: Settings,
        place: str,
    ) -> None:
        super().__init__(
            application=application,
            state_port=state_port,
            bars=bars,
            strategy=strategy,
            symbol=settings.symbol,
            pace=pace_of(settings),
            names=names_of(settings, strategy, place=place),
        )
        self._venue = venue
        self._state_port = state_port
        self._has_run = False
        venue.when_feed_fails(application.ask_stop)

    def run(self) -> LiveReport:
        """See :meth:`LiveSessionPort.run`."""
        self._has_run = True
        report = super().run()
        fault = self._venue.failure
        if fault is not None:
            raise SessionError(
                f"the market could not be fed any more: {type(fault).__name__}: {fault}; positions "
                "keep their stops on the paper venue, and the next start goes on from there"
            ) from fault
        return report

    def close(self) -> None:
        """See :meth:`LiveSessionPort.close`; what ran has closed its own by now."""
        super().close()
        if not self._has_run:
            self._venue.close()
            self._state_port.close()


def live_paper_session(settings: Settings, strategy: StrategyPort) -> LiveSessionPort:
    """Build a live session on the paper venue. The market is asked for the specification.

    Raises:
        PreflightFailed: the specification cannot be read, and a check says why.
        QueryFailed: it cannot be read, though every check passes.
        StateError: a store cannot be used, or was begun with something else.

    """
    parts = LivePaperContainer(settings=settings)
    application = _built(parts)
    market = parts.market()
    return _PaperSession(
        application=application,
        state_port=parts.state_port(),
        venue=parts.venue(),
        bars=market.follow,
        strategy=strategy,
        settings=settings,
        place=f"paper, market of {_address(parts.hosts())}",
    )


def _address(hosts: Hosts) -> str:
    return f"{hosts.kind.value} at {hosts.rest_url}"


def _built(parts: LivePaperContainer) -> Application:
    """Build the application; where that fails, what was opened is closed."""
    with ExitStack() as undo:
        undo.callback(parts.market().close)
        undo.callback(parts.venue().close)
        undo.callback(parts.state_port().close)
        application = parts.application()
        undo.pop_all()
        return application


def is_live_paper(settings: Settings) -> bool:
    """Tell whether the settings lead to what a live paper session left.

    Raises:
        StateError: the venue's store is in use, damaged or of a newer release.

    """
    return settings.mode is TradingMode.PAPER and kept_in(settings.venue_path) is not None


def _at_rest(settings: Settings) -> LivePaperContainer:
    """Return the parts for an operator's act on what a session left: no stream, no check list.

    The specification is the one in the store, so that it does not need the market.
    """
    kept = kept_in(settings.venue_path)
    bybit = attrs.evolve(settings.bybit, streams=False)
    if kept is None or not kept.instruments:
        parts = LivePaperContainer(settings=attrs.evolve(settings, bybit=bybit))
    else:
        named = kept.held or {settings.symbol} & set(kept.instruments) or set(kept.instruments)
        symbol = min(named)
        opening = kept.opening
        found = attrs.evolve(
            settings,
            bybit=bybit,
            symbol=symbol,
            seed=opening.seed,
            wallet=opening.wallet,
            paper=attrs.evolve(settings.paper, margin_mode=opening.margin_mode),
        )
        parts = LivePaperContainer(settings=found)
        parts.spec.override(providers.Object(kept.instruments[symbol]))
    parts.preflight.override(providers.Object(None))
    return parts


@contextmanager
def open_live_paper_desk(settings: Settings) -> Iterator[DeskPort]:
    """Open the desk of a live paper account for one act of an operator, at the market's prices.

    What the market did meanwhile is matched first. The desk has recovered when it is handed out.

    Raises:
        QueryFailed: the market could not be asked.
        StateError: a session runs on this state, or it cannot be used.

    """
    application = _built(_at_rest(settings))
    application.start()
    try:
        yield application.desk
    finally:
        application.stop()


def panic_on_live_paper(settings: Settings, *, cause: str) -> PanicReport:
    """Halt and close everything of a live paper account, at the market's present prices.

    Where the market cannot be asked it closes at the last prices that the venue has.

    Raises:
        StateError: a session runs on this state, or it cannot be used.

    """
    parts = _at_rest(settings)
    with ExitStack() as stack:
        stack.callback(parts.market().close)
        venue = parts.venue()
        stack.callback(venue.close)
        state_port = parts.state_port()
        stack.callback(state_port.close)
        try:
            venue.refresh()
        except VenueError as error:
            _LOG.warning("the market could not be asked, the last prices count: %s", error)
        return panic_now(
            engine=parts.engine(),
            port=venue,
            state_port=state_port,
            keys=parts.keys(),
            symbols=frozenset({venue.symbol}),
            fees=settings.costs.fees,
            cause=cause,
        )
