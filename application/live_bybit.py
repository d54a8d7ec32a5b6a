"""Wiring of a live session on Bybit. The venue's libraries are loaded when a session runs."""

from collections.abc import Mapping

from tidegate.ports.bars import BarPort
from tidegate.ports.live import LiveSessionPort
from tidegate.ports.strategy import StrategyPort

from .bybit_container import BybitContainer, built, venue_address
from .live_session import LiveNames, LivePace, LiveSession
from .settings import Settings

__all__ = ["bybit_session", "names_of", "pace_of"]

_MINUTE_MS = 60_000


def pace_of(settings: Settings) -> LivePace:
    """Return when bars are taken."""
    strategy = settings.strategy
    return LivePace(
        interval_ms=strategy.bar_minutes * _MINUTE_MS,
        grace_ms=strategy.bar_grace_ms,
        retry_ms=settings.bybit.poll_down_ms,
        late_ms_max=strategy.late_ms_max,
    )


def names_of(settings: Settings, strategy: StrategyPort, *, place: str) -> LiveNames:
    """Return what a person is told; ``place`` says where orders go."""
    bars = f"bars of {settings.strategy.bar_minutes} min"
    return LiveNames(
        title=f"{type(strategy).__name__} on {settings.symbol}, {bars}, {place}",
        state_folder=str(settings.state_path.parent),
    )


def bybit_session(
    settings: Settings, env: Mapping[str, str], strategy: StrategyPort
) -> LiveSessionPort:
    """Build a live session on Bybit; nothing connects before it runs.

    Raises:
        CredentialsMissing: there is no API key.
        ValueError: the mode has no Bybit venue, or the key cannot be used.
        ModeMismatch: trading mode and venue do not belong together.

    """
    parts = BybitContainer(settings=settings, env=env)
    application = built(parts)
    venue = parts.venue()

    def bars() -> BarPort:
        from tidegate.adapters.bybit.live_bars import LiveBars  # noqa: PLC0415
        from tidegate.adapters.bybit.market import MarketQueries  # noqa: PLC0415

        hub = venue.streams if settings.bybit.streams else None
        return LiveBars(queries=MarketQueries(venue.rest), hub=hub, clock=venue.rest.clock)

    return LiveSession(
        application=application,
        state_port=parts.state_port(),
        bars=bars,
        strategy=strategy,
        symbol=settings.symbol,
        pace=pace_of(settings),
        names=names_of(settings, strategy, place=venue_address(settings)),
    )
