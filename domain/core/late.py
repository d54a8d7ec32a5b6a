"""Changes of ours that were given up and arrive late: what they set is nobody's change by hand."""

from collections.abc import Callable

from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Amount, Price
from tidegate.domain.protection import ProtectionChange

from .changing import is_shown
from .draft import Draft
from .state import LiveTrade

__all__ = ["is_late", "is_late_stop", "is_stop_on_its_way"]


def is_late(
    draft: Draft,
    trade: LiveTrade,
    leg: Callable[[ProtectionChange], Amount | None],
    shown: Amount | None,
) -> bool:
    """Tell whether what a position shows may come from a request of ours that was given up.

    It may until no request can arrive any more. Then it has ``stop_verify_ms`` to be shown, after
    the same time in which it is let be for another that is on its way.
    """
    config = draft.config
    wait_ms = config.send_within_ms + config.not_found_final_ms + 2 * config.stop_verify_ms
    asked = [leg(one.change) for one in trade.managed.late if draft.now_ms < one.time_ms + wait_ms]
    return any(value is not None and is_shown(value, shown) for value in asked)


def is_late_stop(draft: Draft, trade: LiveTrade, shown: Price | None) -> bool:
    """Tell whether a stop that is not the wanted one is a late one of ours, to be put back.

    A tighter one stays where it is: on a halted desk, which never loosens, and while a break-even
    is still to be set.
    """
    if shown is not None and is_tighter(shown, trade.stop_wanted, side=trade.side):
        managed = trade.managed
        is_even_due = managed.break_even_due_ms is not None and not managed.is_break_even_set
        if is_even_due or draft.books.effective_state is TradingState.HALTED:
            return False
    return is_late(draft, trade, lambda change: change.stop_loss, shown)


def is_stop_on_its_way(draft: Draft, trade: LiveTrade) -> bool:
    """Tell whether a change of the stop is under way that should soon take the place of any."""
    pending = draft.books.protecting.get(trade.symbol)
    if pending is None or pending.intended.change.stop_loss is None:
        return False
    return draft.now_ms < pending.intended.time_ms + draft.config.stop_verify_ms
