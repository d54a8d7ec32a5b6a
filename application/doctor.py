"""The check list of the settings' own mode, opened for one look and closed after it."""

from collections.abc import Mapping
from contextlib import ExitStack

from tidegate.domain.mode import TradingMode
from tidegate.ports.commands import DoctorReport

from .bybit_container import credentials_trouble, open_venue_checks, venue_address
from .preflight import BYBIT_MODES, Checklist
from .settings import Settings

__all__ = ["examine", "venue_text"]


def examine(settings: Settings, env: Mapping[str, str], *, is_fixing: bool) -> DoctorReport:
    """Make every check that trading with ``settings`` needs; what was opened is closed again."""
    with ExitStack() as opened:
        checks = Checklist(
            settings=settings,
            keys=lambda: credentials_trouble(settings, env),
            venue=lambda: opened.enter_context(open_venue_checks(settings, env)),
        )
        findings = checks.run(is_fixing=is_fixing)
    return DoctorReport(mode=settings.mode, venue=venue_text(settings), findings=findings)


def venue_text(settings: Settings) -> str:
    """Say which venue the settings lead to, and where it is."""
    if settings.mode in BYBIT_MODES:
        return venue_address(settings)
    if settings.mode is TradingMode.PAPER:
        return f"the simulated venue in {settings.venue_path}"
    return "the scripted venue in memory"
