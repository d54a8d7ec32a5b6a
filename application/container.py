"""Wiring: typed factory functions, listed by a container that owns every instance.

mypy checks each factory's arguments; the container adds names, laziness and one instance per
container. There are no module-level singletons: two containers share nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dependency_injector import containers, providers
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.domain.mode import VenueKind
from tidegate.ports.clock import ClockPort, KeyPort
from tidegate.ports.desk import DeskPort
from tidegate.ports.feed import Feed
from tidegate.ports.session import SessionPort
from tidegate.ports.state import StatePort
from tidegate.ports.strategy import StrategyPort

from .belonging import require_same_account
from .clocks import SeededKeys, VenueClock
from .desk import Desk
from .engine import Engine
from .instruments import instruments_of
from .recovery import load_view, recover
from .runner import InlineRunner
from .session import PaperSession
from .settings import Settings
from .stores import make_state

__all__ = ["PaperContainer", "open_desk", "paper_session"]


def make_venue(settings: Settings) -> PaperVenue:
    """Open the paper venue on its durable store."""
    settings.venue_path.parent.mkdir(parents=True, exist_ok=True)
    return PaperVenue(
        instruments=instruments_of(settings),
        fees=settings.costs.fees,
        wallet=settings.wallet,
        config=settings.paper,
        store=PaperStore(settings.venue_path),
    )


def make_engine(settings: Settings, clock: ClockPort, state_port: StatePort) -> Engine:
    """Fold the journal into a writer for the paper venue."""
    config = settings.core_config(VenueKind.PAPER)
    return Engine(config=config, clock=clock, state_port=state_port)


def make_keys(settings: Settings) -> SeededKeys:
    """Derive keys from the seed, so that a resumed session gives the same ids."""
    return SeededKeys(settings.seed)


def make_runner(engine: Engine, venue: PaperVenue) -> InlineRunner:
    """Run the engine in the caller's thread, on the venue's time."""
    return InlineRunner(engine, venue)


def make_desk(runner: InlineRunner, state_port: StatePort, keys: KeyPort) -> Desk:
    """Put the public facade over the runner; checks that mode and venue agree."""
    return Desk(runner=runner, state_port=state_port, keys=keys)


def make_session(
    settings: Settings,
    runner: InlineRunner,
    venue: PaperVenue,
    feed: Feed,
    strategy: StrategyPort,
    keys: KeyPort,
    state_port: StatePort,
) -> PaperSession:
    """Put feed, venue, strategy and desk together."""
    return PaperSession(
        runner=runner,
        venue=venue,
        feed=feed,
        strategy=strategy,
        symbol=settings.symbol,
        keys=keys,
        state_port=state_port,
    )


_FEED: type = Feed
_STRATEGY: type = StrategyPort


class PaperContainer(containers.DeclarativeContainer):
    """Everything of one paper session; each part is built once, on first use, by any thread."""

    settings = providers.Dependency(instance_of=Settings)
    feed: providers.Dependency[Feed] = providers.Dependency(instance_of=_FEED)
    strategy: providers.Dependency[StrategyPort] = providers.Dependency(instance_of=_STRATEGY)
    venue = providers.ThreadSafeSingleton(make_venue, settings)
    state_port = providers.ThreadSafeSingleton(make_state, settings)
    clock = providers.ThreadSafeSingleton(VenueClock, venue)
    engine = providers.ThreadSafeSingleton(make_engine, settings, clock, state_port)
    keys = providers.ThreadSafeSingleton(make_keys, settings)
    runner = providers.ThreadSafeSingleton(make_runner, engine, venue)
    desk = providers.ThreadSafeSingleton(make_desk, runner, state_port, keys)
    session = providers.ThreadSafeSingleton(
        make_session, settings, runner, venue, feed, strategy, keys, state_port
    )


def paper_session(settings: Settings, feed: Feed, strategy: StrategyPort) -> SessionPort:
    """Build a paper session; the caller closes it."""
    return PaperContainer(settings=settings, feed=feed, strategy=strategy).session()


@contextmanager
def open_desk(settings: Settings) -> Iterator[DeskPort]:
    """Open the desk of a paper account between sessions, at the venue's present time.

    It has recovered when it is handed out, and both stores are closed afterwards. Orders take
    effect at once where the venue has no latency, otherwise with the next market data.

    Raises:
        StateError: a store is damaged, in use, or of another account (``JournalMismatch``); left
            untouched.
        VenueError: the venue gave no usable answer while the desk recovered.

    """
    parts = PaperContainer(settings=settings)
    with ExitStack() as stack:
        venue, state_port = parts.venue(), parts.state_port()
        stack.callback(state_port.close)
        stack.callback(venue.close)
        runner = parts.runner()
        require_same_account(runner.state.books, venue)
        venue.connect(runner.sink)
        symbols = frozenset(report.symbol for report in venue.positions())
        load_view(runner, symbols)
        recover(runner, symbols)
        yield parts.desk()
        runner.engine.save_snapshot()
