"""What a command line asks of the application: one method for each use case.

Paths are text: opening them is the application's business.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import attrs
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import ONE, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol
from tidegate.domain.risk.verdict import Breach, Missing, Rule
from tidegate.domain.signal import RungSpec, SizingMethod, StopSpec
from tidegate.domain.ticket import Ticket

from .desk import JournalEntry, StatusReport
from .live import LiveSessionPort
from .preflight import Finding
from .reconciling import ReconcileReport
from .session import SessionPort
from .simulation import SimulateRequest, SimulationProgress, SimulationReport
from .state_commands import StateCommandsPort
from .venue_server import VenueServerPort

__all__ = [
    "DEMO_BARS",
    "BadInput",
    "CheckReport",
    "CheckRequest",
    "CommandsPort",
    "DemoRequest",
    "DoctorReport",
    "DoctorRequest",
    "NamedDesk",
    "OpenedSession",
    "PanicReport",
    "PaperRequest",
    "RunRequest",
    "VenueRequest",
    "Where",
]


DEMO_BARS = 12_000
"""How many of the bundled hourly bars the demonstration uses: about ten seconds of work."""


class BadInput(Exception):
    """What was asked cannot be done as it stands; ``problems`` holds every reason and remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@attrs.frozen(kw_only=True)
class Where:
    """Which desk is meant: ``state`` is a folder or a journal. ``None`` is what the settings say.

    ``acknowledgement`` is the literal that the settings ask for where the mode is live and the
    command may trade; a panic, and what only reads, needs none.
    """

    state: str | None = None
    config: str | None = None
    mode: TradingMode | None = None
    acknowledgement: str | None = None


@attrs.frozen(kw_only=True)
class NamedDesk:
    """The desk that a command acts on. ``venue`` says which one it is on, and where.

    ``account`` is the venue's id of the account, ``None`` while the journal does not tell it.
    """

    mode: TradingMode
    venue: str
    account: str | None
    journal: str


@attrs.frozen(kw_only=True)
class DemoRequest:
    """A demonstration over the first ``bars`` bars of the bundled data.

    Without a ``state`` folder a temporary one is made.
    """

    bars: int = DEMO_BARS
    seed: int = 0
    state: str | None = None


@attrs.frozen(kw_only=True)
class PaperRequest:
    """A paper session on recorded bars. ``None`` leaves a choice to the settings.

    ``volume_unit`` is ``base``, ``quote`` or ``contracts_usd``: what the volume column counts.
    """

    data: str
    funding: str | None = None
    mark: str | None = None
    volume_unit: str = "base"
    symbol: Symbol | None = None
    instruments: str | None = None
    strategy: str | None = None
    params: Mapping[str, str] = attrs.field(factory=dict)
    seed: int | None = None
    where: Where = attrs.field(factory=Where)


@attrs.frozen(kw_only=True)
class RunRequest:
    """A live session: a strategy on the venue of a mode. ``None`` leaves a choice to the settings.

    ``acknowledgement`` must be the literal that the settings ask for where the mode is live.
    """

    mode: TradingMode | None = None
    acknowledgement: str | None = None
    symbol: Symbol | None = None
    strategy: str | None = None
    params: Mapping[str, str] = attrs.field(factory=dict)
    bar_minutes: int | None = None
    where: Where = attrs.field(factory=Where)


@attrs.frozen(kw_only=True)
class OpenedSession:
    """A session ready to run. The caller runs and closes it.

    ``title`` says what is traded on which data, ``footer`` what must be said of the data.
    ``resumes`` is true where the stores hold an earlier part of the session.
    """

    session: SessionPort
    title: str
    base_coin: str
    state_folder: str
    is_temporary: bool
    resumes: bool
    footer: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class CheckRequest:
    """A trade on a hypothetical account that holds ``equity`` and nothing else.

    ``entry`` is the limit or the decision price. ``mark`` is ``None`` where no market is stated.
    """

    symbol: Symbol
    side: Side
    entry: Price
    kind: OrderKind
    stop: StopSpec | None
    sizing: SizingMethod
    equity: Money
    ladder: tuple[RungSpec, ...] = ()
    leverage: Rate = ONE
    mark: Price | None = None
    limits: str | None = None
    instruments: str | None = None


@attrs.frozen(kw_only=True)
class CheckReport:
    """What the rules say of a hypothetical trade.

    ``ticket`` is ``None`` where no plan could be made; ``fault`` then says why. ``missing`` rules
    could not be evaluated: on the desk they would refuse, here they are only listed. ``largest`` is
    the largest quantity that breaks none of the evaluated rules, zero where none does and ``None``
    where size is not the matter. ``assumed`` says what was taken for granted.
    """

    base_coin: str
    ticket: Ticket | None
    fault: str | None
    passed: tuple[Rule, ...] = ()
    breaches: tuple[Breach, ...] = ()
    missing: tuple[Missing, ...] = ()
    largest: Qty | None = None
    assumed: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Tell whether no evaluated rule refuses."""
        return self.ticket is not None and not self.breaches


@attrs.frozen(kw_only=True)
class PanicReport:
    """What panic left behind: the symbols still held, and how many orders are still open.

    ``unread`` is why the venue could not be read at the end: the orders are then those of the books
    alone, and nobody knows what is open. ``outlook`` is what becomes of what is left.
    """

    held: tuple[str, ...]
    orders_open: int
    unread: str | None = None
    outlook: str | None = None

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is held and nothing can fill, and the venue said so."""
        return not self.held and not self.orders_open and self.unread is None


