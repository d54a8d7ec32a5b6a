"""Trading mode and venue must belong together: checked where a desk or session is built.

The checks read the adapter that was built, not only the configuration. A runner asks again before
every entry leaves, and the rule of the same name judges it too.
"""

from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import VENUES_OF, mode_agrees
from tidegate.ports.exchange import ExchangePort

__all__ = ["ModeMismatch", "check_mode", "mode_objection"]


class ModeMismatch(Exception):
    """Trading mode and venue do not belong together."""


def check_mode(config: CoreConfig, port: ExchangePort) -> None:
    """Raise :class:`ModeMismatch`, naming both sides, unless they agree."""
    objection = mode_objection(config, port)
    if objection is not None:
        raise ModeMismatch(objection)


def mode_objection(config: CoreConfig, port: ExchangePort) -> str | None:
    """Say why orders of this configuration may not go to ``port``; ``None`` where they may."""
    kind = port.kind
    if mode_agrees(config.mode, kind) and config.venue is kind:
        return None
    fitting = ", ".join(sorted(fit.value for fit in VENUES_OF[config.mode]))
    return (
        f"trading mode {config.mode.value!r}, set up for a {config.venue.value!r} venue, on a "
        f"{kind.value!r} venue: this mode trades on {fitting} only"
    )
