"""Trading mode and venue must belong together: checked where a desk or session is built.

The checks read the adapter that was built, not only the configuration. A runner asks again before
every entry leaves, and the rule of the same name judges it too.
"""

from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import AmendOrder, ApplySetting, Effect, Place
from tidegate.domain.mode import VENUES_OF, mode_agrees
from tidegate.domain.orders import Role
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import ExchangePort

__all__ = ["ModeMismatch", "check_mode", "mode_objection", "obeys_mode"]


class ModeMismatch(Exception):
    """Trading mode and venue do not belong together."""


def check_mode(config: CoreConfig, port: ExchangePort) -> None:
    """Raise :class:`ModeMismatch`, naming both sides, unless they agree.

    Raises:
        ModeMismatch: they do not agree; nothing was sent.

    """
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


def obeys_mode(effect: Effect) -> bool:
    """Tell whether an effect may leave only where mode and venue agree.

    Entries, an operator's own orders, changes and settings obey it; what the desk itself closes,
    cancels and protects with passes, since a mistake must not trap a position.
    """
    match effect:
        case Place():
            is_exit = effect.order.order.purpose.role is Role.EXIT
            return is_exit or isinstance(effect.order, Approved)
        case AmendOrder() | ApplySetting():
            return True
        case _:
            return False
