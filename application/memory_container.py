"""Wiring of a desk in memory: a scripted venue and a journal that ends with the process.

For trying a strategy's code, a listener or a page on a desk that behaves like any other and touches
nothing. Prices move and orders meet faults by the venue's script.
"""

from dependency_injector import containers, providers
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.state import MemoryState
from tidegate.domain.money import Price
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.state import StatePort

from .clocks import RandomKeys, SystemClock
from .engine import Engine
from .instruments import instruments_of
from .lifecycle import Application
from .settings import Settings

__all__ = ["MemoryContainer"]


def make_venue(settings: Settings, clock: ClockPort, price: Price) -> MemoryVenue:
    """Return the scripted venue with the settings' symbol at ``price``."""
    venue = MemoryVenue(
        instruments=instruments_of(settings),
        fees=settings.costs.fees,
        wallet=settings.wallet,
        clock=clock,
    )
    venue.script.move(settings.symbol, last=price)
    return venue


def make_engine(
    settings: Settings, venue: MemoryVenue, clock: ClockPort, state_port: StatePort
) -> Engine:
    """Begin with empty books, for the venue that was built."""
    config = settings.core_config(venue.kind)
    return Engine(config=config, clock=clock, state_port=state_port)


def make_application(
    settings: Settings, engine: Engine, venue: MemoryVenue, state_port: StatePort, keys: KeyPort
) -> Application:
    """Put the desk together."""
    return Application(
        engine=engine,
        port=venue,
        state_port=state_port,
        keys=keys,
        symbols=frozenset({settings.symbol}),
        bounds=settings.bounds,
    )


class MemoryContainer(containers.DeclarativeContainer):
    """Everything of one desk in memory; each part is built once, on first use, by any thread."""

    settings = providers.Dependency(instance_of=Settings)
    price = providers.Dependency(instance_of=Price)
    clock = providers.ThreadSafeSingleton(SystemClock)
    venue = providers.ThreadSafeSingleton(make_venue, settings, clock, price)
    state_port = providers.ThreadSafeSingleton(MemoryState)
    engine = providers.ThreadSafeSingleton(make_engine, settings, venue, clock, state_port)
    keys = providers.ThreadSafeSingleton(RandomKeys)
    application = providers.ThreadSafeSingleton(
        make_application, settings, engine, venue, state_port, keys
    )
