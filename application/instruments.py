"""Instrument specifications for work without a venue: those that ship and the user's own."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.adapters.catalogue import SHIPPED, CatalogueError, load_instruments
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import Symbol

from .settings import Settings

__all__ = ["instrument_of", "instruments_of"]


def instruments_of(settings: Settings) -> Mapping[Symbol, Instrument]:
    """Return every specification at hand; one of the user's replaces a shipped one of its name.

    Raises:
        CatalogueError: the user's file cannot be read or used.

    """
    if settings.instruments_path is None:
        return SHIPPED
    return MappingProxyType({**SHIPPED, **load_instruments(settings.instruments_path)})


def instrument_of(settings: Settings) -> Instrument:
    """Return the specification of the symbol that is traded.

    Raises:
        CatalogueError: there is none; there are no invented defaults.

    """
    known = instruments_of(settings)
    if settings.symbol in known:
        return known[settings.symbol]
    why = (
        f"no instrument {settings.symbol!r}; accepted: {', '.join(sorted(known))}, or one from a "
        "TOML file of your own, named by instruments_path"
    )
    raise CatalogueError("instruments", [why])