@attrs.frozen(kw_only=True)
class DoctorRequest:
    """A check of everything that trading needs. ``mode`` of ``None`` is that of the settings.

    ``is_fixing`` permits the changes of account settings that trading needs.
    """

    mode: TradingMode | None = None
    is_fixing: bool = False
    where: Where = attrs.field(factory=Where)


@attrs.frozen(kw_only=True)
class DoctorReport:
    """What the checks found, in their order. ``venue`` says which one was looked at, and where."""

    mode: TradingMode
    venue: str
    findings: tuple[Finding, ...]

    @property
    def first_failed(self) -> Finding | None:
        """Return the first finding with which a desk would not start."""
        return next((found for found in self.findings if found.stops_start), None)


@attrs.frozen(kw_only=True)
class VenueRequest:
    """A simulated venue to be served.

    ``data`` is a file of bars, ``is_demo_feed`` takes the bundled ones instead; without either the
    market stands at ``price``. ``speed`` is how fast data is told: 1 as recorded, 0 as fast as it
    goes. Port 0 takes any free one. ``accounts`` is a TOML file, ``None`` for the ready ones.
    """

    data: str | None = None
    is_demo_feed: bool = False
    speed: Rate | None = None
    price: Price | None = None
    symbol: Symbol | None = None
    accounts: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    tls_cert: str | None = None
    tls_key: str | None = None
    where: Where = attrs.field(factory=Where)


class CommandsPort(ABC):
    """The use cases behind a command line.

    Every method may raise ``BadInput`` for what was asked, ``FeedError`` for market data,
    ``StateError`` for a store, ``VenueError`` for a venue and ``SessionError`` for a session that
    cannot run.

    Raises:
        BadInput: what was asked, or a setting, cannot be used; it lists every reason.
        FeedError: market data cannot be read.
        StateError: a store is missing, damaged, in use or of another account.
        VenueError: a venue gave no usable answer, or cannot be used.
        SessionError: a session cannot run on what it was given.

    """

    @abstractmethod
    def demo(self, request: DemoRequest) -> OpenedSession:
        """Open the demonstration: no keys, no network."""

    @abstractmethod
    def paper(self, request: PaperRequest) -> OpenedSession:
        """Open a paper session; one that was stopped goes on from its stores."""

    @abstractmethod
    def run(self, request: RunRequest) -> LiveSessionPort:
        """Prepare a live session, which the caller closes; nothing private is asked before it runs.

        Mode paper asks the market for the specification first; ``PreflightFailed`` says why it
        could not be read.
        """

    @abstractmethod
    def check(self, request: CheckRequest) -> CheckReport:
        """Judge a trade without an account, a venue or an order."""

    @abstractmethod
    def doctor(self, request: DoctorRequest) -> DoctorReport:
        """Check settings, state, keys, account and streams; nothing is ordered or moved."""

    @abstractmethod
    def venue(self, request: VenueRequest) -> VenueServerPort:
        """Prepare a simulated venue that clients reach over Bybit's protocol; it is not started."""

    @abstractmethod
    def simulate(self, request: SimulateRequest, progress: SimulationProgress) -> SimulationReport:
        """Run a desk in virtual time, among faults and kills; ends at the first broken rule."""

    @abstractmethod
    def named(self, where: Where) -> NamedDesk:
        """Name the desk that the other methods act on; a journal that cannot be read stops it not.

        Asks no venue and makes nothing.
        """

    @abstractmethod
    def status(self, where: Where) -> StatusReport:
        """Return the desk at a glance, from its journal alone."""

    @abstractmethod
    def journal(
        self,
        where: Where,
        *,
        after_version: int | None,
        has_archives: bool = False,
        kind: str | None = None,
    ) -> Iterator[JournalEntry]:
        """Yield the journal's rows above ``after_version``, oldest first.

        With ``kind`` those of one kind alone, such as ``filled``; its version does not matter. One
        that no release writes is refused as ``BadInput``.

        Those that a compaction moved away are read ``has_archives``; without it ``after_version``
        must not be before the first that is left, and ``None`` begins there.
        """

    @abstractmethod
    def state(self, where: Where) -> StateCommandsPort:
        """Return the care of a journal; nothing is opened yet."""

    @abstractmethod
    def panic(self, where: Where, *, cause: str) -> PanicReport:
        """Halt persistently, cancel every order and close every position.

        It only lessens what is at risk: mode live needs no acknowledgement for it. A journal that
        fails meanwhile is a ``StateError``: what is open then is not known.
        """

    @abstractmethod
    def reconcile(self, where: Where) -> ReconcileReport:
        """Compare the books with the venue, correct what can be corrected, and say what is left.

        It needs a journal that exists, and that no session uses meanwhile.
        """

    @abstractmethod
    def reset_panic(self, where: Where, *, confirmation: str) -> None:
        """Leave panic; refused as ``BadInput`` unless the confirmation is the literal RESET.

        A panic that has not ended is refused likewise, before a venue is asked or anything sent.
        """
