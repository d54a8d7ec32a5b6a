"""What the venue says a symbol is: its specification and fees, fresh after every start."""

import attrs
from tidegate.domain.orders import Symbol

from .draft import Draft
from .inputs import InstrumentRead, SpecsLoaded
from .protecting import keep_levels, plan_again
from .state import with_item

__all__ = ["instrument_read", "specs_loaded"]


def instrument_read(draft: Draft, item: InstrumentRead) -> None:
    """Take the specification of a symbol that was held and not known; its fees are not asked.

    On a journal that is shared, a fill may have come before it: its levels are planned now.
    """
    symbol = item.instrument.symbol
    known = with_item(draft.view.instruments, symbol, item.instrument)
    draft.view = attrs.evolve(draft.view, instruments=known)
    if draft.config.is_shared:
        plan_again(draft, symbol)
        keep_levels(draft, symbol)


def specs_loaded(draft: Draft, item: SpecsLoaded) -> None:
    """Take the specification and fees of a symbol."""
    symbol: Symbol = item.instrument.symbol
    view = draft.view
    draft.view = attrs.evolve(
        view,
        instruments=with_item(view.instruments, symbol, item.instrument),
        fees=with_item(view.fees, symbol, item.fees),
    )
