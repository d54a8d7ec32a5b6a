"""Trading mode and venue must belong together: checked where a desk or session is built.

The check reads the adapter that was built, not only the configuration. The rule of the same name
judges it again before every entry.
"""

from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import VENUES_OF, mode_agrees
from tidegate.ports.exchange import ExchangePort

__all__ = ["ModeMismatch", "check_mode"]


class ModeMismatch(Exception):
    """Trading mode and venue do not belong together."""


def check_mode(config: CoreConfig, port: ExchangePort) -> None:
    """Raise :class:`ModeMismatch`, naming both sides, unless they agree."""
    if mode_agrees(config.mode, port.kind) and config.venue is port.kind:
        return
    fitting = ", ".join(sorted(kind.value for kind in VENUES_OF[config.mode]))
    raise ModeMismatch(
        f"trading mode {config.mode.value!r}, set up for a {config.venue.value!r} venue, on a "
        f"{port.kind.value!r} venue: this mode trades on {fitting} only"
    )
